/* SPDX-License-Identifier: GPL-2.0-only */
/* Conversations, packet by packet, and what has to be seen of them. */
#include "transit_packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "transit.h"

#define FIRST_PORT 20000

struct talk talk_begin(struct transit *transit, uint8_t proto, const char *host, const char *peer,
		       uint16_t port)
{
	struct talk talk = {.transit = transit,
			    .host = host,
			    .peer = peer,
			    .port = port,
			    .proto = proto,
			    .isn = {5000, 1000}};

	if (me_proto_has_ports(proto))
		talk.sport = (uint16_t)(FIRST_PORT + transit->n_talks++);
	return talk;
}

void talk_again(struct talk *talk)
{
	talk->isn[0] += 100000;
	talk->isn[1] += 100000;
	memset(talk->packets, 0, sizeof(talk->packets));
	memset(talk->wire, 0, sizeof(talk->wire));
}

struct transit_packet talk_packet(const struct talk *talk, bool sent)
{
	return (struct transit_packet){
		.src = sent ? talk->host : talk->peer,
		.dst = sent ? talk->peer : talk->host,
		.proto = talk->proto,
		.sport = sent ? talk->sport : talk->port,
		.dport = sent ? talk->port : talk->sport,
		.type = talk->proto == IPPROTO_ICMPV6 ? (sent ? 128 : 129) : (sent ? 8 : 0),
		.mac = talk->mac,
	};
}

void talk_count(struct talk *talk, bool sent, uint64_t packets, size_t wire)
{
	talk->packets[sent] += packets;
	talk->wire[sent] += wire;
}

void talk_segment(struct talk *talk, bool sent, uint8_t flags, uint32_t seq, uint32_t ack,
		  size_t payload)
{
	struct transit_packet p = talk_packet(talk, sent);

	p.flags = flags;
	p.seq = talk->isn[sent] + seq;
	p.ack = flags & A ? talk->isn[!sent] + ack : 0;
	p.size = payload;
	talk_count(talk, sent, 1, transit_packet_pass(talk->transit, sent, &p));
}

void talk_handshake(struct talk *talk)
{
	talk_segment(talk, SENT, S, 0, 0, 0);
	talk_segment(talk, RECEIVED, S | A, 0, 1, 0);
	talk_segment(talk, SENT, A, 1, 1, 0);
}

void talk_bytes(struct talk *talk, bool sent, const void *payload, size_t size)
{
	struct transit_packet p = talk_packet(talk, sent);

	p.payload = payload;
	p.size = size;
	talk_count(talk, sent, 1, transit_packet_pass(talk->transit, sent, &p));
}

void talk_datagram(struct talk *talk, bool sent, size_t payload)
{
	talk_bytes(talk, sent, NULL, payload);
}

/* --- Its flow ------------------------------------------------------------------------------------- */

struct me_flow_key talk_key(const struct talk *talk)
{
	struct me_flow_key key = {.port = talk->port,
				  .sport = talk->sport,
				  .proto = talk->proto,
				  .vantage = ME_TRANSIT};

	assert_int_equal(me_inet_parse(talk->host, key.opener.address.byte), 0);
	assert_int_equal(me_inet_parse(talk->peer, key.peer.byte), 0);
	return key;
}

bool talk_flow(const struct talk *talk, struct me_flow *ret_flow)
{
	struct me_flow_key key = talk_key(talk);

	return me_kernel_flow_get(talk->transit->kernel, &key, ret_flow);
}

struct earlier {
	struct me_flow_key key;
	struct me_flow flow;
	size_t found;
};

static int look_for_earlier(const struct me_flow_key *key, const struct me_flow *flow,
			    void *userdata)
{
	struct earlier *earlier = userdata;
	struct me_flow_key without = *key;

	without.earlier = 0;
	if (!key->earlier || memcmp(&without, &earlier->key, sizeof(without)))
		return 0;
	earlier->flow = *flow;
	earlier->found++;
	return 0;
}

struct me_flow talk_earlier(const struct talk *talk)
{
	struct earlier earlier = {.key = talk_key(talk)};

	assert_int_equal(me_kernel_flows_each(talk->transit->kernel, look_for_earlier, &earlier),
			 0);
	assert_int_equal(earlier.found, 1);
	return earlier.flow;
}

void talk_end(const struct talk *talk)
{
	struct me_flow_key key = talk_key(talk);

	assert_int_equal(transit_settle(talk->transit, &key, ME_SETTLE_END, 0, 0), 0);
}

void talk_forget(const struct talk *talk)
{
	struct me_flow_key key = talk_key(talk);
	struct me_flow flow;

	assert_true(talk_flow(talk, &flow));
	assert_int_equal(me_kernel_flow_take(talk->transit->kernel, &key, flow.id, NULL), 0);
}

void talk_age(const struct talk *talk, uint64_t ns)
{
	struct me_flow_key key = talk_key(talk);
	struct me_flow flow;

	assert_true(talk_flow(talk, &flow));
	flow.last_ns -= ns;
	assert_int_equal(me_kernel_flow_put(talk->transit->kernel, &key, &flow), 0);
}

static void expect(const char *what, uint64_t seen, uint64_t expected, const char *file, int line)
{
	if (seen == expected)
		return;
	print_error("%s: %llu, expected %llu\n", what, (unsigned long long)seen,
		    (unsigned long long)expected);
	_fail(file, line);
}

#define BOOKS (ME_FLOW_OUTCOME | ME_FLOW_RESETS) /* seen in the counts of endpoints */
#define EXPECT(what, seen, expected) expect(what, seen, expected, file, line)

void flow_expect(const struct me_flow *flow, const struct talk_expected *expected, const char *file,
		 int line)
{
	EXPECT("verdict", flow->state.verdict, expected->verdict);
	EXPECT("reason", flow->state.reason, expected->reason);
	EXPECT("evidence", flow->state.evidence, expected->evidence);
	EXPECT("outcome", flow->outcome, expected->outcome);
	EXPECT("direction", flow->direction, expected->direction);
	EXPECT("flags", flow->flags & ~BOOKS, expected->flags | ME_FLOW_SENT);
	EXPECT("bytes sent", flow->bytes_sent, expected->sent);
	EXPECT("bytes received", flow->bytes_received, expected->received);
}

void talk_expect(const struct talk *talk, const struct talk_expected *expected, const char *file,
		 int line)
{
	struct me_flow flow = {};

	EXPECT("flows", talk_flow(talk, &flow), 1);
	flow_expect(&flow, expected, file, line);
	EXPECT("packets sent", flow.packets_sent, talk->packets[1]);
	EXPECT("packets received", flow.packets_received, talk->packets[0]);
	EXPECT("wire bytes sent", flow.wire_bytes_sent, talk->wire[1]);
	EXPECT("wire bytes received", flow.wire_bytes_received, talk->wire[0]);
	EXPECT("source port", flow.sport, talk->sport);
	EXPECT("interface", flow.wire.interface, talk->transit->interface);
	EXPECT("closed or not", flow.closed_ns != 0, (flow.flags & ME_FLOW_CLOSED) != 0);
}
