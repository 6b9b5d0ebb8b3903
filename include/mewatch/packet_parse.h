/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_PACKET_PARSE_H
#define MEWATCH_PACKET_PARSE_H

/*
 * Packets from memory, pure: all that there are, header by header, and what ICMP errors quote of them.
 * No header is read that does not lie there, and none beyond the length that the packet itself says.
 */
#include <linux/in6.h>
#include "mewatch/packet.h"

/* Headers without options, in bytes. */
#define ME_PACKET_EXTENSION 8u
#define ME_PACKET_SCTP 12u
#define ME_PACKET_ICMP 8u
#define ME_PACKET_PORTS 4u

/* Extension headers that <linux/in6.h> does not name. */
#define ME_IPPROTO_HIP 139   /* RFC 7401 */
#define ME_IPPROTO_SHIM6 140 /* RFC 5533 */

/* A packet being read. */
struct me_packet_reader {
	const __u8 *bytes; /* in the kernel ME_PACKET_ROOM */
	__u32 have;        /* of them from the packet */
	__u32 whole;       /* where the packet ends */
	__u32 length;      /* where it says it ends, once that is known */
	__u32 quoted;      /* 1: it is a packet inside another, cut off anywhere */
	__u32 at;          /* the header to be read: a multiple of 4, as all are */
	__u32 next;        /* what it is */
	__u32 flags;       /* ME_PACKET_FIRST, _LATER, _LAST */
	__u32 place;       /* of a fragment in its packet, in units of 8 bytes */
	__u32 identity;
	__u32 zero;
};

/* The word `offset` bytes inside the header, in network order. */
static inline __u32 me_packet_raw_at(const struct me_packet_reader *r, __u32 offset)
{
	__u32 at = (r->at + offset) & (ME_PACKET_ROOM - 4);

	ME_HIDE(at);
	return me_packet_raw(r->bytes + (at & (ME_PACKET_ROOM - 4)));
}

static inline __u32 me_packet_word(const struct me_packet_reader *r, __u32 offset)
{
	return ME_NET32(me_packet_raw_at(r, offset));
}

/* What is wrong if the header has `size` bytes; ME_UNPARSED_COUNT: nothing. */
static inline enum me_unparsed me_packet_ends(const struct me_packet_reader *r, __u32 size)
{
	if (r->at + size <= r->length)
		return ME_UNPARSED_COUNT;
	if (r->flags & ME_PACKET_FIRST)
		return ME_UNPARSED_FRAGMENT; /* RFC 7112; RFC 1858, section 3.2 */
	return r->at + size > r->whole ? ME_UNPARSED_TRUNCATED : ME_UNPARSED_LENGTH;
}

/* The same for bytes that are to be read. */
static inline enum me_unparsed me_packet_lacks(const struct me_packet_reader *r, __u32 size)
{
	enum me_unparsed why = me_packet_ends(r, size);

	if (why != ME_UNPARSED_COUNT || r->at + size <= r->have)
		return why;
	return r->have < ME_PACKET_ROOM ? ME_UNPARSED_TRUNCATED : ME_UNPARSED_EXTENSIONS;
}

/* One without more to follow that begins at 0 is none (RFC 6946). */
static inline void me_packet_fragment(struct me_packet_reader *r, __u32 place, __u32 more,
				      __u32 identity)
{
	if (!place && !more)
		return;
	r->place = place;
	r->identity = identity;
	r->flags = !place ? ME_PACKET_FIRST
		   : more ? ME_PACKET_LATER
			  : ME_PACKET_LATER | ME_PACKET_LAST;
}

static inline enum me_unparsed me_packet_v4(struct me_packet_reader *r, struct me_packet *ret)
{
	enum me_unparsed why = me_packet_lacks(r, ME_PACKET_IP4 - 4);
	__u32 first, second, header, length;

	if (why != ME_UNPARSED_COUNT)
		return why;
	first = me_packet_word(r, 0);
	if (first >> 28 != 4)
		return ME_UNPARSED_VERSION;
	r->next = me_packet_word(r, 8) >> 16 & 0xff;
	ret->src = me_addr_v4(me_packet_raw_at(r, 12));
	why = me_packet_lacks(r, ME_PACKET_IP4);
	if (why != ME_UNPARSED_COUNT)
		return why;
	ret->dst = me_addr_v4(me_packet_raw_at(r, 16));
	header = (first >> 24 & 0xf) * 4;
	if (header < ME_PACKET_IP4)
		return ME_UNPARSED_HEADER;
	why = me_packet_lacks(r, header);
	if (why != ME_UNPARSED_COUNT)
		return why;
	length = first & 0xffff;
	if (length && !r->quoted) { /* 0: over 64 kB, which the network card is to cut up */
		if (length < header || length > r->whole)
			return ME_UNPARSED_LENGTH;
		r->length = length;
	}
	second = me_packet_word(r, 4);
	r->at += header;
	me_packet_fragment(r, second & 0x1fff, second >> 13 & 1, second >> 16);
	return ME_UNPARSED_COUNT;
}

/* --- Extension headers (RFC 8200, section 4) ---------------------------------------------------- */

static inline int me_packet_is_extension(__u32 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_AH || next == IPPROTO_DSTOPTS || next == IPPROTO_MH ||
	       next == ME_IPPROTO_HIP || next == ME_IPPROTO_SHIM6;
}

/* Passes over one. Whether it ends in the packet is seen when the one behind it is to be read. */
static inline long me_packet_extension_step(__u32 index, void *context)
{
	struct me_packet_reader *r = context;
	__u32 kind = r->next, first, size;

	(void)index;
	if (!me_packet_is_extension(kind) ||
	    me_packet_lacks(r, ME_PACKET_EXTENSION) != ME_UNPARSED_COUNT)
		return 1;
	first = me_packet_word(r, 0);
	size = (first >> 16 & 0xff) * 8 + 8;
	if (kind == IPPROTO_AH) /* RFC 4302, section 2.2 */
		size = (first >> 16 & 0xff) * 4 + 8;
	if (kind == IPPROTO_FRAGMENT) {
		if (r->flags & ME_PACKET_FIRST)
			return 1;
		size = ME_PACKET_EXTENSION;
		me_packet_fragment(r, first >> 3 & 0x1fff, first & 1, me_packet_word(r, 4));
	}
	r->next = first >> 24;
	r->at = me_loop_begin(r->at + size);
	return (r->flags & ME_PACKET_LATER) != 0;
}

static inline enum me_unparsed me_packet_extensions(struct me_packet_reader *r)
{
	enum me_unparsed why;

	r->at = me_loop_begin(r->at);
	r->next = me_loop_begin(r->next);
	r->flags = me_loop_begin(r->flags);
	me_loop(ME_PACKET_EXTENSIONS_MAX, me_packet_extension_step, r, 0);
	if ((r->flags & ME_PACKET_LATER) || !me_packet_is_extension(r->next))
		return ME_UNPARSED_COUNT;
	why = me_packet_lacks(r, ME_PACKET_EXTENSION);
	if (why != ME_UNPARSED_COUNT)
		return why;
	/* A fragment of a fragment, or one header too many. */
	return r->next == IPPROTO_FRAGMENT && (r->flags & ME_PACKET_FIRST) ? ME_UNPARSED_FRAGMENT
									   : ME_UNPARSED_EXTENSIONS;
}

static inline enum me_unparsed me_packet_v6(struct me_packet_reader *r, struct me_packet *ret)
{
	enum me_unparsed why = me_packet_lacks(r, ME_PACKET_IP6 - 16);
	__u32 second, length;

	if (why != ME_UNPARSED_COUNT)
		return why;
	if (me_packet_word(r, 0) >> 28 != 6)
		return ME_UNPARSED_VERSION;
	second = me_packet_word(r, 4);
	r->next = second >> 8 & 0xff;
	for (__u32 i = 0; i < 4; i++)
		ret->src.word[i] = me_packet_raw_at(r, 8 + 4 * i);
	why = me_packet_lacks(r, ME_PACKET_IP6);
	if (why != ME_UNPARSED_COUNT)
		return why;
	for (__u32 i = 0; i < 4; i++)
		ret->dst.word[i] = me_packet_raw_at(r, 24 + 4 * i);
	/* No packet has these (RFC 4038, section 4.2); it would be taken for one of IPv4. */
	if (me_addr_is_v4(&ret->src) || me_addr_is_v4(&ret->dst))
		return ME_UNPARSED_VERSION;
	length = second >> 16;
	if ((length || r->next == IPPROTO_NONE) && !r->quoted) { /* else a jumbogram (RFC 2675) */
		if (ME_PACKET_IP6 + length > r->whole)
			return ME_UNPARSED_LENGTH;
		r->length = ME_PACKET_IP6 + length;
	}
	r->at += ME_PACKET_IP6;
	return me_packet_extensions(r);
}

/* The protocol behind the headers that were read; 0: unknown. */
static inline __u8 me_packet_proto(const struct me_packet_reader *r, int v6)
{
	return v6 && me_packet_is_extension(r->next) ? 0 : r->next;
}

/* --- The transport ------------------------------------------------------------------------------ */

/* Bytes of the transport header that are read; 0: neither ports nor types are in it. */
static inline __u32 me_packet_transport_size(__u8 proto, int v6)
{
	switch (proto) {
	case IPPROTO_TCP:
		return ME_PACKET_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return ME_PACKET_UDP;
	case IPPROTO_SCTP:
		return ME_PACKET_SCTP;
	case IPPROTO_ICMP:
		return v6 ? 0 : ME_PACKET_ICMP;
	case IPPROTO_ICMPV6:
		return v6 ? ME_PACKET_ICMP : 0;
	default:
		return 0;
	}
}

/* RFC 792 without what only advises (redirect, source quench); RFC 4443, RFC 4861, RFC 3810, RFC 4286. */
static inline __u8 me_packet_icmp_flags(__u8 type, int v6)
{
	if (!v6)
		return type == 3 || type == 11 || type == 12 ? ME_PACKET_ERROR : 0;
	if (type >= 1 && type <= 4)
		return ME_PACKET_ERROR;
	return (type >= 130 && type <= 137) || type == 143 || (type >= 151 && type <= 153)
		       ? ME_PACKET_LINK
		       : 0;
}

static inline enum me_unparsed me_packet_transport(struct me_packet_reader *r, int v6,
						   struct me_packet *ret)
{
	__u32 size = me_packet_transport_size(r->next, v6), first, fourth;
	enum me_unparsed why = me_packet_lacks(r, size);

	if (why != ME_UNPARSED_COUNT)
		return why;
	first = size ? me_packet_word(r, 0) : 0;
	if (me_proto_has_ports(r->next)) {
		ret->sport = first >> 16;
		ret->dport = first;
	} else if (size) {
		ret->icmp_type = first >> 24;
		r->flags |= me_packet_icmp_flags(ret->icmp_type, v6);
	}
	if (r->next == IPPROTO_TCP) {
		ret->seq = me_packet_word(r, 4);
		ret->ack = me_packet_word(r, 8);
		fourth = me_packet_word(r, 12);
		ret->tcp_flags = fourth >> 16;
		size = fourth >> 28 << 2;
		if (size < ME_PACKET_TCP)
			return ME_UNPARSED_HEADER;
		if (me_packet_ends(r, size) != ME_UNPARSED_COUNT)
			return r->flags & ME_PACKET_FIRST ? ME_UNPARSED_FRAGMENT
							  : ME_UNPARSED_LENGTH;
	}
	r->at += size;
	return ME_UNPARSED_COUNT;
}

/*
 * Reads any packet from memory: `bytes`, in the kernel ME_PACKET_ROOM bytes aligned to 4, of which the
 * first `have`, no more than that, are from the packet; `whole` is how many the packet has, at least
 * `have`; `v6` is which IP version its frame names. ME_UNPARSED_COUNT: it was read. Else why not; then
 * src, dst and proto are what is known of them, and all other fields 0.
 *
 * What an IPv6 packet carries is known at the end of its extension headers, which a later fragment may
 * not show; until then proto is 0.
 */
static inline enum me_unparsed me_packet_parse(const __u8 *bytes, __u32 have, __u32 whole, int v6,
					       struct me_packet *ret)
{
	struct me_packet_reader r = {.bytes = bytes, .have = have, .whole = whole, .length = whole};
	enum me_unparsed why;

	*ret = (struct me_packet){.flags = 0};
	why = v6 ? me_packet_v6(&r, ret) : me_packet_v4(&r, ret);
	if (why == ME_UNPARSED_COUNT && !(r.flags & ME_PACKET_LATER))
		why = me_packet_transport(&r, v6, ret);
	else if (why == ME_UNPARSED_COUNT && r.place == 1 && r.next == IPPROTO_TCP)
		why = ME_UNPARSED_FRAGMENT; /* over the flags of the first (RFC 3128) */
	if (why != ME_UNPARSED_COUNT) {
		*ret = (struct me_packet){
			.src = ret->src, .dst = ret->dst, .proto = me_packet_proto(&r, v6)};
		return why;
	}
	ret->proto = me_packet_proto(&r, v6);
	ret->flags = r.flags;
	if (!v6 && ret->proto == IPPROTO_IGMP)
		ret->flags |= ME_PACKET_LINK;
	ret->identity = r.identity;
	ret->length = r.length;
	ret->headers = r.at;
	ret->payload = r.length - r.at;
	return ME_UNPARSED_COUNT;
}

/* --- What an ICMP error is about ---------------------------------------------------------------- */

/*
 * Reads what the ICMP error `packet`, which me_packet_parse() found in the same memory, quotes: the
 * beginning of a packet, with at least its ports. For any other packet all is 0.
 */
static inline void me_packet_about(const __u8 *bytes, __u32 have, const struct me_packet *packet,
				   struct me_packet_about *ret)
{
	__u32 end = have < packet->length ? have : packet->length, type = packet->icmp_type, code;
	struct me_packet_reader r = {.bytes = bytes,
				     .have = end,
				     .whole = end,
				     .length = end,
				     .quoted = 1,
				     .at = packet->headers - ME_PACKET_ICMP};
	struct me_packet quoted = {.flags = 0};
	int v6 = packet->proto == IPPROTO_ICMPV6;

	*ret = (struct me_packet_about){.proto = 0};
	if (!(packet->flags & ME_PACKET_ERROR))
		return;
	code = me_packet_word(&r, 0) >> 16 & 0xff;
	ret->refused = v6 ? type == 1 && code == 4 : type == 3 && (code == 2 || code == 3);
	ret->too_big = v6 ? type == 2 : type == 3 && code == 4;
	r.at += ME_PACKET_ICMP;
	if ((v6 ? me_packet_v6(&r, &quoted) : me_packet_v4(&r, &quoted)) != ME_UNPARSED_COUNT)
		return;
	if (me_proto_has_ports(r.next) && !(r.flags & ME_PACKET_LATER)) {
		if (me_packet_lacks(&r, ME_PACKET_PORTS) != ME_UNPARSED_COUNT)
			return;
		ret->sport = me_packet_word(&r, 0) >> 16;
		ret->dport = me_packet_word(&r, 0);
	}
	ret->src = quoted.src;
	ret->dst = quoted.dst;
	ret->proto = me_packet_proto(&r, v6);
}

#endif
