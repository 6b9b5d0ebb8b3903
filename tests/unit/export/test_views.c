/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <jansson.h>
#include "world.h"
#include "export/views.h"
#include "ledger/requests.h"

static json_t *ask(const struct world *world, const struct me_rows *rows, struct me_query query)
{
	_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};
	json_t *answer;

	assert_int_equal(me_view_list(rows, world->ledger, &world->status, &query, &out, &error),
			 0);
	answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		fail_msg("not JSON: %s", out.data);
	assert_string_equal(json_string_value(json_object_get(answer, "version")), "1.2.3");
	assert_string_equal(json_string_value(json_object_get(answer, "ts")),
			    "2027-01-15T08:16:40.000Z");
	return answer;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("no number: %s", key);
	return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		fail_msg("no text: %s", key);
	return value;
}

/* A flow that is held: it is allowed and waits for the second witness, with all that is known. */
static void test_held_flow(void **state)
{
	struct world *world = world_new(0);
	struct me_flow_key key = fixture_key(WORLD_SHARED, 80, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(1, ME_ALLOWED, ME_REASON_NONE, 40);
	const struct me_flow_text said = {.text = {[ME_TEXT_NAME] = WORLD_NASTY_NAME,
						   [ME_TEXT_NAMES] = WORLD_NASTY_NAME "\nb.example",
						   [ME_TEXT_HTTP_HOST] = "h\x1b.example",
						   [ME_TEXT_HTTP_PATH] = "/incav2/\"avira\""}};
	json_t *answer;
	const json_t *row;

	(void)state;
	flow.state.flags = ME_STATE_HELD;
	flow.state.evidence = ME_EVIDENCE_STALE;
	flow.endpoint = flow.rule = 1;
	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, &said), 0);
	answer = ask(world, &me_rows_flows, (struct me_query){0});
	row = json_array_get(json_object_get(answer, "flows"), 0);
	assert_string_equal(text(row, "verdict"), "allowed");
	assert_string_equal(text(row, "evidence"), "stale");
	assert_string_equal(text(row, "endpoint"), "meupdate.gfi.com");
	/* A name has its own escape already. */
	assert_string_equal(text(row, "name"), WORLD_NASTY_NAME);
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "names"), 0)),
			    WORLD_NASTY_NAME);
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "names"), 1)),
			    "b.example");
	assert_string_equal(text(row, "http_host"), "h\\x1b.example");
	assert_string_equal(text(row, "http_path"), "/incav2/\\x22avira\\x22");
	json_decref(answer);
	world_free(world);
}

/* The mail host's flow to the proxy, and the proxy's own for it: each tells of the other. */
static void test_proxied_flows(void **state)
{
	struct world *world = world_new(2);
	struct me_requests *requests = me_ledger_requests(world->ledger);
	const struct me_requested requested = {.flow = 1,
					       .ts_ns = FIXTURE_NOW,
					       .client = "10.10.0.10:41234",
					       .host = "a.example",
					       .port = 443,
					       .text = "CONNECT a.example:443\x1b"};
	json_t *answer;

	(void)state;
	assert_int_equal(me_requests_put(requests, &requested), 0);
	answer = ask(world, &me_rows_flows, (struct me_query){.filter = "CONNECT"});
	assert_int_equal(number(answer, "matched"), 1);
	assert_string_equal(text(json_array_get(json_object_get(answer, "flows"), 0), "request"),
			    "CONNECT a.example:443\\x1b");
	assert_null(
		json_object_get(json_array_get(json_object_get(answer, "flows"), 0), "upstream"));
	json_decref(answer);
	assert_int_equal(
		me_requests_link(requests, me_requests_of(requests, 1), 2, "198.51.100.7:443"), 0);
	answer = ask(world, &me_rows_flows, (struct me_query){0});
	for (size_t i = 0; i < 2; i++) {
		const json_t *row = json_array_get(json_object_get(answer, "flows"), i);
		bool own = !strcmp(text(row, "id"), "0000000000000001");

		assert_string_equal(text(row, "request"), "CONNECT a.example:443\\x1b");
		assert_string_equal(text(row, own ? "upstream" : "client"),
				    own ? "198.51.100.7:443" : "10.10.0.10:41234");
		assert_null(json_object_get(row, own ? "client" : "upstream"));
	}
	json_decref(answer);
	world_free(world);
}

static void test_flow_fields(void **state)
{
	struct world *world = world_new(1);
	json_t *answer = ask(world, &me_rows_flows, (struct me_query){0});
	const json_t *flow = json_array_get(json_object_get(answer, "flows"), 0);

	(void)state;
	assert_int_equal(number(answer, "total"), 1);
	assert_int_equal(number(answer, "matched"), 1);
	assert_string_equal(text(flow, "id"), "0000000000000001");
	assert_string_equal(text(flow, "state"), "open");
	assert_string_equal(text(flow, "verdict"), "allowed");
	assert_string_equal(text(flow, "service"), "updates");
	assert_string_equal(text(flow, "rule"), "updates/engines");
	assert_string_equal(text(flow, "at"), "policy.yaml:12");
	assert_string_equal(text(flow, "endpoint"), "meupdate.gfi.com");
	assert_string_equal(text(flow, "dst"), "198.51.100.1");
	assert_int_equal(number(flow, "dport"), 443);
	assert_string_equal(text(flow, "answer"), "http 503");
	assert_string_equal(text(flow, "proto"), "tcp");
	assert_string_equal(text(flow, "exe"), "/usr/bin/p41");
	assert_string_equal(text(flow, "comm"), "curl");
	assert_string_equal(text(flow, "cgroup"), "/mail");
	assert_int_equal(number(flow, "uid"), 33);
	assert_string_equal(text(flow, "first"), "2027-01-15T08:16:39.000Z");
	/* Untrusted bytes are escaped. */
	assert_string_equal(text(flow, "sni"), "ev\\x22il\\x5c\\x1b[31m\\xff");
	assert_int_equal(json_array_size(json_object_get(flow, "names")), 2);
	/* What has no value is absent. */
	assert_null(json_object_get(flow, "reason"));
	assert_null(json_object_get(flow, "src"));
	assert_null(json_object_get(flow, "sport"));
	assert_null(json_object_get(flow, "host"));
	assert_null(json_object_get(flow, "preexisting"));
	json_decref(answer);
	world_free(world);
}

/* Every field sorts, in both directions, and paging shows each row once. */
static void test_sort_and_pages(void **state)
{
	struct world *world = world_new(500);

	(void)state;
	for (size_t f = 0; f < me_rows_flows.fields.count; f++) {
		const char *sort = me_rows_flows.fields.names[f];
		_cleanup_free_ bool *seen = calloc(501, sizeof(*seen));
		size_t n = 0;

		for (int offset = 0; offset < 500; offset += 70) {
			char at[16];
			size_t i;
			json_t *row, *answer;

			snprintf(at, sizeof(at), "%d", offset);
			answer = ask(world, &me_rows_flows,
				     (struct me_query){.limit = "70",
						       .offset = at,
						       .sort = sort,
						       .desc = f % 2 ? "1" : "0"});
			json_array_foreach(json_object_get(answer, "flows"), i, row) {
				unsigned long id = strtoul(text(row, "id"), NULL, 16);

				assert_false(seen[id]);
				seen[id] = true;
				n++;
			}
			json_decref(answer);
		}
		assert_int_equal(n, 500);
	}
	world_free(world);
}

static void test_sort_order(void **state)
{
	struct world *world = world_new(500);
	json_t *answer =
		ask(world, &me_rows_flows, (struct me_query){.sort = "bytes_sent", .limit = "500"});
	json_int_t last = INT64_MAX;
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(answer, "flows"), i, row) {
		assert_true(number(row, "bytes_sent") <= last); /* numbers: largest first */
		last = number(row, "bytes_sent");
	}
	json_decref(answer);
	/* Absent values come last in either direction. */
	for (int desc = 0; desc < 2; desc++) {
		answer = ask(
			world, &me_rows_flows,
			(struct me_query){.sort = "sni", .desc = desc ? "1" : "0", .limit = "2"});
		row = json_array_get(json_object_get(answer, "flows"), 0);
		assert_non_null(json_object_get(row, "sni"));
		json_decref(answer);
	}
	world_free(world);
}

static void test_filter(void **state)
{
	struct world *world = world_new(500);
	json_t *answer =
		ask(world, &me_rows_flows,
		    (struct me_query){.filter = "verdict:violation state:open", .limit = "0"});

	(void)state;
	assert_int_equal(number(answer, "total"), 500);
	assert_int_equal(number(answer, "matched"), 25);
	assert_int_equal(json_array_size(json_object_get(answer, "flows")), 0);
	json_decref(answer);
	world_free(world);
}

/* An endpoint that was used every minute, and since a minute ago fails. */
static void test_endpoint_board(void **state)
{
	struct world *world = world_new(0);
	struct me_endpoint_counts counts[2] = {[1] = {.attempts = 3}};
	const uint64_t totals[ME_TOTALS_ALL] = {0};
	uint64_t now = FIXTURE_NOW;
	const json_t *row, *trend;
	json_t *answer;

	(void)state;
	for (int minute = 0; minute < 3; minute++) {
		now += 60 * ME_NS_PER_S;
		counts[1].attempts += 2;
		counts[1].last_attempt_ns = now;
		counts[1].outcome[ME_OUTCOME_TIMEOUT] = minute == 2;
		me_ledger_tick(world->ledger, now, FIXTURE_EPOCH + now);
		assert_int_equal(me_ledger_counters(world->ledger, world->cells, totals, counts, 2),
				 0);
	}
	now += 5 * ME_NS_PER_S;
	me_ledger_tick(world->ledger, now, FIXTURE_EPOCH + now);
	answer = ask(world, &me_rows_endpoints, (struct me_query){.filter = "state:failing"});
	row = json_array_get(json_object_get(answer, "endpoints"), 0);
	assert_string_equal(text(row, "endpoint"), "meupdate.gfi.com");
	assert_string_equal(text(row, "failure"), "timeout");
	assert_string_equal(text(row, "failing_since"), "2027-01-15T08:19:40.000Z");
	assert_string_equal(text(row, "due"), "2027-01-15T09:16:40.000Z");
	assert_int_equal(number(json_object_get(row, "evidence"), "verified"), 2);
	assert_int_equal(number(row, "per_minute"), 2);
	assert_int_equal(number(row, "per_hour"), 6);
	trend = json_object_get(row, "trend");
	assert_int_equal(json_array_size(trend), 60);
	assert_int_equal(json_integer_value(json_array_get(trend, 59)), 2);
	assert_int_equal(json_integer_value(json_array_get(trend, 56)), 0);
	json_decref(answer);
	world_free(world);
}

static void test_bad_queries(void **state)
{
	struct world *world = world_new(1);
	const struct {
		struct me_query query;
		const char *says;
	} cases[] = {
		{{.limit = "-1"}, "limit"},
		{{.limit = "100001"}, "100000"},
		{{.limit = "x"}, "limit"},
		{{.offset = "1e3"}, "offset"},
		{{.sort = "byte_sent"}, "bytes_sent"},
		{{.sort = "\x1b\xff"}, "\\x1b\\xff"},
		{{.desc = "yes"}, "0 or 1"},
		{{.filter = "port:x"}, "65535"},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};

		assert_int_equal(me_view_list(&me_rows_flows, world->ledger, &world->status,
					      &cases[i].query, &out, &error),
				 -EINVAL);
		if (!strstr(error.data, cases[i].says))
			fail_msg("%s", error.data);
	}
	world_free(world);
}

static void test_endpoints(void **state)
{
	struct world *world = world_new(1);
	json_t *answer = ask(world, &me_rows_endpoints, (struct me_query){.sort = "endpoint"});
	const json_t *rows = json_object_get(answer, "endpoints"), *failures;
	const json_t *engines = json_object_get(answer, "engines");

	(void)state;
	assert_int_equal(json_array_size(rows), 3);
	assert_string_equal(text(json_array_get(rows, 0), "endpoint"), "*.mailshell.net");
	assert_string_equal(text(json_array_get(rows, 0), "state"), "never");
	assert_string_equal(text(json_array_get(rows, 1), "endpoint"), "any");
	assert_string_equal(text(json_array_get(rows, 1), "state"), "gone");
	assert_string_equal(text(json_array_get(rows, 2), "state"), "good");
	assert_int_equal(number(json_array_get(rows, 2), "expect_s"), 3600);
	assert_int_equal(number(json_object_get(json_array_get(rows, 2), "outcomes"), "refused"),
			 1);
	assert_int_equal(json_object_size(json_object_get(json_array_get(rows, 2), "outcomes")), 7);
	assert_int_equal(number(json_array_get(rows, 2), "succeeded"), 2);
	assert_int_equal(number(json_array_get(rows, 2), "failed"), 1);
	assert_int_equal(number(json_array_get(rows, 2), "http_errors"), 4);
	assert_int_equal(number(json_array_get(rows, 2), "tls_alerts"), 5);
	failures = json_object_get(json_array_get(rows, 2), "dns_failures");
	assert_int_equal(json_object_size(failures), 4);
	assert_int_equal(number(failures, "nxdomain"), 6);
	assert_int_equal(number(failures, "no_answer"), 8);
	assert_int_equal(json_array_size(engines), 1);
	assert_string_equal(text(json_array_get(engines, 0), "engine"), "avira");
	assert_string_equal(text(json_array_get(engines, 0), "last_update"),
			    "2027-01-15T08:16:38.000Z");
	json_decref(answer);
	world_free(world);
}

static void test_violations(void **state)
{
	struct world *world = world_new(1000);
	json_t *answer = ask(world, &me_rows_violations, (struct me_query){.sort = "count"});
	const json_t *rows = json_object_get(answer, "violations");
	json_int_t sum = 0;
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(rows, i, row) {
		assert_string_equal(text(row, "state"), "confirmed");
		assert_string_equal(text(row, "reason"), "quic");
		sum += number(row, "count");
	}
	assert_int_equal(sum, 100);
	assert_int_equal(number(answer, "untold"), 0);
	json_decref(answer);
	world_free(world);
}

/* Rows are numbered as they come: who says which one he saw last is told how many are new to him. */
static void test_new_violations(void **state)
{
	struct world *world = world_new(100);
	json_t *answer = ask(world, &me_rows_violations, (struct me_query){.limit = "0"});
	json_int_t serial = number(answer, "serial"), total = number(answer, "total");
	const struct me_query bad = {.since = "yesterday"};
	_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};
	struct me_flow_key key = fixture_key(0xcb007101u, 25, IPPROTO_TCP);
	char since[24];

	(void)state;
	assert_int_equal(serial, total);
	assert_null(json_object_get(answer, "new"));
	json_decref(answer);
	snprintf(since, sizeof(since), "%d", (int)serial);
	answer = ask(world, &me_rows_violations, (struct me_query){.limit = "0", .since = since});
	assert_int_equal(number(answer, "new"), 0);
	json_decref(answer);
	for (uint64_t id = 5001; id < 5004; id++) { /* one row more, three times */
		struct me_flow flow = fixture_flow(id, ME_VIOLATION, ME_REASON_UNLISTED_PORT, 90);

		assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	}
	answer = ask(world, &me_rows_violations,
		     (struct me_query){.since = since, .sort = "serial"});
	assert_int_equal(number(answer, "new"), 1);
	assert_int_equal(number(answer, "serial"), serial + 1);
	assert_int_equal(number(json_array_get(json_object_get(answer, "violations"), 0), "serial"),
			 serial + 1);
	json_decref(answer);
	/* By that number a row is found again. */
	answer = ask(world, &me_rows_violations,
		     (struct me_query){.around = since, .limit = "4", .sort = "serial"});
	assert_int_equal(number(json_array_get(json_object_get(answer, "violations"), 1), "serial"),
			 serial);
	json_decref(answer);
	assert_int_equal(me_view_list(&me_rows_violations, world->ledger, &world->status, &bad,
				      &out, &error),
			 -EINVAL);
	assert_string_equal(error.data, "since: \"yesterday\", expected a serial");
	world_free(world);
}

/* A table of names that is full is told. */
static void test_full_tables(void **state)
{
	struct world *world = world_new(1);
	uint64_t counts[ME_DNS_COUNTS] = {[ME_DNS_COUNTS - 1] = 1};
	const struct me_zone_counts none[1] = {0};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	(void)state;
	counts[me_dns_refusals(ME_REFUSED_FULL)] = 7;
	assert_int_equal(me_ledger_dns(world->ledger, counts, none, 1, 0), 0);
	assert_int_equal(me_view_health(world->ledger, &world->status, &out), 0);
	assert_non_null(strstr(out.data, "\"7 addresses for which the table had no room: raise "
					 "limits.learned"));
	world_free(world);
}

static void test_health(void **state)
{
	static const struct me_limit_hits limits[] = {
		{"doors", 3, "doors that stuck", "oil them"},
		{"windows", 0, "windows that stuck", "oil them"},
		{"steps", 5, "steps that creaked", NULL},
	};
	static const char *const problems[] = {"a draught"};
	struct world *world = world_new(100);
	_cleanup_strbuf_ struct me_strbuf out = {0};
	json_t *health, *lines;

	(void)state;
	world->status.policy.last_error = "policy.yaml:3: tabs";
	world->status.limits = limits;
	world->status.n_limits = ME_ARRAY_SIZE(limits);
	world->status.problems = problems;
	world->status.n_problems = ME_ARRAY_SIZE(problems);
	assert_int_equal(me_view_health(world->ledger, &world->status, &out), 0);
	health = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(health);
	assert_int_equal(number(health, "pid"), 77);
	assert_int_equal(number(health, "uptime_s"), 1000);
	assert_int_equal(number(json_object_get(health, "attempts"), "host"), 100);
	assert_int_equal(number(json_object_get(health, "bytes"), "sent"), 10);
	assert_int_equal(number(json_object_get(health, "bytes"), "received"), 20);
	assert_int_equal(number(json_object_get(health, "verdicts"), "violation"), 10);
	assert_int_equal(number(json_object_get(health, "violations"), "confirmed"), 10);
	assert_int_equal(number(json_object_get(health, "events_lost"), "ring"), 2);
	assert_int_equal(number(json_object_get(health, "blind_spots"), "raw"), 1);
	assert_int_equal(number(json_object_get(health, "findings"), "raw-socket"), 1);
	assert_int_equal(number(json_object_get(health, "dns"), "queries"), 150);
	assert_int_equal(number(json_object_get(health, "dns"), "responses"), 25);
	assert_int_equal(number(json_object_get(health, "dns"), "learned"), 17);
	assert_int_equal(number(json_object_get(health, "dns"), "refused"), 4);
	assert_true(json_is_false(
		json_object_get(json_array_get(json_object_get(health, "attached"), 1), "ok")));
	/* connect6, the ring, one limit, the file, one problem, the reload */
	lines = json_object_get(health, "problems");
	assert_int_equal(json_array_size(lines), 6);
	assert_string_equal(json_string_value(json_array_get(lines, 2)),
			    "3 doors that stuck: oil them");
	assert_string_equal(json_string_value(json_array_get(lines, 4)), "a draught");
	json_decref(health);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_fields),    cmocka_unit_test(test_sort_and_pages),
		cmocka_unit_test(test_sort_order),     cmocka_unit_test(test_filter),
		cmocka_unit_test(test_bad_queries),    cmocka_unit_test(test_endpoint_board),
		cmocka_unit_test(test_endpoints),      cmocka_unit_test(test_violations),
		cmocka_unit_test(test_health),         cmocka_unit_test(test_held_flow),
		cmocka_unit_test(test_proxied_flows),  cmocka_unit_test(test_full_tables),
		cmocka_unit_test(test_new_violations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
