/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_PACKETS_HEADERS_H
#define MEWATCH_TESTS_PACKETS_HEADERS_H

/* The headers of which tests/packets.h makes packets, and what has to be read of each. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "mewatch/packet.h"

#define PACKETS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PACKETS_CHAIN_MAX 9 /* extension headers, without the fragment's */

struct packets_expected {
	bool v6;
	bool quick;           /* it is an ordinary one */
	enum me_unparsed why; /* ME_UNPARSED_COUNT: it can be read */
	struct me_packet packet;
	struct me_packet_about about;
	/* Bytes that have to be there so that is known … */
	size_t header; /* all of the IP header */
	size_t first;  /* that it is a first fragment; 0: it is none */
	size_t proto;  /* the protocol */
	size_t needs;  /* all of it, or why it cannot be read */
	size_t about_needs;
};

/* --- What there is ------------------------------------------------------------------------------- */

enum packets_fragment {
	PACKETS_WHOLE,
	PACKETS_ATOMIC, /* RFC 6946; of IPv4: it must not be fragmented (RFC 6864) */
	PACKETS_FIRST,
	PACKETS_MIDDLE,
	PACKETS_LAST,
	PACKETS_FRAGMENTS
};

enum packets_quote {
	PACKETS_NOTHING,
	PACKETS_TCP,
	PACKETS_UDP,
	PACKETS_BEHIND,  /* TCP behind options or an extension header */
	PACKETS_LATER,   /* a later fragment of UDP */
	PACKETS_NO_PORT, /* ESP */
	PACKETS_OTHER,   /* a packet of the other IP version */
	PACKETS_SHORT,   /* TCP without its ports */
	PACKETS_QUOTES
};

struct packets_transport {
	const char *name;
	uint8_t proto[2]; /* over IPv4, over IPv6 */
	uint8_t header, options;
	uint8_t type[2], code[2]; /* ICMP */
	uint8_t flags[2];
	bool refused, too_big;
};

static const struct packets_transport packets_transports[] = {
	{.name = "tcp", .proto = {6, 6}, .header = 20},
	{.name = "tcp-options", .proto = {6, 6}, .header = 20, .options = 12},
	{.name = "tcp-most-options", .proto = {6, 6}, .header = 20, .options = 40},
	{.name = "udp", .proto = {17, 17}, .header = 8},
	{.name = "udplite", .proto = {136, 136}, .header = 8},
	{.name = "sctp", .proto = {132, 132}, .header = 12},
	{.name = "echo", .proto = {1, 58}, .header = 8, .type = {8, 128}},
	{.name = "redirect",
	 .proto = {1, 58},
	 .header = 8,
	 .type = {5, 137},
	 .flags = {0, ME_PACKET_LINK}},
	{.name = "neighbour",
	 .proto = {1, 58},
	 .header = 8,
	 .type = {136, 136},
	 .flags = {0, ME_PACKET_LINK}},
	{.name = "listener",
	 .proto = {1, 58},
	 .header = 8,
	 .type = {143, 143},
	 .flags = {0, ME_PACKET_LINK}},
	{.name = "quench", .proto = {1, 58}, .header = 8, .type = {4, 138}},
	{.name = "icmp-of-the-other", .proto = {58, 1}},
	{.name = "igmp", .proto = {2, 2}, .flags = {ME_PACKET_LINK, 0}},
	{.name = "gre", .proto = {47, 47}},
	{.name = "ip-in-ip", .proto = {4, 41}},
	{.name = "esp", .proto = {50, 50}},
	{.name = "nothing", .proto = {59, 59}},
	{.name = "last", .proto = {255, 255}},
};

#define PACKETS_ERROR .proto = {1, 58}, .header = 8, .flags = {ME_PACKET_ERROR, ME_PACKET_ERROR}
static const struct packets_transport packets_errors[] = {
	{.name = "host", PACKETS_ERROR, .type = {3, 1}, .code = {1, 3}},
	{.name = "port", PACKETS_ERROR, .type = {3, 1}, .code = {3, 4}, .refused = true},
	{.name = "too-big", PACKETS_ERROR, .type = {3, 2}, .code = {4, 0}, .too_big = true},
	{.name = "exceeded", PACKETS_ERROR, .type = {11, 3}},
	{.name = "parameter", PACKETS_ERROR, .type = {12, 4}, .code = {0, 1}},
};
#undef PACKETS_ERROR

/* The extension headers, but for the fragment's. */
static const uint8_t packets_kinds[] = {0, 60, 43, 51, 135, 139, 140};
/* In the order n the header i is packets_kinds[(start + i * step) % 7]. */
static const struct {
	unsigned int start, step;
} packets_orders[] = {{0, 1}, {2, 3}, {6, 6}};

#define PACKETS_ORDERS PACKETS_COUNT_OF(packets_orders)

/* One combination. */
struct packets_choice {
	bool v6;
	size_t options; /* bytes of IPv4 options */
	size_t n;       /* extension headers, without the fragment's */
	size_t order;
	enum packets_fragment fragment;
	const struct packets_transport *transport;
	enum packets_quote quote;
};

/* --- Writing ------------------------------------------------------------------------------------- */

struct packets_writer {
	uint8_t *byte;
	size_t n, room;
};

static inline void packets_put(struct packets_writer *w, size_t bytes, uint32_t value)
{
	if (w->n + bytes > w->room)
		abort();
	while (bytes--)
		w->byte[w->n++] = (uint8_t)(value >> 8 * bytes);
}

static inline void packets_fill(struct packets_writer *w, size_t n, uint8_t value)
{
	while (n--)
		packets_put(w, 1, value);
}

static inline void packets_set16(uint8_t *byte, size_t value)
{
	byte[0] = (uint8_t)(value >> 8);
	byte[1] = (uint8_t)value;
}

static inline void packets_put_address(struct packets_writer *w, const struct me_addr *address)
{
	for (size_t i = me_addr_is_v4(address) ? 12 : 0; i < 16; i++)
		packets_put(w, 1, address->byte[i]);
}

/* 192.0.2.host or 2001:db8::host */
static inline struct me_addr packets_address(bool v6, uint8_t host)
{
	struct me_addr address = {.byte = {0x20, 0x01, 0x0d, 0xb8, [15] = host}};

	return v6 ? address : me_addr_v4(ME_NET32(0xc0000200u | host));
}

/* An IPv4 header without its total length. */
static inline void packets_put_v4(struct packets_writer *w, size_t options,
				  uint32_t id_and_fragment, uint8_t proto,
				  const struct me_addr *src, const struct me_addr *dst)
{
	packets_put(w, 4, (uint32_t)(0x45 + options / 4) << 24);
	packets_put(w, 4, id_and_fragment);
	packets_put(w, 4, 64u << 24 | (uint32_t)proto << 16 | 0xdead); /* nobody looks at the sum */
	packets_put_address(w, src);
	packets_put_address(w, dst);
	packets_fill(w, options, 1);
}

/* An IPv6 header without its payload length. */
static inline void packets_put_v6(struct packets_writer *w, uint8_t next, const struct me_addr *src,
				  const struct me_addr *dst)
{
	packets_put(w, 4, 0x6abcdef0);
	packets_put(w, 4, (uint32_t)next << 8 | 64);
	packets_put_address(w, src);
	packets_put_address(w, dst);
}

/* What of a packet an error quotes; it says that it is longer, as it was. */
static inline void packets_put_quoted(struct packets_writer *w, bool v6, enum packets_quote quote,
				      struct packets_expected *ret)
{
	bool is_v6 = v6 != (quote == PACKETS_OTHER), later = quote == PACKETS_LATER;
	bool unreadable = quote == PACKETS_OTHER || quote == PACKETS_SHORT;
	uint8_t proto = quote == PACKETS_NO_PORT                         ? 50
			: quote == PACKETS_UDP || quote == PACKETS_LATER ? 17
									 : 6;
	struct me_addr src = packets_address(is_v6, 77), dst = packets_address(is_v6, 88);
	size_t at = w->n;

	if (is_v6) {
		packets_put_v6(w, later ? 44 : quote == PACKETS_BEHIND ? 60 : proto, &src, &dst);
		packets_set16(w->byte + at + 4, 1200);
		if (later || quote == PACKETS_BEHIND) {
			packets_put(w, 4, (uint32_t)proto << 24 | (later ? 185 << 3 : 0));
			packets_put(w, 4, 0x11223344);
		}
	} else {
		packets_put_v4(w, quote == PACKETS_BEHIND ? 12 : 0, later ? 0x55550000 | 185 : 0,
			       proto, &src, &dst);
		packets_set16(w->byte + at + 2, 1200);
	}
	ret->about_needs = w->n + (later || quote == PACKETS_NO_PORT ? 0 : 4);
	packets_put(w, 2, 0xd431);
	if (quote == PACKETS_SHORT)
		return;
	packets_put(w, 2, 443);
	packets_put(w, 4, 0x01020304);
	if (unreadable)
		return;
	ret->about.src = src;
	ret->about.dst = dst;
	ret->about.proto = proto;
	if (!later && quote != PACKETS_NO_PORT) {
		ret->about.sport = 0xd431;
		ret->about.dport = 443;
	}
}

/* The transport header, and some bytes. */
static inline void packets_put_transport(struct packets_writer *w, const struct packets_choice *c,
					 struct packets_expected *ret)
{
	const struct packets_transport *t = c->transport;
	struct me_packet *packet = &ret->packet;
	size_t end = w->n + t->header;
	bool icmp = t->proto[c->v6] == (c->v6 ? 58 : 1), ports = t->header && !icmp;

	ret->needs = end;
	packet->flags |= t->flags[c->v6];
	if (ports) {
		packet->sport = 40001;
		packet->dport = 53;
		packets_put(w, 4, 40001u << 16 | 53);
	}
	if (icmp) {
		packet->icmp_type = t->type[c->v6];
		packets_put(w, 4, (uint32_t)t->type[c->v6] << 24 | (uint32_t)t->code[c->v6] << 16);
	}
	if (t->proto[c->v6] == 6) {
		packet->seq = 0xfedcba98;
		packet->ack = 0x76543210;
		packet->tcp_flags = ME_TCP_ACK | ME_TCP_FIN;
		packets_put(w, 4, packet->seq);
		packets_put(w, 4, packet->ack);
		packets_put(w, 4, (uint32_t)(5 + t->options / 4) << 28 | 0x11 << 16 | 0xffff);
	}
	packets_fill(w, end + t->options - w->n, 1);
	packet->headers = (uint16_t)w->n;
	if (c->quote) {
		ret->about.refused = t->refused;
		ret->about.too_big = t->too_big;
		packets_put_quoted(w, c->v6, c->quote, ret);
	} else {
		packets_fill(w, 13, 0x45);
	}
}

static inline bool packets_is_later(const struct packets_choice *c)
{
	return c->fragment == PACKETS_MIDDLE || c->fragment == PACKETS_LAST;
}

/* The IPv4 header. */
static inline void packets_put_ip4(struct packets_writer *w, const struct packets_choice *c,
				   struct packets_expected *ret)
{
	static const uint16_t fragments[] = {0, 0x4000, 0x2000, 0x2000 | 185, 370};

	packets_put_v4(w, c->options, 0xbeef0000 | fragments[c->fragment], c->transport->proto[0],
		       &ret->packet.src, &ret->packet.dst);
	ret->packet.proto = c->transport->proto[0];
	ret->packet.identity = c->fragment < PACKETS_FIRST ? 0 : 0xbeef;
	ret->proto = 16;
	ret->header = ret->first = w->n;
}

/* The headers of a chain, without the fragment's. Where that comes depends on the order. */
static inline size_t packets_chain(const struct packets_choice *c,
				   uint8_t chain[PACKETS_CHAIN_MAX + 1])
{
	const size_t places[PACKETS_ORDERS] = {c->n, 0, c->n / 2};
	size_t n = 0;

	for (size_t i = 0; i <= c->n; i++) {
		size_t kind = packets_orders[c->order].start + i * packets_orders[c->order].step;

		if (c->fragment != PACKETS_WHOLE && i == places[c->order])
			chain[n++] = 44;
		if (i < c->n)
			chain[n++] = packets_kinds[kind % PACKETS_COUNT_OF(packets_kinds)];
	}
	return n;
}

/* The extension header `kind`, number `i`, with another in front of `next`. */
static inline void packets_put_extension(struct packets_writer *w, const struct packets_choice *c,
					 uint8_t kind, size_t i, uint8_t next)
{
	static const uint16_t fragments[] = {0, 0, 1, 185 << 3 | 1, 370 << 3};
	size_t size = 8 + 8 * (i % 3);

	packets_put(w, 1, next);
	if (kind == 44) {
		packets_put(w, 3, fragments[c->fragment]);
		packets_put(w, 4, 0x12345678);
		return;
	}
	packets_put(w, 1, (uint32_t)(kind == 51 ? size / 4 - 2 : size / 8 - 1));
	packets_fill(w, size - 2, 60); /* taken for a header, it would be followed */
}

/* The IPv6 header and its extension headers. */
static inline void packets_put_ip6(struct packets_writer *w, const struct packets_choice *c,
				   struct packets_expected *ret)
{
	uint8_t chain[PACKETS_CHAIN_MAX + 2], proto = c->transport->proto[1];
	size_t n = packets_chain(c, chain), i = 0;

	chain[n] = ret->packet.proto = proto;
	packets_put_v6(w, chain[0], &ret->packet.src, &ret->packet.dst);
	ret->header = w->n;
	ret->proto = 24;
	ret->packet.identity = c->fragment < PACKETS_FIRST ? 0 : 0x12345678;
	while (i < n) {
		size_t at = w->n;
		uint8_t kind = chain[i];

		packets_put_extension(w, c, kind, i, chain[i + 1]);
		ret->proto = at + 8;
		if (++i > ME_PACKET_EXTENSIONS_MAX && ret->why == ME_UNPARSED_COUNT) {
			ret->why = ME_UNPARSED_EXTENSIONS;
			ret->needs = at + 8;
		}
		if (kind == 44)
			ret->first = w->n;
		if (kind == 44 && packets_is_later(c))
			break;
	}
	if (i < n || ret->why != ME_UNPARSED_COUNT)
		ret->packet.proto = 0; /* in a later fragment, of which nothing more can be said */
}

#endif
