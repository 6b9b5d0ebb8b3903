/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_PACKET_H
#define MEWATCH_PACKET_H

/*
 * Packets of the wire, pure: IPv4 with options, IPv6 with extension headers, fragments, and as much
 * of the transport as tells the flow. Checksums are not looked at: they are partial where a network
 * card is to fill them in.
 *
 * A packet begins with its network header. me_packet_quick() reads nearly all of them where they lie,
 * between two pointers; what it does not take, me_packet_parse() (mewatch/packet_parse.h) reads from
 * memory to which the headers were copied. What both take, both read alike. Where the packet begins
 * in a frame is told by mewatch/frame.h.
 */
#include "mewatch/address.h"
#include "mewatch/loop.h"

#define ME_PACKET_ROOM 1024u        /* of the memory that headers are copied to in the kernel */
#define ME_PACKET_EXTENSIONS_MAX 8u /* IPv6 extension headers that are followed */
#define ME_PACKET_TAGS_MAX 4u       /* VLAN tags that are followed */

/* TCP flags, as on the wire (RFC 9293, section 3.1). */
#define ME_TCP_FIN 1u
#define ME_TCP_SYN 2u
#define ME_TCP_RST 4u
#define ME_TCP_ACK 16u

/* me_packet.flags */
#define ME_PACKET_FIRST 1u   /* the first fragment of several: more follow */
#define ME_PACKET_LATER 2u   /* a later fragment: it has no ports */
#define ME_PACKET_LAST 4u    /* of a later fragment: none follows */
#define ME_PACKET_LINK 8u    /* ND, MLD, IGMP: it never leaves the link */
#define ME_PACKET_ERROR 16u  /* an ICMP error; `about` holds unless its proto is 0 */
#define ME_PACKET_UNREAD 32u /* it could not be parsed: for who keeps the packet all the same */

/* The packet that an ICMP error is about: what it quotes. */
struct me_packet_about {
	struct me_addr src, dst;
	__u16 sport, dport; /* host order */
	__u8 proto;         /* 0: what is quoted cannot be read */
	__u8 refused;       /* 1: the port is closed; 0: the way to it is */
	__u8 too_big;       /* 1: neither, it only has to be sent in smaller packets */
	__u8 zero;
};

struct me_packet {
	struct me_addr src, dst;
	__u32 seq, ack;     /* TCP, host order, as on the wire */
	__u32 payload;      /* bytes behind the transport header, by the packet's own length */
	__u32 length;       /* bytes from the network header on, by the packet's own length */
	__u32 identity;     /* of a fragment, host order */
	__u16 headers;      /* bytes from the network header to the payload */
	__u16 sport, dport; /* host order; 0 where the protocol has none, and in later fragments */
	__u8 proto;         /* behind all extension headers; 0: unknown */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 flags;
	__u16 zero;
};
_Static_assert(sizeof(struct me_packet) == 64 && sizeof(struct me_packet_about) == 40,
	       "they have no holes");

/* Headers without options, in bytes. */
#define ME_PACKET_IP4 20u
#define ME_PACKET_IP6 40u
#define ME_PACKET_TCP 20u
#define ME_PACKET_UDP 8u

/* A word of the wire in network order. In the kernel it is aligned as its header is. */
static inline __u32 me_packet_raw(const void *at)
{
#ifdef __bpf__
	return *(const __u32 *)at;
#else
	__u32 word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
#endif
}

/* The transport header at `at`, of which ME_PACKET_UDP bytes are there, behind ret->headers bytes. */
static inline int me_packet_quick_transport(const __u8 *at, const void *end, struct me_packet *ret)
{
	__u32 ports, more, headers = ret->headers;

	ports = ME_NET32(me_packet_raw(at));
	ret->seq = ret->ack = 0;
	ret->tcp_flags = 0;
	if (ret->proto == IPPROTO_TCP) {
		if (at + ME_PACKET_TCP > (const __u8 *)end)
			return 0;
		more = ME_NET32(me_packet_raw(at + 12));
		if (more >> 28 < ME_PACKET_TCP / 4)
			return 0;
		headers += more >> 28 << 2;
		ret->seq = ME_NET32(me_packet_raw(at + 4));
		ret->ack = ME_NET32(me_packet_raw(at + 8));
		ret->tcp_flags = more >> 16;
	} else if (ret->proto == IPPROTO_UDP) {
		headers += ME_PACKET_UDP;
	} else {
		return 0;
	}
	if (headers > ret->length) /* or it says 0, as those over 64 kB do */
		return 0;
	ret->sport = ports >> 16;
	ret->dport = ports;
	ret->headers = headers;
	ret->payload = ret->length - headers;
	ret->identity = 0;
	ret->icmp_type = ret->flags = 0;
	ret->zero = 0;
	return 1;
}

/*
 * Reads a packet where it lies: [data, end) begins at the network header; `v6` is which IP version its
 * frame names, `whole` how many bytes it has, of which not all need lie there. 1; 0: it is not one of
 * the ordinary ones, me_packet_parse() has to read it, and *ret has no meaning.
 */
static inline int me_packet_quick(const void *data, const void *end, int v6, __u32 whole,
				  struct me_packet *ret)
{
	const __u8 *at = data;
	__u32 first, second;

	if (v6) {
		if (at + ME_PACKET_IP6 + ME_PACKET_UDP > (const __u8 *)end)
			return 0;
		second = ME_NET32(me_packet_raw(at + 4));
		if (at[0] >> 4 != 6)
			return 0;
		for (__u32 i = 0; i < 4; i++) {
			ret->src.word[i] = me_packet_raw(at + 8 + 4 * i);
			ret->dst.word[i] = me_packet_raw(at + 24 + 4 * i);
		}
		if (me_addr_is_v4(&ret->src) || me_addr_is_v4(&ret->dst))
			return 0;
		ret->length = ME_PACKET_IP6 + (second >> 16);
		ret->headers = ME_PACKET_IP6;
		ret->proto = second >> 8;
		at += ME_PACKET_IP6;
	} else {
		if (at + ME_PACKET_IP4 + ME_PACKET_UDP > (const __u8 *)end)
			return 0;
		first = ME_NET32(me_packet_raw(at));
		/* Options, or a fragment. */
		if (first >> 24 != 0x45 || (ME_NET32(me_packet_raw(at + 4)) & 0x3fff))
			return 0;
		ret->src = me_addr_v4(me_packet_raw(at + 12));
		ret->dst = me_addr_v4(me_packet_raw(at + 16));
		ret->length = first & 0xffff;
		ret->headers = ME_PACKET_IP4;
		ret->proto = at[9];
		at += ME_PACKET_IP4;
	}
	return ret->length <= whole && me_packet_quick_transport(at, end, ret);
}

#endif
