/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_SYSTEM_H
#define MEWATCH_POLICY_SYSTEM_H

/*
 * What `resolvers: system` means on this machine: the name servers of resolv.conf(5) and, where one
 * of them is a stub on loopback, the servers that the usual stubs ask in turn.
 */
#include <stddef.h>
#include "mewatch/address.h"

#define ME_SYSTEM_RESOLVERS_MAX 32u

/* Name servers, each once. */
struct me_system_list {
	struct me_addr address[ME_SYSTEM_RESOLVERS_MAX];
	size_t n;
};

struct me_system {
	struct me_system_list resolvers; /* whom this machine's programs ask */
	struct me_system_list upstream;  /* whom the stub among them asks */
};

/* Adds the `nameserver` lines of `text` that are not there yet, up to the maximum. */
void me_system_parse(struct me_system_list *list, const char *text);

/* Reads below `root` ("" on the machine itself). A file that is not there names nobody. */
void me_system_read(struct me_system *ret_system, const char *root);

#endif
