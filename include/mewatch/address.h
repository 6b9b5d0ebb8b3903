/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_ADDRESS_H
#define MEWATCH_ADDRESS_H

/*
 * Addresses and port slots, pure. An address is 16 bytes in network order; IPv4 is ::ffff:a.b.c.d.
 */
#include <linux/in.h>
#include "mewatch/image.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

struct me_addr {
	union {
		__u8 byte[16];
		__u32 word[4]; /* network order */
		__u64 half[2]; /* network order */
	};
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ME_NET32(x) __builtin_bswap32(x)
#define ME_NET16(x) __builtin_bswap16(x)
#else
#define ME_NET32(x) (x)
#define ME_NET16(x) (x)
#endif

#define ME_MAPPED_PREFIX ME_NET32(0x0000ffffu) /* third word of ::ffff:0:0/96 */

/* What kind of address it is, by its bits alone (RFC 4291, RFC 6890, RFC 5771). */
enum me_addr_kind {
	ME_ADDR_GLOBAL,    /* any unicast address not named below, private space included */
	ME_ADDR_LOOPBACK,  /* 127/8, ::1 */
	ME_ADDR_LINK,      /* broadcast, 224.0.0/24, ff01::/16, ff02::/16: never leaves the link */
	ME_ADDR_LINKLOCAL, /* 169.254/16, fe80::/10: unicast, judged, never `any` */
	ME_ADDR_OTHER,     /* unspecified, 0/8, 240/4, wider multicast */
};

/* IPv4 address `v4` (network order) in its mapped form. */
static inline struct me_addr me_addr_v4(__u32 v4)
{
	struct me_addr a = {.word = {0, 0, ME_MAPPED_PREFIX, v4}};

	return a;
}

/* Whether it is an IPv4 address in mapped form. */
static inline int me_addr_is_v4(const struct me_addr *a)
{
	return a->half[0] == 0 && a->word[2] == ME_MAPPED_PREFIX;
}

static inline int me_addr_equal(const struct me_addr *a, const struct me_addr *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* Whether the address lies in `net`/`bits` (0-128, counted in the mapped form). */
static inline int me_addr_in(const struct me_addr *a, const struct me_addr *net, __u32 bits)
{
	__u32 whole = bits / 8, rest = bits % 8;

	for (__u32 i = 0; i < whole; i++) {
		if (a->byte[i] != net->byte[i])
			return 0;
	}
	return !rest || ((a->byte[whole] ^ net->byte[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

static inline enum me_addr_kind me_addr_kind_v4(__u32 host_order)
{
	__u32 top = host_order >> 24;

	if (top == 127)
		return ME_ADDR_LOOPBACK;
	if (host_order == 0xffffffffu || host_order >> 8 == 0xe00000u)
		return ME_ADDR_LINK;
	if (host_order >> 16 == 0xa9feu)
		return ME_ADDR_LINKLOCAL;
	if (top == 0 || top >= 224)
		return ME_ADDR_OTHER;
	return ME_ADDR_GLOBAL;
}

static inline enum me_addr_kind me_addr_kind(const struct me_addr *a)
{
	if (me_addr_is_v4(a))
		return me_addr_kind_v4(ME_NET32(a->word[3]));
	if (a->byte[0] == 0xff)
		return a->byte[1] == 1 || a->byte[1] == 2 ? ME_ADDR_LINK : ME_ADDR_OTHER;
	if (a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80)
		return ME_ADDR_LINKLOCAL;
	if (a->half[0] == 0 && a->word[2] == 0) {
		if (a->word[3] == ME_NET32(1))
			return ME_ADDR_LOOPBACK;
		if (a->word[3] == 0)
			return ME_ADDR_OTHER;
	}
	return ME_ADDR_GLOBAL;
}

/* The slot of (IP protocol, destination port in host order) in me_head.slot. */
static inline __u32 me_slot(__u8 proto, __u16 port)
{
	switch (proto) {
	case IPPROTO_TCP:
		return ME_SLOT_TCP + port;
	case IPPROTO_UDP:
		return ME_SLOT_UDP + port;
	case IPPROTO_UDPLITE:
		return ME_SLOT_UDPLITE + port;
	case IPPROTO_SCTP:
		return ME_SLOT_SCTP + port;
	default:
		return ME_SLOT_PROTO + proto;
	}
}

/* Whether flows of this protocol have ports. */
static inline int me_proto_has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP;
}

#endif
