/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_DNS_H
#define MEWATCH_BPF_DNS_H

/*
 * DNS in passing. A query to a resolver is remembered when it leaves; the answer that fits it is
 * learned before its reader gets it. Nothing else is: DESIGN, "Trust in answers".
 */
#include "bpf/learn.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_QUERIES_MAX);
	__type(key, struct me_asked_key);
	__type(value, struct me_asked);
} me_queries SEC(".maps");

/* What the policy in force says of a server. False: there is none. */
static __always_inline bool me_server_known(const struct me_addr *address,
					    struct me_server *ret_server)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	const struct me_dest *dest;
	__u32 zero = 0, slot;

	if (!control)
		return false;
	slot = me_policy_slot(control);
	head = me_slot_lookup(&me_heads, slot, &zero);
	if (!head || !head->generation)
		return false;
	dest = me_policy_dest(slot, head, address);
	ret_server->slot = slot;
	ret_server->grace_ns = head->grace_ns;
	ret_server->trusted = dest && (dest->flags & ME_DEST_RESOLVER);
	ret_server->own_leg = dest && (dest->flags & ME_DEST_UPSTREAM);
	return true;
}

static __always_inline void me_query_key(struct me_room *room)
{
	const struct me_exchange *exchange = &room->exchange;
	struct me_asked_key *key = &room->query_key;

	key->opener = exchange->opener;
	key->hash = me_name_hash(&room->dns.chain[0].name, 0);
	key->server = exchange->address;
	key->id = room->dns.id;
	key->type = room->dns.type;
	key->sport = exchange->sport;
	key->zero = 0;
}

static __always_inline struct me_zone_counts *me_count_zone(__u32 zone)
{
	return zone ? bpf_map_lookup_elem(&me_zones, &zone) : NULL;
}

/* --- Queries ------------------------------------------------------------------------------------ */

/* A query in the room: remembered and counted. */
static __noinline int me_query_seen(struct me_room *room)
{
	struct me_zone_counts *zone;
	__u32 category;

	if (!room)
		return 0;
	me_query_key(room);
	room->query.asked_ns = bpf_ktime_get_ns();
	room->query.upstream = room->exchange.server.own_leg;
	room->query.name = room->dns.chain[0].name;
	if (!room->exchange.foreign &&
	    bpf_map_update_elem(&me_queries, &room->query_key, &room->query, BPF_ANY))
		me_count_refused(ME_REFUSED_QUERIES_FULL);
	if (room->exchange.server.own_leg)
		return 0;
	me_room_names(room, room->exchange.server.slot);
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
	struct me_room *room;
	__u32 size;
	__u32 seen;
};

static long me_query_step(__u32 index, void *context)
{
	struct me_queries_walk *walk = context;
	struct me_room *room = walk->room;
	__u32 length;

	if (!room)
		return 1;
	length = me_room_read(walk->skb, room->exchange.offset + index * walk->size,
			      walk->size ? walk->size : ME_MESSAGE_MAX, room);
	if (length && me_room_question(room, length)) {
		me_count_refused(ME_REFUSED_MALFORMED);
	} else if (length && !(room->dns.flags & ME_DNS_IS_ANSWER)) {
		walk->seen = 1;
		me_query_seen(room);
	}
	return 0;
}

/* A datagram to port 53, as room->exchange says. Whether there was a query in it, to somebody trusted. */
static __always_inline bool me_dns_query(struct __sk_buff *skb, struct me_room *room)
{
	struct me_queries_walk walk = {.skb = skb, .room = room, .seen = me_loop_begin(0)};
	__u32 segments = skb->gso_segs;

	if (!room->exchange.server.trusted)
		return false;
	walk.size = segments > 1 ? skb->gso_size : 0;
	me_loop(segments > 1 ? segments : 1, me_query_step, &walk, 0);
	return walk.seen;
}

/* --- Answers ------------------------------------------------------------------------------------ */

/* Whether the message in the room answers a query that was seen; it is answered then. */
static __always_inline bool me_answer_expected(struct me_room *room)
{
	struct me_asked *query;

	me_query_key(room);
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

static __noinline int me_answer_learn(struct me_room *room)
{
	const struct me_server *server;
	struct me_dns *dns;
	__u64 now = bpf_ktime_get_ns();

	if (!room)
		return 0;
	server = &room->exchange.server;
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
	return me_learn_all(room, now, server->grace_ns, server->claimed);
}

/* An error in place of the addresses of endpoints. Verified by itself. */
__noinline int me_room_failed(struct me_room *room)
{
	struct me_endpoint_counts *counts;
	__u32 failure;

	if (!room)
		return 0;
	failure = me_dns_failure(room->dns.type, me_dns_rcode(room->dns.flags));
	if (failure >= ME_DNS_FAILURE_COUNT)
		return 0;
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++) {
		counts = i < room->named.n ? me_count_endpoint(room->named.endpoint[i]) : NULL;
		if (counts)
			__sync_fetch_and_add(&counts->dns_failures[failure & 3], 1);
	}
	return 0;
}

/* An answer that is trusted, in the room. */
static __noinline int me_answer_trusted(struct me_room *room, __u32 length)
{
	const struct me_server *server;
	__u32 category;
	bool relearn;

	if (!room)
		return 0;
	server = &room->exchange.server;
	me_room_answers(room, length);
	me_room_names(room, server->slot);
	category = me_room_category(room);
	if (!server->own_leg)
		me_count_dns(me_dns_responses(category, me_dns_rcode(room->dns.flags)), 1);
	if (!server->own_leg)
		me_room_failed(room);
	if (me_dns_is_dnsbl(category) && !server->own_leg)
		me_answer_of_list(room);
	if (!me_dns_has_addresses(category, &room->named))
		return 0;
	relearn = me_answer_learn(room);
	room->payload.ts_ns = bpf_ktime_get_ns();
	room->payload.kind = ME_RECORD_ANSWER;
	room->payload.flags = (server->own_leg ? ME_PAYLOAD_UPSTREAM : 0) |
			      (relearn ? ME_PAYLOAD_RELEARN : 0) |
			      (server->claimed ? ME_PAYLOAD_CLAIMED : 0);
	me_room_tell(room, length);
	return 0;
}

/*
 * An answer, as room->exchange says: a datagram from port 53, or to somebody who asked; room->payload.key
 * is its flow. `refused` says why it cannot be trusted, ME_REFUSED_COUNT: it may be. Whether it was.
 */
static __always_inline bool me_dns_answer(struct __sk_buff *skb, struct me_room *room,
					  __u32 refused)
{
	__u32 length = me_room_read(skb, room->exchange.offset, ME_MESSAGE_MAX, room);

	if (!length)
		return false;
	if (me_room_question(room, length))
		refused = ME_REFUSED_MALFORMED;
	else if (!(room->dns.flags & ME_DNS_IS_ANSWER))
		return false;
	if (refused == ME_REFUSED_COUNT && !me_answer_expected(room))
		refused = ME_REFUSED_UNSOLICITED;
	if (refused != ME_REFUSED_COUNT) {
		me_count_refused(refused);
		return false;
	}
	me_answer_trusted(room, length);
	return true;
}

#endif
