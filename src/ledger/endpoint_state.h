/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ENDPOINT_STATE_H
#define MEWATCH_LEDGER_ENDPOINT_STATE_H

/*
 * Whether one endpoint works, from its counts, over restarts. A success is a connection on which a byte
 * came, or an answer; with plain http the status is below 400. It takes back every failure.
 *
 * An endpoint fails when an attempt that began after the last success failed, and none succeeded within
 * ME_ENDPOINT_SETTLE_NS: a client that falls back to the next address of a name is no failure. What the
 * client gave up itself (aborted), what never left this machine (no route), and a connection that ended
 * without a word in good order say nothing about the endpoint.
 *
 * It is overdue when the policy expects a success every so often and there was none for longer, counted
 * from the last success or from when the entry came into force, whichever is later.
 */
#include "ledger/ledger.h"

#define ME_ENDPOINT_SETTLE_NS (5ull * 1000000000ull)

/* Takes in the counts as they are now. */
void me_endpoint_read(struct me_endpoint_kept *kept, const struct me_endpoint_counts *counts,
		      const struct me_endpoint_entry *entry, uint64_t now_ns);

bool me_endpoint_is_failing(const struct me_endpoint_kept *kept, uint64_t now_ns);

/* From when on it is overdue without another success; 0: nothing is expected of it. */
uint64_t me_endpoint_due(const struct me_endpoint_kept *kept,
			 const struct me_endpoint_entry *entry);

/* `entry` has the rule 0 when the endpoint is no longer in the policy. */
enum me_endpoint_state me_endpoint_state(const struct me_endpoint_kept *kept,
					 const struct me_endpoint_entry *entry, uint64_t now_ns);

#endif
