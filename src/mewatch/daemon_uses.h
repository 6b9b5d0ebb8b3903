/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DAEMON_USES_H
#define MEWATCH_MEWATCH_DAEMON_USES_H

struct me_daemon;

/*
 * Saves when each endpoint of the policy in force was used (mewatch/uses_file.h), for `mewatch check
 * --state`: what the ledger knows, and what the file says of the time before. Problems are logged.
 */
void me_daemon_uses_save(const struct me_daemon *daemon);

/*
 * For a first start on pins: endpoints are as they were before the machine was started again, or before
 * `mewatch detach`. With the policy in force, before anything is counted.
 */
void me_daemon_uses_load(const struct me_daemon *daemon);

#endif
