/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_AWAY_H
#define MEWATCH_BPF_AWAY_H

/*
 * In the first moment of a network namespace nobody knows which addresses are its own, so whatever no rule
 * allows waits there, and would have left before it is settled. But what is for an own address leaves by lo:
 * a packet that leaves otherwise tells that its flow is a violation, or waits for a name and no more.
 */
#include "bpf/settle.h"
#include "bpf/socket.h"

#define ME_LO_IFINDEX 1 /* in each namespace */

static __always_inline __u8 me_away_facts(const struct __sk_buff *skb)
{
	return skb->ifindex == ME_LO_IFINDEX ? 0 : ME_FACT_AWAY;
}

/* What the flow is now that this is known: a state, and above it the generation of the policy; or 0. */
static __noinline __u64 me_away_judge(const struct me_flow_key *key, const struct me_flow *flow)
{
	struct me_target target = {.facts = ME_FACT_AWAY};
	struct me_judgement judged = {};
	union me_state state = {};
	__u64 generation;

	if (!key || !flow)
		return 0;
	target.peer = key->peer;
	target.port = key->port;
	target.proto = key->proto;
	generation = me_host_judge(&flow->origin, &target, &judged);
	state.verdict = judged.verdict;
	state.reason = judged.reason;
	state.flags = judged.acts;
	return generation ? generation << 32 | state.word : 0;
}

static __noinline int me_away_settle(const struct me_flow_key *key, struct me_flow *flow, __u64 as)
{
	union me_state state = {.word = (__u32)as}, before, after;
	struct me_settle settle = {};

	if (!key || !flow)
		return 0;
	before.word = *(volatile __u32 *)&flow->state.word;
	if (before.verdict != ME_PENDING || !(before.flags & ME_STATE_OWN))
		return 0;
	if (state.verdict != ME_VIOLATION) {
		after = before;
		after.flags = (before.flags & ~ME_STATE_OWN) | (state.flags & ME_STATE_STRICT);
		if (__sync_val_compare_and_swap(&flow->state.word, before.word, after.word) ==
		    before.word)
			me_deny_count(ME_HOST, flow->service, after);
		return 0;
	}
	settle.key = *key;
	settle.now_ns = bpf_ktime_get_ns();
	settle.generation = as >> 32;
	settle.state.verdict = ME_VIOLATION;
	/* What was known of FTP when it was opened is not asked again. */
	settle.state.reason =
		before.reason == ME_REASON_FTP_UNANNOUNCED ? before.reason : state.reason;
	return me_settle_verdict(&settle, flow);
}

/* A flow whose packet leaves not by lo. */
static __always_inline void me_away(const struct me_flow_key *key, struct me_flow *flow)
{
	__u64 as = flow->state.flags & ME_STATE_OWN ? me_away_judge(key, flow) : 0;

	if (as)
		me_away_settle(key, flow, as);
}

/* The same for the flow of a datagram, if there is one. */
static __noinline int me_away_datagram(const struct me_sock *sock, const struct me_target *target)
{
	const struct me_control *control = me_control_get();
	struct me_flow_key key;
	struct me_flow *flow;

	if (!sock || !target || !control || !control->cut)
		return 0;
	me_flow_key(sock->cookie, target, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow)
		me_away(&key, flow);
	return 0;
}

#endif
