/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include "../../seed.h"
#include "world.h"
#include "export/tree.h"
#include "export/views.h"

static json_t *ask(const struct world *world, struct me_query query)
{
	_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};
	json_t *answer;

	assert_int_equal(
		me_view_list(&me_rows_flows, world->ledger, &world->status, &query, &out, &error),
		0);
	answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		fail_msg("not JSON: %s", out.data);
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

/* The group of a program, for which a label of its own stands. */
static const json_t *group_of(const json_t *answer, const char *exe)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "groups"), i, row)
		if (json_object_get(row, "group") && !strcmp(text(row, "exe"), exe))
			return row;
	fail_msg("no group: %s", exe);
	return NULL;
}

/* 300 flows of three programs: sums, how many, the worst verdict. */
static void test_origins(void **state)
{
	struct world *world = world_new(300);
	json_t *answer = ask(world, (struct me_query){.group = "origin", .sort = "bytes_sent"});
	json_int_t flows[3] = {0}, sent[3] = {0}, open[3] = {0}, bad[3] = {0}, last = INT64_MAX;
	const json_t *row;
	size_t i;

	(void)state;
	for (unsigned int id = 1; id <= 300; id++) {
		flows[id % 3]++;
		sent[id % 3] += id * 7 % 1000;
		open[id % 3] += id % 20 != 0;
		bad[id % 3] += id % 10 == 0;
	}
	assert_int_equal(number(answer, "total"), 300);
	assert_int_equal(number(answer, "matched"), 300);
	assert_int_equal(number(answer, "lines"), 3);
	assert_int_equal(number(answer, "ungrouped"), 0);
	assert_null(json_object_get(answer, "flows"));
	json_array_foreach(json_object_get(answer, "groups"), i, row) {
		unsigned int program = (unsigned int)strtoul(text(row, "exe") + 10, NULL, 10) - 40;

		assert_string_equal(text(row, "by"), "origin");
		assert_string_equal(text(row, "verdict"), "violation");
		assert_true(json_is_false(json_object_get(row, "unfolded")));
		assert_int_equal(number(row, "flows"), flows[program]);
		assert_int_equal(number(row, "open"), open[program]);
		assert_int_equal(number(row, "violations"), bad[program]);
		assert_int_equal(number(row, "pending"), 0);
		assert_int_equal(number(row, "bytes_sent"), sent[program]);
		assert_string_equal(text(row, "first"), "2027-01-15T08:16:39.000Z");
		assert_true(number(row, "bytes_sent") <= last);
		last = number(row, "bytes_sent");
	}
	json_decref(answer);
	/* Groups are of what the filter leaves. */
	answer = ask(world, (struct me_query){.group = "origin", .filter = "verdict:allowed"});
	assert_int_equal(number(answer, "matched"), 270);
	assert_string_equal(text(group_of(answer, "/usr/bin/p41"), "verdict"), "allowed");
	json_decref(answer);
	world_free(world);
}

static void test_endpoints(void **state)
{
	struct world *world = world_new(300);
	json_t *answer = ask(world, (struct me_query){.group = "endpoint", .sort = "name"});
	const json_t *rows = json_object_get(answer, "groups");

	(void)state;
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(text(json_array_get(rows, 0), "endpoint"), "meupdate.gfi.com");
	assert_string_equal(text(json_array_get(rows, 0), "service"), "updates");
	assert_int_equal(number(json_array_get(rows, 0), "flows"), 270);
	/* What no entry allows is one group a service. */
	assert_null(json_object_get(json_array_get(rows, 1), "endpoint"));
	assert_string_equal(text(json_array_get(rows, 1), "service"), "updates");
	assert_int_equal(number(json_array_get(rows, 1), "violations"), 30);
	json_decref(answer);
	world_free(world);
}

/* In transit it is the mail host that opened a flow. */
static void test_hosts(void **state)
{
	struct world *world = world_new(0);
	const json_t *rows;
	json_t *answer;

	(void)state;
	for (uint32_t id = 1; id <= 5; id++) {
		struct me_flow_key key = fixture_key(0xc6336400u + id, 443, IPPROTO_TCP);
		struct me_flow flow = fixture_flow(id, ME_PENDING, ME_REASON_QUIC, 0);

		key.vantage = ME_TRANSIT;
		key.opener.address = me_addr_v4(ME_NET32(0xc0000200u + id % 2));
		flow.direction = id == 5 ? ME_DIRECTION_IN : ME_DIRECTION_OUT;
		assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	}
	answer = ask(world, (struct me_query){.group = "origin", .sort = "id", .desc = "0"});
	rows = json_object_get(answer, "groups");
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(text(json_array_get(rows, 0), "host"), "192.0.2.1");
	assert_int_equal(number(json_array_get(rows, 0), "flows"), 3);
	assert_int_equal(number(json_array_get(rows, 0), "pending"),
			 2); /* nobody judges the third */
	assert_string_equal(text(json_array_get(rows, 1), "host"), "192.0.2.0");
	json_decref(answer);
	world_free(world);
}

/* The same lines in one piece and window by window, whatever is unfolded and sorted by. */
static void test_windows(void **state)
{
	static const char *const sorts[] = {"last", "bytes_sent", "verdict", "name", "sni", "exe"};
	struct world *world = world_new(200);
	uint64_t seed = me_seed();

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct me_query query = {.group = me_seed_next(&seed) % 2 ? "origin" : "endpoint",
					 .sort = sorts[me_seed_next(&seed) % 6],
					 .desc = me_seed_next(&seed) % 2 ? "1" : "0",
					 .unfold = me_seed_next(&seed) % 2 ? "all" : ""};
		json_t *groups = ask(world, (struct me_query){.group = query.group});
		_cleanup_strbuf_ struct me_strbuf unfold = {0};
		size_t lines, at = 0, i;
		const json_t *row;
		json_t *whole;

		me_strbuf_adds(&unfold, query.unfold);
		json_array_foreach(json_object_get(groups, "groups"), i, row)
			if (me_seed_next(&seed) % 2)
				me_strbuf_addf(&unfold, "%s%s", unfold.len ? "," : "",
					       text(row, "group"));
		query.unfold = unfold.data;
		json_decref(groups);
		whole = ask(world, query);
		lines = (size_t)number(whole, "lines");
		assert_int_equal(json_array_size(json_object_get(whole, "groups")), lines);
		while (at < lines) {
			char offset[24], limit[24];
			size_t n = 1 + me_seed_next(&seed) % 40;
			json_t *part;

			snprintf(offset, sizeof(offset), "%zu", at);
			snprintf(limit, sizeof(limit), "%zu", n);
			query.offset = offset;
			query.limit = limit;
			part = ask(world, query);
			assert_int_equal(number(part, "lines"), lines);
			assert_int_equal(json_array_size(json_object_get(part, "groups")),
					 n < lines - at ? n : lines - at);
			json_array_foreach(json_object_get(part, "groups"), i, row)
				assert_true(json_equal(
					row,
					json_array_get(json_object_get(whole, "groups"), at + i)));
			json_decref(part);
			at += n;
		}
		json_decref(whole);
	}
	world_free(world);
}

/* Flows stand below their group, in the order, and each group has as many as it says. */
static void test_unfolded(void **state)
{
	struct world *world = world_new(100);
	json_t *answer =
		ask(world, (struct me_query){.group = "origin", .unfold = "all", .sort = "id"});
	const char *group = "";
	json_int_t left = 0;
	const char *last = "";
	const json_t *row;
	size_t i;

	(void)state;
	assert_int_equal(number(answer, "lines"), 103);
	json_array_foreach(json_object_get(answer, "groups"), i, row) {
		if (json_object_get(row, "group")) {
			assert_int_equal(left, 0);
			assert_true(json_is_true(json_object_get(row, "unfolded")));
			group = text(row, "group");
			left = number(row, "flows");
			last = "";
			continue;
		}
		assert_string_equal(text(row, "of"), group);
		assert_true(strcmp(last, text(row, "id")) < 0);
		last = text(row, "id");
		left--;
	}
	assert_int_equal(left, 0);
	json_decref(answer);
	world_free(world);
}

/* A flow, and a group, are found wherever they stand; a flow that is folded away is its group. */
static void test_around(void **state)
{
	struct world *world = world_new(500);
	struct me_query query = {.group = "origin", .limit = "9", .sort = "id"};
	char id[17];

	(void)state;
	for (unsigned int n = 1; n <= 500; n += 83) {
		const json_t *row;
		json_t *answer, *group;

		snprintf(id, sizeof(id), "%016x", n);
		query.around = id;
		query.unfold = "all";
		answer = ask(world, query);
		/* The middle one, or before it at the very top. */
		row = json_array_get(json_object_get(answer, "groups"),
				     number(answer, "offset") ? 4 : 1);
		assert_string_equal(text(row, "id"), id);
		query.around = text(row, "of");
		query.unfold = NULL;
		group = ask(world, query);
		assert_int_equal(number(group, "lines"), 3);
		assert_int_equal(number(group, "offset"), 0);
		json_decref(group);
		json_decref(answer);
	}
	/* Without groups it is the place among all. */
	for (unsigned int n = 1; n <= 500; n += 83) {
		json_t *answer;

		snprintf(id, sizeof(id), "%016x", n);
		answer = ask(world,
			     (struct me_query){.around = id, .limit = "9", .sort = "bytes_sent"});
		assert_true(number(answer, "offset") <= 500);
		if (number(answer, "offset"))
			assert_string_equal(
				text(json_array_get(json_object_get(answer, "flows"), 4), "id"),
				id);
		json_decref(answer);
		/* Who is not there moves nothing. */
		answer =
			ask(world,
			    (struct me_query){
				    .around = id, .offset = "7", .filter = "port:1", .limit = "9"});
		assert_int_equal(number(answer, "offset"), 7);
		json_decref(answer);
	}
	world_free(world);
}

static void test_bad_queries(void **state)
{
	struct world *world = world_new(1);
	const struct {
		struct me_query query;
		const char *says;
	} cases[] = {
		{{.group = "colour"}, "origin or endpoint"},
		{{.group = "origin", .unfold = "x"}, "ids of at most 256"},
		{{.group = "origin", .unfold = "allx"}, "ids of"},
		{{.group = "origin", .unfold = "0123456789abcdef,"}, "ids of"},
		{{.group = "origin", .unfold = "0123456789abcdef0"}, "ids of"},
		{{.group = "origin", .unfold = "0123456789abcdef;0123456789abcdef"}, "ids of"},
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

/* More groups than are kept: their flows are counted, and as many ids as may be named can be. */
static void test_bounds(void **state)
{
	struct world *world = world_new(0);
	_cleanup_strbuf_ struct me_strbuf unfold = {0}, out = {0}, error = {0};
	struct me_query query = {.group = "origin", .limit = "1"};
	json_t *answer;

	(void)state;
	for (uint32_t id = 1; id <= ME_TREE_GROUPS_MAX + 10; id++) {
		struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
		struct me_flow flow = fixture_flow(id, ME_ALLOWED, ME_REASON_NONE, id);

		assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	}
	for (uint32_t i = 0; i < ME_TREE_FOLDS_MAX; i++)
		me_strbuf_addf(&unfold, "%s%016x", i ? "," : "", i);
	query.unfold = unfold.data;
	answer = ask(world, query);
	assert_int_equal(number(answer, "matched"), ME_TREE_GROUPS_MAX + 10);
	assert_int_equal(number(answer, "lines"), ME_TREE_GROUPS_MAX);
	assert_int_equal(number(answer, "ungrouped"), 10);
	json_decref(answer);
	me_strbuf_adds(&unfold, ",ffffffffffffffff");
	query.unfold = unfold.data;
	assert_int_equal(
		me_view_list(&me_rows_flows, world->ledger, &world->status, &query, &out, &error),
		-EINVAL);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_origins),     cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_hosts),       cmocka_unit_test(test_windows),
		cmocka_unit_test(test_unfolded),    cmocka_unit_test(test_around),
		cmocka_unit_test(test_bad_queries), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
