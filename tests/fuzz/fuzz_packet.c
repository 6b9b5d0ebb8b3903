/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes are a packet or none; what is read of them is what a plain reader finds, which follows one
 * header after the other by recursion, and does not depend on what was in memory before. The first two
 * bytes of the input say how it is meant: MODE_V6 …, and how many bytes of the packet do not lie there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/frame.h"
#include "mewatch/packet_parse.h"

#define MODE_V6 1u
#define MODE_FRAME                                                                                 \
	2u /* it is a frame behind its MAC addresses, which says itself what it carries */
#define MODE_LARGE 4u /* what does not lie there counts 512 times */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* --- The plain reader ---------------------------------------------------------------------------- */

struct plain {
	const uint8_t *byte;
	size_t have, whole, said; /* bytes that are there, that there are, that it says there are */
	bool v6, inside;          /* inside an ICMP error nobody asks what it says */
	bool first, later, last;
	size_t place;
	uint32_t identity;
	uint8_t next; /* what the last header that was read says is behind it */
	struct me_addr src, dst;
	size_t at; /* where that begins */
	enum me_unparsed why;
};

static size_t number(const struct plain *p, size_t at)
{
	return p->byte[at] * 256u + p->byte[at + 1];
}

static uint32_t long_number(const struct plain *p, size_t at)
{
	return (uint32_t)(number(p, at) * 65536 + number(p, at + 2));
}

static bool stop(struct plain *p, enum me_unparsed why)
{
	p->why = why;
	return false;
}

/* Whether the bytes up to `end` can be read; otherwise it says why not. */
static bool there(struct plain *p, size_t end)
{
	if (end <= p->said && end <= p->have)
		return true;
	if (end > p->said && p->first)
		return stop(p, ME_UNPARSED_FRAGMENT);
	if (end > p->whole)
		return stop(p, ME_UNPARSED_TRUNCATED);
	if (end > p->said)
		return stop(p, ME_UNPARSED_LENGTH);
	return stop(p, p->have == ME_PACKET_ROOM ? ME_UNPARSED_EXTENSIONS : ME_UNPARSED_TRUNCATED);
}

static void fragment(struct plain *p, size_t place, bool more, uint32_t identity)
{
	p->place = place;
	p->first = more && !place;
	p->later = place > 0;
	p->last = p->later && !more;
	p->identity = p->first || p->later ? identity : 0;
}

static bool is_extension(uint8_t next)
{
	static const uint8_t all[] = {0, 43, 44, 51, 60, 135, 139, 140};

	return memchr(all, next, sizeof(all));
}

/* The headers from `at` on, of which `left` extension headers may be followed. */
static bool follow(struct plain *p, size_t at, unsigned int left)
{
	uint8_t kind = p->next;
	size_t size;

	p->at = at;
	if (!is_extension(kind))
		return true;
	if (!there(p, at + 8))
		return false;
	if (kind == 44 && p->first)
		return stop(p, ME_UNPARSED_FRAGMENT);
	if (!left)
		return stop(p, ME_UNPARSED_EXTENSIONS);
	p->next = p->byte[at];
	size = kind == 51 ? (p->byte[at + 1] + 2) * 4u : (p->byte[at + 1] + 1) * 8u;
	if (kind != 44)
		return follow(p, at + size, left - 1);
	fragment(p, number(p, at + 2) / 8, number(p, at + 2) % 2, long_number(p, at + 4));
	p->at = at + 8;
	return p->later || follow(p, at + 8, left - 1);
}

static struct me_addr address(const struct plain *p, size_t at)
{
	struct me_addr a = {.byte = {[10] = 0xff, [11] = 0xff}};
	size_t n = p->v6 ? 16 : 4;

	memcpy(a.byte + 16 - n, p->byte + at, n);
	return a;
}

static bool read_v4(struct plain *p, size_t at)
{
	size_t header, length;

	if (!there(p, at + 16))
		return false;
	if (p->byte[at] / 16 != 4)
		return stop(p, ME_UNPARSED_VERSION);
	p->next = p->byte[at + 9];
	p->src = address(p, at + 12);
	if (!there(p, at + 20))
		return false;
	p->dst = address(p, at + 16);
	header = p->byte[at] % 16 * 4u;
	if (header < 20)
		return stop(p, ME_UNPARSED_HEADER);
	if (!there(p, at + header))
		return false;
	length = number(p, at + 2);
	if (!p->inside && length != 0) {
		if (length < header || length > p->whole)
			return stop(p, ME_UNPARSED_LENGTH);
		p->said = length;
	}
	fragment(p, number(p, at + 6) % 8192, number(p, at + 6) / 8192 % 2,
		 (uint32_t)number(p, at + 4));
	p->at = at + header;
	return true;
}

/* Of IPv4, written as one of IPv6: no packet of IPv6 has it. */
static bool is_mapped(const struct me_addr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(a->byte, prefix, sizeof(prefix));
}

static bool read_v6(struct plain *p, size_t at)
{
	size_t length;

	if (!there(p, at + 24))
		return false;
	if (p->byte[at] / 16 != 6)
		return stop(p, ME_UNPARSED_VERSION);
	p->next = p->byte[at + 6];
	p->src = address(p, at + 8);
	if (!there(p, at + 40))
		return false;
	p->dst = address(p, at + 24);
	if (is_mapped(&p->src) || is_mapped(&p->dst))
		return stop(p, ME_UNPARSED_VERSION);
	length = 40 + number(p, at + 4);
	if (!p->inside && (length > 40 || p->next == 59)) {
		if (length > p->whole)
			return stop(p, ME_UNPARSED_LENGTH);
		p->said = length;
	}
	return follow(p, at + 40, ME_PACKET_EXTENSIONS_MAX);
}

static uint8_t carried(const struct plain *p)
{
	return p->v6 && is_extension(p->next) ? 0 : p->next;
}

static bool has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132 || proto == 136;
}

/* What an ICMP message is, from its type. */
static uint8_t icmp_kind(bool v6, uint8_t type)
{
	static const uint8_t errors[2][4] = {{3, 11, 12, 12}, {1, 2, 3, 4}};
	static const uint8_t link[] = {130, 131, 132, 133, 134, 135, 136, 137, 143, 151, 152, 153};

	if (memchr(errors[v6], type, sizeof(errors[v6])))
		return ME_PACKET_ERROR;
	return v6 && memchr(link, type, sizeof(link)) ? ME_PACKET_LINK : 0;
}

/* The transport header of a packet that has one; the payload begins at p->at afterwards. */
static bool read_transport(struct plain *p, struct me_packet *packet)
{
	static const uint8_t sizes[256] = {[6] = 20, [17] = 8, [136] = 8, [132] = 12};
	bool icmp = p->next == (p->v6 ? 58 : 1);
	size_t size = icmp ? 8 : sizes[p->next], at = p->at;

	if (!there(p, at + size))
		return false;
	if (icmp) {
		packet->icmp_type = p->byte[at];
		packet->flags |= icmp_kind(p->v6, p->byte[at]);
	} else if (has_ports(p->next)) {
		packet->sport = (uint16_t)number(p, at);
		packet->dport = (uint16_t)number(p, at + 2);
	}
	if (p->next == 6) {
		packet->seq = long_number(p, at + 4);
		packet->ack = long_number(p, at + 8);
		packet->tcp_flags = p->byte[at + 13];
		size = p->byte[at + 12] / 16 * 4u;
		if (size < 20)
			return stop(p, ME_UNPARSED_HEADER);
		if (at + size > p->said)
			return stop(p, p->first ? ME_UNPARSED_FRAGMENT : ME_UNPARSED_LENGTH);
	}
	p->at += size;
	return true;
}

static enum me_unparsed plain_read(struct plain *p, struct me_packet *ret)
{
	struct me_packet packet = {.flags = 0};
	bool readable = p->v6 ? read_v6(p, 0) : read_v4(p, 0);

	if (readable && p->later && p->place == 1 && p->next == 6)
		readable = stop(p, ME_UNPARSED_FRAGMENT);
	if (readable && !p->later)
		readable = read_transport(p, &packet);
	if (readable) {
		packet.flags |= (p->first ? ME_PACKET_FIRST : 0) |
				(p->later ? ME_PACKET_LATER : 0) | (p->last ? ME_PACKET_LAST : 0);
		if (!p->v6 && p->next == 2)
			packet.flags |= ME_PACKET_LINK;
		packet.identity = p->identity;
		packet.length = (uint32_t)p->said;
		packet.headers = (uint16_t)p->at;
		packet.payload = (uint32_t)(p->said - p->at);
	} else {
		packet = (struct me_packet){.flags = 0};
	}
	packet.src = p->src;
	packet.dst = p->dst;
	packet.proto = carried(p);
	*ret = packet;
	return readable ? ME_UNPARSED_COUNT : p->why;
}

/* What the error, which ends at `payload`, quotes. */
static void plain_about(const struct plain *error, size_t payload, struct me_packet_about *ret)
{
	size_t end = error->have < error->said ? error->have : error->said;
	const uint8_t *icmp = error->byte + payload - 8;
	struct plain p = {.byte = error->byte,
			  .have = end,
			  .whole = end,
			  .said = end,
			  .v6 = error->v6,
			  .inside = true};
	bool ports;

	memset(ret, 0, sizeof(*ret));
	ret->refused = p.v6 ? icmp[0] == 1 && icmp[1] == 4
			    : icmp[0] == 3 && (icmp[1] == 2 || icmp[1] == 3);
	ret->too_big = p.v6 ? icmp[0] == 2 : icmp[0] == 3 && icmp[1] == 4;
	if (!(p.v6 ? read_v6(&p, payload) : read_v4(&p, payload)))
		return;
	ports = has_ports(p.next) && !p.later;
	if (ports && !there(&p, p.at + 4))
		return;
	ret->src = p.src;
	ret->dst = p.dst;
	ret->proto = carried(&p);
	ret->sport = ports ? (uint16_t)number(&p, p.at) : 0;
	ret->dport = ports ? (uint16_t)number(&p, p.at + 2) : 0;
}

/* --- What must hold ------------------------------------------------------------------------------ */

static void check_quick(const uint8_t *bytes, size_t have, size_t whole, bool v6,
			const struct me_packet *packet, bool readable)
{
	static const struct me_packet blank;
	struct me_packet quick = blank;
	bool taken = me_packet_quick(bytes, bytes + have, v6, (uint32_t)whole, &quick);
	bool ordinary = readable && (packet->proto == 6 || packet->proto == 17) && !packet->flags;

	/* Neither options, nor extension headers, nor sizes that the header cannot say. */
	if (ordinary && v6)
		ordinary = bytes[6] == packet->proto && (bytes[4] || bytes[5]);
	else if (ordinary)
		ordinary = bytes[0] == 0x45 && (bytes[2] || bytes[3]);
	check(taken == ordinary);
	check(!taken || !memcmp(&quick, packet, sizeof(quick)));
}

static void check_packet(const uint8_t *data, size_t have, size_t whole, bool v6)
{
	_cleanup_free_ uint8_t *bytes = malloc(have);
	struct me_packet packet, other;
	struct me_packet_about about, expected_about = {.proto = 0};
	struct plain p = {.byte = bytes, .have = have, .whole = whole, .said = whole, .v6 = v6};
	enum me_unparsed why;

	if (have)
		memcpy(bytes, data, have);
	memset(&packet, 0xa5, sizeof(packet));
	memset(&about, 0xa5, sizeof(about));
	why = me_packet_parse(bytes, (uint32_t)have, (uint32_t)whole, v6, &packet);
	me_packet_about(bytes, (uint32_t)have, &packet, &about);
	check(plain_read(&p, &other) == why);
	check(!memcmp(&packet, &other, sizeof(packet)));
	if (packet.flags & ME_PACKET_ERROR)
		plain_about(&p, packet.headers, &expected_about);
	check(!memcmp(&about, &expected_about, sizeof(about)));
	check_quick(bytes, have, whole, v6, &packet, why == ME_UNPARSED_COUNT);
}

/* Where the packet begins; 0: there is none. */
static size_t check_frame(const uint8_t *data, size_t size, bool *ret_v6)
{
	_cleanup_free_ uint8_t *bytes = malloc(size);
	size_t at = 0, tags = 0;
	uint32_t offset = 0;
	int v6 = -1;
	enum me_unparsed why;

	memcpy(bytes, data, size);
	why = me_frame_parse(bytes, (uint32_t)size, 2, (uint16_t)(bytes[0] << 8 | bytes[1]),
			     &offset, &v6);
	while (at + 2 <= size && ((bytes[at] == 0x81 && !bytes[at + 1]) ||
				  (bytes[at] == 0x88 && bytes[at + 1] == 0xa8) ||
				  (bytes[at] == 0x91 && !bytes[at + 1]))) {
		at += 4;
		tags++;
	}
	if (why == ME_UNPARSED_COUNT) {
		check(offset == at + 2 && tags <= ME_PACKET_TAGS_MAX);
		check(v6 ? bytes[at] == 0x86 && bytes[at + 1] == 0xdd
			 : bytes[at] == 0x08 && !bytes[at + 1]);
		*ret_v6 = v6;
		return offset;
	}
	check(!offset && v6 == -1);
	if (tags > ME_PACKET_TAGS_MAX)
		check(why == ME_UNPARSED_TAGS);
	else
		check(why == (at + 2 > size ? ME_UNPARSED_TRUNCATED : ME_UNPARSED_ETHERTYPE));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t behind, begin;
	bool v6;

	if (size < 4)
		return 0;
	v6 = data[0] & MODE_V6;
	behind = data[1] * (data[0] & MODE_LARGE ? 512u : 1u);
	begin = 2;
	if (size - begin > ME_PACKET_ROOM)
		size = begin + ME_PACKET_ROOM;
	if (data[0] & MODE_FRAME) {
		size_t at = check_frame(data + begin, size - begin, &v6);

		if (!at)
			return 0;
		begin += at;
	}
	/* The room may be used up, or the packet may end before. */
	check_packet(data + begin, size - begin, size - begin + behind, v6);
	return 0;
}
