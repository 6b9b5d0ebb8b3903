/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_DNS_H
#define MEWATCH_BPF_DNS_H

/*
 * DNS in passing. A query to a resolver is remembered when it leaves; the answer that fits it is
 * learned before its reader gets it. Nothing else is: DESIGN, "Trust in answers".
 */
#include "bpf/learn.h"

#define ME_LOOPBACK 1 /* interface index, in every network namespace */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_QUERIES_MAX);
	__type(key, struct me_asked_key);
	__type(value, struct me_asked);
} me_queries SEC(".maps");

/* Who is asked or answers, by the policy of one slot. */
struct me_server {
	__u64 grace_ns;
	__u32 slot;
	__u32 trusted; /* a resolver, or anybody for the recursive one */
	__u32 own_leg; /* the query of a stub or a recursive resolver, not of its client */
};

/* Verified by itself. */
__noinline int me_server_find(const struct me_origin *origin, const struct me_addr *address,
			      struct me_server *ret_server)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	const struct me_dest *dest;
	struct me_addr server;
	__u32 zero = 0, slot;

	if (!control || !origin || !address || !ret_server)
		return 0;
	__builtin_memset(ret_server, 0, sizeof(*ret_server));
	server = *address;
	slot = *(volatile const __u32 *)&control->active & 1;
	head = me_slot_lookup(&me_heads, slot, &zero);
	if (!head || !head->generation)
		return 0;
	dest = me_policy_dest(slot, head, &server);
	ret_server->slot = slot;
	ret_server->grace_ns = head->grace_ns;
	ret_server->trusted = dest && (dest->flags & ME_DEST_RESOLVER);
	ret_server->own_leg = dest && (dest->flags & ME_DEST_UPSTREAM);
	if (!ret_server->trusted && me_origin_is_recursive(origin, head))
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

static __always_inline void me_query_key(struct me_room *room, __u64 cookie,
					 const struct me_addr *server)
{
	struct me_asked_key *key = &room->query_key;

	key->cookie = cookie;
	key->hash = me_name_hash(&room->dns.chain[0].name, 0);
	key->server = *server;
	key->id = room->dns.id;
	key->type = room->dns.type;
	key->zero = 0;
}

static __always_inline struct me_zone_counts *me_count_zone(__u32 zone)
{
	return zone ? bpf_map_lookup_elem(&me_zones, &zone) : NULL;
}

/* --- Queries ------------------------------------------------------------------------------------ */

/* A query in the room: remembered and counted. */
static __noinline int me_query_seen(struct me_room *room, struct me_sock *sock,
				    const struct me_addr *address, const struct me_server *server)
{
	struct me_zone_counts *zone;
	__u32 category;

	if (!room || !sock || !address || !server)
		return 0;
	me_query_key(room, sock->cookie, address);
	room->query.asked_ns = bpf_ktime_get_ns();
	room->query.name = room->dns.chain[0].name;
	if (!sock->foreign &&
	    bpf_map_update_elem(&me_queries, &room->query_key, &room->query, BPF_ANY))
		me_count_refused(ME_REFUSED_QUERIES_FULL);
	sock->asked = 1;
	if (server->own_leg)
		return 0;
	me_room_names(room, server->slot);
	category = me_room_category(room);
	me_count_dns(me_dns_queries(category), 1);
	zone = me_dns_is_dnsbl(category) ? me_count_zone(room->named.zone) : NULL;
	if (zone)
		__sync_fetch_and_add(&zone->queries, 1);
	return 0;
}

/* The queries of one send: one, or several of a size (UDP_SEGMENT). */
struct me_queries_walk {
	struct __sk_buff *skb;
	struct me_sock *sock;
	const struct me_addr *address;
	struct me_room *room;
	struct me_server server;
	__u32 offset;
	__u32 size;
	__u32 zero;
};

static long me_query_step(__u32 index, void *context)
{
	struct me_queries_walk *walk = context;
	struct me_room *room = walk->room;
	__u32 length;

	if (!room)
		return 1;
	length = me_room_read(walk->skb, walk->offset + index * walk->size,
			      walk->size ? walk->size : ME_MESSAGE_MAX, room);
	if (length && me_room_question(room, length))
		me_count_refused(ME_REFUSED_MALFORMED);
	else if (length && !(room->dns.flags & ME_DNS_IS_ANSWER))
		me_query_seen(room, walk->sock, walk->address, &walk->server);
	return 0;
}

/* A datagram to port 53 of `address`, its payload at `offset`. */
static __noinline int me_dns_query(struct __sk_buff *skb, struct me_sock *sock,
				   const struct me_addr *address, __u32 offset)
{
	struct me_queries_walk walk = {
		.skb = skb, .sock = sock, .address = address, .offset = offset};
	__u32 segments = skb->gso_segs;

	if (!sock || !address)
		return 0;
	me_server_find(&sock->origin, address, &walk.server);
	if (!walk.server.trusted)
		return 0;
	walk.room = me_room_take();
	if (!walk.room)
		return 0;
	walk.size = segments > 1 ? skb->gso_size : 0;
	me_loop(segments > 1 ? segments : 1, me_query_step, &walk, 0);
	me_room_give(walk.room);
	return 0;
}

/* --- Answers ------------------------------------------------------------------------------------ */

/* Whether the message in the room answers a query that was seen; it is answered then. */
static __always_inline bool me_answer_expected(struct me_room *room, __u64 cookie,
					       const struct me_addr *address)
{
	struct me_asked *query;

	me_query_key(room, cookie, address);
	query = bpf_map_lookup_elem(&me_queries, &room->query_key);
	if (!query || !me_name_equal(&query->name, &room->dns.chain[0].name) ||
	    bpf_ktime_get_ns() - query->asked_ns > ME_QUERY_NS)
		return false;
	return !bpf_map_delete_elem(&me_queries, &room->query_key); /* the first of two alike */
}

/* What a block list says: no address of anybody. */
static __always_inline void me_answer_of_list(struct me_room *room)
{
	struct me_zone_counts *zone = me_count_zone(room->named.zone);

	if (!zone)
		return;
	__sync_fetch_and_add(&zone->answers, 1);
	if (room->dns.refuses || (room->dns.flags & ME_DNS_RCODE) == ME_RCODE_REFUSED)
		__sync_fetch_and_add(&zone->refusals, 1);
	else if (room->dns.n_addresses)
		__sync_fetch_and_add(&zone->listed, 1);
}

static __noinline int me_answer_learn(struct me_room *room, const struct me_server *server)
{
	struct me_dns *dns;
	__u64 now = bpf_ktime_get_ns();

	if (!room || !server)
		return 0;
	dns = &room->dns;
	if (dns->other_names)
		me_count_dns(me_dns_refusals(ME_REFUSED_OTHER_NAME), dns->other_names);
	if (dns->too_many)
		me_count_dns(me_dns_refusals(ME_REFUSED_MANY_ANSWERS), dns->too_many);
	if (dns->malformed && !(dns->flags & ME_DNS_TRUNCATED))
		me_count_refused(ME_REFUSED_MALFORMED);
	me_aliases_find(room, now);
	if (!room->named.n || me_dns_rcode(dns->flags) != ME_RCODE_NOERROR)
		return 0;
	/* Who keeps the pieces of a chain apart asks for one of them when only that is over. */
	if (dns->n_chain > 1 && (server->own_leg || !dns->n_addresses))
		me_aliases_put(room, now);
	return me_learn_all(room, now, server->grace_ns);
}

/* An answer that is trusted, in the room. */
static __noinline int me_answer_trusted(struct me_room *room, const struct me_server *server,
					__u32 length)
{
	__u32 category;
	bool relearn;

	if (!room || !server)
		return 0;
	me_room_answers(room, length);
	me_room_names(room, server->slot);
	category = me_room_category(room);
	if (!server->own_leg)
		me_count_dns(me_dns_responses(category, me_dns_rcode(room->dns.flags)), 1);
	if (me_dns_is_dnsbl(category) && !server->own_leg)
		me_answer_of_list(room);
	if (!me_dns_has_addresses(category, &room->named))
		return 0;
	relearn = me_answer_learn(room, server);
	room->payload.ts_ns = bpf_ktime_get_ns();
	room->payload.kind = ME_RECORD_ANSWER;
	room->payload.flags =
		(server->own_leg ? ME_PAYLOAD_UPSTREAM : 0) | (relearn ? ME_PAYLOAD_RELEARN : 0);
	me_room_tell(room, length);
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
static __noinline int me_dns_answer(struct __sk_buff *skb, struct me_sock *sock,
				    const struct me_target *from)
{
	struct me_server server = {};
	enum me_refused refused;
	struct me_room *room;
	__u32 length;

	if (!sock || !from)
		return 0;
	room = me_room_take();
	if (!room)
		return 0;
	length = me_room_read(skb, from->headers, ME_MESSAGE_MAX, room);
	if (!length)
		goto out;
	me_server_find(&sock->origin, &from->peer, &server);
	refused = me_answer_refused(skb, sock, from, &server);
	if (me_room_question(room, length))
		refused = ME_REFUSED_MALFORMED;
	else if (!(room->dns.flags & ME_DNS_IS_ANSWER))
		goto out;
	if (refused == ME_REFUSED_COUNT && !me_answer_expected(room, sock->cookie, &from->peer))
		refused = ME_REFUSED_UNSOLICITED;
	if (refused == ME_REFUSED_COUNT) {
		me_flow_key(sock->cookie, from, &room->payload.key);
		me_answer_trusted(room, &server, length);
	} else {
		me_count_refused(refused);
	}
out:
	me_room_give(room);
	return 0;
}

#endif
