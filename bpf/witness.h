/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_WITNESS_H
#define MEWATCH_BPF_WITNESS_H

/*
 * Bytes of TCP connections that user space reads: the first payload of a flow whose verdict is not
 * final or that goes to the proxy, and DNS over TCP.
 */
#include "bpf/dns.h"

/* A segment: where its payload is, and its numbers. */
struct me_segment {
	__u32 offset;
	__u32 seq; /* of the first byte of payload */
	__u32 ack;
};

/* Whether its first payload says something: whom its client means, or what it wants of a proxy. */
static __always_inline bool me_first_is_heard(const struct me_flow *flow)
{
	return !me_state_is_final(flow->state) || (flow->flags & ME_FLOW_PROXY);
}

/* The kind of its records, as me_segment_tell() takes it. */
static __always_inline __u32 me_first_kind(const struct me_flow *flow)
{
	__u32 flags = ME_PAYLOAD_SENT | (flow->flags & ME_FLOW_PROXY ? ME_PAYLOAD_PROXY : 0);

	return ME_RECORD_FIRST | flags << 8;
}

/* Tells up to `max` bytes of the segment's payload. False: it could not. */
static __noinline bool me_segment_tell(struct __sk_buff *skb, const struct me_flow_key *key,
				       const struct me_segment *segment, __u32 kind, __u32 max)
{
	struct me_room *room;
	bool told = false;
	__u32 length;

	if (!key || !segment)
		return false;
	room = me_room_take();
	if (!room)
		return false;
	length = me_room_read(skb, segment->offset, max, room);
	room->payload.ts_ns = bpf_ktime_get_ns();
	room->payload.kind = kind & 0xff;
	room->payload.flags = kind >> 8;
	room->payload.key = *key;
	room->payload.seq = segment->seq;
	room->payload.ack = segment->ack;
	if (length)
		told = me_room_tell(room, length);
	me_room_give(room);
	return told;
}

#endif
