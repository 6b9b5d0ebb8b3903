/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_RECORDING_H
#define MEWATCH_MEWATCH_RECORDING_H

/* The history of the daemon (store/history.h): what it is told, and what it says of itself. */
struct me_daemon;
struct me_history;
struct me_record;
struct me_status;

/* Once the counters are there, and before anything is told. Logged. 0 or an exit code. */
int me_recording_open(struct me_daemon *daemon);
void me_recording_close(struct me_daemon *daemon);

/* Valid until me_recording_close(). */
struct me_history *me_recording_history(const struct me_daemon *daemon);

/* What the kernel side told. */
void me_recording_record(struct me_daemon *daemon, const struct me_record *record);

/* Another policy is in force: whether there is a history, and its bounds. */
void me_recording_policy(struct me_daemon *daemon);

/* Once a round: writes what is due. */
void me_recording_round(struct me_daemon *daemon);
/* The end of it, which is waited for. */
void me_recording_stop(struct me_daemon *daemon);

/* Its part of the status; valid until the next call. */
void me_recording_status(struct me_daemon *daemon, struct me_status *status);

#endif
