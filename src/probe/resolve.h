/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_RESOLVE_H
#define MEWATCH_PROBE_RESOLVE_H

/*
 * Questions to the resolvers of the policy, many at once: what each came to, and not only whether there
 * is an address. Neither the hosts file nor a search list is looked at. Answers are read as the daemon
 * reads them. The only user of the DNS library.
 */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/dns.h"
#include "probe/outcome.h"

#define ME_LOOKUP_ADDRESSES_MAX 16u /* of one answer; the rest is counted */
#define ME_LOOKUP_SERVERS_MAX 8u    /* that one question is put to */
#define ME_LOOKUPS_AT_ONCE 100u     /* usual forwarders take 150 */

#define ME_LOOKUP_ANY_SERVER (-1)

struct me_lookup {
	/* In */
	const char *name;
	uint16_t type; /* ME_DNS_A, ME_DNS_AAAA; of others only the outcome is told */
	int server;    /* the only one to ask, or ME_LOOKUP_ANY_SERVER: one after the other */
	/* Out */
	enum me_probe_outcome outcome; /* ME_PROBE_OK: there are addresses, or what was asked for */
	struct me_addr address[ME_LOOKUP_ADDRESSES_MAX];
	size_t n;
	size_t more;     /* addresses beyond these */
	char *canonical; /* what a chain of CNAMEs ends with, escaped as DNS has it; NULL: no chain */
	uint32_t ms;     /* to the answer, or until it was given up */
};

/*
 * Asks all of them, and returns when each has an outcome: a server has `timeout_ns`, divided by the
 * servers, and is asked twice. A further server is asked when one does not answer, or not to the point.
 * 0, -ENOMEM, or -EIO: the library cannot be used. The lookups are to be freed.
 */
int me_resolve(const struct me_addr *servers, size_t n_servers, struct me_lookup *lookups, size_t n,
	       uint64_t timeout_ns);
void me_lookups_free(struct me_lookup *lookups, size_t n);

#endif
