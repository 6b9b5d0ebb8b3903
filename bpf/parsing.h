/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_PARSING_H
#define MEWATCH_BPF_PARSING_H

/*
 * Packets that are not read where they lie: options, extension headers, fragments, VLAN tags, ICMP
 * errors, headers beyond the linear part, and what cannot be parsed.
 */
#include "mewatch/frame.h"
#include "mewatch/packet_parse.h"
#include "bpf/passing.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_FRAGMENTS_MAX);
	__type(key, struct me_fragment_key);
	__type(value, struct me_fragment);
} me_fragments SEC(".maps");

/* Verified by itself. enum me_unparsed. */
__noinline int me_room_packet(struct me_room *room, __u32 have, __u32 whole)
{
	enum me_unparsed cause;

	if (!room)
		return ME_UNPARSED_BUSY;
	__builtin_memset(&room->about, 0, sizeof(room->about));
	cause = me_packet_parse(room->message, have, whole, room->v6, &room->packet);
	if (cause == ME_UNPARSED_COUNT && (room->packet.flags & ME_PACKET_ERROR))
		me_packet_about(room->message, have, &room->packet, &room->about);
	return cause;
}

/* Finds the network header. Verified by itself. enum me_unparsed. */
__noinline int me_room_frame(struct me_room *room, __u32 have, __u32 protocol)
{
	enum me_unparsed cause;
	__u16 inner = protocol;
	__u32 offset = 0;
	int v6 = 0;

	if (!room)
		return ME_UNPARSED_BUSY;
	cause = me_frame_untag(room->message, have, &offset, &inner);
	if (cause == ME_UNPARSED_COUNT)
		cause = me_frame_parse(room->message, have, offset, inner, &offset, &v6);
	room->network = offset;
	room->v6 = v6;
	room->link = cause == ME_UNPARSED_ETHERTYPE && me_frame_is_link(inner);
	return cause;
}

static __always_inline void me_count_unparsed(enum me_unparsed cause)
{
	me_count_total(ME_TOTAL_UNPARSED(cause < ME_UNPARSED_COUNT ? cause : ME_UNPARSED_BUSY));
}

/*
 * A packet that cannot be parsed: an attempt of whoever sent it, if a mail host did. To one peer, as far
 * as that could be read, they are one flow.
 */
static __noinline enum me_step me_parsing_failed(struct __sk_buff *skb, struct me_passage *p,
						 __u32 cause)
{
	struct me_flow *flow;

	me_count_unparsed(cause);
	if (!p || !p->sent)
		return ME_STEP_DONE;
	p->now = bpf_ktime_get_coarse_ns();
	p->packet.proto = ME_PROTO_UNPARSED;
	p->packet.sport = p->packet.dport = 0;
	p->packet.flags = ME_PACKET_UNREAD;
	p->packet.payload = 0;
	p->packet.length = skb->len > p->link ? skb->len - p->link : 0;
	me_passage_key(p);
	me_host_by_mac(skb, p);
	p->number = me_host_number(skb, p);
	if (!p->number || me_elsewhere(skb, p) || me_crowd_has(p))
		return ME_STEP_DONE;
	flow = bpf_map_lookup_elem(&me_flows, &p->key);
	if (flow && !me_passing_anew(flow, p)) {
		me_passing_count(skb, p, flow);
		return ME_STEP_DONE;
	}
	if (flow)
		me_flow_set_aside(&p->key, flow->id, ME_OUTCOME_UNANSWERED);
	return ME_STEP_JUDGE;
}

/* --- ICMP errors ------------------------------------------------------------------------------------ */

/* An error belongs to the flow that it is about. False: there is none. */
static __noinline bool me_parsing_error(struct me_passage *p, const struct me_packet_about *about)
{
	struct me_flow_key key = {.vantage = ME_TRANSIT};
	struct me_flow *flow;

	if (!p || !about)
		return false;
	key.proto = about->proto;
	/* What went out is quoted as it went out, what came in as it came in. */
	key.opener.address = p->sent ? about->dst : about->src;
	key.peer = p->sent ? about->src : about->dst;
	key.sport = p->sent ? about->dport : about->sport;
	key.port = p->sent ? about->sport : about->dport;
	flow = about->proto ? bpf_map_lookup_elem(&me_flows, &key) : NULL;
	if (!flow) /* that of the host vantage's flows is no attempt of its own either */
		return about->proto && bpf_map_lookup_elem(&me_elsewheres, &key);
	if (!p->sent && !about->too_big)
		__sync_fetch_and_or(&flow->wire.errors,
				    about->refused ? ME_WIRE_REFUSED : ME_WIRE_UNREACHABLE);
	me_passing_add(flow, p->sent, 0, 1, p->packet.length);
	return true;
}

/* --- Fragments ------------------------------------------------------------------------------------- */

static __always_inline void me_fragment_key(const struct me_passage *p,
					    struct me_fragment_key *ret_key)
{
	struct me_fragment_key key = {
		.src = p->packet.src, .dst = p->packet.dst, .identity = p->packet.identity};

	/* Of IPv6 it is no part of the identity, and a later fragment need not have it (RFC 8200). */
	if (me_addr_is_v4(&key.src))
		key.proto = p->packet.proto;
	*ret_key = key;
}

/* The first fragment: it tells the ports. */
static __noinline enum me_step me_fragment_first(struct me_passage *p)
{
	struct me_fragment fragment = {}, *known;
	struct me_fragment_key key;

	if (!p)
		return ME_STEP_DONE;
	me_fragment_key(p, &key);
	known = bpf_map_lookup_elem(&me_fragments, &key);
	if (known)
		fragment = *known;
	fragment.first_ns = bpf_ktime_get_ns();
	fragment.sport = p->packet.sport;
	fragment.dport = p->packet.dport;
	fragment.proto = p->packet.proto;
	fragment.known = 1;
	if (bpf_map_update_elem(&me_fragments, &key, &fragment, BPF_ANY))
		me_count_total(ME_TOTAL_FRAGMENTS_FULL);
	p->first = 1;
	return ME_STEP_PASS;
}

/* What came before its first fragment goes to the flow, now that that is known. */
static __noinline int me_fragment_release(struct me_passage *p)
{
	struct me_fragment_key key;
	struct me_fragment *known;
	struct me_flow *flow;

	if (!p)
		return 0;
	me_fragment_key(p, &key);
	known = bpf_map_lookup_elem(&me_fragments, &key);
	flow = known && known->packets ? bpf_map_lookup_elem(&me_flows, &p->key) : NULL;
	if (!flow)
		return 0;
	me_passing_add(flow, p->sent, __sync_lock_test_and_set(&known->payload, 0),
		       __sync_lock_test_and_set(&known->packets, 0),
		       __sync_lock_test_and_set(&known->wire, 0));
	return 0;
}

/* A later one. */
static __noinline enum me_step me_fragment_later(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_fragment fragment = {}, *known;
	struct me_fragment_key key;

	if (!p)
		return ME_STEP_DONE;
	me_fragment_key(p, &key);
	known = bpf_map_lookup_elem(&me_fragments, &key);
	if (!known) {
		me_passage_key(p);
		fragment.first_ns = bpf_ktime_get_ns();
		fragment.number = p->sent ? me_host_number(skb, p) : 0;
		bpf_map_update_elem(&me_fragments, &key, &fragment, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&me_fragments, &key);
	}
	if (!known) {
		me_count_total(ME_TOTAL_FRAGMENTS_FULL);
		return ME_STEP_FAIL;
	}
	if (!known->known) {
		me_add(&known->packets, 1);
		me_add(&known->payload, p->packet.payload);
		me_add(&known->wire, p->packet.length);
		return ME_STEP_DONE;
	}
	p->packet.sport = known->sport;
	p->packet.dport = known->dport;
	p->packet.proto = known->proto;
	return ME_STEP_PASS;
}

/* --- The slow way ----------------------------------------------------------------------------------- */

/* Reads the packet into p->packet, and what an error is about. enum me_unparsed, or -1: of the link. */
static __noinline int me_parsing_read(struct __sk_buff *skb, struct me_passage *p,
				      struct me_packet_about *about)
{
	__u32 protocol = bpf_ntohs(skb->protocol), have;
	struct me_room *room;
	bool link;
	int cause;

	if (!p || !about)
		return ME_UNPARSED_BUSY;
	room = me_room_take();
	if (!room)
		return ME_UNPARSED_BUSY;
	have = me_room_read(skb, p->link, ME_PACKET_ROOM, room);
	cause = me_room_frame(room, have, protocol);
	link = room->link;
	if (cause != ME_UNPARSED_COUNT) {
		__builtin_memset(&p->packet, 0, sizeof(p->packet));
		goto out;
	}
	if (room->network) {
		p->link += room->network;
		have = me_room_read(skb, p->link, ME_PACKET_ROOM, room);
	}
	cause = me_room_packet(room, have, skb->len > p->link ? skb->len - p->link : 0);
	p->packet = room->packet;
	*about = room->about;
out:
	me_room_give(room);
	return cause != ME_UNPARSED_COUNT && link ? -1 : cause;
}

static __noinline enum me_step me_parsing(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_packet_about about = {};
	enum me_step step = ME_STEP_PASS;
	int cause;

	if (!p)
		return ME_STEP_DONE;
	cause = me_parsing_read(skb, p, &about);
	if (cause < 0)
		return ME_STEP_DONE;
	if (cause != ME_UNPARSED_COUNT)
		return me_parsing_failed(skb, p, cause);
	if (p->packet.flags & ME_PACKET_ERROR) {
		if (me_parsing_error(p, &about))
			return ME_STEP_DONE;
		if (!p->sent) {
			me_count_total(ME_TOTAL_ERRORS_UNMATCHED);
			return ME_STEP_DONE;
		}
	}
	if (p->packet.flags & ME_PACKET_FIRST)
		return me_fragment_first(p);
	if (p->packet.flags & ME_PACKET_LATER)
		step = me_fragment_later(skb, p);
	return step == ME_STEP_FAIL ? me_parsing_failed(skb, p, ME_UNPARSED_FRAGMENT) : step;
}

#endif
