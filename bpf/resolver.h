/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_RESOLVER_H
#define MEWATCH_BPF_RESOLVER_H

/* DNS of the host vantage: whom a socket asks, and whose answers it gets. */
#include "bpf/dns.h"
#include "bpf/socket.h"

#define ME_LOOPBACK 1 /* interface index, in every network namespace */

/* What the policy says of a server, for a client on this machine. Verified by itself. */
__noinline int me_server_find(const struct me_origin *origin, const struct me_addr *address,
			      struct me_server *ret_server)
{
	const struct me_head *head;
	struct me_addr server;
	__u32 zero = 0;

	if (!origin || !address || !ret_server)
		return 0;
	__builtin_memset(ret_server, 0, sizeof(*ret_server));
	server = *address;
	if (!me_server_known(&server, ret_server) || ret_server->trusted)
		return 0;
	head = me_slot_lookup(&me_heads, ret_server->slot, &zero);
	if (head && me_origin_is_recursive(origin, head))
		ret_server->trusted = ret_server->own_leg = 1;
	return 0;
}

/* Whether the address is one of the origin's own machine: only from there answers come over lo. */
static __always_inline bool me_server_is_local(const struct me_origin *origin,
					       const struct me_addr *address)
{
	struct me_own_key key = {.netns = origin->netns, .address = *address};

	return me_addr_kind(address) == ME_ADDR_LOOPBACK || bpf_map_lookup_elem(&me_own, &key);
}

static __always_inline void me_sock_exchange(const struct me_sock *sock,
					     const struct me_addr *address, __u32 offset,
					     struct me_exchange *ret_exchange)
{
	__builtin_memset(ret_exchange, 0, sizeof(*ret_exchange));
	ret_exchange->opener.cookie = sock->cookie;
	ret_exchange->address = *address;
	ret_exchange->foreign = sock->foreign;
	ret_exchange->offset = offset;
	me_server_find(&sock->origin, address, &ret_exchange->server);
}

/* A datagram to port 53 of `address`, its payload at `offset`. */
static __noinline int me_sock_query(struct __sk_buff *skb, struct me_sock *sock,
				    const struct me_addr *address, __u32 offset)
{
	struct me_room *room;

	if (!sock || !address)
		return 0;
	room = me_room_take();
	if (!room)
		return 0;
	me_sock_exchange(sock, address, offset, &room->exchange);
	if (me_dns_query(skb, room))
		sock->asked = 1;
	me_room_give(room);
	return 0;
}

/* An answer to a socket that never sent anything. */
static __noinline int me_dns_unsolicited(struct __sk_buff *skb, __u32 offset)
{
	__u8 flags = 0;

	bpf_skb_load_bytes(skb, offset + 2, &flags, sizeof(flags));
	if (flags & (ME_DNS_IS_ANSWER >> 8))
		me_count_refused(ME_REFUSED_UNSOLICITED);
	return 0;
}

/* Why an answer from there cannot be trusted; ME_REFUSED_COUNT: it may be. */
static __always_inline enum me_refused me_answer_refused(struct __sk_buff *skb,
							 const struct me_sock *sock,
							 const struct me_target *from,
							 const struct me_server *server)
{
	if (sock->foreign)
		return ME_REFUSED_FOREIGN;
	if (!server->trusted)
		return ME_REFUSED_WRONG_RESOLVER;
	if (from->port != ME_DNS_PORT)
		return ME_REFUSED_WRONG_PORT;
	if (skb->ifindex == ME_LOOPBACK && !me_server_is_local(&sock->origin, &from->peer))
		return ME_REFUSED_NOT_LOCAL;
	return ME_REFUSED_COUNT;
}

/* A datagram from port 53, or to a socket that asked; `from` is who sent it. */
static __noinline int me_sock_answer(struct __sk_buff *skb, struct me_sock *sock,
				     const struct me_target *from)
{
	struct me_room *room;

	if (!sock || !from)
		return 0;
	room = me_room_take();
	if (!room)
		return 0;
	me_sock_exchange(sock, &from->peer, from->headers, &room->exchange);
	me_flow_key(sock->cookie, from, &room->payload.key);
	me_dns_answer(skb, room, me_answer_refused(skb, sock, from, &room->exchange.server));
	me_room_give(room);
	return 0;
}

#endif
