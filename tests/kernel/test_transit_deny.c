/* SPDX-License-Identifier: GPL-2.0-only */
/* Violations in transit that are dropped, or would be; what is not; and when that is over. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/clock.h"
#include "mewatch/mode.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define HOST6 "2001:db8::10"
#define GOOD "203.0.113.1" /* listed for every port */
#define BAD "203.0.113.9"  /* a stranger */
#define BAD6 "2001:db8:1::9"
#define PLAIN 22 /* a port that only rules without a mode name */
#define SHADOWED 8100
#define ENFORCED 8200
#define NAMED 443
#define REASON ME_REASON_UNLISTED_DESTINATION
#define FOREVER UINT64_MAX
#define DENIED(reason) .cell[ME_CELL_DENIED][reason]
#define WOULD(reason) .cell[ME_CELL_SHADOWED][reason]
#define ROOM 64

static const char policy[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [" HOST ", \"" HOST6 "\"]}\n"
	"allow:\n"
	"  - {service: good, name: hosts, to: " GOOD ", ports: [tcp/*, udp/*, icmp]}\n"
	"  - {service: web, name: www, to: www.example.org, ports: tcp/443}\n"
	"  - {service: half, to: 198.51.100.1, ports: [tcp/8100, udp/8100], mode: shadow}\n"
	"  - {service: hard, to: 198.51.100.1, ports: [tcp/8200, udp/8200], mode: enforce}\n";

static void say_strict(struct transit *transit, enum me_mode said, uint64_t strict_ns)
{
	const struct me_kernel_mode mode = {.until_ns = FOREVER,
					    .strict_ns = strict_ns,
					    .said = 1 + said,
					    .most = ME_MODE_ENFORCE};

	me_kernel_mode(transit->kernel, &mode);
	me_kernel_lease(transit->kernel, FOREVER);
}

static void say(struct transit *transit, enum me_mode said)
{
	say_strict(transit, said, FOREVER);
}

#define DROPPED(talk) assert_true((talk)->transit->dropped)
#define PASSED(talk) assert_false((talk)->transit->dropped)

static struct talk begin_talk(void **state, uint8_t proto, const char *peer, uint16_t port)
{
	return talk_begin(*state, proto, HOST, peer, port);
}

/* A SYN, and whether it is dropped. */
static bool is_dropped(void **state, const char *peer, uint16_t port)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, peer, port);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	return talk.transit->dropped;
}

static void modes(void **state)
{
	static const struct {
		enum me_mode said;
		bool plain;
	} row[] = {{ME_MODE_SHADOW, false}, {ME_MODE_ENFORCE, true}};

	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		transit_mark(*state);
		say(*state, row[i].said);
		assert_int_equal(is_dropped(state, BAD, PLAIN), row[i].plain);
		assert_false(is_dropped(state, BAD, SHADOWED));
		assert_true(is_dropped(state, BAD, ENFORCED));
		assert_false(is_dropped(state, GOOD, PLAIN));
		TRANSIT_EXPECT(*state, FINAL(STRANGER) = 3, FINAL(ME_ALLOWED) = 1,
			       DENIED(REASON) = 1 + row[i].plain, WOULD(REASON) = 2 - row[i].plain);
	}
	transit_mark(*state);
	say(*state, ME_MODE_MONITOR);
	assert_false(is_dropped(state, BAD, PLAIN));
	assert_false(is_dropped(state, BAD, ENFORCED));
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 2);
}

/* Its SYNs are one attempt. When the denying is over, the next one passes. */
static void a_connection(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);
	struct me_flow flow;

	say(*state, ME_MODE_ENFORCE);
	for (int i = 0; i < 3; i++) {
		talk_segment(&talk, SENT, S, 0, 0, 0);
		DROPPED(&talk);
	}
	assert_true(talk_flow(&talk, &flow));
	assert_int_equal(me_state_action(flow.state), ME_ACTION_DENIED);
	assert_int_equal(transit_told(*state, ME_RECORD_VIOLATION), 1);
	say(*state, ME_MODE_MONITOR);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	PASSED(&talk);
	say(*state, ME_MODE_ENFORCE);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	PASSED(&talk); /* what comes for it does no harm */
	talk_segment(&talk, SENT, A, 1, 1, 0);
	DROPPED(&talk);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1, DENIED(REASON) = 1);
}

/* This side ended it, so to say: nobody was asked. */
static void the_outcome_of_what_was_dropped(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);

	say(*state, ME_MODE_ENFORCE);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_end(&talk);
	TALK_EXPECT(&talk, .verdict = ME_VIOLATION, .reason = REASON, .outcome = ME_OUTCOME_ABORTED,
		    .flags = ME_FLOW_CLOSED);
}

static void datagrams(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_UDP, BAD, PLAIN);
	struct talk echo = begin_talk(state, IPPROTO_ICMP, BAD, 0);
	struct talk v6 = talk_begin(*state, IPPROTO_UDP, HOST6, BAD6, PLAIN);
	struct talk good = begin_talk(state, IPPROTO_UDP, GOOD, PLAIN);

	say(*state, ME_MODE_ENFORCE);
	for (int i = 0; i < 2; i++) {
		talk_datagram(&talk, SENT, 100);
		DROPPED(&talk);
		talk_datagram(&echo, SENT, 100);
		DROPPED(&talk);
		talk_datagram(&v6, SENT, 100);
		DROPPED(&talk);
		talk_datagram(&good, SENT, 100);
		PASSED(&talk);
	}
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 3, FINAL(ME_ALLOWED) = 1, DENIED(REASON) = 3);
}

/* All fragments of a datagram are its flow's. */
static void fragments(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_UDP, BAD, PLAIN);
	struct transit_packet first = talk_packet(&talk, SENT), later = first;

	say(*state, ME_MODE_ENFORCE);
	first.identity = later.identity = 77;
	first.size = 64;
	first.more = true;
	later.place = 9;
	later.size = 64;
	transit_packet_pass(*state, SENT, &first);
	DROPPED(&talk);
	transit_packet_pass(*state, SENT, &later);
	DROPPED(&talk);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1, DENIED(REASON) = 1);
}

static void what_cannot_be_parsed(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);
	uint8_t frame[14 + 40] = {2, 0, 0,    0, 0, 1,  2,   0, 0,   0, 0,  TRANSIT_MAC,
				  8, 0, 0x42, 0, 0, 40, 0,   0, 0,   0, 64, 6,
				  0, 0, 192,  0, 2, 10, 203, 0, 113, 9};

	say(*state, ME_MODE_ENFORCE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(transit_run(*state, SENT, frame, sizeof(frame)), 0);
		DROPPED(&talk);
	}
	assert_int_equal(transit_counts(*state).cell[ME_CELL_DENIED][ME_REASON_UNPARSABLE], 1);
}

/* --- What is not ---------------------------------------------------------------------------------- */

static void who_was_there_before(void **state)
{
	struct talk judged = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);
	struct talk before = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);
	struct talk called = begin_talk(state, IPPROTO_TCP, BAD, 40000);
	struct talk datagrams_ = begin_talk(state, IPPROTO_UDP, BAD, PLAIN);

	say(*state, ME_MODE_MONITOR);
	talk_handshake(&judged);
	talk_datagram(&datagrams_, SENT, 10);
	say(*state, ME_MODE_ENFORCE);
	talk_segment(&judged, SENT, A, 1, 1, 100);
	PASSED(&judged);
	talk_datagram(&datagrams_, SENT, 10);
	PASSED(&judged);
	talk_segment(&before, SENT, A, 1, 1, 100); /* under way when it was seen first */
	PASSED(&before);
	talk_segment(&before, SENT, A, 101, 1, 100);
	PASSED(&before);
	talk_segment(&called, RECEIVED, S, 0, 0, 0);
	PASSED(&called);
	talk_segment(&called, SENT, S | A, 0, 1, 0);
	PASSED(&called);
	talk_segment(&called, SENT, A, 1, 1, 100);
	PASSED(&called);
	assert_int_equal(transit_counts(*state).cell[ME_CELL_DENIED][REASON], 0);
}

static void dhcp(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_UDP, BAD, 67);
	struct talk other = begin_talk(state, IPPROTO_UDP, BAD, 67);

	say(*state, ME_MODE_ENFORCE);
	talk.sport = 68;
	talk_datagram(&talk, SENT, 300);
	PASSED(&talk);
	talk_datagram(&other, SENT, 300);
	DROPPED(&talk);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 2, DENIED(REASON) = 1);
}

/* --- What waits for a name ------------------------------------------------------------------------ */

static void a_mismatch_is_cut_under_way(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, BAD, NAMED);
	struct talk before = begin_talk(state, IPPROTO_TCP, BAD, NAMED);
	struct me_flow_key key;

	say(*state, ME_MODE_MONITOR);
	talk_handshake(&before);
	say(*state, ME_MODE_ENFORCE);
	talk_handshake(&talk);
	PASSED(&talk);
	key = talk_key(&talk);
	assert_int_equal(transit_settle(*state, &key, ME_SETTLE_VERDICT, ME_VIOLATION,
					ME_REASON_NAME_MISMATCH),
			 0);
	key = talk_key(&before);
	assert_int_equal(transit_settle(*state, &key, ME_SETTLE_VERDICT, ME_VIOLATION,
					ME_REASON_NAME_MISMATCH),
			 0);
	talk_segment(&talk, SENT, A, 1, 1, 100);
	DROPPED(&talk);
	talk_segment(&talk, RECEIVED, A, 1, 1, 100);
	PASSED(&talk);
	talk_segment(&talk, RECEIVED, F | A, 101, 1, 0);
	talk_segment(&talk, SENT, A, 1, 102, 0);
	DROPPED(&talk);
	talk_segment(&before, SENT, A, 1, 1, 100);
	PASSED(&talk);
	assert_int_equal(transit_counts(*state).cell[ME_CELL_DENIED][ME_REASON_NAME_MISMATCH], 1);
	assert_int_equal(transit_told(*state, ME_RECORD_RESOLVED), 2);
	say(*state, ME_MODE_MONITOR);
	talk_segment(&talk, SENT, A, 1, 102, 100);
	PASSED(&talk);
}

static void strict_names(void **state)
{
	struct talk talk = begin_talk(state, IPPROTO_TCP, BAD, NAMED);
	struct me_flow_key key;

	say(*state, ME_MODE_ENFORCE);
	assert_false(is_dropped(state, BAD, NAMED));
	transit_mark(*state);
	say_strict(*state, ME_MODE_ENFORCE, me_clock_now(CLOCK_MONOTONIC));
	talk_segment(&talk, SENT, S, 0, 0, 0);
	DROPPED(&talk);
	TRANSIT_EXPECT(*state, OPENED(REASON) = 1, DENIED(REASON) = 1);
	key = talk_key(&talk);
	/* The answer comes late: from now on it may pass. */
	assert_int_equal(
		transit_settle(*state, &key, ME_SETTLE_VERDICT, ME_ALLOWED, ME_REASON_NONE), 0);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	PASSED(&talk);
}

/* --- Without room --------------------------------------------------------------------------------- */

static void denied_without_room(void **state)
{
	struct talk talk;

	say(*state, ME_MODE_ENFORCE);
	for (int i = 0; i < ROOM; i++) {
		talk = begin_talk(state, IPPROTO_UDP, GOOD, PLAIN);
		talk_datagram(&talk, SENT, 10);
		PASSED(&talk);
	}
	talk = begin_talk(state, IPPROTO_TCP, BAD, PLAIN);
	for (int i = 0; i < 2; i++) {
		talk_segment(&talk, SENT, S, 0, 0, 0);
		DROPPED(&talk);
	}
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = ROOM, FINAL(STRANGER) = 1, DENIED(REASON) = 1,
		       TOTAL(FLOW_OVERFLOW) = 1);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-deny", policy, ROOM);
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
		TEST(modes),
		TEST(a_connection),
		TEST(the_outcome_of_what_was_dropped),
		TEST(datagrams),
		TEST(fragments),
		TEST(what_cannot_be_parsed),
		TEST(who_was_there_before),
		TEST(dhcp),
		TEST(a_mismatch_is_cut_under_way),
		TEST(strict_names),
		TEST(denied_without_room),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
