/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_DENY_H
#define MEWATCH_BPF_DENY_H

/*
 * Denying. What is decided about a flow when it is opened or settled is in its state; whoever holds a
 * packet of one that is denied asks here whether that is still so.
 */
#include <stdbool.h>
#include "mewatch/mode.h"
#include "bpf/count.h"
#include "bpf/policy.h"

/* The mode that holds for a port now. Verified by itself. */
__noinline __u32 me_deny_mode(__u32 proto, __u32 port)
{
	const struct me_control *control = me_control_get();
	const struct me_column *column = me_port_column(proto, port);

	if (!control || !column)
		return ME_MODE_MONITOR;
	return me_mode_now(control, column->flags >> ME_COLUMN_MODE_SHIFT & ME_MODE_ALL,
			   bpf_ktime_get_ns());
}

static __always_inline bool me_deny_state(union me_state state)
{
	return me_state_action(state) == ME_ACTION_DENIED;
}

/* Whether what goes to that peer is denied now, its flow being in that state. */
static __always_inline bool me_deny_still(const struct me_flow_key *key, union me_state state)
{
	return me_deny_state(state) && me_deny_mode(key->proto, key->port) == ME_MODE_ENFORCE;
}

/* The packets of all sockets are looked at until the daemon finds nothing more to cut. */
static __always_inline void me_cut_new(void)
{
	struct me_control *control = (struct me_control *)me_control_get();

	if (control)
		control->cut = ME_CUT_NEW;
}

/* Counts what is done about a flow. */
static __always_inline void me_deny_count(__u32 vantage, __u32 service, union me_state state)
{
	enum me_action action = me_state_action(state);

	if (action != ME_ACTION_NONE)
		me_count_cell(vantage, service,
			      action == ME_ACTION_DENIED ? ME_CELL_DENIED : ME_CELL_SHADOWED,
			      state.reason & 15);
}

#endif
