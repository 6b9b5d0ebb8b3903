/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_PACKETS_H
#define MEWATCH_TESTS_PACKETS_H

/*
 * Packets of every combination of the headers that mewatch/packet.h knows, each with what has to be
 * read of it: whole, cut off, and said to be shorter than it is. They are put together from the
 * standards; nothing of the parser is used.
 */
#include <stdio.h>
#include <string.h>
#include "packets_headers.h"

#define PACKETS_MAX 512 /* bytes of one */
#define PACKETS_TAGS_MAX 5
#define PACKETS_FRAME_MAX (14 + 4 * PACKETS_TAGS_MAX + PACKETS_MAX)
#define PACKETS_NAME_MAX 96

#define PACKETS_OPTIONS 3 /* IPv4 without, with 4, with 40 bytes */
#define PACKETS_NETWORKS (PACKETS_OPTIONS + 1 + PACKETS_CHAIN_MAX * PACKETS_ORDERS)
#define PACKETS_PLAIN PACKETS_COUNT_OF(packets_transports)
#define PACKETS_TRANSPORTS (PACKETS_PLAIN + PACKETS_COUNT_OF(packets_errors) * (PACKETS_QUOTES - 1))

static const char *const packets_fragment_names[PACKETS_FRAGMENTS] = {"whole", "atomic", "first",
								      "middle", "last"};
static const char *const packets_quote_names[PACKETS_QUOTES] = {
	"", "tcp", "udp", "tcp-behind", "later", "esp", "other-version", "short"};

static inline size_t packets_count(void)
{
	return PACKETS_NETWORKS * PACKETS_FRAGMENTS * PACKETS_TRANSPORTS;
}

static inline struct packets_choice packets_choose(size_t index)
{
	static const size_t options[PACKETS_OPTIONS] = {0, 4, 40};
	size_t transport = index % PACKETS_TRANSPORTS;
	size_t network = index / PACKETS_TRANSPORTS / PACKETS_FRAGMENTS;
	struct packets_choice c = {.fragment = index / PACKETS_TRANSPORTS % PACKETS_FRAGMENTS};

	if (network < PACKETS_OPTIONS) {
		c.options = options[network];
	} else {
		network -= PACKETS_OPTIONS;
		c.v6 = true;
		c.n = network ? 1 + (network - 1) / PACKETS_ORDERS : 0;
		c.order = network ? (network - 1) % PACKETS_ORDERS : 0;
	}
	if (transport < PACKETS_PLAIN) {
		c.transport = &packets_transports[transport];
	} else {
		transport -= PACKETS_PLAIN;
		c.transport = &packets_errors[transport / (PACKETS_QUOTES - 1)];
		c.quote = 1 + transport % (PACKETS_QUOTES - 1);
	}
	return c;
}

/* Says which one it is, for people. */
static inline void packets_name(size_t index, char out[PACKETS_NAME_MAX])
{
	struct packets_choice c = packets_choose(index);

	snprintf(out, PACKETS_NAME_MAX, "%s-%zu-%zu-%s-%s%s%s", c.v6 ? "v6" : "v4",
		 c.v6 ? c.n : c.options, c.order, packets_fragment_names[c.fragment],
		 c.transport->name, c.quote ? "-" : "", packets_quote_names[c.quote]);
}

/* Makes the packet say that it has `n` bytes. */
static inline void packets_shorten(uint8_t *packet, bool v6, size_t n)
{
	if (v6)
		packets_set16(packet + 4, n - 40);
	else
		packets_set16(packet + 2, n);
}

/* What has to be read of a packet that cannot be, when `n` bytes of it are there. */
static inline void packets_unread(const struct packets_expected *e, size_t n, enum me_unparsed why,
				  struct packets_expected *ret)
{
	struct me_packet packet = {.proto = n >= e->proto ? e->packet.proto : 0};

	if (n >= (e->v6 ? 24 : 16))
		packet.src = e->packet.src;
	if (n >= (e->v6 ? 40 : 20))
		packet.dst = e->packet.dst;
	*ret = *e;
	ret->quick = false;
	ret->why = why;
	ret->packet = packet;
	ret->about = (struct me_packet_about){.proto = 0};
}

/* What has to be read when `n` bytes are there, which are enough for all but what an error quotes. */
static inline void packets_limit(const struct packets_expected *e, size_t n,
				 struct packets_expected *ret)
{
	*ret = *e;
	if (n < e->about_needs)
		ret->about = (struct me_packet_about){.refused = e->about.refused,
						      .too_big = e->about.too_big};
}

/*
 * Builds the packet `index`, below packets_count(). How many bytes it has; *ret is what has to be read
 * of it.
 */
static inline size_t packets_build(size_t index, uint8_t *out, size_t room,
				   struct packets_expected *ret)
{
	struct packets_choice c = packets_choose(index);
	struct packets_writer w = {.byte = out, .room = room};
	struct packets_expected e = {.v6 = c.v6, .why = ME_UNPARSED_COUNT};
	struct me_packet *packet = &e.packet;
	size_t needs;

	packet->src = packets_address(c.v6, 10);
	packet->dst = packets_address(c.v6, 20);
	if (c.v6)
		packets_put_ip6(&w, &c, &e);
	else
		packets_put_ip4(&w, &c, &e);
	needs = e.needs;
	if (packets_is_later(&c)) {
		packet->flags = c.fragment == PACKETS_LAST ? ME_PACKET_LATER | ME_PACKET_LAST
							   : ME_PACKET_LATER;
		if (!c.transport->header) /* IGMP */
			packet->flags |= c.transport->flags[c.v6];
		packet->headers = (uint16_t)w.n;
		e.needs = w.n;
		packets_fill(&w, 24, 60);
	} else {
		packet->flags = c.fragment == PACKETS_FIRST ? ME_PACKET_FIRST : 0;
		packets_put_transport(&w, &c, &e);
	}
	packet->length = (uint32_t)w.n;
	packet->payload = packet->length - packet->headers;
	packets_shorten(out, c.v6, w.n);
	if (c.fragment != PACKETS_FIRST)
		e.first = 0;
	e.quick = (packet->proto == 6 || packet->proto == 17) && !c.options && !c.n &&
		  c.fragment <= (c.v6 ? PACKETS_WHOLE : PACKETS_ATOMIC);
	if (e.why != ME_UNPARSED_COUNT) {
		packets_unread(&e, w.n, e.why, &e);
		e.needs = needs;
	}
	*ret = e;
	return w.n;
}

/* --- Parts of it --------------------------------------------------------------------------------- */

/* What has to be read of a packet of `size` bytes of which the first `n` lie there. */
static inline void packets_part(const struct packets_expected *e, size_t n,
				struct packets_expected *ret)
{
	if (n < e->needs)
		packets_unread(e, n, ME_UNPARSED_TRUNCATED, ret);
	else
		packets_limit(e, n, ret);
}

/* What has to be read of the first `n` bytes of `size` if there are no more. */
static inline void packets_cut(const struct packets_expected *e, size_t n, size_t size,
			       struct packets_expected *ret)
{
	if (n >= size)
		*ret = *e;
	else if (n < e->header)
		packets_unread(e, n, ME_UNPARSED_TRUNCATED, ret);
	else /* it says that there are more */
		packets_unread(e, e->header, ME_UNPARSED_LENGTH, ret);
}

/* The same if it says itself that there are no more; `padded`: there are. */
static inline void packets_shortened(const struct packets_expected *e, size_t n, bool padded,
				     struct packets_expected *ret)
{
	enum me_unparsed why = padded ? ME_UNPARSED_LENGTH : ME_UNPARSED_TRUNCATED;

	if (e->first && n >= e->first)
		why = ME_UNPARSED_FRAGMENT;
	if (n < e->needs) {
		packets_unread(e, n < e->header ? e->header : n, why, ret);
		return;
	}
	if (n < e->packet.headers) { /* inside the options of TCP */
		packets_unread(e, n, e->first ? why : ME_UNPARSED_LENGTH, ret);
		return;
	}
	packets_limit(e, n, ret);
	if (ret->why != ME_UNPARSED_COUNT)
		return;
	ret->packet.length = (uint32_t)n;
	ret->packet.payload = ret->packet.length - ret->packet.headers;
}

/* --- Frames -------------------------------------------------------------------------------------- */

/* A frame with an Ethernet header and up to PACKETS_TAGS_MAX VLAN tags. How many bytes it has. */
static inline size_t packets_frame(unsigned int tags, bool v6, const uint8_t *packet, size_t size,
				   uint8_t *out, size_t room)
{
	static const uint16_t kinds[PACKETS_TAGS_MAX] = {0x8100, 0x88a8, 0x9100, 0x8100, 0x8100};
	static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x10};
	struct packets_writer w = {.byte = out, .room = room};

	for (size_t i = 0; i < sizeof(addresses); i++)
		packets_put(&w, 1, addresses[i]);
	/* The outermost last in the list, so that one tag is the ordinary one. */
	while (tags--)
		packets_put(&w, 4, (uint32_t)kinds[tags] << 16 | (100 + tags));
	packets_put(&w, 2, v6 ? 0x86dd : 0x0800);
	for (size_t i = 0; i < size; i++)
		packets_put(&w, 1, packet[i]);
	return w.n;
}

#endif
