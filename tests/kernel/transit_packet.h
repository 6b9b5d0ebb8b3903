/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_TRANSIT_PACKET_H
#define MEWATCH_TESTS_KERNEL_TRANSIT_PACKET_H

/*
 * Packets as a mail host and its peers send them, and conversations of such packets with what has to
 * be seen of them. Addresses are text, ports in host order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"
#include "mewatch/packet_parse.h" /* the protocols of IPv6 */

struct transit;

/* --- Packets -------------------------------------------------------------------------------------- */

#define TRANSIT_PACKET_MAX 2048
#define TRANSIT_MAC 0x10 /* of the mail host: 02:00:00:00:00:10 */

struct transit_packet {
	const char *src, *dst;
	uint8_t proto;
	uint16_t sport, dport;
	uint8_t flags; /* TCP */
	uint32_t seq, ack;
	uint8_t type, code;  /* ICMP */
	const void *payload; /* NULL: zeroes */
	size_t size;
	uint32_t identity; /* of a fragment; 0: it is whole */
	uint16_t
		place; /* of the fragment, in units of 8 bytes: from 1 on the payload is all it has */
	bool more;     /* fragments follow */
	uint8_t mac;   /* the mail host's last byte; 0: TRANSIT_MAC */
	bool to_all;   /* in a frame to everybody */
};

/* Builds it from its network header on. How many bytes it has. */
size_t transit_packet_build(const struct transit_packet *p, uint8_t out[TRANSIT_PACKET_MAX]);
/* It passes, sent by the mail host or received by it. How many bytes it has. */
size_t transit_packet_pass(struct transit *transit, bool sent, const struct transit_packet *p);
/* The same in `segments` of `size_of_one` bytes of payload. */
size_t transit_packet_pass_segments(struct transit *transit, bool sent,
				    const struct transit_packet *p, uint32_t segments,
				    uint32_t size_of_one);

/* --- Conversations -------------------------------------------------------------------------------- */

/* A mail host and its peer. Indexes are 1 for what the mail host sends. */
struct talk {
	struct transit *transit;
	const char *host, *peer;
	uint16_t sport, port; /* the mail host's, the peer's */
	uint8_t proto;
	uint8_t mac;
	uint32_t isn[2];
	uint64_t packets[2], wire[2]; /* that passed */
};

#define SENT true
#define RECEIVED false
#define S ME_TCP_SYN
#define A ME_TCP_ACK
#define F ME_TCP_FIN
#define R ME_TCP_RST

/* Each has a source port of its own. */
struct talk talk_begin(struct transit *transit, uint8_t proto, const char *host, const char *peer,
		       uint16_t port);
/* The same ports once more, with other sequence numbers: what passed is counted from here on. */
void talk_again(struct talk *talk);
/* A TCP segment; numbers count from the initial ones of each side. */
void talk_segment(struct talk *talk, bool sent, uint8_t flags, uint32_t seq, uint32_t ack,
		  size_t payload);
void talk_handshake(struct talk *talk);
/* A datagram, or of ICMP an echo. */
void talk_datagram(struct talk *talk, bool sent, size_t payload);
void talk_bytes(struct talk *talk, bool sent, const void *payload, size_t size);
/* The packet that the mail host (or its peer) would send next, for changes. */
struct transit_packet talk_packet(const struct talk *talk, bool sent);
/* Counts a packet of the conversation that passed otherwise. */
void talk_count(struct talk *talk, bool sent, uint64_t packets, size_t wire);

struct me_flow_key talk_key(const struct talk *talk);
/* False: there is no flow. */
bool talk_flow(const struct talk *talk, struct me_flow *ret_flow);
/* The only one of those that were set aside. */
struct me_flow talk_earlier(const struct talk *talk);
/* Settles it as over. */
void talk_end(const struct talk *talk);
/* Takes it out of the table. */
void talk_forget(const struct talk *talk);
/* Makes it so much older. */
void talk_age(const struct talk *talk, uint64_t ns);

struct talk_expected {
	uint8_t verdict, reason, evidence, outcome, direction;
	uint16_t flags;          /* besides ME_FLOW_SENT */
	uint64_t sent, received; /* payload */
};

/* Fails unless the flow is like this, with the packets and bytes that passed. */
#define TALK_EXPECT(talk, ...)                                                                     \
	talk_expect(talk, &(const struct talk_expected){__VA_ARGS__}, __FILE__, __LINE__)
void talk_expect(const struct talk *talk, const struct talk_expected *expected, const char *file,
		 int line);
/* The same of one that was set aside, without packets and bytes of the wire. */
#define FLOW_EXPECT(flow, ...)                                                                     \
	flow_expect(flow, &(const struct talk_expected){__VA_ARGS__}, __FILE__, __LINE__)
void flow_expect(const struct me_flow *flow, const struct talk_expected *expected, const char *file,
		 int line);
/* Fails if there is a flow. */
#define TALK_NONE(talk) assert_false(talk_flow(talk, &(struct me_flow){}))

#endif
