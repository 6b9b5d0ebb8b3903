/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ENDPOINTS_H
#define MEWATCH_LEDGER_ENDPOINTS_H

/* Endpoints: the entries of the policy, their counts, and whether they work. */
#include "ledger/ledger.h"

struct me_endpoints;

struct me_endpoints *me_endpoints_new(void);
void me_endpoints_free(struct me_endpoints **endpoints);

/* As me_ledger_keep_endpoints(). */
void me_endpoints_keep(struct me_endpoints *endpoints, struct me_endpoint_kept *kept, uint32_t n);
/* What is kept of an endpoint, or NULL: it is none. Valid until the next policy or counts. */
struct me_endpoint_kept *me_endpoints_kept(const struct me_endpoints *endpoints, uint32_t endpoint);

/*
 * The entries of the policy in force from `now_ns` on. 0, -ENOMEM or -ENOSPC (nothing is kept of an id
 * so high), and the old ones stay.
 */
int me_endpoints_policy(struct me_endpoints *endpoints, const struct me_endpoint_entry *entries,
			size_t n_entries, uint64_t now_ns);

/* The counts of ids 0 to n - 1, copied. 0, -ENOMEM or -ENOSPC. */
int me_endpoints_counts(struct me_endpoints *endpoints, const struct me_endpoint_counts *counts,
			uint32_t n, uint64_t now_ns);

bool me_endpoints_next(const struct me_endpoints *endpoints, uint64_t now_ns, size_t *cursor,
		       struct me_endpoint *ret_endpoint);

#endif
