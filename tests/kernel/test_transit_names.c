/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows that wait for a name, and the names that are learned while answers pass. */
#include "transit.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/inet.h"
#include "selftest/dns_build.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define RESOLVER "192.0.2.53"    /* configured, beside the mail host */
#define UPSTREAM "198.51.100.53" /* configured, elsewhere */
#define OTHER "203.0.113.53"     /* not configured */
#define WEB "203.0.113.80"       /* what www.example.org is */
#define BAD "203.0.113.9"
#define PROXY "192.0.2.1"
#define NAME "www.example.org"
#define GRACE 1800000000000ull /* limits.grace */

#define POLICY(more)                                                                               \
	"version: 1\n"                                                                             \
	"watch: {interfaces: [lan0], hosts: [" HOST "]}\n"                                         \
	"proxy: " PROXY ":3128\n" more "allow:\n"                                                  \
	"  - {service: web, name: www, to: " NAME ", ports: [tcp/443, tcp/80]}\n"                  \
	"  - {service: dns, name: resolvers, to: resolvers, ports: [udp/53, tcp/53]}\n"
#define FIXED "resolvers: [" RESOLVER ", " UPSTREAM "]\n"

static const char policy[] = POLICY(FIXED);

#define LISTED .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED
#define PENDING .verdict = ME_PENDING, .reason = ME_REASON_UNLISTED_DESTINATION

static struct talk web_talk(void **state, const char *peer)
{
	return talk_begin(*state, IPPROTO_TCP, HOST, peer, 443);
}

static int settle(const struct talk *talk, enum me_verdict verdict, enum me_reason reason)
{
	struct me_flow_key key = talk_key(talk);

	return transit_settle(talk->transit, &key, ME_SETTLE_VERDICT, verdict, reason);
}

/* --- Verdicts that wait --------------------------------------------------------------------------- */

static void pending_then_a_violation(void **state)
{
	struct talk talk = web_talk(state, BAD);
	struct transit *transit = *state;

	talk_handshake(&talk);
	TALK_EXPECT(&talk, PENDING, .outcome = ME_OUTCOME_ESTABLISHED);
	TRANSIT_EXPECT(transit, OPENED(ME_REASON_UNLISTED_DESTINATION) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_PENDING), 1);
	assert_int_equal(transit->n_records, 1);
	assert_int_equal(transit_host(transit, HOST).attempts, 1);
	assert_int_equal(transit_host(transit, HOST).violations, 0);
	assert_int_equal(settle(&talk, ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION), 0);
	TALK_EXPECT(&talk, .verdict = ME_VIOLATION, .reason = ME_REASON_UNLISTED_DESTINATION,
		    .outcome = ME_OUTCOME_ESTABLISHED);
	TRANSIT_EXPECT(transit, OPENED(ME_REASON_UNLISTED_DESTINATION) = 1, VIA(STRANGER) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_RESOLVED), 1);
	assert_int_equal(settle(&talk, ME_ALLOWED, 0), -EALREADY);
}

/* Its ports are used again while it waits. */
static void set_aside_while_pending(void **state)
{
	struct talk talk = web_talk(state, BAD);
	struct transit *transit = *state;
	struct me_flow earlier;

	talk_segment(&talk, SENT, S, 0, 0, 0);
	talk_again(&talk);
	talk_segment(&talk, SENT, S, 0, 0, 0);
	TALK_EXPECT(&talk, PENDING);
	earlier = talk_earlier(&talk);
	FLOW_EXPECT(&earlier, PENDING, .outcome = ME_OUTCOME_TIMEOUT, .flags = ME_FLOW_CLOSED);
	assert_int_equal(earlier.state.flags, ME_STATE_TOLD);
	TRANSIT_EXPECT(transit, OPENED(ME_REASON_UNLISTED_DESTINATION) = 2);
}

/* --- What the client says first ------------------------------------------------------------------- */

static void send_data(struct talk *talk, uint32_t from, const char *data)
{
	struct transit_packet p = talk_packet(talk, SENT);

	p.flags = A;
	p.seq = talk->isn[1] + from;
	p.ack = talk->isn[0] + 1;
	p.payload = data;
	p.size = strlen(data);
	talk_count(talk, SENT, 1, transit_packet_pass(talk->transit, SENT, &p));
}

static void the_first_segments_are_told(void **state)
{
	struct talk talk = web_talk(state, BAD),
		    known = talk_begin(*state, IPPROTO_TCP, HOST, RESOLVER, 53);
	struct me_flow_key key = talk_key(&talk);
	struct transit *transit = *state;
	const struct me_payload *head = &transit->payloads[0].head;

	talk_handshake(&talk);
	send_data(&talk, 1, "hello");
	talk_segment(&talk, RECEIVED, A, 1, 6, 100);
	send_data(&talk, 6, "world");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 2);
	assert_memory_equal(&head->key, &key, sizeof(key));
	assert_int_equal(head->seq, talk.isn[1] + 1);
	assert_int_equal(head->ack, talk.isn[0] + 1);
	assert_int_equal(head->flags, ME_PAYLOAD_SENT);
	assert_int_equal(head->length, 5);
	assert_memory_equal(transit->payloads[0].byte, "hello", 5);
	assert_memory_equal(transit->payloads[1].byte, "world", 5);
	send_data(&talk, 1 + ME_FIRST_BYTES, "too far");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 2);
	for (uint32_t i = 0; i < 5; i++)
		send_data(&talk, 11 + i, "x");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), ME_FIRST_SEGMENTS);
	/* Nothing of those whose verdict is final. */
	talk_handshake(&known);
	send_data(&known, 1, "");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), ME_FIRST_SEGMENTS);
}

/* What a proxy is asked for, though the flow to it is final, and no more than of others. */
static void the_proxy_is_asked(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, HOST, PROXY, 3128);
	struct transit *transit = *state;
	const struct me_payload *head = &transit->payloads[0].head;

	talk_handshake(&talk);
	TALK_EXPECT(&talk, LISTED, .outcome = ME_OUTCOME_ESTABLISHED, .flags = ME_FLOW_PROXY);
	send_data(&talk, 1, "CONNECT");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 1);
	assert_int_equal(head->flags, ME_PAYLOAD_SENT | ME_PAYLOAD_PROXY);
	assert_memory_equal(transit->payloads[0].byte, "CONNECT", 7);
	talk_segment(&talk, RECEIVED, A, 1, 8, 100);
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 1);
	send_data(&talk, 1 + ME_FIRST_BYTES, "too far");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 1);
	for (uint32_t i = 0; i < 5; i++)
		send_data(&talk, 8 + i, "x");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), ME_FIRST_SEGMENTS);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1);
}

static void nothing_is_told_once_it_is_settled(void **state)
{
	struct talk talk = web_talk(state, BAD);

	talk_handshake(&talk);
	assert_int_equal(settle(&talk, ME_VIOLATION, ME_REASON_NAME_MISMATCH), 0);
	send_data(&talk, 1, "hello");
	assert_int_equal(transit_told(*state, ME_RECORD_FIRST), 0);
	TRANSIT_EXPECT(*state, OPENED(ME_REASON_UNLISTED_DESTINATION) = 1,
		       SHED(ME_REASON_UNLISTED_DESTINATION) = 1,
		       GAINED(ME_REASON_NAME_MISMATCH) = 1,
		       VIA(ME_VIOLATION + ME_REASON_NAME_MISMATCH) = 1);
}

static void data_in_the_syn_is_told(void **state)
{
	struct talk talk = web_talk(state, BAD);
	struct transit *transit = *state;

	talk_segment(&talk, SENT, S, 0, 0, 30);
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 1);
	assert_int_equal(transit->payloads[0].head.seq, talk.isn[1] + 1);
	assert_int_equal(transit->payloads[0].head.length, 30);
}

/* The ring is full of what nobody reads: what was lost of the flow is not forgotten. */
static void lost_on_the_way(void **state)
{
	struct talk talk = web_talk(state, BAD), bad;
	struct transit *transit = *state;
	uint64_t lost = 0;

	talk_handshake(&talk);
	for (int i = 0; !lost; i++) {
		assert_true(i < 100000);
		bad = talk_begin(transit, IPPROTO_UDP, HOST, BAD, 9);
		talk_datagram(&bad, SENT, 1);
		talk_forget(&bad);
		lost = transit_total(transit, ME_TOTAL_RING_LOST);
	}
	send_data(&talk, 1, "hello");
	TALK_EXPECT(&talk, PENDING, .outcome = ME_OUTCOME_ESTABLISHED, .sent = 5,
		    .flags = ME_FLOW_UNHEARD);
	assert_true(transit_total(transit, ME_TOTAL_RING_LOST) > lost);
	transit_ring_skip(transit);
}

/* --- Names ---------------------------------------------------------------------------------------- */

/* A client and its DNS server. */
static struct talk dns_talk(void **state, const char *client, const char *server)
{
	return talk_begin(*state, IPPROTO_UDP, client, server, 53);
}

static void ask(struct talk *talk, uint16_t id, const char *name)
{
	struct me_dns_build build;

	me_dns_build(&build, id, 0x0100, name, ME_DNS_A);
	talk_bytes(talk, SENT, build.data, build.length);
}

static void answer(struct talk *talk, uint16_t id, const char *name)
{
	struct me_dns_build build;

	me_dns_build(&build, id, ME_DNS_BUILD_ANSWER, name, ME_DNS_A);
	me_dns_build_address(&build, NULL, WEB, 300);
	talk_bytes(talk, RECEIVED, build.data, build.length);
}

/* The question was answered with that code. */
static void answer_error(struct talk *talk, uint16_t id, const char *name, enum me_rcode rcode)
{
	struct me_dns_build build;

	ask(talk, id, name);
	me_dns_build(&build, id, ME_DNS_BUILD_ANSWER | rcode, name, ME_DNS_A);
	talk_bytes(talk, RECEIVED, build.data, build.length);
}

static bool learned(struct transit *transit, struct me_learned_slot *ret_slot)
{
	struct me_learned learned;
	struct me_addr address;

	assert_int_equal(me_inet_parse(WEB, address.byte), 0);
	if (!me_kernel_learned(transit->kernel, &address, &learned))
		return false;
	*ret_slot = learned.slot[0];
	return learned.slot[0].endpoint;
}

static uint64_t refused(void **state, enum me_refused cause)
{
	return transit_dns(*state, me_dns_refusals(cause));
}

/* Fails unless nothing was learned, and refused for this cause alone. */
static void assert_refused(void **state, enum me_refused cause)
{
	struct me_learned_slot slot;

	assert_false(learned(*state, &slot));
	for (enum me_refused i = 0; i < ME_REFUSED_COUNT; i++)
		assert_int_equal(refused(state, i), i == cause);
	assert_int_equal(transit_told(*state, ME_RECORD_ANSWER), 0);
	assert_int_equal(transit_host(*state, HOST).answers, 0);
}

/* A connection to what the name is now. */
static void assert_web(void **state, enum me_evidence evidence)
{
	struct talk talk = web_talk(state, WEB);

	talk_segment(&talk, SENT, S, 0, 0, 0);
	if (evidence == ME_EVIDENCE_NONE)
		TALK_EXPECT(&talk, PENDING);
	else
		TALK_EXPECT(&talk, .verdict = ME_ALLOWED, .evidence = evidence);
}

static void the_next_syn_knows_the_name(void **state)
{
	struct talk dns = dns_talk(state, HOST, UPSTREAM), web = web_talk(state, WEB);
	struct transit *transit = *state;
	struct me_learned_slot slot;
	struct me_flow flow;

	ask(&dns, 7, NAME);
	answer(&dns, 7, "WWW.Example.ORG");
	TALK_EXPECT(&dns, LISTED, .outcome = ME_OUTCOME_ANSWERED, .sent = dns.wire[1] - 28,
		    .received = dns.wire[0] - 28);
	talk_segment(&web, SENT, S, 0, 0, 0);
	TALK_EXPECT(&web, .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LEARNED);
	/* Its client may say yet that it means another one. */
	assert_true(talk_flow(&web, &flow));
	assert_int_equal(flow.state.flags, ME_STATE_HELD);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1, OPENED(ME_REASON_NONE) = 1);
	assert_true(learned(transit, &slot));
	assert_true(slot.expires_ns > me_clock_now(CLOCK_MONOTONIC));
	assert_int_equal(slot.stale_ns - slot.expires_ns, GRACE);
	assert_int_equal(transit_dns(transit, me_dns_queries(ME_DNS_OTHER)), 1);
	assert_int_equal(transit_dns(transit, me_dns_responses(ME_DNS_OTHER, ME_RCODE_NOERROR)), 1);
	assert_int_equal(transit_host(transit, HOST).answers, 1);
	assert_int_equal(transit_told(transit, ME_RECORD_ANSWER), 1);
	assert_int_equal(transit->payloads[0].head.flags, 0);
	assert_int_equal(transit->n_records, 0);
	send_data(&web, 1, "hello");
	assert_int_equal(transit_told(transit, ME_RECORD_FIRST), 1);
	assert_int_equal(settle(&web, ME_ALLOWED, 0), 0);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = 1, OPENED(ME_REASON_NONE) = 1,
		       VIA(ME_ALLOWED) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_RESOLVED), 0);
}

static void not_the_answer(void **state)
{
	struct talk dns = dns_talk(state, HOST, UPSTREAM), other;

	ask(&dns, 7, NAME);
	answer(&dns, 8, NAME);
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	transit_mark(*state);
	ask(&dns, 7, "mail.example.org");
	answer(&dns, 7, NAME);
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	transit_mark(*state);
	ask(&dns, 7, NAME);
	other = dns_talk(state, HOST, UPSTREAM); /* another port of the client */
	answer(&other, 7, NAME);
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	transit_mark(*state);
	ask(&dns, 7, NAME);
	other = dns_talk(state, HOST, RESOLVER); /* another server */
	other.sport = dns.sport;
	answer(&other, 7, NAME);
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	transit_mark(*state);
	answer(&dns, 7, NAME); /* that nobody asked for */
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	assert_web(state, ME_EVIDENCE_NONE);
}

static void a_second_answer(void **state)
{
	struct talk dns = dns_talk(state, HOST, UPSTREAM);

	ask(&dns, 7, NAME);
	answer(&dns, 7, NAME);
	answer(&dns, 7, NAME);
	assert_int_equal(refused(state, ME_REFUSED_UNSOLICITED), 1);
	assert_int_equal(transit_told(*state, ME_RECORD_ANSWER), 1);
	assert_int_equal(transit_host(*state, HOST).answers, 1);
}

static void a_server_that_nobody_configured(void **state)
{
	struct talk dns = dns_talk(state, HOST, OTHER);

	ask(&dns, 7, NAME);
	TALK_EXPECT(&dns, .verdict = ME_VIOLATION, .reason = ME_REASON_WRONG_RESOLVER,
		    .sent = dns.wire[1] - 28);
	answer(&dns, 7, NAME);
	assert_refused(state, ME_REFUSED_WRONG_RESOLVER);
	assert_web(state, ME_EVIDENCE_NONE);
}

/* A directory server beside the mail host asks for it. It is not judged. */
static void a_resolver_beside_the_mail_host(void **state)
{
	struct talk dns = dns_talk(state, RESOLVER, UPSTREAM);
	struct transit *transit = *state;
	struct me_learned_slot slot;

	ask(&dns, 7, NAME);
	answer(&dns, 7, NAME);
	TALK_NONE(&dns);
	TRANSIT_EXPECT(transit, .total = {});
	assert_true(learned(transit, &slot));
	assert_true(slot.expires_ns);
	assert_int_equal(transit_told(transit, ME_RECORD_ANSWER), 1);
	assert_int_equal(transit->payloads[0].head.flags, ME_PAYLOAD_UPSTREAM);
	assert_int_equal(transit_dns(transit, me_dns_queries(ME_DNS_OTHER)), 0);
	assert_web(state, ME_EVIDENCE_LEARNED);
	assert_int_equal(transit->n_records, 0);
}

/* Whom it asks is nobody who was configured: what it hears is a claim. */
static void a_claim(void **state)
{
	struct talk dns = dns_talk(state, RESOLVER, OTHER);
	struct transit *transit = *state;
	struct me_learned_slot slot;

	ask(&dns, 7, NAME);
	answer(&dns, 8, NAME);
	assert_refused(state, ME_REFUSED_UNSOLICITED);
	answer(&dns, 7, NAME);
	TRANSIT_EXPECT(transit, .total = {});
	assert_true(learned(transit, &slot));
	assert_int_equal(slot.expires_ns, 0);
	assert_true(slot.stale_ns > me_clock_now(CLOCK_MONOTONIC));
	assert_int_equal(transit_told(transit, ME_RECORD_ANSWER), 1);
	assert_int_equal(transit->payloads[0].head.flags, ME_PAYLOAD_UPSTREAM | ME_PAYLOAD_CLAIMED);
	assert_web(state, ME_EVIDENCE_CLAIMED);
	transit_policy(transit, POLICY(FIXED "strict_names: true\n"));
	assert_web(state, ME_EVIDENCE_NONE);
	transit_policy(transit, policy);
}

static void a_mail_host_that_walks_the_dns_itself(void **state)
{
	struct talk dns = dns_talk(state, HOST, OTHER);
	struct transit *transit = *state;
	struct me_learned_slot slot;

	transit_policy(transit, POLICY("resolvers: {recursive: {exe: /usr/sbin/unbound}}\n"));
	ask(&dns, 7, NAME);
	TALK_EXPECT(&dns, LISTED, .sent = dns.wire[1] - 28);
	answer(&dns, 7, NAME);
	assert_true(learned(transit, &slot));
	assert_int_equal(slot.expires_ns, 0);
	assert_web(state, ME_EVIDENCE_CLAIMED);
	transit_policy(transit, policy);
}

/* Several queries that travel as one. */
static void queries_together(void **state)
{
	struct talk dns = dns_talk(state, HOST, UPSTREAM);
	struct transit_packet p = talk_packet(&dns, SENT);
	struct me_dns_build first, second;
	uint8_t both[256];

	me_dns_build(&first, 7, 0x0100, "aaa.example.org", ME_DNS_A);
	me_dns_build(&second, 8, 0x0100, NAME, ME_DNS_A);
	assert_int_equal(first.length, second.length);
	memcpy(both, first.data, first.length);
	memcpy(both + first.length, second.data, second.length);
	p.payload = both;
	p.size = 2 * first.length;
	transit_packet_pass_segments(*state, SENT, &p, 2, (uint32_t)first.length);
	assert_int_equal(transit_dns(*state, me_dns_queries(ME_DNS_OTHER)), 2);
	answer(&dns, 8, NAME);
	assert_web(state, ME_EVIDENCE_LEARNED);
}

/* What goes over TCP is read by the daemon. */
static void dns_over_tcp(void **state)
{
	struct talk dns = talk_begin(*state, IPPROTO_TCP, HOST, UPSTREAM, 53),
		    wrong = talk_begin(*state, IPPROTO_TCP, HOST, OTHER, 53);
	struct transit *transit = *state;

	talk_handshake(&dns);
	send_data(&dns, 1, "query");
	talk_segment(&dns, RECEIVED, A, 1, 6, 40);
	assert_int_equal(transit_told(transit, ME_RECORD_STREAM), 2);
	assert_int_equal(transit->payloads[0].head.flags, ME_PAYLOAD_SENT);
	assert_int_equal(transit->payloads[0].head.seq, dns.isn[1] + 1);
	assert_memory_equal(transit->payloads[0].byte, "query", 5);
	assert_int_equal(transit->payloads[1].head.flags, 0);
	assert_int_equal(transit->payloads[1].head.length, 40);
	assert_int_equal(transit->payloads[1].head.seq, dns.isn[0] + 1);
	assert_int_equal(transit->payloads[1].head.ack, dns.isn[0] + 1);
	/* One that comes before its time has the same beginning. */
	talk_segment(&dns, RECEIVED, A, 1001, 6, 40);
	assert_int_equal(transit_told(transit, ME_RECORD_STREAM), 3);
	assert_int_equal(transit->payloads[2].head.seq, dns.isn[0] + 1001);
	assert_int_equal(transit->payloads[2].head.ack, dns.isn[0] + 1);
	talk_handshake(&wrong);
	send_data(&wrong, 1, "query");
	talk_segment(&wrong, RECEIVED, A, 1, 6, 40);
	assert_int_equal(transit_told(transit, ME_RECORD_STREAM), 3);
}

static void failures_are_the_endpoints(void **state)
{
	struct talk dns = dns_talk(state, HOST, UPSTREAM),
		    resolver = dns_talk(state, RESOLVER, UPSTREAM);
	struct me_endpoint_counts c;

	answer_error(&dns, 7, NAME, ME_RCODE_NXDOMAIN);
	answer_error(&dns, 8, NAME, ME_RCODE_SERVFAIL);
	answer_error(&dns, 9, "www.example.com", ME_RCODE_SERVFAIL);
	answer_error(&resolver, 10, NAME, ME_RCODE_SERVFAIL); /* it will tell its client */
	c = transit_endpoint(*state, "web", NAME);
	assert_int_equal(c.dns_failures[ME_DNS_FAILED_NXDOMAIN], 1);
	assert_int_equal(c.dns_failures[ME_DNS_FAILED_SERVFAIL], 1);
	assert_int_equal(c.dns_failures[ME_DNS_FAILED_NO_ANSWER], 0);
	assert_int_equal(c.dns_failures[ME_DNS_FAILED_OTHER], 0);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-names", policy, 64);
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
		TEST(pending_then_a_violation),
		TEST(set_aside_while_pending),
		TEST(the_first_segments_are_told),
		TEST(the_proxy_is_asked),
		TEST(nothing_is_told_once_it_is_settled),
		TEST(data_in_the_syn_is_told),
		TEST(lost_on_the_way),
		TEST(the_next_syn_knows_the_name),
		TEST(not_the_answer),
		TEST(a_second_answer),
		TEST(a_server_that_nobody_configured),
		TEST(a_resolver_beside_the_mail_host),
		TEST(a_claim),
		TEST(a_mail_host_that_walks_the_dns_itself),
		TEST(queries_together),
		TEST(failures_are_the_endpoints),
		TEST(dns_over_tcp),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
