/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/ends.h"

#include <linux/if_ether.h>
#include <string.h>
#include "mewatch/address.h"
#include "mewatch/frame.h"
#include "mewatch/image.h"
#include "mewatch/packet.h"

#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define DNS_PORT 53

/* Where the network header is; `have`: beyond what there is. */
static uint32_t network(const struct me_capture_packet *packet, uint16_t *ret_protocol)
{
	uint32_t at = packet->ethernet ? ETH_HLEN : 0;
	uint16_t protocol = packet->protocol;

	for (uint32_t i = 0; i < ME_PACKET_TAGS_MAX && me_frame_is_tag(protocol); i++) {
		if (at + 4 > packet->have)
			return packet->have;
		protocol = packet->bytes[at + 2] << 8 | packet->bytes[at + 3];
		at += 4;
	}
	*ret_protocol = protocol;
	return at;
}

void me_packet_ends(const struct me_capture_packet *packet, struct me_packet_ends *ret_ends)
{
	uint16_t protocol = 0;
	uint32_t at = network(packet, &protocol);
	const uint8_t *bytes = packet->bytes + at;
	uint32_t have = packet->have - at;
	struct me_packet read;

	*ret_ends = (struct me_packet_ends){};
	if (packet->ethernet) {
		ret_ends->dst_mac = me_mac(packet->bytes);
		ret_ends->src_mac = me_mac(packet->bytes + ETH_ALEN);
	}
	if (protocol == ETH_P_IP && have >= 20) {
		uint32_t address[2];

		memcpy(address, bytes + 12, sizeof(address));
		ret_ends->src = me_addr_v4(address[0]);
		ret_ends->dst = me_addr_v4(address[1]);
	} else if (protocol == ETH_P_IPV6 && have >= 40) {
		memcpy(ret_ends->src.byte, bytes + 8, sizeof(ret_ends->src.byte));
		memcpy(ret_ends->dst.byte, bytes + 24, sizeof(ret_ends->dst.byte));
	} else {
		return;
	}
	ret_ends->ip = true;
	if (!me_packet_quick(bytes, bytes + have, protocol == ETH_P_IPV6, packet->length - at,
			     &read))
		return;
	ret_ends->opens =
		read.proto == IPPROTO_TCP && (read.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	ret_ends->answers = read.sport == DNS_PORT && read.dport != DNS_PORT;
}
