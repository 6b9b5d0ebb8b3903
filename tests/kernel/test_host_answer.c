/* SPDX-License-Identifier: GPL-2.0-only */
/* What endpoints answer first, at the host: which connections are a success, and what is counted. */
#include "host.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "policy/registry.h"

#define ALERT "\x15\x03\x03\0\2\2\x28"
#define WAIT_MS 20000

/* Sent and read whole. */
static void say(int from, int to, const char *bytes, size_t size)
{
	struct pollfd p = {.fd = to, .events = POLLIN};
	char got[512];

	assert_true(size <= sizeof(got));
	assert_int_equal(send(from, bytes, size, MSG_NOSIGNAL), size);
	for (size_t n = 0; n < size;) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		ssize_t r = read(to, got + n, size - n);

		assert_true(r > 0);
		n += r;
	}
	assert_memory_equal(got, bytes, size);
}

#define SAY(from, to, text) say(from, to, text, sizeof(text) - 1)

/* A connection that is answered so; then it is over. */
static struct host_flow answered(struct host *host, const char *address, const char *bytes,
				 size_t size)
{
	struct host_pair p = host_pair_open(host, address);

	SAY(p.client, p.accepted, "GET / HTTP/1.1\r\n\r\n");
	say(p.accepted, p.client, bytes, size);
	host_pair_close(&p);
	return host_flow_closed(host, address, p.port);
}

#define ANSWERED(host, address, text) answered(host, address, text, sizeof(text) - 1)

/* Fails unless the flow was answered so, and its endpoint has these counts of it. */
static void expect(struct host *host, const struct host_flow *f, uint16_t answer, bool success)
{
	struct me_endpoint_counts e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);

	assert_int_equal(f->flow.answer, answer);
	assert_int_equal(f->flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_true(f->flow.bytes_received > 0);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(e.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(e.bytes_received, f->flow.bytes_received);
	assert_int_equal(e.http_errors, answer >= 400 && answer < ME_ANSWER_ALERT);
	assert_int_equal(e.tls_alerts, answer >= ME_ANSWER_ALERT);
	assert_int_equal(e.last_success_ns >= f->flow.first_ns, success);
}

static void ok_is_a_success(void **state)
{
	struct host_flow f = ANSWERED(*state, HOST_GOOD, "HTTP/1.1 200 OK\r\n\r\nhello");

	expect(*state, &f, 200, true);
}

static void over_ipv6(void **state)
{
	struct host_flow f = ANSWERED(*state, HOST_GOOD6, "HTTP/1.0 500 No\r\n\r\n");

	expect(*state, &f, 500, false);
}

static void not_found_is_none(void **state)
{
	struct host_flow f = ANSWERED(*state, HOST_GOOD, "HTTP/1.1 404 Not Found\r\n\r\nno");

	expect(*state, &f, 404, false);
}

static void an_alert_is_none(void **state)
{
	struct host_flow f = ANSWERED(*state, HOST_GOOD, ALERT);

	expect(*state, &f, ME_ANSWER_ALERT | 40, false);
}

static void whatever_else_is_a_success(void **state)
{
	struct host_flow f = ANSWERED(*state, HOST_GOOD, "220 ready\r\n");

	expect(*state, &f, 0, true);
}

/* A line in two segments is not understood; nor is what a connection says later. */
static void only_the_first_segment(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	SAY(p.accepted, p.client, "HTTP/1.");
	SAY(p.accepted, p.client, "1 404 Not Found\r\n\r\n");
	SAY(p.accepted, p.client, "HTTP/1.1 404 Not Found\r\n\r\n");
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	expect(host, &f, 0, true);
}

static void only_the_first_answer(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	SAY(p.accepted, p.client, "HTTP/1.1 204 No Content\r\n\r\n");
	SAY(p.accepted, p.client, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	expect(host, &f, 204, true);
}

static void a_stranger_has_no_endpoint(void **state)
{
	struct host *host = *state;
	struct host_flow f = ANSWERED(host, HOST_BAD, "HTTP/1.1 404 Not Found\r\n\r\n");

	assert_int_equal(f.flow.answer, 404);
	assert_int_equal(f.flow.flags & ME_FLOW_ANSWER, 0);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).http_errors, 0);
}

/* The flow gets its endpoint after it was answered, and once. */
static void late(struct host *host, uint16_t port, const char *bytes, size_t size, uint16_t answer,
		 bool success)
{
	int server = host_server(host, SOCK_STREAM, HOST_BAD, &port), accepted;
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct me_settle settle = {.what = ME_SETTLE_VERDICT};
	struct host_flow f;

	assert_int_equal(host_connect(client, HOST_BAD, port), 0);
	accepted = accept(server, NULL, NULL);
	assert_true(accepted >= 0);
	say(accepted, client, bytes, size);
	f = host_flow(host, HOST_BAD, port);
	assert_int_equal(f.flow.state.verdict, ME_PENDING);
	settle.key = f.key;
	settle.id = f.flow.id;
	settle.now_ns = me_clock_now(CLOCK_MONOTONIC);
	settle.state.verdict = ME_ALLOWED;
	assert_int_equal(me_registry_id(host->registry, ME_ID_ENDPOINT, HOST_SERVICE, HOST_ENDPOINT,
					&settle.endpoint),
			 0);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).http_errors, 0);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -EALREADY);
	close(client);
	close(accepted);
	close(server);
	f = host_flow_closed(host, HOST_BAD, port);
	expect(host, &f, answer, success);
}

#define LATE(port, text, answer, success)                                                          \
	late(*state, port, text, sizeof(text) - 1, answer, success)

static void a_late_endpoint_and_a_success(void **state)
{
	LATE(HOST_NAMED, "HTTP/1.1 200 OK\r\n\r\n", 200, true);
}

static void a_late_endpoint_and_an_error(void **state)
{
	LATE(HOST_NAMED + 1, "HTTP/1.1 403 Forbidden\r\n\r\n", 403, false);
}

static void a_late_endpoint_and_an_alert(void **state)
{
	LATE(HOST_NAMED + 2, ALERT, ME_ANSWER_ALERT | 40, false);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("answer", "", 1024);
	return 0;
}

static int end(void **state)
{
	host_end((struct host **)state);
	return 0;
}

static int mark(void **state)
{
	host_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ok_is_a_success),
		TEST(over_ipv6),
		TEST(not_found_is_none),
		TEST(an_alert_is_none),
		TEST(whatever_else_is_a_success),
		TEST(only_the_first_segment),
		TEST(only_the_first_answer),
		TEST(a_stranger_has_no_endpoint),
		TEST(a_late_endpoint_and_a_success),
		TEST(a_late_endpoint_and_an_error),
		TEST(a_late_endpoint_and_an_alert),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
