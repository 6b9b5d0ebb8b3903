/* SPDX-License-Identifier: GPL-2.0-only */
/* What packets say about their flow: each test is a conversation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mewatch/wire.h"

#define S ME_TCP_SYN
#define A ME_TCP_ACK
#define F ME_TCP_FIN
#define R ME_TCP_RST

#define HERE 1000u  /* sequence number of the mail host's SYN */
#define THERE 5000u /* and of the peer's */

/* A flow, and what its packets have led to. */
struct talk {
	struct me_flow flow;
	uint64_t now;
	uint64_t sent, received; /* payload */
};

static struct talk *begin(struct talk *talk, uint8_t direction)
{
	memset(talk, 0, sizeof(*talk));
	talk->flow.direction = direction;
	talk->now = 1000000000;
	return talk;
}

/* A segment; `seq` and `ack` count from the initial sequence numbers. */
static struct me_packet segment(int sent, uint8_t flags, uint32_t seq, uint32_t ack,
				uint32_t payload)
{
	return (struct me_packet){.proto = IPPROTO_TCP,
				  .tcp_flags = flags,
				  .seq = (sent ? HERE : THERE) + seq,
				  .ack = (flags & A) ? (sent ? THERE : HERE) + ack : 0,
				  .payload = payload};
}

static struct me_wire_change put(struct talk *talk, const struct me_packet *packet, int sent)
{
	struct me_wire_change change;

	me_wire_packet(&talk->flow, packet, sent, talk->now, &change);
	*(sent ? &talk->sent : &talk->received) += change.payload;
	if (!talk->flow.outcome)
		talk->flow.outcome = change.outcome;
	talk->flow.flags |= change.flags;
	*(sent ? &talk->flow.packets_sent : &talk->flow.packets_received) += 1;
	return change;
}

static void say(struct talk *talk, int sent, uint8_t flags, uint32_t seq, uint32_t ack,
		uint32_t payload)
{
	struct me_packet packet = segment(sent, flags, seq, ack, payload);

	put(talk, &packet, sent);
}

static void handshake(struct talk *talk)
{
	begin(talk, ME_DIRECTION_OUT);
	say(talk, 1, S, 0, 0, 0);
	say(talk, 0, S | A, 0, 1, 0);
	assert_int_equal(talk->flow.outcome, ME_OUTCOME_NONE);
	say(talk, 1, A, 1, 1, 0);
	assert_int_equal(talk->flow.outcome, ME_OUTCOME_ESTABLISHED);
}

static void assert_open(const struct talk *talk)
{
	assert_false(talk->flow.flags & ME_FLOW_CLOSED);
}

static void assert_closed(const struct talk *talk, bool reset)
{
	assert_true(talk->flow.flags & ME_FLOW_CLOSED);
	assert_int_equal(!!(talk->flow.flags & ME_FLOW_RESET), reset);
}

/* --- Opening ------------------------------------------------------------------------------------- */

static void answers_of_the_server_do_not_establish(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 0, S | A, 0, 1, 0);
	say(&talk, 0, S | A, 0, 1, 0); /* once more */
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_NONE);
	say(&talk, 1, A, 1, 1, 10); /* the acknowledgement was lost, this carries it too */
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(talk.sent, 10);
}

static void a_challenge_is_no_answer(void **state)
{
	struct talk talk;

	/* The server has an older connection over these ports (RFC 5961). */
	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 0, A, 700, 900, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_NONE);
	say(&talk, 1, R, 900, 0, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_NONE);
	assert_open(&talk);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 0, S | A, 0, 1, 0);
	say(&talk, 1, A, 1, 1, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);
}

static void one_side_alone_establishes(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 1, A, 1, 1, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_true(me_wire_is_one_sided(&talk.flow));

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 0, S | A, 0, 1, 0);
	say(&talk, 0, A, 1, 11, 5);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(talk.received, 5);
	assert_true(me_wire_is_one_sided(&talk.flow));
	say(&talk, 1, A, 11, 6, 0);
	assert_false(me_wire_is_one_sided(&talk.flow));
}

static void refusals(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 0, R | A, 0, 0, 0); /* it acknowledges nothing of ours */
	assert_open(&talk);
	say(&talk, 0, R | A, 0, 1, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_REFUSED);
	assert_closed(&talk, false);

	/* The peer's attempt, refused by the mail host. */
	begin(&talk, ME_DIRECTION_IN);
	say(&talk, 0, S, 0, 0, 0);
	say(&talk, 1, R | A, 0, 1, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_REFUSED);
}

static void half_open(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	say(&talk, 0, S | A, 0, 1, 0);
	assert_int_equal(me_wire_unanswered(&talk.flow, IPPROTO_TCP), ME_OUTCOME_ABORTED);
	say(&talk, 1, R, 1, 0, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ABORTED);
	assert_closed(&talk, false);
}

static void what_nobody_answers(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	assert_int_equal(me_wire_unanswered(&talk.flow, IPPROTO_TCP), ME_OUTCOME_TIMEOUT);
	talk.flow.wire.errors = ME_WIRE_UNREACHABLE;
	assert_int_equal(me_wire_unanswered(&talk.flow, IPPROTO_TCP), ME_OUTCOME_UNREACHABLE);
	talk.flow.wire.errors |= ME_WIRE_REFUSED;
	assert_int_equal(me_wire_unanswered(&talk.flow, IPPROTO_TCP), ME_OUTCOME_REFUSED);
	assert_int_equal(me_wire_unanswered(&talk.flow, IPPROTO_UDP), ME_OUTCOME_UNANSWERED);
}

/* --- The same ports once more ---------------------------------------------------------------------- */

static void only_another_number_opens_anew(void **state)
{
	struct me_packet same = segment(1, S, 0, 0, 0), other = segment(1, S, 77, 0, 0);
	struct talk talk;

	handshake(&talk);
	assert_false(me_wire_reopens(&talk.flow, &same, 1));
	assert_true(me_wire_reopens(&talk.flow, &other, 1));
	say(&talk, 1, R, 1, 0, 0);
	assert_false(me_wire_reopens(&talk.flow, &same, 1)); /* some try again after a refusal */
	assert_true(me_wire_reopens(&talk.flow, &other, 1));
	other.tcp_flags = S | A;
	assert_false(me_wire_reopens(&talk.flow, &other, 1));
}

static void a_call_over_a_call_is_an_attempt(void **state)
{
	struct me_packet ours = segment(1, S, 0, 0, 0), theirs = segment(0, S, 0, 0, 0);
	struct talk talk;

	/* The peer opened: the mail host's SYN must not hide behind that. */
	begin(&talk, ME_DIRECTION_IN);
	put(&talk, &theirs, 0);
	assert_true(me_wire_reopens(&talk.flow, &ours, 1));

	/* Both at once: one connection, the mail host's. */
	begin(&talk, ME_DIRECTION_OUT);
	put(&talk, &ours, 1);
	assert_false(me_wire_reopens(&talk.flow, &theirs, 0));
	put(&talk, &theirs, 0);
	say(&talk, 1, S | A, 0, 1, 0);
	say(&talk, 0, S | A, 0, 1, 0);
	say(&talk, 1, A, 1, 1, 0);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);

	/* The peer opens over what has ended. */
	handshake(&talk);
	assert_true(me_wire_reopens(&talk.flow, &theirs, 0) ==
		    (theirs.seq != talk.flow.wire.side[1].isn));
	theirs.seq += 99;
	assert_true(me_wire_reopens(&talk.flow, &theirs, 0));
}

/* --- Payload --------------------------------------------------------------------------------------- */

static void each_byte_once(void **state)
{
	struct talk talk;

	handshake(&talk);
	say(&talk, 1, A, 1, 1, 100);
	say(&talk, 1, A, 1, 1, 100);   /* again */
	say(&talk, 1, A, 201, 1, 100); /* before the one in front of it */
	say(&talk, 1, A, 101, 1, 100);
	say(&talk, 1, A, 51, 1, 300); /* over some of them and 50 more */
	assert_int_equal(talk.sent, 350);
	say(&talk, 0, A, 1, 351, 7);
	assert_int_equal(talk.received, 7);
}

static void what_is_no_payload(void **state)
{
	struct talk talk;

	handshake(&talk);
	say(&talk, 1, A, 0, 1, 1); /* is it still there? (RFC 9293, section 3.8.4) */
	assert_int_equal(talk.sent, 0);
	say(&talk, 1, A, 1u << 31, 1, 10); /* of no window */
	assert_int_equal(talk.sent, 0);
}

static void numbers_begin_again(void **state)
{
	struct me_packet packet = {.proto = IPPROTO_TCP, .tcp_flags = S, .seq = 0xfffffff0};
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	put(&talk, &packet, 1);
	packet.tcp_flags = A;
	packet.seq++;
	packet.payload = 100;
	put(&talk, &packet, 1);
	packet.seq += 100;
	put(&talk, &packet, 1);
	assert_int_equal(talk.sent, 200);
}

static void payload_in_the_first_segment(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 20);
	say(&talk, 0, S | A, 0, 1, 0); /* the server did not take it */
	say(&talk, 1, A, 1, 1, 20);
	assert_int_equal(talk.sent, 20);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);
}

static void under_way(void **state)
{
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	talk.flow.flags = ME_FLOW_PREEXISTING;
	talk.flow.outcome = ME_OUTCOME_ESTABLISHED;
	say(&talk, 1, A, 90000, 70000, 0); /* no payload, but from here on it counts */
	say(&talk, 1, A, 90000, 70000, 10);
	say(&talk, 0, A, 70000, 90010, 30);
	assert_int_equal(talk.sent, 10);
	assert_int_equal(talk.received, 30);
	say(&talk, 1, F | A, 90010, 70030, 0);
	say(&talk, 0, F | A, 70030, 90011, 0);
	assert_open(&talk);
	say(&talk, 1, A, 90011, 70031, 0);
	assert_closed(&talk, false);
}

/* --- The end --------------------------------------------------------------------------------------- */

static void both_sides_end(void **state)
{
	struct talk talk;

	handshake(&talk);
	say(&talk, 1, F | A, 1, 1, 10);
	say(&talk, 0, A, 1, 12, 0);
	say(&talk, 0, A, 1, 12, 5); /* half closed: the other goes on */
	assert_open(&talk);
	say(&talk, 0, F | A, 6, 12, 0);
	assert_open(&talk);
	say(&talk, 1, A, 12, 7, 0);
	assert_closed(&talk, false);
	assert_int_equal(talk.sent, 10);
	assert_int_equal(talk.received, 5);
}

static void both_sides_end_at_once(void **state)
{
	struct talk talk;

	handshake(&talk);
	say(&talk, 1, F | A, 1, 1, 0);
	say(&talk, 0, F | A, 1, 1, 0); /* crossed: it acknowledges nothing yet */
	assert_open(&talk);
	say(&talk, 1, A, 2, 2, 0);
	assert_open(&talk);
	say(&talk, 0, A, 2, 2, 0);
	assert_closed(&talk, false);
}

static void resets(void **state)
{
	struct talk talk;

	handshake(&talk);
	say(&talk, 0, R, 1 + (1u << 25), 0, 0); /* a blind guess */
	assert_open(&talk);
	say(&talk, 0, R, 1, 0, 0);
	assert_closed(&talk, true);
	assert_int_equal(talk.flow.outcome, ME_OUTCOME_ESTABLISHED);

	handshake(&talk);
	say(&talk, 1, R, 1, 0, 0); /* its own end of it */
	assert_closed(&talk, false);

	/* Ordinary after both have ended. */
	handshake(&talk);
	say(&talk, 1, F | A, 1, 1, 0);
	say(&talk, 0, F | A, 1, 2, 0);
	say(&talk, 0, R, 2, 0, 0);
	assert_closed(&talk, false);
}

/* --- Others than TCP, and time ------------------------------------------------------------------------ */

static void datagrams(void **state)
{
	struct me_packet packet = {.proto = IPPROTO_UDP, .payload = 12};
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	assert_int_equal(put(&talk, &packet, 1).outcome, ME_OUTCOME_NONE);
	assert_int_equal(put(&talk, &packet, 0).outcome, ME_OUTCOME_ANSWERED);
	assert_int_equal(talk.sent, 12);
	assert_int_equal(talk.received, 12);
	begin(&talk, ME_DIRECTION_IN);
	assert_int_equal(put(&talk, &packet, 0).outcome, ME_OUTCOME_NONE);
	assert_int_equal(put(&talk, &packet, 1).outcome, ME_OUTCOME_ANSWERED);
}

static void patience(void **state)
{
	const struct me_wire_limits limits = {.syn_ns = 10, .idle_ns = 7200, .udp_ns = 180};
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	assert_int_equal(me_wire_patience(&talk.flow, IPPROTO_TCP, &limits), 10);
	talk.now += 100;
	say(&talk, 1, S, 0, 0, 0);
	/* The next one is to be expected after 200 more. */
	assert_int_equal(me_wire_patience(&talk.flow, IPPROTO_TCP, &limits), 250);
	say(&talk, 0, S | A, 0, 1, 0);
	say(&talk, 1, A, 1, 1, 0);
	assert_int_equal(me_wire_patience(&talk.flow, IPPROTO_TCP, &limits), 7200);
	say(&talk, 0, F | A, 1, 1, 0);
	assert_int_equal(me_wire_patience(&talk.flow, IPPROTO_TCP, &limits), 180);
	assert_int_equal(me_wire_patience(&talk.flow, IPPROTO_UDP, &limits), 180);
}

/* The segment behind the peer's SYN, whenever it comes, and no other. */
static void with_what_a_peer_begins(void **state)
{
	struct me_packet first = segment(0, A, 1, 1, 30), next = segment(0, A, 31, 1, 30),
			 syn = segment(0, S | A, 0, 1, 0), later = first, datagram = first;
	struct talk talk;

	begin(&talk, ME_DIRECTION_OUT);
	say(&talk, 1, S, 0, 0, 0);
	assert_false(me_wire_is_first(&talk.flow, &first));
	say(&talk, 0, S | A, 0, 1, 0);
	assert_true(me_wire_is_first(&talk.flow, &first));
	assert_false(me_wire_is_first(&talk.flow, &next));
	assert_false(me_wire_is_first(&talk.flow, &syn));
	later.flags = ME_PACKET_LATER;
	assert_false(me_wire_is_first(&talk.flow, &later));
	datagram.proto = IPPROTO_UDP;
	assert_false(me_wire_is_first(&talk.flow, &datagram));
	say(&talk, 0, A, 1, 1, 30);
	assert_true(me_wire_is_first(&talk.flow, &first));
	talk.flow.bytes_received = 1ull << 32;
	assert_false(me_wire_is_first(&talk.flow, &first));
}

/* What each packet touches is in the first cache line, and what it does in transit in the second. */
static void what_packets_touch_lies_together(void **state)
{
	assert_int_equal(offsetof(struct me_flow, wire), 64);
	assert_true(offsetof(struct me_flow, id) >= 128);
	assert_int_equal(sizeof(struct me_flow), 216);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_the_server_do_not_establish),
		cmocka_unit_test(a_challenge_is_no_answer),
		cmocka_unit_test(one_side_alone_establishes),
		cmocka_unit_test(refusals),
		cmocka_unit_test(half_open),
		cmocka_unit_test(what_nobody_answers),
		cmocka_unit_test(only_another_number_opens_anew),
		cmocka_unit_test(a_call_over_a_call_is_an_attempt),
		cmocka_unit_test(each_byte_once),
		cmocka_unit_test(what_is_no_payload),
		cmocka_unit_test(numbers_begin_again),
		cmocka_unit_test(payload_in_the_first_segment),
		cmocka_unit_test(under_way),
		cmocka_unit_test(both_sides_end),
		cmocka_unit_test(both_sides_end_at_once),
		cmocka_unit_test(resets),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(patience),
		cmocka_unit_test(with_what_a_peer_begins),
		cmocka_unit_test(what_packets_touch_lies_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
