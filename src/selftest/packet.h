/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_PACKET_H
#define MEWATCH_SELFTEST_PACKET_H

/* Packets that paths make themselves. */
#include <netinet/ip.h>
#include <netinet/udp.h>
#include "selftest/traffic.h"

#define ME_PACKET_BYTES 64u

struct me_udp_packet {
	struct iphdr ip;
	struct udphdr udp;
	char payload[ME_PACKET_BYTES];
};

/* UDP without its checksum, which IPv4 allows. */
struct me_udp_packet me_udp_packet(const struct me_peer *peer, struct in_addr src);

/* RFC 1071; `len` is even. */
uint16_t me_packet_checksum(const void *data, size_t len);

#endif
