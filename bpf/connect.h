/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_CONNECT_H
#define MEWATCH_BPF_CONNECT_H

/*
 * Where an address is given: connect() and sendmsg(). A TCP connect is an attempt; a UDP connect is
 * a probe, whose verdict waits in the socket for the first datagram; a send by address is an attempt
 * if it is the first to that peer.
 */
#include "bpf/ftp.h"
#include "bpf/socket.h"

/* Owners of MPTCP connections by token: further subflows are opened by a kernel worker. */
struct me_mptcp {
	struct me_origin origin;
	struct me_addr peer; /* of the first subflow */
	__u32 port;          /* the same, host order; 0: not known, from an older version */
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct me_mptcp);
} me_mptcps SEC(".maps");

/* The running process as origin: only where it is the caller. */
static __always_inline void me_origin_here(void *ctx, __u64 cgroup, struct me_origin *origin)
{
	origin->netns = bpf_get_netns_cookie(ctx);
	origin->cgroup = cgroup;
	me_origin_current(origin);
}

/* The storage of a datagram socket; its owner is filled in at first sight. */
static __always_inline struct me_sock *me_sock_current(void *ctx, struct bpf_sock *sk)
{
	struct me_sock *sock = bpf_sk_storage_get(&me_socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!sock) {
		me_count_total(ME_TOTAL_STORAGE_FAILED);
		return NULL;
	}
	if (!sock->cookie) {
		sock->cookie = bpf_get_socket_cookie(ctx);
		sock->foreign = me_sock_is_foreign(sk);
		me_origin_here(ctx, me_sock_cgroup(sk), &sock->origin);
	}
	return sock;
}

/*
 * A datagram of a flow that is there, or of one for which the table had no room, which the cache alone
 * knows of. Whether it is denied.
 */
static __always_inline bool me_datagram_again(struct me_sock *sock, const struct me_target *target,
					      const struct me_flow_key *key,
					      const struct me_judgement *judged,
					      const struct me_control *control,
					      union me_state state, __u32 crowded)
{
	bool denied = me_deny_state(state);

	me_sock_cache(sock, target, judged, control->generation,
		      (denied ? ME_CACHE_DENIED : ME_CACHE_OPEN) | crowded);
	return denied && me_deny_still(key, state);
}

/*
 * Opens the flow of a datagram unless there is one; afterwards the cache is about `target`. Whether the
 * datagram is denied.
 */
static __noinline int me_datagram_open(struct me_sock *sock, const struct me_target *target,
				       __u64 now)
{
	const struct me_control *control = me_control_get();
	struct me_judgement judged = {};
	union me_state state = {};
	struct me_flow_key key;
	struct me_flow *flow;
	__u32 generation;
	bool denied;
	int full;

	if (!sock || !target || !control)
		return 0;
	me_sock_flush(sock); /* else the flow looks idle, or the next one inherits */
	me_flow_key(sock->cookie, target, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow && !(flow->flags & ME_FLOW_CLOSED) &&
	    (__s64)(now - flow->last_ns) < (__s64)control->udp_idle_ns) {
		judged.endpoint = flow->endpoint;
		state.word = *(volatile __u32 *)&flow->state.word;
		if (me_deny_state(state)) /* what is sent keeps it open, whether it leaves or not */
			flow->last_ns = now;
		return me_datagram_again(sock, target, &key, &judged, control, state, 0);
	}
	if (!flow && sock->crowded && sock->state >= ME_CACHE_OPEN && me_sock_about(sock, target) &&
	    (__s64)(now - sock->last_ns) < (__s64)control->udp_idle_ns) {
		judged = sock->judged;
		state.verdict = judged.verdict;
		state.flags = sock->state == ME_CACHE_DENIED ? judged.acts : 0;
		return me_datagram_again(sock, target, &key, &judged, control, state,
					 ME_CACHE_CROWDED);
	}
	if (flow)
		me_flow_set_aside(&key, flow->id, ME_OUTCOME_UNANSWERED);
	/* What is done about violations may have changed since. */
	if (sock->state == ME_CACHE_PROBED && sock->judged.verdict < ME_VIOLATION &&
	    me_sock_hit(sock, target, control)) {
		judged = sock->judged;
		generation = sock->generation;
	} else {
		generation = me_host_judge(&sock->origin, target, &judged);
	}
	if (!generation)
		return 0;
	full = me_attempt(&sock->origin, &key, &judged, generation, ME_FLOW_SENT);
	if (full < 0)
		return 0;
	__sync_fetch_and_add(&sock->peers, 1);
	denied = me_attempt_denied(&judged, full);
	me_sock_cache(sock, target, &judged, generation,
		      (denied ? ME_CACHE_DENIED : ME_CACHE_OPEN) | (full ? ME_CACHE_CROWDED : 0));
	return denied;
}

/* A send by address, before the packet is made. Whether it may be. */
static __always_inline int me_send_to(struct bpf_sock_addr *ctx, struct me_target *target)
{
	const struct me_control *control = me_control_get();
	struct bpf_sock *sk = ctx->sk;
	struct me_sock *sock;

	if (!sk || !control)
		return 1;
	sock = me_sock_current(ctx, sk);
	if (!sock ||
	    (me_sock_hit(sock, target, control) && sock->state == ME_CACHE_OPEN && !control->cut) ||
	    me_link_only(&target->peer))
		return 1;
	target->facts = me_judge_dhcp(target->proto, sk->src_port, target->port);
	if (me_datagram_open(sock, target, bpf_ktime_get_coarse_ns()))
		return 0;
	sock->redirect = 1;
	return 1;
}

/* A UDP connect: judged, not counted as an attempt. */
static __always_inline void me_probe(struct me_sock *sock, const struct me_target *target)
{
	const struct me_control *control = me_control_get();
	struct me_judgement judged = {};
	__u32 generation;

	me_count_total(ME_TOTAL_UDP_PROBES);
	if (!control || me_sock_hit(sock, target, control))
		return;
	generation = me_host_judge(&sock->origin, target, &judged);
	if (generation)
		me_sock_cache(sock, target, &judged, generation, ME_CACHE_PROBED);
}

/*
 * MPTCP: remembers the owner at the first subflow, and gives it to the later ones. Returns false if
 * the connect is no attempt: one more subflow to the same address and port.
 */
static __noinline bool me_mptcp(struct me_origin *origin, struct bpf_sock *sk,
				const struct me_target *target, __u16 *flags)
{
	struct mptcp_sock *msk = bpf_skc_to_mptcp_sock(sk);
	struct me_mptcp *owner;
	__u32 token;

	if (!msk)
		return true;
	token = msk->token;
	if (origin->proc.tgid) {
		struct me_mptcp first = {
			.origin = *origin, .peer = target->peer, .port = target->port};

		bpf_map_update_elem(&me_mptcps, &token, &first, BPF_ANY);
		return true;
	}
	owner = bpf_map_lookup_elem(&me_mptcps, &token);
	if (!owner)
		return true;
	*origin = owner->origin;
	*flags |= ME_FLOW_MPTCP;
	return !me_addr_equal(&owner->peer, &target->peer) ||
	       (owner->port && owner->port != target->port);
}

/* A TCP connect. The socket is locked, so nobody else is at it. Whether it may be. */
static __always_inline int me_stream_connect(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
					     const struct me_target *target)
{
	struct me_origin origin = {};
	struct me_judgement judged = {};
	union me_opener client = {};
	const struct me_flow *flow;
	struct me_flow_key key;
	__u32 generation;
	__u16 flags = 0;
	int full;

	me_origin_here(ctx, me_stream_cgroup(sk), &origin);
	if (!me_mptcp(&origin, sk, target, &flags))
		return 1;
	generation = me_host_judge(&origin, target, &judged);
	if (!generation)
		return 1;
	me_flow_key(bpf_get_socket_cookie(ctx), target, &key);
	if (judged.verdict >= ME_VIOLATION) {
		client.cookie = origin.netns;
		client.zero = origin.proc.tgid;
		me_ftp_data(&client, &key, 0, &judged);
	}
	full = me_attempt(&origin, &key, &judged, generation, flags);
	if (full != -EEXIST)
		return !me_attempt_denied(&judged, full);
	/* The socket connects to the same peer once more. */
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow)
		me_flow_set_aside(&key, flow->id, ME_OUTCOME_UNREACHABLE);
	full = me_attempt(&origin, &key, &judged, generation, flags);
	return !me_attempt_denied(&judged, full);
}

/*
 * Whether it may be. Datagrams are denied, not the connect() before them: resolvers connect to every
 * address of a name just to sort them, and where all of these failed the order would be another one.
 */
static __always_inline int me_connect(struct bpf_sock_addr *ctx, const struct me_target *target)
{
	struct bpf_sock *sk = ctx->sk;
	struct me_sock *sock;

	if (!sk || me_link_only(&target->peer))
		return 1;
	if (target->proto == IPPROTO_TCP)
		return me_stream_connect(ctx, sk, target);
	/* Others than UDP are judged when they send. */
	sock = me_sock_current(ctx, sk);
	if (sock && target->proto == IPPROTO_UDP)
		me_probe(sock, target);
	return 1;
}

/* The unspecified address means this machine: the kernel connects to loopback. */
static __always_inline void me_target_v4(struct bpf_sock_addr *ctx, struct me_target *target)
{
	__u32 address = ctx->user_ip4;

	target->peer = me_addr_v4(address ? address : ME_NET32(0x7f000001));
	target->port = ME_NET16((__u16)ctx->user_port);
	target->proto = ctx->protocol;
}

static __always_inline void me_target_v6(struct bpf_sock_addr *ctx, struct me_target *target)
{
	target->peer.word[0] = ctx->user_ip6[0];
	target->peer.word[1] = ctx->user_ip6[1];
	target->peer.word[2] = ctx->user_ip6[2];
	target->peer.word[3] = ctx->user_ip6[3];
	if (!(target->peer.half[0] | target->peer.half[1]))
		target->peer.word[3] = ME_NET32(1);
	target->port = ME_NET16((__u16)ctx->user_port);
	target->proto = ctx->protocol;
}

#define ME_ADDRESS_HOOK(section, program, family, act)                                             \
	SEC(section) int program(struct bpf_sock_addr *ctx)                                        \
	{                                                                                          \
		struct me_target target = {};                                                      \
                                                                                                   \
		me_target_##family(ctx, &target);                                                  \
		me_target_plain(&target);                                                          \
		return act(ctx, &target);                                                          \
	}

ME_ADDRESS_HOOK("cgroup/connect4", me_connect4, v4, me_connect)
ME_ADDRESS_HOOK("cgroup/connect6", me_connect6, v6, me_connect)
ME_ADDRESS_HOOK("cgroup/sendmsg4", me_sendmsg4, v4, me_send_to)
ME_ADDRESS_HOOK("cgroup/sendmsg6", me_sendmsg6, v6, me_send_to)

#endif
