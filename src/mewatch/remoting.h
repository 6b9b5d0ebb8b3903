/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REMOTING_H
#define MEWATCH_MEWATCH_REMOTING_H

/*
 * Remoting ports at the host. Who listens on one is the product itself, by the programs that the policy
 * names, or somebody else: finding foreign-listener. The programs in the kernel tell of each socket that
 * begins to listen, a sweep finds those that began before; each is told once, over restarts too. Who
 * reaches such a port from another machine is the finding inbound-remoting.
 */
#include <stdbool.h>

struct me_daemon;
struct me_netns;
struct me_record;

#define ME_REMOTING_LISTENERS_MAX 4096u /* taken in by one sweep; more are counted in a warning */

/* Takes a record of the host about a remoting port, and tells it if it is to be told. False: it is none. */
bool me_remoting_record(struct me_daemon *daemon, const struct me_record *record);

/* When a policy came into force: looks at what listens already. Problems are logged. */
void me_remoting_sweep(struct me_daemon *daemon, const struct me_netns *netns);

#endif
