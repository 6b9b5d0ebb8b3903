/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"

#define SECOND 1000000000ull
#define _cleanup_requests_ _cleanup_(me_requests_free)

static void put(struct me_requests *requests, uint64_t flow, uint64_t ts_ns, const char *host,
		uint16_t port)
{
	struct me_requested requested = {
		.flow = flow, .ts_ns = ts_ns, .host = host, .port = port, .text = "CONNECT x"};

	snprintf(requested.client, sizeof(requested.client), "client %u", (unsigned int)flow);
	assert_int_equal(me_requests_put(requests, &requested), 0);
}

/* The client's flow behind the request that waits, 0: there is none. */
static uint64_t waiting(const struct me_requests *requests, const char *host, uint16_t port,
			uint64_t opened_ns)
{
	const struct me_requested *found = me_requests_waiting(requests, host, port, opened_ns);

	return found ? found->flow : 0;
}

static void test_text(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"CONNECT A.example:443 HTTP/1.1\r\n", "CONNECT a.example:443"},
		{"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n", "CONNECT [2001:db8::1]:443"},
		{"GET http://u:p@a.example/p?q HTTP/1.1\r\n", "GET http://a.example/p"},
		{"GET http://a.example:80/ HTTP/1.1\r\n", "GET http://a.example/"},
		{"GET http://a.example:443 HTTP/1.1\r\n", "GET http://a.example:443"},
		{"GET ftp://192.0.2.1/x HTTP/1.1\r\n", "GET ftp://192.0.2.1/x"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};
		struct me_request request;

		me_request_parse((const uint8_t *)cases[i].line, (uint32_t)strlen(cases[i].line),
				 &request);
		me_requests_text(&request, &text);
		assert_string_equal(text.data, cases[i].want);
	}
}

static void test_place(void **state)
{
	struct me_addr address;
	char place[ME_REQUESTS_PLACE_LEN];

	assert_int_equal(me_inet_parse("10.10.0.10", address.byte), 0);
	me_requests_place(&address, 41234, place);
	assert_string_equal(place, "10.10.0.10:41234");
	assert_int_equal(me_inet_parse("2001:db8::1", address.byte), 0);
	me_requests_place(&address, 443, place);
	assert_string_equal(place, "[2001:db8::1]:443");
}

static void test_link(void **state)
{
	_cleanup_requests_ struct me_requests *requests = me_requests_new();

	put(requests, 1, 5 * SECOND, "a.example", 443);
	assert_string_equal(me_requests_of(requests, 1)->client, "client 1");
	assert_null(me_requests_of(requests, 2));
	/* Only the same host and port, and no flow that was there before. */
	assert_int_equal(waiting(requests, "b.example", 443, 6 * SECOND), 0);
	assert_int_equal(waiting(requests, "a.example", 80, 6 * SECOND), 0);
	assert_int_equal(waiting(requests, "a.example", 443, 5 * SECOND - 1), 0);
	assert_int_equal(waiting(requests, "a.example", 443, 5 * SECOND), 1);
	assert_int_equal(waiting(requests, "a.example", 443, 15 * SECOND), 1);
	assert_int_equal(waiting(requests, "a.example", 443, 15 * SECOND + 1), 0);
	assert_int_equal(me_requests_link(requests, me_requests_of(requests, 1), 100, "to"), 0);
	assert_string_equal(me_requests_of(requests, 1)->upstream_to, "to");
	assert_int_equal(me_requests_behind(requests, 100)->flow, 1);
	assert_null(me_requests_behind(requests, 1));
	/* It waits for no second one. */
	assert_int_equal(waiting(requests, "a.example", 443, 6 * SECOND), 0);
	/* The same flow asks once. */
	put(requests, 1, 7 * SECOND, "c.example", 443);
	assert_int_equal(waiting(requests, "c.example", 443, 8 * SECOND), 0);
	assert_int_equal(me_requests_count(requests), 1);
}

/* Two clients ask for the same: each flow belongs to the last request before it. */
static void test_same_target(void **state)
{
	_cleanup_requests_ struct me_requests *requests = me_requests_new();

	put(requests, 1, 1 * SECOND, "a.example", 443);
	put(requests, 2, 2 * SECOND, "a.example", 443);
	put(requests, 3, 3 * SECOND, "a.example", 443);
	assert_int_equal(waiting(requests, "a.example", 443, SECOND + 1), 1);
	assert_int_equal(waiting(requests, "a.example", 443, 2 * SECOND + 1), 2);
	assert_int_equal(waiting(requests, "a.example", 443, 4 * SECOND), 3);
	assert_int_equal(me_requests_link(requests, me_requests_of(requests, 3), 103, "x"), 0);
	assert_int_equal(waiting(requests, "a.example", 443, 4 * SECOND), 2);
	assert_int_equal(me_requests_link(requests, me_requests_of(requests, 2), 102, "x"), 0);
	assert_int_equal(waiting(requests, "a.example", 443, 4 * SECOND), 1);
}

/* The oldest makes room, for its own kind too, and nothing leads to it any more. */
static void test_full(void **state)
{
	_cleanup_requests_ struct me_requests *requests = me_requests_new();
	uint64_t waited = 0; /* of those that had to go */

	put(requests, 1, SECOND, "first.example", 443);
	assert_int_equal(me_requests_link(requests, me_requests_of(requests, 1), 100001, "x"), 0);
	for (uint64_t flow = 2; flow < 3 * ME_REQUESTS_MAX; flow++) {
		waited += flow > ME_REQUESTS_MAX + 1 && (flow - ME_REQUESTS_MAX) % 5;
		put(requests, flow, SECOND, flow % 2 ? "a.example" : "b.example",
		    flow % 3 ? 443 : 80);
		if (flow % 5 == 0)
			me_requests_link(requests, me_requests_of(requests, flow), 100000 + flow,
					 "x");
	}
	assert_int_equal(me_requests_count(requests), ME_REQUESTS_MAX);
	assert_int_equal(me_requests_evicted(requests), waited);
	assert_null(me_requests_of(requests, 1));
	assert_null(me_requests_behind(requests, 100001));
	assert_int_equal(waiting(requests, "first.example", 443, SECOND), 0);
	for (uint64_t flow = 2; flow < 3 * ME_REQUESTS_MAX; flow++) {
		const struct me_requested *found = me_requests_of(requests, flow);
		const struct me_requested *behind = me_requests_behind(requests, 100000 + flow);

		assert_int_equal(!found, flow < 2 * ME_REQUESTS_MAX);
		assert_int_equal(!behind, !found || flow % 5);
	}
	assert_in_range(waiting(requests, "a.example", 443, SECOND), 2 * ME_REQUESTS_MAX,
			3 * ME_REQUESTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_place),
		cmocka_unit_test(test_link), cmocka_unit_test(test_same_target),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
