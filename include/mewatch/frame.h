/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_FRAME_H
#define MEWATCH_FRAME_H

/* Frames with an Ethernet header, pure: where the packet begins behind their VLAN tags. */
#include "mewatch/packet.h"

#define ME_FRAME_IP4 0x0800u
#define ME_FRAME_IP6 0x86ddu

/* VLAN tags: IEEE 802.1Q, 802.1ad, and what was used before it. */
static inline int me_frame_is_tag(__u16 protocol)
{
	return protocol == 0x8100 || protocol == 0x88a8 || protocol == 0x9100;
}

/*
 * Whether frames of this protocol (ethertype, host order) are of the link itself: no router passes them
 * on. Below 0x600 it is no ethertype but a length (IEEE 802.3; spanning tree).
 */
static inline int me_frame_is_link(__u16 protocol)
{
	switch (protocol) {
	case 0x0806: /* ARP */
	case 0x8035: /* RARP */
	case 0x8809: /* slow protocols: LACP */
	case 0x888e: /* EAPOL */
	case 0x88cc: /* LLDP */
	case 0x88d9: /* LLTD, of Windows */
	case 0x893a: /* IEEE 1905.1 */
	case 0x9000: /* loopback test */
		return 1;
	default:
		return protocol < 0x600;
	}
}

static inline __u32 me_frame_byte(const __u8 *bytes, __u32 at)
{
	at &= ME_PACKET_ROOM - 1;
	ME_HIDE(at);
	return bytes[at & (ME_PACKET_ROOM - 1)];
}

/*
 * Passes over VLAN tags: *offset is where the bytes behind the ethertype *protocol (host order) begin,
 * before and afterwards. `bytes` as for me_packet_parse(), from the frame. ME_UNPARSED_COUNT; else why
 * not: TAGS or TRUNCATED, then both stand at the tag that is too much.
 */
static inline enum me_unparsed me_frame_untag(const __u8 *bytes, __u32 have, __u32 *offset,
					      __u16 *protocol)
{
	for (__u32 i = 0; me_frame_is_tag(*protocol); i++) {
		if (i == ME_PACKET_TAGS_MAX)
			return ME_UNPARSED_TAGS;
		if (*offset + 4 > have)
			return ME_UNPARSED_TRUNCATED;
		*protocol =
			me_frame_byte(bytes, *offset + 2) << 8 | me_frame_byte(bytes, *offset + 3);
		*offset += 4;
	}
	return ME_UNPARSED_COUNT;
}

/*
 * Finds the network header of a frame: `offset` is where the bytes behind the ethertype `protocol` (host
 * order) begin. ME_UNPARSED_COUNT: the packet begins at *ret_offset, and *ret_v6 is its IP version; else
 * why not, and both are as they were: TAGS, TRUNCATED or ETHERTYPE, of which some are of the link itself
 * (me_frame_is_link(), after me_frame_untag()).
 */
static inline enum me_unparsed me_frame_parse(const __u8 *bytes, __u32 have, __u32 offset,
					      __u16 protocol, __u32 *ret_offset, int *ret_v6)
{
	enum me_unparsed why = me_frame_untag(bytes, have, &offset, &protocol);

	if (why != ME_UNPARSED_COUNT)
		return why;
	if (protocol != ME_FRAME_IP4 && protocol != ME_FRAME_IP6)
		return ME_UNPARSED_ETHERTYPE;
	*ret_offset = offset;
	*ret_v6 = protocol == ME_FRAME_IP6;
	return ME_UNPARSED_COUNT;
}

#endif
