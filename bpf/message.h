/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_MESSAGE_H
#define MEWATCH_BPF_MESSAGE_H

/*
 * Room for a message of the wire and for what is read of it. A program takes one of a few rooms by a
 * compare-and-swap and gives it back: whoever interrupts it takes another one.
 */
#include "mewatch/dns_use.h"
#include "mewatch/ftp.h"
#include "mewatch/packet.h"
#include "bpf/flow.h"

#define ME_ROOMS 32u
#define ME_ROOM_TRIES 4u

/* Who is asked or answers, by the policy of one slot. */
struct me_server {
	__u64 grace_ns;
	__u32 slot;
	__u32 trusted; /* a resolver, or anybody for one that walks the DNS itself */
	__u32 own_leg; /* the query of a stub or a recursive resolver, not of its client */
	__u32 claimed; /* its answers are mere claims */
};

/* Between whom, and where in the packet the message begins. */
struct me_exchange {
	union me_opener opener;
	struct me_addr address; /* of the server */
	struct me_server server;
	__u16 sport;
	__u16 foreign; /* 1: the query is not remembered */
	__u32 offset;
	__u32 sent; /* in transit: 1, by the client */
	__u32 zero;
};

struct me_room {
	__u32 busy;
	__u32 zero;
	struct me_exchange exchange;
	struct me_dns dns;
	struct me_named named;
	struct me_asked_key query_key;
	struct me_asked query;
	struct me_alias alias;
	struct me_ftp ftp;
	struct me_packet packet;
	struct me_packet_about about;
	__u32 network; /* where the network header is in the message */
	__u32 v6;      /* 1: it is IPv6's */
	__u32 link;    /* 1: there is none, the frame is of the link itself */
	__u32 unused;
	struct me_payload payload; /* `message` follows: together they are a record */
	__u8 message[ME_MESSAGE_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ME_ROOMS);
	__type(key, __u32);
	__type(value, struct me_room);
} me_rooms SEC(".maps");

/* NULL, counted: all that were tried are taken. */
static __noinline struct me_room *me_room_take(void)
{
	__u32 first = bpf_get_smp_processor_id() * 2;

	for (__u32 i = 0; i < ME_ROOM_TRIES; i++) {
		__u32 index = (first + i) % ME_ROOMS;
		struct me_room *room = bpf_map_lookup_elem(&me_rooms, &index);

		if (room && !__sync_val_compare_and_swap(&room->busy, 0, 1))
			return room;
	}
	me_count_refused(ME_REFUSED_BUSY);
	return NULL;
}

static __always_inline void me_room_give(struct me_room *room)
{
	__sync_lock_test_and_set(&room->busy, 0);
}

/* Reads the packet from `offset` on. How many bytes; 0: none, or they could not be read. */
static __noinline __u32 me_room_read(struct __sk_buff *skb, __u32 offset, __u32 max,
				     struct me_room *room)
{
	__u32 length = skb->len;

	if (!room || length <= offset)
		return 0;
	length -= offset;
	if (length > max)
		length = max;
	/* Written so that Linux 6.1 sees that it is at least 1. */
	length--;
	ME_HIDE(length);
	length = (length & (ME_MESSAGE_ROOM - 1)) + 1;
	return bpf_skb_load_bytes(skb, offset, room->message, length) ? 0 : length;
}

/*
 * Tells the first `length` bytes of the message. The head but for id and length is the caller's. False:
 * the ring had no room.
 */
static __noinline bool me_room_tell(struct me_room *room, __u32 length)
{
	if (!room)
		return false;
	length &= ME_MESSAGE_ROOM - 1;
	room->payload.id = me_next_id();
	room->payload.length = length;
	ME_HIDE(length);
	length &= ME_MESSAGE_ROOM - 1;
	if (!bpf_ringbuf_output(&me_ring, &room->payload, sizeof(room->payload) + length,
				BPF_RB_NO_WAKEUP))
		return true;
	me_count_total(ME_TOTAL_RING_LOST);
	return false;
}

/* --- What is verified by itself: these loops would be walked through at each of their callers ----- */

/* Reads the question of the message. 0 or -1. */
__noinline int me_room_question(struct me_room *room, __u32 length)
{
	return room ? me_dns_question(room->message, length, &room->dns) : -1;
}

/* Reads a segment of an FTP control channel. */
__noinline int me_room_ftp(struct me_room *room, __u32 length, __u32 sent)
{
	if (room)
		me_ftp_read(room->message, length, sent, &room->ftp);
	return 0;
}

/* Reads the answers, after the question. */
__noinline int me_room_answers(struct me_room *room, __u32 length)
{
	if (room)
		me_dns_answers(room->message, length, &room->dns);
	return 0;
}

/* The category of the question, room->named being what the policy says of its name. */
__noinline int me_room_category(struct me_room *room)
{
	if (!room)
		return 0;
	return me_dns_category(&room->dns.chain[0].name, room->dns.type, &room->named);
}

#endif
