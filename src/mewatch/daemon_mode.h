/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DAEMON_MODE_H
#define MEWATCH_MEWATCH_DAEMON_MODE_H

/* What is done about violations (mewatch/mode.h), as the policy, the options and commands have it. */
#include "export/status.h"
#include "mewatch/daemon.h"

/* What was said before, and what the options say. Before the first policy is in force. */
void me_daemon_mode_open(struct me_daemon *daemon);
/* Tells the programs, with each policy that comes into force. */
void me_daemon_mode_apply(struct me_daemon *daemon);
/* Once a round: the programs hear of the daemon, and of what has changed by itself there is an event. */
void me_daemon_mode_round(struct me_daemon *daemon);
/* The daemon goes, in good order. */
void me_daemon_mode_stop(struct me_daemon *daemon);
/* A command: this mode for so long (0: until another one comes); -1: the policy's again. */
void me_daemon_mode_say(struct me_daemon *daemon, int mode, uint64_t for_ns);
void me_daemon_mode_status(const struct me_daemon *daemon, struct me_mode_status *ret_status);

#endif
