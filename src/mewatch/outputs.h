/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_OUTPUTS_H
#define MEWATCH_MEWATCH_OUTPUTS_H

/* What the daemon says: events, metrics, the API, the text file. */
struct me_daemon;
struct me_status;

/* Opens all that the options name, and begins to tell (daemon->events). Logged. 0 or an exit code. */
int me_outputs_open(struct me_daemon *daemon);
void me_outputs_close(struct me_daemon *daemon);

/* Adds the HTTP server's descriptor to an epoll. 0 or a negative errno. */
int me_outputs_watch(struct me_daemon *daemon, int epoll);
/* Milliseconds until me_outputs_dispatch() is due even if nothing comes; -1: no need. */
int me_outputs_timeout_ms(const struct me_daemon *daemon);
void me_outputs_dispatch(struct me_daemon *daemon);

/* What the daemon knows of itself; valid until the next call, or answer. */
const struct me_status *me_outputs_status(struct me_daemon *daemon);

/* Once a round: the text file. */
void me_outputs_round(struct me_daemon *daemon);
/* SIGUSR1: the event file is opened anew. */
void me_outputs_reopen(struct me_daemon *daemon);

#endif
