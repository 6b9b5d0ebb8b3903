/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DAEMON_USES_H
#define MEWATCH_MEWATCH_DAEMON_USES_H

struct me_daemon;

/*
 * Saves when each endpoint of the policy in force was used (mewatch/uses_file.h), for `mewatch check
 * --state`: what the ledger knows, and what the file says of the time before. Problems are logged.
 */
void me_daemon_uses_save(const struct me_daemon *daemon);

#endif
