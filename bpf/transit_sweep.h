/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_TRANSIT_SWEEP_H
#define MEWATCH_BPF_TRANSIT_SWEEP_H

/* What the daemon runs for the transit vantage. */
#include "bpf/parsing.h"

static long me_sync_passing_step(struct bpf_map *map, const struct me_flow_key *key,
				 struct me_flow *flow, void *context)
{
	if (key->vantage == ME_TRANSIT && flow->endpoint &&
	    (flow->bytes_sent != flow->credited_sent ||
	     flow->bytes_received != flow->credited_received))
		me_flow_credit(flow, flow->last_ns);
	return 0;
}

/* Brings what flows did into the counts of their endpoints: packets only add to their flow. */
SEC("syscall") int me_sync_passing(void *unused)
{
	__u32 nothing = 0;

	bpf_for_each_map_elem(&me_flows, me_sync_passing_step, &nothing, 0);
	return 0;
}

/* Fragments of a mail host without a first one: nobody can say what they were. */
static __always_inline void me_orphan_judge(const struct me_fragment_key *of,
					    const struct me_fragment *fragment)
{
	const struct me_control *control = me_control_get();
	struct me_judgement judged = {.service = ME_SERVICE_UNLISTED,
				      .verdict = ME_VIOLATION,
				      .reason = ME_REASON_UNPARSABLE};
	struct me_flow_key key = {.proto = ME_PROTO_UNPARSED, .vantage = ME_TRANSIT};
	struct me_flow *flow;

	if (!control)
		return;
	key.opener.address = of->src;
	key.peer = of->dst;
	me_count_unparsed(ME_UNPARSED_FRAGMENT);
	if (me_attempt(&me_origin_none, &key, &judged, control->generation, ME_FLOW_SENT) >= 0)
		me_host_attempted(&key.opener.address, fragment->number, true);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow)
		me_passing_add(flow, true, 0, fragment->packets, fragment->wire);
}

/* One run forgets one datagram. */
SEC("syscall") int me_orphan(struct me_orphan *orphan)
{
	struct me_fragment_key key = orphan->key;
	struct me_fragment *known = bpf_map_lookup_elem(&me_fragments, &key);
	struct me_fragment fragment;

	if (!known)
		return 0;
	fragment = *known;
	if (!bpf_map_delete_elem(&me_fragments, &key) && !fragment.known && fragment.number)
		me_orphan_judge(&key, &fragment);
	return 0;
}

#endif
