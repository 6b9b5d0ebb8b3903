/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPLAY_ENDS_H
#define MEWATCH_REPLAY_ENDS_H

/* Who sends a packet to whom: as much as says whether a mail host sent or got it. */
#include "mewatch/types.h"
#include "mewatch/packet.h"
#include "replay/capture.h"

struct me_packet_ends {
	struct me_addr src, dst;
	uint64_t src_mac, dst_mac; /* me_mac(); 0: the link has none */
	bool ip;                   /* src and dst hold */
	bool opens;                /* a SYN without an ACK */
	bool answers;              /* from the port of DNS to another one */
};
void me_packet_ends(const struct me_capture_packet *packet, struct me_packet_ends *ret_ends);

#endif
