/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_SWEEP_H
#define MEWATCH_BPF_SWEEP_H

/* What the daemon runs for the host vantage: the sync of live flows. */
#include "bpf/stream.h"

/* Brings the flow of each datagram socket up to date: run by reading the iterator. */
SEC("iter/bpf_sk_storage_map") int me_sync(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct me_sock *sock = ctx->value;

	if (sock)
		me_sock_flush(sock);
	return 0;
}

/* The same for the TCP sockets of the network namespace in which the iterator was opened. */
SEC("iter/tcp") int me_sync_streams(struct bpf_iter__tcp *ctx)
{
	struct me_target target = {.proto = IPPROTO_TCP};
	struct sock_common *skc = ctx->sk_common;
	struct me_flow_key key;
	struct tcp_sock *tp;
	struct me_flow *flow;
	__u64 now;

	tp = skc ? bpf_skc_to_tcp_sock(skc) : NULL;
	if (!tp)
		return 0;
	if (skc->skc_family == AF_INET)
		target.peer = me_addr_v4(skc->skc_daddr);
	else
		BPF_CORE_READ_INTO(&target.peer, skc, skc_v6_daddr);
	target.port = bpf_ntohs(skc->skc_dport);
	me_flow_key(skc->skc_cookie.counter, &target, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow || (flow->flags & ME_FLOW_CLOSED))
		return 0;
	now = bpf_ktime_get_ns();
	flow->seen_ns = now;
	me_stream_bytes(flow, tp, now);
	return 0;
}

#endif
