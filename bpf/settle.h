/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_SETTLE_H
#define MEWATCH_BPF_SETTLE_H

/* What the daemon runs for one flow, of either vantage: its settling, and its end. */
#include "mewatch/mode.h"
#include "mewatch/wire.h"
#include "bpf/deny.h"
#include "bpf/flow.h"

/* The flow is the endpoint's from now on, with what it has done so far. */
static __always_inline void me_settle_endpoint(const struct me_settle *settle, struct me_flow *flow)
{
	__sync_lock_test_and_set(&flow->endpoint, settle->endpoint);
	me_attempt_credit(settle->endpoint, settle->flags, flow->first_ns);
	if (settle->flags)
		me_ending_change(flow, ME_OUTCOME_NONE, me_flow_flags(settle->flags));
	me_flow_credit(flow, settle->now_ns);
	me_flow_credit_ending(flow);
	me_flow_credit_answer(flow);
}

/* The flags of an open flow that ends as a violation. One that is over needs nobody's denying. */
static __always_inline __u8 me_settle_mode(const struct me_settle *settle,
					   const struct me_flow *flow, union me_state before)
{
	__u8 flags = before.flags & ME_STATE_MODE;

	if (!flags || (!(flags & ME_STATE_STRICT) && (flow->flags & ME_FLOW_CLOSED)))
		return 0;
	return me_mode_weaken(flags, me_deny_mode(settle->key.proto, settle->key.port));
}

/* It is counted, unless it was when it was opened; sockets may have it in sight already. */
static __always_inline void me_settle_deny(const struct me_settle *settle,
					   const struct me_flow *flow, union me_state after)
{
	if (after.flags & ME_STATE_STRICT)
		return;
	me_deny_count(settle->key.vantage, flow->service, after);
	if (settle->key.vantage == ME_HOST && me_deny_state(after))
		me_cut_new();
}

/* An open flow becomes final: the state first, then the record, then the cells. */
static __always_inline int me_settle_verdict(const struct me_settle *settle, struct me_flow *flow)
{
	union me_state before = {.word = flow->state.word}, after = {.word = settle->state.word};
	__u32 service = flow->service;
	bool held = before.flags & ME_STATE_HELD;

	after.flags = held ? 0 : ME_STATE_TOLD;
	if (after.verdict == ME_VIOLATION)
		after.flags |= me_settle_mode(settle, flow, before);
	if (!before.flags || me_state_is_final(before) ||
	    __sync_val_compare_and_swap(&flow->state.word, before.word, after.word) != before.word)
		return -EALREADY;
	flow->generation = settle->generation;
	if (after.verdict == ME_VIOLATION) {
		flow->rule = 0;
	} else {
		flow->rule = settle->rule;
		flow->service = settle->service;
		me_settle_endpoint(settle, flow);
	}
	if (!held || after.verdict == ME_VIOLATION)
		me_tell_flow(ME_RECORD_RESOLVED, me_next_id(), settle->now_ns, &settle->key, flow);
	if (settle->flags & ME_SETTLE_BYPASSED)
		me_tell_finding(ME_FINDING_PROXY_BYPASSED, &settle->key, flow);
	me_settle_count(settle->key.vantage, service, before, flow, after);
	me_settle_deny(settle, flow, after);
	return 0;
}

static __always_inline int me_settle_end(const struct me_settle *settle, struct me_flow *flow)
{
	if (flow->flags & ME_FLOW_CLOSED)
		return -EALREADY;
	if (settle->key.vantage != ME_HOST) {
		if (settle->key.proto == IPPROTO_TCP && me_wire_is_one_sided(flow))
			me_count_total(ME_TOTAL_ONE_SIDED);
		me_flow_end(flow, me_wire_unanswered(flow, settle->key.proto), settle->now_ns);
	} else if (settle->key.proto != IPPROTO_TCP)
		me_flow_end(flow, ME_OUTCOME_UNANSWERED, settle->now_ns);
	else
		me_flow_end(flow,
			    flow->flags & ME_FLOW_SENT ? ME_OUTCOME_ABORTED
						       : ME_OUTCOME_UNREACHABLE,
			    settle->now_ns);
	return 0;
}

/* One run settles one flow, so a daemon killed in between leaves nothing half done. */
SEC("syscall") int me_settle(struct me_settle *settle)
{
	struct me_flow_key key = settle->key;
	struct me_flow *flow = bpf_map_lookup_elem(&me_flows, &key);
	struct me_settle copy = *settle;

	if (!flow || flow->id != copy.id)
		settle->result = -ENOENT;
	else if (copy.what == ME_SETTLE_VERDICT)
		settle->result = me_settle_verdict(&copy, flow);
	else
		settle->result = me_settle_end(&copy, flow);
	return 0;
}

/* What the daemon takes out of the table, when a flow is over and its counts are written down. */
SEC("syscall") int me_take(struct me_take *take)
{
	struct me_flow_key key = take->key;
	const struct me_flow *flow = me_flow_claim(&key, take->id);

	take->result = -ENOENT;
	if (!flow)
		return 0;
	take->flow = *flow;
	take->flow.flags &= ~ME_FLOW_GOING;
	take->result = bpf_map_delete_elem(&me_flows, &key);
	return 0;
}

#endif
