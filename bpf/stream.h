/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_STREAM_H
#define MEWATCH_BPF_STREAM_H

/* The life of sockets: creation and release, and what became of TCP connections. */
#include <bpf/bpf_endian.h>
#include "bpf/connect.h"
#include "bpf/listen.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/*
 * Payload so far, each sequence byte once: tcp_sock.bytes_sent has no SYN or FIN but every
 * retransmission; bytes_received has the peer's FIN, which SOCK_DONE tells.
 */
static __always_inline void me_stream_bytes(struct me_flow *flow, const struct tcp_sock *tp,
					    __u64 now)
{
	bool fin = ((const struct sock *)tp)->__sk_common.skc_flags & (1ul << SOCK_DONE);
	__u64 sent = me_raise(&flow->bytes_sent, tp->bytes_sent - tp->bytes_retrans);
	__u64 received = tp->bytes_received;

	received = me_raise(&flow->bytes_received, received - (fin && received));
	if (!sent && !received)
		return;
	flow->last_ns = now;
	me_flow_credit(flow, now);
}

/* What a connection that was never established came to. */
static __always_inline enum me_outcome me_stream_failure(int sk_err)
{
	switch (sk_err) {
	case 0:
		return ME_OUTCOME_ABORTED;
	case ECONNREFUSED:
	case ECONNRESET:
		return ME_OUTCOME_REFUSED;
	case ETIMEDOUT:
		return ME_OUTCOME_TIMEOUT;
	default:
		return ME_OUTCOME_UNREACHABLE;
	}
}

static __always_inline void me_stream_close(struct me_flow *flow, struct bpf_sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 now = bpf_ktime_get_ns();
	int sk_err = 0;

	if (tp) {
		me_stream_bytes(flow, tp, now);
		sk_err = ((struct sock *)tp)->sk_err;
	}
	if (flow->outcome == ME_OUTCOME_ESTABLISHED && (sk_err == ECONNRESET || sk_err == EPIPE))
		me_flow_become(flow, ME_OUTCOME_NONE, ME_FLOW_RESET);
	flow->last_ns = now;
	me_flow_end(flow, me_stream_failure(sk_err), now);
}

static __always_inline void me_stream_source(struct bpf_sock_ops *ctx, struct me_flow *flow)
{
	me_flow_become(flow, ME_OUTCOME_NONE, ME_FLOW_SENT);
	flow->sport = ctx->local_port;
	me_sockops_local(ctx, &flow->src);
}

/* The key of the socket's flow. */
static __always_inline void me_stream_key(struct bpf_sock_ops *ctx, struct me_flow_key *ret_key)
{
	struct me_target target = {.port = bpf_ntohl(ctx->remote_port), .proto = IPPROTO_TCP};

	me_sockops_remote(ctx, &target.peer);
	me_flow_key(bpf_get_socket_cookie(ctx), &target, ret_key);
}

SEC("sockops") int me_sockops(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op;
	struct me_flow_key key;
	struct bpf_sock *sk;
	struct me_flow *flow;

	if (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
	    op != BPF_SOCK_OPS_STATE_CB) {
		if (op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
			me_accepted(ctx);
		else if (op == BPF_SOCK_OPS_TCP_LISTEN_CB)
			me_listen(ctx);
		ctx->reply = -1;
		return 1;
	}
	if (op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] != BPF_TCP_CLOSE)
		return 1;
	sk = ctx->sk;
	if (!sk)
		return 1;
	me_stream_key(ctx, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow)
		return 1;
	if (op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		me_stream_source(ctx, flow);
		bpf_sock_ops_cb_flags_set(ctx,
					  ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	} else if (op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		me_flow_become(flow, ME_OUTCOME_ESTABLISHED, 0);
	} else if (!(flow->flags & ME_FLOW_CLOSED)) {
		me_stream_close(flow, sk);
	}
	return 1;
}

/* Sockets that the connect and sendmsg hooks do not see, or not always. */
static __always_inline enum me_blind me_blind_kind(const struct bpf_sock *sk)
{
	if (sk->type == SOCK_RAW)
		return ME_BLIND_RAW;
	if (sk->type == SOCK_DCCP)
		return ME_BLIND_DCCP;
	switch (sk->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_MPTCP:
		return ME_BLIND_COUNT;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ME_BLIND_PING;
	case IPPROTO_UDPLITE:
		return ME_BLIND_UDPLITE;
	case IPPROTO_SCTP:
		return ME_BLIND_SCTP;
	default:
		return ME_BLIND_OTHER;
	}
}

/* Whether the policy has such a socket refused (`refuse_sockets:`). Counted. */
static __noinline int me_refused_kind(__u32 blind)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	__u32 zero = 0;
	enum me_mode mode;

	if (!control)
		return 0;
	head = me_slot_lookup(&me_heads, me_policy_slot(control), &zero);
	if (!head || !(head->refuse & (1u << (blind & 31))))
		return 0;
	mode = me_mode_now(control, head->mode, bpf_ktime_get_ns());
	if (mode != ME_MODE_MONITOR)
		me_count_total(ME_TOTAL_REFUSED(mode == ME_MODE_SHADOW, blind));
	return mode == ME_MODE_ENFORCE;
}

/*
 * Sockets that the address hooks do not see, or not always, get their storage here, while their
 * owner runs. The others get it, if they need it, when they are used.
 */
SEC("cgroup/sock_create") int me_sock_create(struct bpf_sock *sk)
{
	enum me_blind blind = me_blind_kind(sk);
	struct me_sock *sock;

	if (blind == ME_BLIND_COUNT)
		return 1;
	me_count_total(ME_TOTAL_BLIND(blind));
	sock = me_sock_current(sk, sk);
	if (sock)
		me_tell_origin(ME_RECORD_SOCKET, blind, &sock->origin);
	return !me_refused_kind(blind);
}

/*
 * The last reference is gone: the end of the cached peer's flow. The socket's other flows cannot be
 * found from here; who reads the table ends them.
 */
SEC("cgroup/sock_release") int me_sock_release(struct bpf_sock *sk)
{
	struct me_sock *sock;
	struct me_flow_key key;
	struct me_flow *flow;

	if (sk->protocol == IPPROTO_TCP)
		return 1;
	sock = bpf_sk_storage_get(&me_socks, sk, 0, 0);
	if (!sock || sock->state < ME_CACHE_OPEN)
		return 1;
	me_sock_flush(sock);
	me_sock_key(sock, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow && !(flow->flags & ME_FLOW_CLOSED))
		me_flow_end(flow, ME_OUTCOME_UNANSWERED, bpf_ktime_get_ns());
	if (sock->peers > 1)
		me_tell_released(&key);
	return 1;
}

#endif
