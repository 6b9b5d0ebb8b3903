/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_CREDIT_H
#define MEWATCH_BPF_CREDIT_H

/*
 * What a flow did, brought into the counts of its endpoint. A flow may get its endpoint late, when it is
 * settled, while packets go on: each byte, outcome and reset is counted once, whoever comes first.
 */
#include "bpf/count.h"

static __always_inline void me_add(__u64 *to, __u64 value)
{
	if (value)
		__sync_fetch_and_add(to, value);
}

/*
 * Raises a counter to `value`; returns by how much. Others may do so at the same time, and each
 * increment must be counted once.
 */
static __always_inline __u64 me_raise(__u64 *counter, __u64 value)
{
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)counter;

		if (value <= old)
			return 0;
		if (__sync_val_compare_and_swap(counter, old, value) == old)
			return value - old;
	}
	return 0;
}

/*
 * Brings the payload into the counts of the flow's endpoint. To be called after the flow's bytes or
 * its endpoint were changed by an atomic operation: of two that change one each, at least one sees
 * both, and what was counted is written down.
 */
static __always_inline void me_flow_credit(struct me_flow *flow, __u64 last_ns)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(*(volatile __u32 *)&flow->endpoint);
	__u64 received;

	if (!endpoint)
		return;
	me_add(&endpoint->bytes_sent,
	       me_raise(&flow->credited_sent, *(volatile __u64 *)&flow->bytes_sent));
	received = me_raise(&flow->credited_received, *(volatile __u64 *)&flow->bytes_received);
	me_add(&endpoint->bytes_received, received);
	if (received && !me_answer_failed(*(volatile __u16 *)&flow->answer))
		endpoint->last_success_ns = last_ns;
}

/* Outcome, direction and flags, as one word. */
union me_ending {
	struct {
		__u8 outcome;
		__u8 direction;
		__u16 flags;
	};
	__u32 word;
};

/* Changes the ending; returns what it was before. */
static __always_inline union me_ending me_ending_change(struct me_flow *flow, __u8 outcome,
							__u16 flags)
{
	__u32 *word = (__u32 *)&flow->outcome;
	union me_ending before, after;

	for (int i = 0; i < 8; i++) {
		before.word = *(volatile __u32 *)word;
		after = before;
		after.flags |= flags;
		if (after.outcome == ME_OUTCOME_NONE)
			after.outcome = outcome;
		if (after.word == before.word ||
		    __sync_val_compare_and_swap(word, before.word, after.word) == before.word)
			break;
	}
	return before;
}

/* Brings outcome and reset into the counts of the flow's endpoint, each once. */
static __always_inline void me_flow_credit_ending(struct me_flow *flow)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(*(volatile __u32 *)&flow->endpoint);
	union me_ending ending = {.word = *(volatile __u32 *)&flow->outcome};

	if (!endpoint)
		return;
	if (ending.outcome && !(ending.flags & ME_FLOW_OUTCOME) &&
	    !(me_ending_change(flow, ending.outcome, ME_FLOW_OUTCOME).flags & ME_FLOW_OUTCOME))
		__sync_fetch_and_add(&endpoint->outcome[ending.outcome & 7], 1);
	if ((ending.flags & ME_FLOW_RESET) && !(ending.flags & ME_FLOW_RESETS) &&
	    !(me_ending_change(flow, ending.outcome, ME_FLOW_RESETS).flags & ME_FLOW_RESETS))
		__sync_fetch_and_add(&endpoint->resets, 1);
}

/* Brings an answer that says of an error into the counts of the flow's endpoint, once. */
static __always_inline void me_flow_credit_answer(struct me_flow *flow)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(*(volatile __u32 *)&flow->endpoint);
	__u16 answer = *(volatile __u16 *)&flow->answer;

	if (!endpoint || !me_answer_failed(answer) ||
	    (me_ending_change(flow, ME_OUTCOME_NONE, ME_FLOW_ANSWER).flags & ME_FLOW_ANSWER))
		return;
	__sync_fetch_and_add(
		answer & ME_ANSWER_ALERT ? &endpoint->tls_alerts : &endpoint->http_errors, 1);
}

/*
 * The outcome becomes known, once, and flags are added: a packet that comes in and a close may want
 * to at the same time. Returns the flags of before.
 */
static __always_inline __u16 me_flow_become(struct me_flow *flow, enum me_outcome outcome,
					    __u16 flags)
{
	union me_ending before = me_ending_change(flow, outcome, flags);

	me_flow_credit_ending(flow);
	return before.flags;
}

/* The flow ends: `outcome` unless one is known. */
static __always_inline void me_flow_end(struct me_flow *flow, enum me_outcome outcome, __u64 now)
{
	flow->closed_ns = now;
	me_flow_become(flow, outcome, ME_FLOW_CLOSED);
}

#endif
