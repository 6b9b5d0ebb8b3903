/* SPDX-License-Identifier: GPL-2.0-only */
/* What endpoints answer first, in transit: which connections are a success, and what is counted. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "policy/registry.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define HOST6 "2001:db8::10"
#define GOOD "203.0.113.1"
#define GOOD6 "2001:db8:1::1"
#define BAD "203.0.113.9"
#define ALERT "\x15\x03\x03\0\2\2\x70"

static const char policy[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [" HOST ", \"" HOST6 "\"]}\n"
	"allow:\n"
	"  - {service: good, name: hosts, to: [" GOOD ", \"" GOOD6 "\"], ports: tcp/22}\n"
	"  - {service: web, name: www, to: www.example.org, ports: tcp/80}\n";

/* What the peer says, from its byte `from` on. */
static void hear(struct talk *talk, uint32_t from, const char *bytes, size_t size)
{
	struct transit_packet p = talk_packet(talk, RECEIVED);

	p.flags = A;
	p.seq = talk->isn[0] + from;
	p.ack = talk->isn[1] + 1;
	p.payload = bytes;
	p.size = size;
	talk_count(talk, RECEIVED, 1, transit_packet_pass(talk->transit, RECEIVED, &p));
}

#define HEAR(talk, from, text) hear(talk, from, text, sizeof(text) - 1)

/* Fails unless the flow was answered so, and its endpoint has these counts of it. */
static void expect(struct talk *talk, const char *service, const char *endpoint, uint16_t answer,
		   bool success)
{
	struct me_endpoint_counts c = transit_endpoint(talk->transit, service, endpoint);
	struct me_flow flow;

	assert_true(talk_flow(talk, &flow));
	assert_int_equal(flow.answer, answer);
	assert_int_equal(flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(c.attempts, 1);
	assert_int_equal(c.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(c.bytes_received, flow.bytes_received);
	assert_int_equal(c.http_errors, answer >= 400 && answer < ME_ANSWER_ALERT);
	assert_int_equal(c.tls_alerts, answer >= ME_ANSWER_ALERT);
	assert_int_equal(c.last_success_ns >= flow.first_ns, success);
}

static void expect_good(struct talk *talk, uint16_t answer, bool success)
{
	expect(talk, "good", "good/hosts", answer, success);
}

static struct talk begin_talk(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, HOST, GOOD, 22);

	talk_handshake(&talk);
	return talk;
}

static void ok_is_a_success(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 1, "HTTP/1.1 200 OK\r\n\r\nhello");
	expect_good(&talk, 200, true);
}

static void not_found_is_none(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 1, "HTTP/1.1 404 Not Found\r\n\r\n");
	HEAR(&talk, 27, "HTTP/1.1 200 OK\r\n\r\n");
	expect_good(&talk, 404, false);
}

static void an_alert_is_none(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 1, ALERT);
	expect_good(&talk, ME_ANSWER_ALERT | 112, false);
}

static void over_ipv6(void **state)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, HOST6, GOOD6, 22);

	talk_handshake(&talk);
	HEAR(&talk, 1, "HTTP/1.1 503 No\r\n\r\n");
	expect_good(&talk, 503, false);
}

/* Once more, counted once; what came before the first byte is not read. */
static void once_more_and_out_of_order(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 20, "HTTP/1.1 200 OK\r\n\r\n");
	HEAR(&talk, 1, "HTTP/1.1 500 No\r\n\r\n");
	HEAR(&talk, 1, "HTTP/1.1 500 No\r\n\r\n");
	HEAR(&talk, 39, "HTTP/1.1 404 No\r\n\r\n");
	assert_int_equal(transit_endpoint(*state, "good", "good/hosts").http_errors, 0);
	expect_good(&talk, 0, true);
}

static void repeated(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 1, "HTTP/1.1 500 No\r\n\r\n");
	HEAR(&talk, 1, "HTTP/1.1 500 No\r\n\r\n");
	HEAR(&talk, 1, "HTTP/1.1 200 OK\r\n\r\n");
	expect_good(&talk, 500, false);
}

static void only_the_first_segment(void **state)
{
	struct talk talk = begin_talk(state);

	HEAR(&talk, 1, "HTTP/1.");
	HEAR(&talk, 8, "1 404 Not Found\r\n\r\n");
	expect_good(&talk, 0, true);
}

static void what_the_mail_host_says_is_none(void **state)
{
	struct talk talk = begin_talk(state);
	struct transit_packet p = talk_packet(&talk, SENT);

	p.flags = A;
	p.seq = talk.isn[1] + 1;
	p.ack = talk.isn[0] + 1;
	p.payload = ALERT;
	p.size = sizeof(ALERT) - 1;
	transit_packet_pass(*state, SENT, &p);
	HEAR(&talk, 1, "hello, world");
	expect_good(&talk, 0, true);
}

/* The flow gets its endpoint after it was answered. */
static void late(void **state, const char *bytes, size_t size, uint16_t answer, bool success)
{
	struct talk talk = talk_begin(*state, IPPROTO_TCP, HOST, BAD, 80);
	struct transit *transit = *state;
	struct me_settle settle = {.key = talk_key(&talk), .what = ME_SETTLE_VERDICT};
	struct me_flow flow;

	talk_handshake(&talk);
	hear(&talk, 1, bytes, size);
	assert_true(talk_flow(&talk, &flow));
	settle.id = flow.id;
	settle.now_ns = me_clock_now(CLOCK_MONOTONIC);
	settle.state.verdict = ME_ALLOWED;
	assert_int_equal(me_registry_id(transit->registry, ME_ID_ENDPOINT, "web", "www.example.org",
					&settle.endpoint),
			 0);
	assert_int_equal(me_kernel_settle(transit->kernel, &settle), 0);
	expect(&talk, "web", "www.example.org", answer, success);
}

static void a_late_endpoint_and_a_success(void **state)
{
	late(state, "HTTP/1.1 206 Partial\r\n\r\n", 24, 206, true);
}

static void a_late_endpoint_and_an_error(void **state)
{
	late(state, "HTTP/1.1 502 Bad Gateway\r\n\r\n", 28, 502, false);
}

static void a_late_endpoint_and_an_alert(void **state)
{
	late(state, ALERT, sizeof(ALERT) - 1, ME_ANSWER_ALERT | 112, false);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = transit_begin("answer", policy, 1024);
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
		TEST(ok_is_a_success),
		TEST(not_found_is_none),
		TEST(an_alert_is_none),
		TEST(over_ipv6),
		TEST(once_more_and_out_of_order),
		TEST(repeated),
		TEST(only_the_first_segment),
		TEST(what_the_mail_host_says_is_none),
		TEST(a_late_endpoint_and_a_success),
		TEST(a_late_endpoint_and_an_error),
		TEST(a_late_endpoint_and_an_alert),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
