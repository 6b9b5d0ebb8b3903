/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "packet.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include "host.h"

void packet_put(struct packet *p, const void *bytes, size_t size)
{
	assert_true(p->size + size <= sizeof(p->byte));
	memcpy(p->byte + p->size, bytes, size);
	p->size += size;
}

void packet_put_zeroes(struct packet *p, size_t size)
{
	static const uint8_t zeroes[PACKET_MAX];

	packet_put(p, zeroes, size);
}

void packet_put_ip(struct packet *p, const char *to, uint8_t proto, size_t options,
		   uint16_t fragment)
{
	struct iphdr ip = {.version = 4,
			   .ihl = 5 + options / 4,
			   .ttl = 64,
			   .protocol = proto,
			   .id = htons(7),
			   .frag_off = htons(fragment)};

	assert_int_equal(inet_pton(AF_INET, HOST_BAD, &ip.saddr), 1);
	assert_int_equal(inet_pton(AF_INET, to, &ip.daddr), 1);
	packet_put(p, &ip, sizeof(ip));
	for (size_t i = 0; i < options; i++)
		packet_put(p, "\1", 1);
}

void packet_put_ip6(struct packet *p, const char *to, uint8_t next)
{
	struct ip6_hdr ip = {.ip6_nxt = next, .ip6_hlim = 64};

	ip.ip6_vfc = 6 << 4;
	assert_int_equal(inet_pton(AF_INET6, HOST_BAD6, &ip.ip6_src), 1);
	assert_int_equal(inet_pton(AF_INET6, to, &ip.ip6_dst), 1);
	packet_put(p, &ip, sizeof(ip));
}

void packet_put_extension(struct packet *p, uint8_t next, uint8_t units)
{
	uint8_t head[2] = {next, units}, pad = units * 8 + 4;

	packet_put(p, head, sizeof(head));
	packet_put(p, "\1", 1);
	packet_put(p, &pad, 1);
	packet_put_zeroes(p, pad);
}

void packet_put_udp(struct packet *p, uint16_t port, size_t payload)
{
	struct udphdr udp = {
		.source = htons(4444), .dest = htons(port), .len = htons(sizeof(udp) + payload)};

	packet_put(p, &udp, sizeof(udp));
	packet_put_zeroes(p, payload);
}

void packet_finish(struct packet *p)
{
	uint16_t size;

	if (p->byte[0] >> 4 == 4) {
		size = htons(p->size);
		memcpy(p->byte + offsetof(struct iphdr, tot_len), &size, sizeof(size));
	} else {
		size = htons(p->size - sizeof(struct ip6_hdr));
		memcpy(p->byte + offsetof(struct ip6_hdr, ip6_plen), &size, sizeof(size));
	}
}
