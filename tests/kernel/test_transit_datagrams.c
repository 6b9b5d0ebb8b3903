/* SPDX-License-Identifier: GPL-2.0-only */
/* Datagrams in transit, ICMP and its errors, and what never leaves the link. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define HOST6 "2001:db8::10"
#define GOOD "203.0.113.1"
#define GOOD6 "2001:db8:1::1"
#define BAD "203.0.113.9" /* a stranger */
#define ROUTER "198.51.100.254"
#define ROUTER6 "2001:db8:ffff::1"
#define NTP 123
#define S_TO_NS 1000000000ull
#define IDLE (180 * S_TO_NS) /* limits.udp_idle */

static const char policy[] = "version: 1\n"
			     "watch: {interfaces: [lan0], hosts: [" HOST ", \"" HOST6 "\"]}\n"
			     "limits: {udp_idle: 180s}\n"
			     "allow:\n"
			     "  - {service: good, name: hosts, to: [" GOOD ", \"" GOOD6 "\"],\n"
			     "     ports: [udp/123, udplite/7, sctp/7, icmp, icmp6, tcp/22]}\n";

static struct talk begin_talk(void **state, const char *peer, uint16_t port)
{
	return talk_begin(*state, IPPROTO_UDP, HOST, peer, port);
}

static uint64_t outcomes(void **state, enum me_outcome outcome)
{
	return transit_endpoint(*state, "good", "good/hosts").outcome[outcome];
}

#define ALLOWED .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED
#define VIOLATION .verdict = ME_VIOLATION, .reason = ME_REASON_UNLISTED_DESTINATION
#define INBOUND .verdict = ME_UNRESOLVED, .direction = ME_DIRECTION_IN

/* --- Datagrams ------------------------------------------------------------------------------------ */

static void ask_and_answer(void **state, struct talk talk)
{
	talk_datagram(&talk, SENT, 48);
	TALK_EXPECT(&talk, ALLOWED, .sent = 48);
	talk_datagram(&talk, RECEIVED, 90);
	talk_datagram(&talk, SENT, 0);
	talk_datagram(&talk, SENT, 2);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ANSWERED, .sent = 50, .received = 90);
	talk_end(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_ANSWERED, .sent = 50, .received = 90,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
	assert_int_equal(outcomes(state, ME_OUTCOME_ANSWERED), 1);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").bytes_received, 90);
	transit_mark(*state);
}

static void a_datagram_and_its_answer(void **state)
{
	ask_and_answer(state, talk_begin(*state, IPPROTO_UDP, HOST, GOOD, NTP));
	ask_and_answer(state, talk_begin(*state, IPPROTO_UDP, HOST6, GOOD6, NTP));
	ask_and_answer(state, talk_begin(*state, IPPROTO_UDPLITE, HOST, GOOD, 7));
	ask_and_answer(state, talk_begin(*state, IPPROTO_SCTP, HOST6, GOOD6, 7));
	ask_and_answer(state, talk_begin(*state, IPPROTO_ICMP, HOST, GOOD, 0));
	ask_and_answer(state, talk_begin(*state, IPPROTO_ICMPV6, HOST6, GOOD6, 0));
}

static void no_answer(void **state)
{
	struct talk talk = begin_talk(state, GOOD, NTP);

	talk_datagram(&talk, SENT, 48);
	talk_end(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = ME_OUTCOME_UNANSWERED, .sent = 48,
		    .flags = ME_FLOW_CLOSED);
	assert_int_equal(outcomes(state, ME_OUTCOME_UNANSWERED), 1);
}

static void idle_for_long(void **state)
{
	struct talk talk = begin_talk(state, GOOD, NTP);
	struct me_flow earlier;

	talk_datagram(&talk, SENT, 48);
	talk_age(&talk, IDLE - 60 * S_TO_NS);
	talk_datagram(&talk, SENT, 2);
	TALK_EXPECT(&talk, ALLOWED, .sent = 50);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
	talk_age(&talk, IDLE);
	talk_again(&talk);
	talk_datagram(&talk, SENT, 3);
	TALK_EXPECT(&talk, ALLOWED, .sent = 3);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, ALLOWED, .outcome = ME_OUTCOME_UNANSWERED, .sent = 50,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 2);
	assert_int_equal(outcomes(state, ME_OUTCOME_UNANSWERED), 1);
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").bytes_sent, 53);
}

/* Once the daemon has said that it is over. */
static void over_and_again(void **state)
{
	struct talk talk = begin_talk(state, BAD, NTP);

	talk_datagram(&talk, SENT, 48);
	talk_end(&talk);
	talk_again(&talk);
	talk_datagram(&talk, SENT, 3);
	TALK_EXPECT(&talk, VIOLATION, .sent = 3);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 2);
	assert_int_equal(transit_told(*state, ME_RECORD_VIOLATION), 2);
}

static void opened_by_the_peer(void **state)
{
	struct talk talk = begin_talk(state, BAD, 40000);

	talk_datagram(&talk, RECEIVED, 30);
	TALK_EXPECT(&talk, INBOUND, .received = 30);
	talk_datagram(&talk, SENT, 40);
	TALK_EXPECT(&talk, INBOUND, .outcome = ME_OUTCOME_ANSWERED, .sent = 40, .received = 30);
	TRANSIT_EXPECT(*state, .total = {});
	transit_told(*state, ME_RECORD_FINDING);
	assert_int_equal(((struct transit *)*state)->n_records, 0);
}

static void datagrams_together(void **state)
{
	struct talk talk = begin_talk(state, GOOD, NTP);
	struct transit_packet p = talk_packet(&talk, SENT);

	p.size = 1100;
	transit_packet_pass_segments(*state, SENT, &p, 3, 400);
	talk_count(&talk, SENT, 3, 1100 + 3 * 28);
	TALK_EXPECT(&talk, ALLOWED, .sent = 1100);
}

static void protocols_without_a_rule(void **state)
{
	static const uint8_t protocols[] = {4, 41, 47, 50, 89, 253};

	for (size_t i = 0; i < sizeof(protocols); i++) {
		struct talk talk = talk_begin(*state, protocols[i], HOST, GOOD, 0);

		talk_datagram(&talk, SENT, 40);
		talk_datagram(&talk, SENT, 40);
		TALK_EXPECT(&talk, .verdict = ME_VIOLATION, .reason = ME_REASON_UNLISTED_PROTOCOL,
			    .sent = 80);
	}
	TRANSIT_EXPECT(*state,
		       FINAL(ME_VIOLATION + ME_REASON_UNLISTED_PROTOCOL) = sizeof(protocols));
}

/* Nothing is local where packets pass. */
static void loopback_and_link_local_are_judged(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {{HOST, "127.0.0.1"},       {HOST6, "::1"},    {HOST, "169.254.169.254"},
		     {HOST6, "fe80::1"},        {HOST, HOST},      {HOST, "192.0.2.1"},
		     {HOST, "239.255.255.250"}, {HOST6, "ff05::2"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk = talk_begin(*state, IPPROTO_UDP, cases[i].from, cases[i].to, 9);

		talk_datagram(&talk, SENT, 1);
		TALK_EXPECT(&talk, VIOLATION, .sent = 1);
		TRANSIT_EXPECT(*state, FINAL(STRANGER) = i + 1);
	}
}

/* --- ICMP errors ---------------------------------------------------------------------------------- */

#define QUOTED 28 /* bytes: an IPv4 header and eight more (RFC 792) */

/* An error about what the other side sent last. */
static void tell_error(struct talk *talk, bool sent, uint8_t type, uint8_t code,
		       const struct transit_packet *about, size_t quoted, const char *from)
{
	uint8_t packet[TRANSIT_PACKET_MAX];
	size_t size = transit_packet_build(about, packet);
	struct transit_packet error = {.src = sent ? talk->host : from,
				       .dst = sent ? talk->peer : talk->host,
				       .proto = strchr(talk->host, ':') ? IPPROTO_ICMPV6
									: IPPROTO_ICMP,
				       .type = type,
				       .code = code,
				       .payload = packet,
				       .size = quoted && quoted < size ? quoted : size};

	talk_count(talk, sent, 1, transit_packet_pass(talk->transit, sent, &error));
}

static void after_an_error(void **state, const char *host, const char *peer, uint8_t type,
			   uint8_t code, enum me_outcome outcome)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, host, peer, 22);
	bool v6 = strchr(host, ':');
	struct transit_packet about = talk_packet(&talk, SENT);

	about.flags = S;
	about.seq = talk.isn[1];
	talk_segment(&talk, SENT, S, 0, 0, 0);
	tell_error(&talk, RECEIVED, type, code, &about, v6 ? 0 : QUOTED, v6 ? ROUTER6 : ROUTER);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, ALLOWED);
	talk_end(&talk);
	TALK_EXPECT(&talk, ALLOWED, .outcome = outcome, .flags = ME_FLOW_CLOSED);
}

static void an_error_says_why(void **state)
{
	after_an_error(state, HOST, GOOD, 3, 3, ME_OUTCOME_REFUSED);
	after_an_error(state, HOST, GOOD, 3, 1, ME_OUTCOME_UNREACHABLE);
	after_an_error(state, HOST, GOOD, 3, 13, ME_OUTCOME_UNREACHABLE);
	after_an_error(state, HOST, GOOD, 11, 0, ME_OUTCOME_UNREACHABLE);
	after_an_error(state, HOST, GOOD, 3, 4, ME_OUTCOME_TIMEOUT); /* too big */
	after_an_error(state, HOST6, GOOD6, 1, 4, ME_OUTCOME_REFUSED);
	after_an_error(state, HOST6, GOOD6, 1, 3, ME_OUTCOME_UNREACHABLE);
	after_an_error(state, HOST6, GOOD6, 2, 0, ME_OUTCOME_TIMEOUT); /* too big */
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 8);
}

static void an_error_of_a_datagram(void **state)
{
	struct talk talk = begin_talk(state, BAD, NTP);
	struct transit_packet about = talk_packet(&talk, SENT);

	talk_datagram(&talk, SENT, 48);
	tell_error(&talk, RECEIVED, 3, 3, &about, QUOTED, BAD);
	TALK_EXPECT(&talk, VIOLATION, .sent = 48); /* it is no answer */
	talk_end(&talk);
	TALK_EXPECT(&talk, VIOLATION, .sent = 48, .outcome = ME_OUTCOME_UNANSWERED,
		    .flags = ME_FLOW_CLOSED);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1);
}

static void an_error_of_an_echo(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_ICMP, HOST, GOOD, 0);
	struct transit_packet about = talk_packet(&talk, SENT);

	talk_datagram(&talk, SENT, 48);
	tell_error(&talk, RECEIVED, 11, 0, &about, QUOTED, ROUTER);
	TALK_EXPECT(&talk, ALLOWED, .sent = 48);
	TRANSIT_EXPECT(*state, FINAL(ME_ALLOWED) = 1);
}

/* The mail host says that nobody listens there. */
static void its_error_belongs_to_the_flow(void **state)
{
	struct talk talk = begin_talk(state, BAD, 40000);
	struct transit_packet about = talk_packet(&talk, RECEIVED);

	talk_datagram(&talk, RECEIVED, 30);
	tell_error(&talk, SENT, 3, 3, &about, QUOTED, NULL);
	TALK_EXPECT(&talk, INBOUND, .received = 30);
	TRANSIT_EXPECT(*state, .total = {});
}

static void errors_about_nothing_known(void **state)
{
	struct talk talk = begin_talk(state, BAD, NTP), icmp;
	struct transit_packet about = talk_packet(&talk, SENT);

	tell_error(&talk, RECEIVED, 3, 3, &about, QUOTED, ROUTER);
	TRANSIT_EXPECT(*state, TOTAL(ERRORS_UNMATCHED) = 1);
	talk_datagram(&talk, SENT, 48);
	tell_error(&talk, RECEIVED, 3, 3, &about, 22, ROUTER); /* without ports */
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1, TOTAL(ERRORS_UNMATCHED) = 2);
	about.dport++;
	tell_error(&talk, RECEIVED, 3, 3, &about, QUOTED, ROUTER);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 1, TOTAL(ERRORS_UNMATCHED) = 3);
	/* What the mail host sends about nothing known is a message to whom it goes. */
	icmp = talk_begin(*state, IPPROTO_ICMP, HOST, GOOD, 0);
	about = talk_packet(&talk, RECEIVED);
	about.dport++;
	tell_error(&icmp, SENT, 3, 3, &about, QUOTED, NULL);
	TALK_EXPECT(&icmp, ALLOWED, .sent = QUOTED);
	icmp = talk_begin(*state, IPPROTO_ICMP, HOST, BAD, 0);
	tell_error(&icmp, SENT, 3, 3, &about, QUOTED, NULL);
	TALK_EXPECT(&icmp, VIOLATION, .sent = QUOTED);
	TRANSIT_EXPECT(*state, FINAL(STRANGER) = 2, FINAL(ME_ALLOWED) = 1,
		       TOTAL(ERRORS_UNMATCHED) = 3);
}

/* --- The link ------------------------------------------------------------------------------------- */

static void what_never_leaves_the_link(void **state)
{
	static const struct transit_packet packets[] = {
		{.src = HOST, .dst = "255.255.255.255", .proto = IPPROTO_UDP, .sport = 68},
		{.src = HOST, .dst = "192.0.2.255", .proto = IPPROTO_UDP, .to_all = true},
		{.src = HOST, .dst = "224.0.0.251", .proto = IPPROTO_UDP, .dport = 5353},
		{.src = HOST, .dst = "224.0.0.22", .proto = IPPROTO_IGMP, .size = 8},
		{.src = HOST, .dst = "239.255.255.250", .proto = IPPROTO_IGMP, .size = 8},
		{.src = HOST6, .dst = "ff02::fb", .proto = IPPROTO_UDP, .dport = 5353},
		{.src = HOST6, .dst = "ff02::1:ff00:1", .proto = IPPROTO_ICMPV6, .type = 135},
		{.src = HOST6, .dst = GOOD6, .proto = IPPROTO_ICMPV6, .type = 136},
		{.src = HOST6, .dst = "ff02::16", .proto = IPPROTO_ICMPV6, .type = 143},
		{.src = HOST6, .dst = "ff05::2", .proto = IPPROTO_ICMPV6, .type = 132},
	};
	const size_t n = sizeof(packets) / sizeof(packets[0]);
	struct transit_packet stranger = packets[1];
	struct transit *transit = *state;

	for (size_t i = 0; i < n; i++) {
		transit_packet_pass(transit, SENT, &packets[i]);
		TRANSIT_EXPECT(transit, TOTAL(LINK) = i + 1);
	}
	stranger.src = "192.0.2.99";
	transit_packet_pass(transit, SENT, &stranger);
	TRANSIT_EXPECT(transit, TOTAL(LINK) = n);
	assert_int_equal(transit_entries(transit, "me_flows"), 0);
	assert_int_equal(transit_host(transit, HOST).attempts, 0);
}

#define TAG 0x81, 0, 0, 100

static void run_frame(struct transit *transit, bool sent, const uint8_t *type, size_t size)
{
	uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, TRANSIT_MAC};

	memcpy(frame + 12, type, size);
	assert_int_equal(transit_run(transit, sent, frame, sizeof(frame)), 0);
}

/* Frames without a packet, of a mail host that is known by now. */
static void frames_of_other_protocols(void **state)
{
	static const uint8_t link[][8] = {{0x08, 0x06}, {0x88, 0xcc},      {0x88, 0x8e},
					  {0, 38},      {TAG, 0x08, 0x06}, {TAG, 0, 38}};
	static const uint8_t others[][8] = {
		{0x88, 0x47}, {0x88, 0x64}, {0x81, 0x37}, {TAG, 0x88, 0x47}};
	struct talk talk = begin_talk(state, GOOD, NTP),
		    none = talk_begin(*state, ME_PROTO_UNPARSED, HOST, "::", 0);
	struct transit *transit = *state;

	talk_datagram(&talk, SENT, 1);
	for (size_t i = 0; i < sizeof(link) / sizeof(link[0]); i++) {
		run_frame(transit, SENT, link[i], sizeof(link[i]));
		run_frame(transit, RECEIVED, link[i], sizeof(link[i]));
	}
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		run_frame(transit, SENT, others[i], sizeof(others[i]));
		talk_count(&none, SENT, 1, 50);
	}
	run_frame(transit, RECEIVED, others[0], sizeof(others[0]));
	/* To nobody that could be read they are one flow. */
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1,
		       FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE) = 1,
		       .total[ME_TOTAL_UNPARSED(ME_UNPARSED_ETHERTYPE)] = 5);
	TALK_EXPECT(&none, .verdict = ME_VIOLATION, .reason = ME_REASON_UNPARSABLE);
	assert_int_equal(transit_told(transit, ME_RECORD_VIOLATION), 1);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-datagrams", policy, 256);
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
		TEST(a_datagram_and_its_answer),
		TEST(no_answer),
		TEST(idle_for_long),
		TEST(over_and_again),
		TEST(opened_by_the_peer),
		TEST(datagrams_together),
		TEST(protocols_without_a_rule),
		TEST(loopback_and_link_local_are_judged),
		TEST(an_error_says_why),
		TEST(an_error_of_a_datagram),
		TEST(an_error_of_an_echo),
		TEST(its_error_belongs_to_the_flow),
		TEST(errors_about_nothing_known),
		TEST(what_never_leaves_the_link),
		TEST(frames_of_other_protocols),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
