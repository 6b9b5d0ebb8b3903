/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_INTERNAL_H
#define MEWATCH_LEDGER_INTERNAL_H

/* What ledger.c and fold.c share. */
#include "ledger/ledger.h"

struct me_ledger {
	struct me_intern *intern;
	struct me_flows *flows;
	struct me_groups *groups;
	struct me_endpoints *endpoints;
	struct me_answers *answers;
	struct me_requests *requests;
	struct me_steps *flow_steps, *endpoint_steps;
	struct me_table *hosts; /* struct me_addr -> struct me_host_counts */
	const struct me_names *names;
	struct me_kept *kept;
	uint64_t now_ns;
	uint64_t unseen_ns;
	uint64_t slow_ns;          /* me_ledger_slow() */
	uint64_t epoch_at_zero_ns; /* epoch time at monotonic 0 */
	uint64_t cells[ME_CELL_COUNT];
	uint64_t totals[ME_TOTALS_ALL];
	uint64_t dns[ME_DNS_COUNTS];
	struct me_zone_counts zones[ME_ZONES_MAX];
	uint64_t learned;
};

#endif
