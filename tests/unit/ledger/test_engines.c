/* SPDX-License-Identifier: GPL-2.0-only */
/* Which engine a path is for, and which flows are an update of it. */
#include "fixture.h"
#include "mewatch/answer.h"

#define PEER 0xcb007105u /* 203.0.113.5 */
#define PATH "/incav2/sophos/index.txt"

static struct me_kept kept;

static int clear(void **state)
{
	(void)state;
	memset(&kept, 0, sizeof(kept));
	return 0;
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		enum me_engine engine;
	} paths[] = {
		{"/incav2/kaspersky88/bases/av.klz", ME_ENGINE_KASPERSKY},
		{"/incav2/kaspersky", ME_ENGINE_KASPERSKY},
		{"/incav2/avira/master.idx", ME_ENGINE_AVIRA},
		{"/incav2/avx/cumulative.zip", ME_ENGINE_AVX},
		{"/incav2/sophos/", ME_ENGINE_SOPHOS},
		{"/incav2/cyren/x", ME_ENGINE_CYREN},
		{"/incav2/trojandb/x", ME_ENGINE_TROJANDB},
		{"/incav2/avirax/x", ME_ENGINE_COUNT},
		{"/incav2/avi/x", ME_ENGINE_COUNT},
		{"/incav2/88/x", ME_ENGINE_COUNT},
		{"/incav2//avira", ME_ENGINE_COUNT},
		{"/incav2/", ME_ENGINE_COUNT},
		{"/incav2", ME_ENGINE_COUNT},
		{"/x/incav2/avira/", ME_ENGINE_COUNT},
		{"/", ME_ENGINE_COUNT},
		{"", ME_ENGINE_COUNT},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(paths); i++)
		if (me_engine_of_path(paths[i].path) != paths[i].engine)
			fail_msg("%s", paths[i].path);
	for (enum me_engine i = 0; i < ME_ENGINE_COUNT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/incav2/%s/x", me_engine_label(i));
		assert_int_equal(me_engine_of_path(path), i);
	}
}

static void feed(struct me_ledger *ledger, const struct me_flow *flow, const char *path)
{
	struct me_flow_key key = fixture_key(PEER, 80, IPPROTO_TCP);
	const struct me_flow_text text = {.text = {[ME_TEXT_HTTP_PATH] = path}};

	assert_int_equal(me_ledger_flow(ledger, &key, flow, path ? &text : NULL), 0);
}

/* The path is known before the answer, and the endpoint may come between the two. */
static void test_update(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow flow = fixture_flow(1, ME_PENDING, ME_REASON_UNLISTED_DESTINATION, 42);

	(void)state;
	feed(ledger, &flow, PATH);
	flow.answer = 200;
	flow.last_ns += 5;
	feed(ledger, &flow, NULL);
	assert_int_equal(me_ledger_engine(ledger, ME_ENGINE_SOPHOS), 0);
	flow.state.verdict = ME_ALLOWED;
	flow.endpoint = 1;
	feed(ledger, &flow, NULL);
	assert_true(me_ledger_engine(ledger, ME_ENGINE_SOPHOS) == flow.last_ns);
	assert_int_equal(me_ledger_find(ledger, 1)->answer, 200);
	/* It goes on, and an older one says nothing new. */
	flow.last_ns += 7;
	feed(ledger, &flow, NULL);
	flow.id = 2;
	flow.last_ns -= 3;
	feed(ledger, &flow, PATH);
	assert_true(me_ledger_engine(ledger, ME_ENGINE_SOPHOS) == flow.last_ns + 3);
	for (enum me_engine i = 0; i < ME_ENGINE_COUNT; i++)
		assert_int_equal(!!me_ledger_engine(ledger, i), i == ME_ENGINE_SOPHOS);
	me_ledger_free(&ledger);

	/* What was kept is there after a restart. */
	ledger = fixture_ledger(&kept, 0, 0);
	assert_true(me_ledger_engine(ledger, ME_ENGINE_SOPHOS) == flow.last_ns + 3);
	me_ledger_free(&ledger);
}

static void test_no_update(void **state)
{
	static const struct {
		const char *path;
		uint8_t verdict;
		uint16_t answer;
		uint32_t endpoint;
	} flows[] = {
		{PATH, ME_ALLOWED, 404, 1},    {PATH, ME_ALLOWED, ME_ANSWER_ALERT | 40, 1},
		{PATH, ME_ALLOWED, 0, 1}, /* it was not answered, or not in http */
		{PATH, ME_ALLOWED, 200, 0},    {PATH, ME_VIOLATION, 200, 1},
		{PATH, ME_UNRESOLVED, 200, 1}, {"/incav2/other/x", ME_ALLOWED, 200, 1},
		{NULL, ME_ALLOWED, 200, 1},
	};
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(flows); i++) {
		struct me_flow flow = fixture_flow(i + 1, flows[i].verdict, 0, 42);

		flow.answer = flows[i].answer;
		flow.endpoint = flows[i].endpoint;
		feed(ledger, &flow, flows[i].path);
		for (enum me_engine e = 0; e < ME_ENGINE_COUNT; e++)
			assert_int_equal(me_ledger_engine(ledger, e), 0);
	}
	me_ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_paths, clear),
		cmocka_unit_test_setup(test_update, clear),
		cmocka_unit_test_setup(test_no_update, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
