/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_GROUPS_H
#define MEWATCH_LEDGER_GROUPS_H

/* Violations grouped; bounded, the group that was quiet longest leaves first. */
#include "ledger/intern.h"
#include "ledger/ledger.h"

struct me_groups;

/* `intern` and `kept` are borrowed; groups hold references to their texts. NULL without memory. */
struct me_groups *me_groups_new(uint32_t max, struct me_intern *intern, const struct me_kept *kept);
void me_groups_free(struct me_groups **groups);

/* Counts a flow at a stage under its present state. 0 or -ENOMEM. */
int me_groups_add(struct me_groups *groups, const struct me_ledger_flow *flow, enum me_stage stage);

/* Takes the flow out of where me_groups_add() put it; an empty group goes. */
void me_groups_take(struct me_groups *groups, const struct me_ledger_flow *flow,
		    enum me_stage stage);

/* Sum of the counts of the groups of a stage. */
uint64_t me_groups_sum(const struct me_groups *groups, enum me_stage stage);

/* The serial of the group that came last; 0: none came yet. */
uint64_t me_groups_serial(const struct me_groups *groups);

const struct me_group *me_groups_next(const struct me_groups *groups, size_t *cursor);

#endif
