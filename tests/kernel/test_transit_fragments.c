/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets in fragments: the first one tells whose they all are. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include "base/clock.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define HOST6 "2001:db8::10"
#define STRANGER_HOST "192.0.2.99" /* nobody who is watched */
#define GOOD "203.0.113.1"
#define GOOD6 "2001:db8:1::1"
#define BAD "203.0.113.9"
#define NTP 123
#define PIECE 16u /* bytes of each, a multiple of 8 */

static const char policy[] = "version: 1\n"
			     "watch: {interfaces: [lan0], hosts: [" HOST ", \"" HOST6 "\"]}\n"
			     "allow:\n"
			     "  - {service: good, name: hosts, to: [" GOOD ", \"" GOOD6 "\"],\n"
			     "     ports: [udp/123, tcp/22]}\n";

#define ALLOWED .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED
#define INBOUND .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_IN
#define UNPARSABLE FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE)
#define UNPARSED(n) .total[ME_TOTAL_UNPARSED(ME_UNPARSED_FRAGMENT)] = (n)

/* The piece 0, 1 or 2 of a datagram of three. */
static void pass_piece(struct talk *talk, bool sent, unsigned int piece, uint32_t identity)
{
	struct transit_packet p = talk_packet(talk, sent);

	p.size = piece ? PIECE : PIECE - 8; /* the first has the header of UDP */
	p.place = (uint16_t)(piece * PIECE / 8);
	p.more = piece < 2;
	p.identity = identity;
	talk_count(talk, sent, 1, transit_packet_pass(talk->transit, sent, &p));
}

static void in_every_order(void **state, const char *host, const char *peer)
{
	static const unsigned int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
						 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct transit *transit = *state;

	for (uint32_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct talk talk = talk_begin(transit, IPPROTO_UDP, host, peer, NTP);
		uint64_t bytes = 3 * PIECE - 8;

		for (int n = 0; n < 3; n++)
			pass_piece(&talk, SENT, orders[i][n], 77);
		TALK_EXPECT(&talk, ALLOWED, .sent = bytes);
		/* The answer, with the same identification, is another one. */
		for (int n = 0; n < 3; n++)
			pass_piece(&talk, RECEIVED, orders[i][n], 77);
		TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ANSWERED, .sent = bytes,
			    .received = bytes);
		TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
		assert_int_equal(transit_entries(transit, "me_flows"), 1);
		assert_int_equal(transit_entries(transit, "me_fragments"), 2);
		transit_mark(transit);
	}
}

static void whatever_the_order(void **state)
{
	in_every_order(state, HOST, GOOD);
	in_every_order(state, HOST6, GOOD6);
}

/* Nothing is said of a datagram before its first fragment has come. */
static void later_ones_alone_say_nothing(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_UDP, HOST, GOOD, NTP);
	struct transit *transit = *state;

	pass_piece(&talk, SENT, 1, 5);
	pass_piece(&talk, SENT, 2, 5);
	TRANSIT_EXPECT(transit, .total = {});
	assert_int_equal(transit_entries(transit, "me_flows"), 0);
	assert_int_equal(transit_entries(transit, "me_fragments"), 1);
	pass_piece(&talk, SENT, 0, 6); /* of another datagram */
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
	talk.packets[1] = 1;
	talk.wire[1] = 20 + PIECE;
	TALK_EXPECT(&talk, ALLOWED, .sent = PIECE - 8);
}

/*
 * Of IPv6 an extension header may lie between the fragment's and the transport's. Later fragments do
 * not show what is behind it.
 */
static void behind_an_extension_header(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_UDP, HOST6, GOOD6, NTP);
	uint8_t start[24] = {IPPROTO_UDP, 0, 1, 4, [10] = 0, NTP};
	struct transit_packet first = talk_packet(&talk, SENT), later;

	start[8] = (uint8_t)(talk.sport >> 8);
	start[9] = (uint8_t)talk.sport;
	first.proto = IPPROTO_DSTOPTS;
	first.payload = start;
	first.size = sizeof(start);
	first.identity = 9;
	first.more = true;
	later = first;
	later.payload = NULL;
	later.place = sizeof(start) / 8;
	later.more = false;
	for (int turn = 0; turn < 2; turn++, first.identity = ++later.identity) {
		talk_count(&talk, SENT, 1,
			   transit_packet_pass(*state, SENT, turn ? &later : &first));
		talk_count(&talk, SENT, 1,
			   transit_packet_pass(*state, SENT, turn ? &first : &later));
	}
	TALK_EXPECT(&talk, ALLOWED, .sent = 2 * (8 + sizeof(start)));
	assert_int_equal(transit_entries(*state, "me_flows"), 1);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

static void a_segment_in_fragments(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, HOST, GOOD, 22);
	struct transit_packet p;

	talk_handshake(&talk);
	p = talk_packet(&talk, SENT);
	p.flags = A;
	p.seq = talk.isn[1] + 1;
	p.ack = talk.isn[0] + 1;
	p.size = 12;
	p.identity = 3;
	p.more = true;
	talk_count(&talk, SENT, 1, transit_packet_pass(*state, SENT, &p));
	p.place = 4;
	p.size = 50;
	p.more = false;
	talk_count(&talk, SENT, 1, transit_packet_pass(*state, SENT, &p));
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 62);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

/* --- Without a first one -------------------------------------------------------------------------- */

static void expire(struct transit *transit, uint64_t after_ns)
{
	assert_int_equal(me_kernel_fragments_expire(transit->kernel,
						    me_clock_now(CLOCK_MONOTONIC) + after_ns),
			 0);
}

static void the_first_never_comes(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_UDP, HOST, GOOD, NTP),
		    none = talk_begin(*state, ME_PROTO_UNPARSED, HOST, GOOD, 0),
		    received = talk_begin(*state, IPPROTO_UDP, HOST, BAD, NTP),
		    stranger = talk_begin(*state, IPPROTO_UDP, STRANGER_HOST, BAD, NTP);
	struct transit *transit = *state;
	struct me_host_counts host;
	struct me_flow flow;

	pass_piece(&talk, SENT, 1, 5);
	pass_piece(&talk, SENT, 2, 5);
	pass_piece(&received, RECEIVED, 1, 5);
	pass_piece(&stranger, SENT, 1, 5);
	expire(transit, ME_FRAGMENT_NS - 5000000000ull);
	TRANSIT_EXPECT(transit, .total = {});
	assert_int_equal(transit_entries(transit, "me_fragments"), 3);
	expire(transit, ME_FRAGMENT_NS + 1000000000ull);
	assert_int_equal(transit_entries(transit, "me_fragments"), 0);
	TRANSIT_EXPECT(transit, UNPARSABLE = 1, UNPARSED(1));
	assert_int_equal(transit_told(transit, ME_RECORD_VIOLATION), 1);
	assert_true(talk_flow(&none, &flow));
	FLOW_EXPECT(&flow, .verdict = ME_VIOLATION, .reason = ME_REASON_UNPARSABLE);
	assert_int_equal(flow.packets_sent, 2);
	assert_int_equal(flow.wire_bytes_sent, talk.wire[1]);
	assert_int_equal(transit_entries(transit, "me_flows"), 1);
	host = transit_host(transit, HOST);
	assert_int_equal(host.attempts, 1);
	assert_int_equal(host.violations, 1);
	assert_int_equal(host.number, 1);
	assert_true(host.first_ns && host.first_ns == host.last_ns);
	/* To the same peer they are one flow. */
	pass_piece(&talk, SENT, 2, 6);
	expire(transit, ME_FRAGMENT_NS + 1000000000ull);
	TRANSIT_EXPECT(transit, UNPARSABLE = 1, UNPARSED(2));
	assert_int_equal(transit_told(transit, ME_RECORD_VIOLATION), 1);
	assert_int_equal(transit_host(transit, HOST).attempts, 1);
}

/* A datagram whose first fragment came is forgotten without a word. */
static void complete_ones_are_forgotten(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_UDP, HOST, GOOD, NTP);
	struct transit *transit = *state;

	pass_piece(&talk, SENT, 2, 5);
	pass_piece(&talk, SENT, 0, 5);
	expire(transit, ME_FRAGMENT_NS + 1000000000ull);
	assert_int_equal(transit_entries(transit, "me_fragments"), 0);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
}

/* --- No room -------------------------------------------------------------------------------------- */

static void fill(struct transit *transit)
{
	struct me_fragment_key key = {.identity = 1};
	struct me_fragment fragment = {.first_ns = me_clock_now(CLOCK_MONOTONIC)};
	int map = transit_map(transit, "me_fragments");

	for (key.proto = 0; key.proto < ME_FRAGMENTS_MAX; key.proto++)
		assert_int_equal(bpf_map_update_elem(map, &key, &fragment, BPF_NOEXIST), 0);
}

static void without_room(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_UDP, HOST, GOOD, NTP),
		    none = talk_begin(*state, ME_PROTO_UNPARSED, HOST, GOOD, 0);
	struct transit *transit = *state;

	fill(transit);
	/* The first one has ports, whether they can be remembered or not. */
	pass_piece(&talk, SENT, 0, 5);
	TALK_EXPECT(&talk, ALLOWED, .sent = PIECE - 8);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1, TOTAL(FRAGMENTS_FULL) = 1);
	for (int i = 0; i < 2; i++)
		pass_piece(&talk, SENT, 2, 5);
	none.packets[1] = 2;
	none.wire[1] = 2 * (20 + PIECE);
	TALK_EXPECT(&none, .verdict = ME_VIOLATION, .reason = ME_REASON_UNPARSABLE);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1, UNPARSABLE = 1, TOTAL(FRAGMENTS_FULL) = 3,
		       UNPARSED(2));
	transit_mark(transit);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-fragments", policy, 64);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

static int mark(void **state)
{
	transit_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_the_order),
		TEST(later_ones_alone_say_nothing),
		TEST(behind_an_extension_header),
		TEST(a_segment_in_fragments),
		TEST(the_first_never_comes),
		TEST(complete_ones_are_forgotten),
		TEST(without_room),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
