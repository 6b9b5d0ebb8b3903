/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/packet.h"

#include <arpa/inet.h>

uint16_t me_packet_checksum(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += word[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

struct me_udp_packet me_udp_packet(const struct me_peer *peer, struct in_addr src)
{
	struct me_udp_packet packet = {
		.ip =
			{
				.version = 4,
				.ihl = 5,
				.tot_len = htons(sizeof(packet)),
				.ttl = 64,
				.protocol = IPPROTO_UDP,
				.saddr = src.s_addr,
				.daddr = peer->in.sin_addr.s_addr,
			},
		.udp =
			{
				.source = htons(40000),
				.dest = peer->in.sin_port,
				.len = htons(sizeof(packet) - sizeof(packet.ip)),
			},
	};

	packet.ip.check = me_packet_checksum(&packet.ip, sizeof(packet.ip));
	return packet;
}
