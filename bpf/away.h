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

/* It is a violation. */
static __noinline int me_away_settle(const struct me_flow_key *key, struct me_flow *flow,
				     __u32 reason, __u32 generation)
{
	struct me_settle settle = {};

	if (!key || !flow)
		return 0;
	settle.key = *key;
	settle.now_ns = bpf_ktime_get_ns();
	settle.state.verdict = ME_VIOLATION;
	settle.state.reason = reason;
	settle.generation = generation;
	return me_settle_verdict(&settle, flow);
}

/* A flow of which that is open (ME_STATE_OWN), and whose packet leaves not by lo. */
static __noinline int me_away(const struct me_flow_key *key, struct me_flow *flow)
{
	struct me_target target = {.facts = ME_FACT_AWAY};
	struct me_judgement judged = {};
	union me_state before, after;
	__u32 generation;

	if (!key || !flow)
		return 0;
	before.word = *(volatile __u32 *)&flow->state.word;
	if (before.verdict != ME_PENDING || !(before.flags & ME_STATE_OWN))
		return 0;
	target.peer = key->peer;
	target.port = key->port;
	target.proto = key->proto;
	generation = me_host_judge(&flow->origin, &target, &judged);
	if (!generation)
		return 0;
	if (judged.verdict ==
	    ME_VIOLATION) /* what was known of FTP when it was opened is not asked again */
		return me_away_settle(key, flow,
				      before.reason == ME_REASON_FTP_UNANNOUNCED ? before.reason
										 : judged.reason,
				      generation);
	after = before;
	after.flags = (before.flags & ~ME_STATE_OWN) | (judged.acts & ME_STATE_STRICT);
	if (__sync_val_compare_and_swap(&flow->state.word, before.word, after.word) == before.word)
		me_deny_count(ME_HOST, flow->service, after);
	return 0;
}

#endif
