/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_REMOTING_H
#define MEWATCH_BPF_REMOTING_H

/* The remoting ports of the policy: inside one machine, and for synchronisation between peers. */
#include <stdbool.h>
#include "bpf/policy.h"

static __always_inline bool me_port_is_remoting(__u8 proto, __u16 port)
{
	const struct me_column *column = me_port_column(proto, port);

	return column && (column->flags & ME_COLUMN_REMOTING);
}

/* Whether `peer`, on another machine, must not reach the port: remoting ports are for peers, if at all. */
static __always_inline bool me_remoting_reached(__u8 proto, __u16 port, const struct me_addr *peer)
{
	const struct me_column *column = me_port_column(proto, port);
	const struct me_control *control = me_control_get();
	const struct me_dest *dest = NULL;
	const struct me_head *head;
	__u32 zero = 0, slot;

	if (!control || !column || !(column->flags & ME_COLUMN_REMOTING))
		return false;
	if (!(column->flags & ME_COLUMN_PEERS))
		return true;
	slot = me_policy_slot(control);
	head = me_slot_lookup(&me_heads, slot, &zero);
	if (head)
		dest = me_policy_dest(slot, head, peer);
	return !dest || !(dest->flags & ME_DEST_PEER);
}

#endif
