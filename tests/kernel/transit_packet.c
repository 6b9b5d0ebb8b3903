/* SPDX-License-Identifier: GPL-2.0-only */
#include "transit_packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../packets.h"
#include "base/inet.h"
#include "transit.h"

#define ETHERNET 14

static struct me_addr address_of(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

static void put_transport(struct packets_writer *w, const struct transit_packet *p)
{
	bool icmp = p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6;

	if (p->place)
		return;
	if (icmp)
		packets_put(w, 4, (uint32_t)p->type << 24 | (uint32_t)p->code << 16);
	if (icmp)
		packets_put(w, 4, 0x00070001);
	if (!me_proto_has_ports(p->proto))
		return;
	packets_put(w, 2, p->sport);
	packets_put(w, 2, p->dport);
	if (p->proto == IPPROTO_TCP) {
		packets_put(w, 4, p->seq);
		packets_put(w, 4, p->ack);
		packets_put(w, 4, 5u << 28 | (uint32_t)p->flags << 16 | 0xffff);
		packets_put(w, 4, 0);
	} else if (p->proto == IPPROTO_SCTP) {
		packets_fill(w, 8, 0);
	} else {
		packets_put(w, 4, (uint32_t)(8 + p->size) << 16);
	}
}

size_t transit_packet_build(const struct transit_packet *p, uint8_t out[TRANSIT_PACKET_MAX])
{
	struct packets_writer w = {.byte = out, .room = TRANSIT_PACKET_MAX};
	struct me_addr src = address_of(p->src), dst = address_of(p->dst);
	bool v6 = !me_addr_is_v4(&src);

	if (v6) {
		packets_put_v6(&w, p->identity ? IPPROTO_FRAGMENT : p->proto, &src, &dst);
		if (p->identity) {
			packets_put(&w, 2, (uint32_t)p->proto << 8);
			packets_put(&w, 2, (uint32_t)p->place << 3 | p->more);
			packets_put(&w, 4, p->identity);
		}
	} else {
		packets_put_v4(&w, 0, p->identity << 16 | (p->more ? 0x2000u : 0) | p->place,
			       p->proto, &src, &dst);
	}
	put_transport(&w, p);
	for (size_t i = 0; i < p->size; i++)
		packets_put(&w, 1, p->payload ? ((const uint8_t *)p->payload)[i] : 0);
	packets_shorten(out, v6, w.n);
	return w.n;
}

size_t transit_packet_pass_segments(struct transit *transit, bool sent,
				    const struct transit_packet *p, uint32_t segments,
				    uint32_t size_of_one)
{
	uint8_t packet[TRANSIT_PACKET_MAX], frame[ETHERNET + TRANSIT_PACKET_MAX];
	size_t size = transit_packet_build(p, packet);
	uint8_t *host = frame + (sent ? 6 : 0), *router = frame + (sent ? 0 : 6);

	packets_frame(0, packet[0] >> 4 == 6, packet, size, frame, sizeof(frame));
	memcpy(host, (uint8_t[]){2, 0, 0, 0, 0, p->mac ? p->mac : TRANSIT_MAC}, 6);
	memcpy(router, (uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
	if (p->to_all)
		memset(frame, 0xff, 6);
	assert_int_equal(
		transit_run_segments(transit, sent, frame, ETHERNET + size, segments, size_of_one),
		0);
	return size;
}

size_t transit_packet_pass(struct transit *transit, bool sent, const struct transit_packet *p)
{
	return transit_packet_pass_segments(transit, sent, p, 0, 0);
}
