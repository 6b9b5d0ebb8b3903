/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections in transit: each test is a conversation, segment by segment. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define HOST6 "2001:db8::10"
#define GOOD "203.0.113.1" /* listed for every port */
#define GOOD6 "2001:db8:1::1"
#define BAD "203.0.113.9" /* a stranger */
#define PEER "192.0.2.11"
#define OPEN 22 /* a port without name rules: verdicts are final at once */

static const char policy[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [" HOST ", \"" HOST6 "\"]}\n"
	"peers: [" PEER "]\n"
	"remoting: {ports: [tcp/9093, tcp/9095, tcp/9096]}\n"
	"allow:\n"
	"  - {service: good, name: hosts, to: [" GOOD ", \"" GOOD6 "\"],\n"
	"     ports: [tcp/22, tcp/40000]}\n"
	"  - {service: web, name: www, to: www.example.org, ports: tcp/443}\n"
	"  - {service: sync, name: peers, to: peers, ports: [tcp/9095, tcp/9096]}\n";

static struct talk begin_talk(void **state, const char *peer, uint16_t port)
{
	return talk_begin(*state, IPPROTO_TCP, HOST, peer, port);
}

#define ALLOWED .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED
#define VIOLATION .verdict = ME_VIOLATION, .reason = ME_REASON_UNLISTED_DESTINATION
#define INBOUND .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_IN
#define PREEXISTING(verdict) .total[ME_TOTAL_PREEXISTING(verdict)]

/* --- From SYN to FIN ------------------------------------------------------------------------------ */

static void whole_connection(struct transit *transit, struct talk talk)
{
	struct me_endpoint_counts c;

	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, ALLOWED);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	TALK_EXPECT(&talk, ALLOWED);
	talk_segment(&talk, SENT, A, 1, 1, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED);
	talk_segment(&talk, SENT, A, 1, 1, 100);
	talk_segment(&talk, SENT, A, 1, 1, 100);  /* once more */
	talk_segment(&talk, SENT, A, 201, 1, 50); /* before what comes before it */
	talk_segment(&talk, SENT, A, 101, 1, 100);
	talk_segment(&talk, RECEIVED, A, 1, 251, 700);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 250,
		    .received = 700);
	talk_segment(&talk, RECEIVED, F | A, 701, 251, 0);
	talk_segment(&talk, SENT, A, 251, 702, 0);
	talk_segment(&talk, SENT, F | A, 251, 702, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 250,
		    .received = 700);
	talk_segment(&talk, RECEIVED, A, 702, 252, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 250, .received = 700,
		    .flags = ME_FLOW_CLOSED);
	talk_segment(&talk, SENT, A, 252, 702, 0); /* belongs to it still */
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 250, .received = 700,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_VIOLATION), 0);
	assert_int_equal(transit->n_records, 0);
	c = transit_endpoint(transit, "good", "good/hosts");
	assert_int_equal(c.attempts, 1);
	assert_int_equal(c.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(c.bytes_sent, 250);
	assert_int_equal(c.bytes_received, 700);
	assert_int_equal(c.resets, 0);
}

static void a_connection(void **state)
{
	whole_connection(*state, begin_talk(state, GOOD, OPEN));
}

static void a_connection_over_v6(void **state)
{
	whole_connection(*state, talk_begin(*state, IPPROTO_TCP, HOST6, GOOD6, OPEN));
}

static void both_close_at_once(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_handshake(&talk);
	talk_segment(&talk, SENT, F | A, 1, 1, 10);
	talk_segment(&talk, RECEIVED, F | A, 1, 1, 20);
	talk_segment(&talk, SENT, A, 12, 22, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10, .received = 20);
	talk_segment(&talk, RECEIVED, A, 22, 12, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10, .received = 20,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

/* TCP Fast Open (RFC 7413): the SYN carries data. */
static void data_in_the_syn(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 30);
	talk_segment(&talk, RECEIVED, S | A, 0, 31, 0);
	talk_segment(&talk, SENT, A, 31, 1, 5);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 35);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

/* Three segments that travel as one. */
static void segments_together(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);
	struct transit_packet p;

	talk_handshake(&talk);
	p = talk_packet(&talk, SENT);
	p.flags = A;
	p.seq = talk.isn[1] + 1;
	p.ack = talk.isn[0] + 1;
	p.size = 1300;
	transit_packet_pass_segments(*state, SENT, &p, 3, 500);
	talk_count(&talk, SENT, 3, 1300 + 3 * 40);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 1300);
}

/* --- Attempts ------------------------------------------------------------------------------------- */

static void a_violation_is_told(void **state)
{
	struct talk talk = begin_talk(state, BAD, OPEN);
	struct transit *transit = *state;
	struct me_flow_key key = talk_key(&talk);

	talk_handshake(&talk);
	TALK_EXPECT(&talk, VIOLATION, .outcome = ME_OUTCOME_ESTABLISHED);
	TRANSIT_EXPECT(transit, FINAL(STRANGER) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_VIOLATION), 1);
	assert_int_equal(transit->n_records, 1);
	assert_memory_equal(&transit->records[0].key, &key, sizeof(key));
	assert_int_equal(transit->records[0].flow.state.verdict, ME_VIOLATION);
	assert_int_equal(transit_host(transit, HOST).attempts, 1);
	assert_int_equal(transit_host(transit, HOST).violations, 1);
}

static void a_syn_repeated(void **state)
{
	struct talk talk = begin_talk(state, BAD, OPEN);

	for (int i = 0; i < 4; i++)
		talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, VIOLATION);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1);
	assert_int_equal(transit_told(*state, ME_RECORD_VIOLATION), 1);
	assert_int_equal(transit_host(*state, HOST).attempts, 1);
}

static void the_same_ports_again(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);
	struct me_endpoint_counts c;
	struct me_flow earlier;

	talk_handshake(&talk);
	talk_segment(&talk, SENT, A, 1, 1, 10);
	talk_again(&talk);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, ALLOWED);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10,
		    .flags = ME_FLOW_CLOSED);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	talk_segment(&talk, SENT, A, 1, 1, 7);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 7);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 2);
	c = transit_endpoint(*state, "good", "good/hosts");
	assert_int_equal(c.attempts, 2);
	assert_int_equal(c.outcome[ME_OUTCOME_ESTABLISHED], 2);
	assert_int_equal(c.bytes_sent, 17);
}

/* The one before was never answered. */
static void the_same_ports_again_unanswered(void **state)
{
	struct talk talk = begin_talk(state, BAD, OPEN);
	struct me_flow earlier;

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_again(&talk);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, VIOLATION);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, VIOLATION, .outcome = ME_OUTCOME_TIMEOUT, .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 2);
	assert_int_equal(transit_told(*state, ME_RECORD_VIOLATION), 2);
}

/* --- Outcomes ------------------------------------------------------------------------------------- */

static void refused(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_segment(&talk, RECEIVED, R | A, 0, 0, 0); /* of an older connection */
	TALK_EXPECT(&talk, ALLOWED);
	talk_segment(&talk, RECEIVED, R | A, 0, 1, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_REFUSED, .flags = ME_FLOW_CLOSED);
	talk_segment(&talk, SENT, S, 0, 0, 0); /* Windows tries once more */
	talk_segment(&talk, RECEIVED, R | A, 0, 1, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_REFUSED, .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").outcome[ME_OUTCOME_REFUSED],
			 1);
}

static void nobody_answers(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_end(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_TIMEOUT, .flags = ME_FLOW_CLOSED);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").outcome[ME_OUTCOME_TIMEOUT],
			 1);
}

static void half_open(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	talk_end(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ABORTED, .flags = ME_FLOW_CLOSED);
}

static void given_up(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	talk_segment(&talk, SENT, R, 1, 0, 0);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ABORTED, .flags = ME_FLOW_CLOSED);
}

static void reset(void **state)
{
	struct talk by_peer = begin_talk(state, GOOD, OPEN),
		    by_host = begin_talk(state, GOOD, OPEN);

	talk_handshake(&by_peer);
	talk_segment(&by_peer, RECEIVED, R, 1u << 25, 0, 0); /* too far off to be one */
	TALK_EXPECT(&by_peer, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED);
	talk_segment(&by_peer, RECEIVED, R, 1, 0, 0);
	TALK_EXPECT(&by_peer, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED,
		    .flags = ME_FLOW_CLOSED | ME_FLOW_RESET);
	talk_handshake(&by_host);
	talk_segment(&by_host, SENT, R | A, 1, 1, 0);
	TALK_EXPECT(&by_host, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .flags = ME_FLOW_CLOSED);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").resets, 1);
}

/* Where the other way takes another route. */
static void one_side_is_seen(void **state)
{
	struct talk reset = begin_talk(state, GOOD, OPEN), silent = begin_talk(state, GOOD, OPEN);

	talk_segment(&reset, SENT, S, 0, 0, 0);
	talk_segment(&reset, SENT, A, 1, 1, 9);
	talk_segment(&reset, SENT, R | A, 10, 1, 0);
	TALK_EXPECT(&reset, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 9,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1, TOTAL(ONE_SIDED) = 1);
	talk_segment(&silent, SENT, S, 0, 0, 0);
	talk_segment(&silent, SENT, A, 1, 1, 9);
	talk_segment(&silent, SENT, F | A, 10, 20, 0);
	talk_end(&silent);
	TALK_EXPECT(&silent, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 9,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 2, TOTAL(ONE_SIDED) = 2);
}

/* --- Inbound -------------------------------------------------------------------------------------- */

static void opened_by_the_peer(void **state)
{
	struct talk talk = begin_talk(state, BAD, 40000);

	talk.sport = 25;
	talk_segment(&talk, RECEIVED, S, 0, 0, 0);
	talk_segment(&talk, RECEIVED, S, 0, 0, 0);
	talk_segment(&talk, SENT, S | A, 0, 1, 0);
	TALK_EXPECT(&talk, INBOUND);
	talk_segment(&talk, RECEIVED, A, 1, 1, 0);
	talk_segment(&talk, SENT, A, 1, 1, 60);
	talk_segment(&talk, RECEIVED, A, 1, 61, 80);
	TALK_EXPECT(&talk, INBOUND, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 60, .received = 80);
	TRANSIT_EXPECT(*state, .total = {});
	transit_told(*state, ME_RECORD_FINDING);
	assert_int_equal(((struct transit *)*state)->n_records, 0);
	assert_int_equal(transit_host(*state, HOST).attempts, 0);
}

static void refused_by_the_mail_host(void **state)
{
	struct talk talk = begin_talk(state, BAD, 40000);

	talk_segment(&talk, RECEIVED, S, 0, 0, 0);
	talk_segment(&talk, SENT, R | A, 0, 1, 0);
	TALK_EXPECT(&talk, INBOUND, .outcome = ME_OUTCOME_REFUSED, .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, .total = {});
}

static void its_own_syn_is_an_attempt(void **state)
{
	struct talk talk = begin_talk(state, BAD, OPEN);
	struct me_flow earlier;

	talk_segment(&talk, RECEIVED, S, 0, 0, 0);
	talk_segment(&talk, SENT, S | A, 0, 1, 0);
	talk_segment(&talk, RECEIVED, A, 1, 1, 0);
	talk_again(&talk);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, VIOLATION);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, INBOUND, .outcome = ME_OUTCOME_ESTABLISHED, .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1);
}

/* The peer's SYN while the mail host's waits is none that opens anything. */
static void both_open_at_once(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_segment(&talk, RECEIVED, S, 0, 0, 0);
	talk_segment(&talk, SENT, S | A, 0, 1, 0);
	talk_segment(&talk, RECEIVED, S | A, 0, 1, 0);
	talk_segment(&talk, SENT, A, 1, 1, 3);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 3);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

static void inbound_to_remoting(void **state)
{
	static const struct {
		const char *peer;
		uint16_t port;
		size_t found;
	} cases[] = {{BAD, 9093, 1},  {PEER, 9093, 1}, {BAD, 9095, 1}, {PEER, 9095, 0},
		     {PEER, 9096, 0}, {GOOD, 9096, 1}, {BAD, 9094, 0}};
	struct transit *transit = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk = begin_talk(state, cases[i].peer, 40000);

		talk.sport = cases[i].port;
		talk_segment(&talk, RECEIVED, S, 0, 0, 0);
		talk_segment(&talk, RECEIVED, S, 0, 0, 0);
		talk_segment(&talk, SENT, S | A, 0, 1, 0);
		TALK_EXPECT(&talk, INBOUND);
		assert_int_equal(transit_found(transit, ME_FINDING_INBOUND_REMOTING),
				 cases[i].found);
		assert_int_equal(transit->n_records, cases[i].found);
		transit_mark(transit);
	}
}

/* --- Under way, and strays ------------------------------------------------------------------------ */

static void data_of_an_unknown_flow(void **state)
{
	struct talk out = begin_talk(state, GOOD, OPEN), in = begin_talk(state, BAD, 40000),
		    known = begin_talk(state, BAD, 9095), unknown = begin_talk(state, GOOD, 50000),
		    bad = begin_talk(state, BAD, OPEN), named = begin_talk(state, BAD, 443);

	talk_segment(&out, SENT, A, 1, 1, 10);
	TALK_EXPECT(&out, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10,
		    .flags = ME_FLOW_PREEXISTING);
	in.sport = 25;
	talk_segment(&in, RECEIVED, A, 1, 1, 20);
	TALK_EXPECT(&in, INBOUND, .outcome = ME_OUTCOME_ESTABLISHED, .received = 20,
		    .flags = ME_FLOW_PREEXISTING);
	talk_segment(&known, RECEIVED, A, 1, 1, 30);
	TALK_EXPECT(&known, .verdict = ME_VIOLATION, .reason = ME_REASON_PEER_UNKNOWN,
		    .outcome = ME_OUTCOME_ESTABLISHED, .received = 30,
		    .flags = ME_FLOW_PREEXISTING);
	talk_segment(&unknown, SENT, A, 1, 1, 40);
	TALK_EXPECT(&unknown, .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_UNKNOWN,
		    .outcome = ME_OUTCOME_ESTABLISHED, .sent = 40, .flags = ME_FLOW_PREEXISTING);
	talk_segment(&bad, SENT, A, 1, 1, 50);
	TALK_EXPECT(&bad, VIOLATION, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 50,
		    .flags = ME_FLOW_PREEXISTING);
	talk_segment(&named, SENT, A, 1, 1, 60); /* no name can be waited for */
	TALK_EXPECT(&named, .verdict = ME_UNRESOLVED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 60,
		    .flags = ME_FLOW_PREEXISTING);
	TRANSIT_EXPECT(*state, PREEXISTING(ME_ALLOWED) = 1, PREEXISTING(ME_VIOLATION) = 2,
		       PREEXISTING(ME_UNRESOLVED) = 3);
	assert_int_equal(transit_found(*state, ME_FINDING_BEFORE_START), 6);
	assert_int_equal(((struct transit *)*state)->n_records, 6);
	assert_int_equal(transit_host(*state, HOST).attempts, 0);
	/* It is no attempt, so its endpoint knows of its bytes alone. */
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").attempts, 0);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").bytes_sent, 10);
}

/* A rule for all ports says of none that somebody listens there. */
static void direction_beside_a_rule_for_all_ports(void **state)
{
	struct talk out = begin_talk(state, GOOD, OPEN), in = begin_talk(state, BAD, 40000),
		    unknown = begin_talk(state, BAD, 9095);

	transit_policy(*state, "version: 1\n"
			       "watch: {interfaces: [lan0], hosts: [" HOST "]}\n"
			       "allow:\n"
			       "  - {service: all, name: a, to: " GOOD ", ports: \"tcp/*\"}\n");
	talk_segment(&out, SENT, A, 1, 1, 10);
	TALK_EXPECT(&out, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10,
		    .flags = ME_FLOW_PREEXISTING);
	in.sport = 25;
	talk_segment(&in, RECEIVED, A, 1, 1, 20);
	TALK_EXPECT(&in, INBOUND, .outcome = ME_OUTCOME_ESTABLISHED, .received = 20,
		    .flags = ME_FLOW_PREEXISTING);
	talk_segment(&unknown, SENT, A, 1, 1, 30);
	TALK_EXPECT(&unknown, .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_UNKNOWN,
		    .outcome = ME_OUTCOME_ESTABLISHED, .sent = 30, .flags = ME_FLOW_PREEXISTING);
	transit_policy(*state, policy);
}

/* An answer says who was called. */
static void an_answer_alone(void **state)
{
	struct talk out = begin_talk(state, GOOD, 40000), in = begin_talk(state, GOOD, OPEN);

	talk_segment(&out, RECEIVED, S | A, 0, 1, 0);
	TALK_EXPECT(&out, ALLOWED, .flags = ME_FLOW_PREEXISTING);
	talk_segment(&out, RECEIVED, A, 1, 1, 8);
	TALK_EXPECT(&out, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .received = 8,
		    .flags = ME_FLOW_PREEXISTING);
	talk_segment(&in, SENT, S | A, 0, 1, 0);
	TALK_EXPECT(&in, INBOUND, .flags = ME_FLOW_PREEXISTING);
	TRANSIT_EXPECT(*state, PREEXISTING(ME_ALLOWED) = 1, PREEXISTING(ME_UNRESOLVED) = 1);
}

/* The SYN of a flow that was under way over the same ports. */
static void under_way_then_opened(void **state)
{
	struct talk talk = begin_talk(state, GOOD, OPEN);
	struct me_flow earlier;

	talk_segment(&talk, SENT, A, 1, 1, 10);
	talk_again(&talk);
	talk_handshake(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10,
		    .flags = ME_FLOW_PREEXISTING | ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1, PREEXISTING(ME_ALLOWED) = 1);
}

static void strays(void **state)
{
	static const struct {
		bool sent;
		uint8_t flags;
		size_t payload;
	} cases[] = {{SENT, A, 0},     {RECEIVED, A, 0}, {SENT, F | A, 0}, {RECEIVED, R, 0},
		     {SENT, R | A, 0}, {SENT, R, 10},    {SENT, 0, 0},     {RECEIVED, S | R, 0}};
	struct talk talk = begin_talk(state, BAD, OPEN);
	struct transit *transit = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_segment(&talk, cases[i].sent, cases[i].flags, 1, 1, cases[i].payload);
		TALK_NONE(&talk);
		TRANSIT_EXPECT(transit, TOTAL(STRAYS) = i + 1);
	}
	transit_told(transit, ME_RECORD_FINDING);
	assert_int_equal(transit->n_records, 0);
}

/* --- Reload --------------------------------------------------------------------------------------- */

static void a_reload_changes_no_verdict(void **state)
{
	struct talk before = begin_talk(state, GOOD, OPEN), after = begin_talk(state, GOOD, OPEN);
	struct transit *transit = *state;
	struct me_flow flow;

	talk_handshake(&before);
	transit_policy(transit, "version: 1\n"
				"watch: {interfaces: [lan0], hosts: [" HOST "]}\n"
				"allow:\n"
				"  - {service: other, name: b, to: 192.0.2.200, ports: tcp/22}\n");
	talk_segment(&before, SENT, A, 1, 1, 10);
	TALK_EXPECT(&before, ALLOWED, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 10);
	assert_true(talk_flow(&before, &flow));
	assert_int_equal(flow.generation, me_kernel_generation(transit->kernel) - 1);
	talk_handshake(&after);
	TALK_EXPECT(&after, VIOLATION, .outcome = ME_OUTCOME_ESTABLISHED);
	assert_true(talk_flow(&after, &flow));
	assert_int_equal(flow.generation, me_kernel_generation(transit->kernel));
	/* The same ports again are judged anew. */
	talk_again(&before);
	talk_segment(&before, SENT, S, 0, 0, 0);
	TALK_EXPECT(&before, VIOLATION);
	transit_policy(transit, policy);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-flows", policy, 256);
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
		TEST(a_connection),
		TEST(a_connection_over_v6),
		TEST(both_close_at_once),
		TEST(data_in_the_syn),
		TEST(segments_together),
		TEST(a_violation_is_told),
		TEST(a_syn_repeated),
		TEST(the_same_ports_again),
		TEST(the_same_ports_again_unanswered),
		TEST(refused),
		TEST(nobody_answers),
		TEST(half_open),
		TEST(given_up),
		TEST(reset),
		TEST(one_side_is_seen),
		TEST(opened_by_the_peer),
		TEST(refused_by_the_mail_host),
		TEST(its_own_syn_is_an_attempt),
		TEST(both_open_at_once),
		TEST(inbound_to_remoting),
		TEST(data_of_an_unknown_flow),
		TEST(direction_beside_a_rule_for_all_ports),
		TEST(an_answer_alone),
		TEST(under_way_then_opened),
		TEST(strays),
		TEST(a_reload_changes_no_verdict),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
