/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_LISTEN_H
#define MEWATCH_BPF_LISTEN_H

/*
 * Remoting ports at the host: who listens on one, and who reaches it from another machine. Both are
 * told; whether the listener is the product's own, the daemon knows.
 */
#include <bpf/bpf_endian.h>
#include "bpf/remoting.h"
#include "bpf/socket.h"

/* Volatile, and the barriers: or the compiler makes one access of two, which the verifier refuses. */
static __always_inline void me_sockops_local(volatile const struct bpf_sock_ops *ctx,
					     struct me_addr *ret_address)
{
	if (ctx->family == AF_INET) {
		*ret_address = me_addr_v4(ctx->local_ip4);
		barrier();
	} else {
		for (int i = 0; i < 4; i++)
			ret_address->word[i] = ctx->local_ip6[i];
	}
}

static __always_inline void me_sockops_remote(volatile const struct bpf_sock_ops *ctx,
					      struct me_addr *ret_address)
{
	if (ctx->family == AF_INET) {
		*ret_address = me_addr_v4(ctx->remote_ip4);
		barrier();
	} else {
		for (int i = 0; i < 4; i++)
			ret_address->word[i] = ctx->remote_ip6[i];
	}
}

/* Tells of a socket that is no flow of the table. */
static __always_inline void me_listen_tell(struct bpf_sock_ops *ctx, enum me_finding what,
					   const struct me_addr *local, const struct me_addr *peer,
					   const struct me_origin *origin)
{
	struct me_record *record =
		me_tell_begin(ME_RECORD_FINDING, me_next_id(), bpf_ktime_get_ns());

	if (!record)
		return;
	record->what = what;
	__builtin_memset(&record->key, 0, sizeof(record->key));
	record->key.opener.cookie = bpf_get_socket_cookie(ctx);
	record->key.peer = *peer;
	record->key.port = bpf_ntohl(ctx->remote_port);
	record->key.proto = IPPROTO_TCP;
	record->key.vantage = ME_HOST;
	__builtin_memset(&record->flow, 0, sizeof(record->flow));
	record->flow.id = record->id;
	record->flow.first_ns = record->flow.last_ns = record->ts_ns;
	record->flow.state.verdict = ME_UNRESOLVED; /* nobody judges what comes in */
	record->flow.direction = ME_DIRECTION_IN;
	record->flow.src = *local;
	record->flow.sport = ctx->local_port;
	record->flow.origin = *origin;
	me_tell_end(record);
}

/* A socket begins to listen; its program runs. */
static __noinline int me_listen(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct me_origin origin = {};
	struct me_addr local = {}, nobody = {};

	if (!sk || !me_port_is_remoting(IPPROTO_TCP, ctx->local_port))
		return 0;
	origin.netns = me_sock_netns(sk);
	origin.cgroup = me_sock_cgroup(sk);
	me_origin_task(&origin,
		       BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), cred, uid.val));
	me_sockops_local(ctx, &local);
	me_listen_tell(ctx, ME_FINDING_FOREIGN_LISTENER, &local, &nobody, &origin);
	return 0;
}

/* A connection was accepted; whatever runs has nothing to do with it. */
static __noinline int me_accepted(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct me_origin origin = {};
	struct me_addr local = {};
	struct me_own_key own = {};

	if (!sk || !me_port_is_remoting(IPPROTO_TCP, ctx->local_port))
		return 0;
	me_sockops_remote(ctx, &own.address);
	me_sockops_local(ctx, &local);
	if (!me_remoting_reached(IPPROTO_TCP, ctx->local_port, &own.address) ||
	    me_addr_kind(&own.address) == ME_ADDR_LOOPBACK || me_addr_equal(&own.address, &local))
		return 0;
	own.netns = me_sock_netns(sk);
	if (bpf_map_lookup_elem(&me_own, &own))
		return 0;
	origin.netns = own.netns;
	origin.cgroup = me_sock_cgroup(sk);
	me_listen_tell(ctx, ME_FINDING_INBOUND_REMOTING, &local, &own.address, &origin);
	return 0;
}

#endif
