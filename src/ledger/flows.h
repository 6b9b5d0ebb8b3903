/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_FLOWS_H
#define MEWATCH_LEDGER_FLOWS_H

/*
 * The flows that are kept, by id; bounded. The flow closed first leaves first; only where none is
 * closed, the open one that was read least recently.
 */
#include "ledger/intern.h"
#include "ledger/ledger.h"

struct me_flows;

/* `intern` is borrowed; flows hold references to their texts. NULL without memory. */
struct me_flows *me_flows_new(uint32_t max, struct me_intern *intern);
void me_flows_free(struct me_flows **flows);

/* Finds the flow or adds it, zeroed but for its id. 0 when it was added, 1 when there, -ENOMEM. */
int me_flows_put(struct me_flows *flows, uint64_t id, struct me_ledger_flow **ret_flow);

/* The flow, or NULL. */
const struct me_ledger_flow *me_flows_get(const struct me_flows *flows, uint64_t id);

/* The flow was read now: among the open ones it is the last to leave. Closed ones stay closed. */
void me_flows_seen(struct me_flows *flows, struct me_ledger_flow *flow, uint64_t now_ns);

/* The flow ended then. A second end is none. */
void me_flows_close(struct me_flows *flows, struct me_ledger_flow *flow, uint64_t closed_ns);

/* Closes what was last read before `before_ns`. */
void me_flows_close_unseen(struct me_flows *flows, uint64_t before_ns);

uint64_t me_flows_evicted(const struct me_flows *flows);
const struct me_ledger_flow *me_flows_next(const struct me_flows *flows, size_t *cursor);

#endif
