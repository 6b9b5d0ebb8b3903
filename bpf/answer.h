/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_ANSWER_H
#define MEWATCH_BPF_ANSWER_H

/* What the peer of a flow answers first: only that segment costs more than a comparison. */
#include "bpf/flow.h"

/*
 * The first payload that the peer of a flow sends, `length` bytes at `offset`: what it answers, before
 * the bytes are counted. Later ones do not come here.
 */
static __noinline int me_answer_seen(struct __sk_buff *skb, struct me_flow *flow, __u32 offset,
				     __u32 length)
{
	__u8 bytes[ME_ANSWER_BYTES] = {};
	int err;

	if (!flow || flow->answer || length < ME_ANSWER_TLS_BYTES)
		return 0;
	if (length < ME_ANSWER_BYTES)
		err = bpf_skb_load_bytes(skb, offset, bytes, ME_ANSWER_TLS_BYTES);
	else
		err = bpf_skb_load_bytes(skb, offset, bytes, ME_ANSWER_BYTES);
	if (err)
		return 0;
	*(volatile __u16 *)&flow->answer = me_answer_read(bytes, length);
	me_flow_credit_answer(flow);
	return 0;
}

#endif
