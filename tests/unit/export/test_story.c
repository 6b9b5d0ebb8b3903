/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <jansson.h>
#include "world.h"
#include "export/story.h"
#include "ledger/endpoint_state.h"
#include "ledger/requests.h"
#include "ledger/steps.h"

#define NOW_TEXT "2027-01-15T08:16:40.000Z"

static json_t *ask(const struct world *world, const char *path)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};
	json_t *answer;

	assert_int_equal(me_story_write(world->ledger, &world->status, path, &out), 0);
	answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		fail_msg("not JSON: %s", out.data);
	assert_string_equal(json_string_value(json_object_get(answer, "ts")), NOW_TEXT);
	assert_int_equal(json_integer_value(json_object_get(answer, "matched")),
			 json_array_size(json_object_get(answer, "steps")));
	return answer;
}

static int refused(const struct world *world, const char *path)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};

	return me_story_write(world->ledger, &world->status, path, &out);
}

/* The `n`th step of a kind (from 0); NULL: there are fewer. Steps are in the order of time. */
static const json_t *step_of(const json_t *answer, const char *kind, size_t n)
{
	const json_t *steps = json_object_get(answer, "steps"), *found = NULL;
	const char *last = "";
	size_t i;
	json_t *step;

	json_array_foreach(steps, i, step) {
		const char *ts = json_string_value(json_object_get(step, "ts"));

		assert_non_null(ts);
		assert_true(strcmp(last, ts) <= 0);
		last = ts;
		if (!strcmp(json_string_value(json_object_get(step, "step")), kind) && !n--)
			found = step;
	}
	return found;
}

static const char *text_of(const json_t *answer, const char *kind, size_t n)
{
	const json_t *step = step_of(answer, kind, n);

	if (!step)
		fail_msg("no step %s", kind);
	return json_string_value(json_object_get(step, "text"));
}

static void says(const json_t *answer, const char *kind, size_t n, const char *part)
{
	const char *text = text_of(answer, kind, n);

	if (!strstr(text, part))
		fail_msg("%s: '%s' is not in '%s'", kind, part, text);
}

/* Told as pending, claimed by a name that nobody may trust, allowed: and taken back. */
static void test_pending_flow(void **state)
{
	struct world *world = world_new(0);
	struct me_flow_key key = fixture_key(WORLD_SHARED, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(0x1f, ME_PENDING, ME_REASON_UNLISTED_DESTINATION, 40);
	const struct me_flow_text said = {.text = {[ME_TEXT_SNI] = WORLD_NASTY},
					  .ts_ns = FIXTURE_NOW - ME_NS_PER_S / 2};
	struct me_record record = {
		.kind = ME_RECORD_RESOLVED, .ts_ns = FIXTURE_NOW - ME_NS_PER_S / 4, .key = key};
	json_t *answer;

	(void)state;
	flow.state.flags = ME_STATE_TOLD;
	flow.sport = 41000;
	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	answer = ask(world, "flows/000000000000001f");
	says(answer, "verdict", 0, "pending: unlisted-destination");
	says(answer, "verdict", 0, "event 6b49d5e8-000000000000001f-p");
	assert_null(step_of(answer, "verdict", 1));
	assert_null(step_of(answer, "closed", 0));
	says(answer, "last", 0, "0 bytes sent");
	json_decref(answer);

	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, &said), 0);
	flow.state = (union me_state){.verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_CLAIMED};
	flow.endpoint = flow.rule = 1;
	flow.flags = ME_FLOW_CLOSED | ME_FLOW_RESET;
	flow.closed_ns = FIXTURE_NOW - 1;
	flow.outcome = ME_OUTCOME_ESTABLISHED;
	flow.answer = 503;
	flow.bytes_sent = 77;
	record.flow = flow;
	assert_int_equal(me_ledger_record(world->ledger, &record), 0);
	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	world->status.policy.loaded_ns = FIXTURE_EPOCH + FIXTURE_NOW - ME_NS_PER_S / 3;
	answer = ask(world, "flows/000000000000001f");
	says(answer, "opened", 0, "to 198.51.100.99:443/tcp");
	says(answer, "opened", 0, ":41000/tcp, by curl 40, /usr/bin/p40");
	says(answer, "claim", 0, "SNI ev\\x22il\\x5c\\x1b[31m\\xff");
	says(answer, "verdict", 0, "pending: unlisted-destination");
	says(answer, "verdict", 1, "allowed by updates/engines at policy.yaml:12");
	says(answer, "verdict", 1, "as meupdate.gfi.com; claimed, ");
	says(answer, "verdict", 1, "policy 1");
	says(answer, "retracted", 0, "event 6b49d5e8-000000000000001f-r");
	says(answer, "reload", 0, "policy 1 is in force");
	says(answer, "closed", 0, "established, ");
	says(answer, "closed", 0, ", then reset; answered first http 503; 77 bytes sent");
	assert_string_equal(json_string_value(json_object_get(step_of(answer, "verdict", 1), "ts")),
			    "2027-01-15T08:16:39.500Z"); /* the claim's, which decided */
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(answer, "flow"), "verdict")),
		"allowed");
	/* Two names, each said twice before; not the answer that came with neither. */
	says(answer, "answer", 0, "meupdate.gfi.com is 198.51.100.99: said for the first time");
	says(answer, "answer", 3, "for the 2. time: ");
	json_decref(answer);
	world_free(world);
}

/* A flow that was held until its client had spoken, and one whose step is forgotten. */
static void test_held_flow(void **state)
{
	struct world *world = world_new(0);
	struct me_flow_key key = fixture_key(WORLD_SHARED, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(1, ME_ALLOWED, ME_REASON_NONE, 40);
	json_t *answer;

	(void)state;
	flow.state.flags = ME_STATE_HELD;
	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	answer = ask(world, "flows/0000000000000001");
	says(answer, "verdict", 0, "allowed by a name, if what the client says agrees");
	json_decref(answer);
	flow.state = (union me_state){.verdict = ME_VIOLATION, .reason = ME_REASON_NAME_MISMATCH};
	assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	for (uint32_t i = 0; i < 2; i++) {
		answer = ask(world, "flows/0000000000000001");
		says(answer, "verdict", i ? 0 : 1, "violation: name-mismatch");
		says(answer, "verdict", i ? 0 : 1, "event 6b49d5e8-0000000000000001-c");
		assert_null(step_of(answer, "retracted", 0));
		json_decref(answer);
		for (uint32_t n = 0; n < ME_STEPS_MAX; n++)
			me_steps_add(me_ledger_flow_steps(world->ledger),
				     (struct me_step){.owner = 99});
	}
	world_free(world);
}

/* FTP data know their control connection; a request its other half. */
static void test_related_flows(void **state)
{
	struct world *world = world_new(0);
	struct me_flow_key control_key = fixture_key(WORLD_SHARED, 21, IPPROTO_TCP);
	struct me_flow_key data_key = fixture_key(WORLD_SHARED, 50000, IPPROTO_TCP);
	struct me_flow control = fixture_flow(1, ME_ALLOWED, 0, 40);
	struct me_flow data = fixture_flow(2, ME_ALLOWED, 0, 40);
	const struct me_requested requested = {.flow = 1,
					       .ts_ns = FIXTURE_NOW,
					       .client = "10.10.0.10:41234",
					       .host = "a.example",
					       .port = 443,
					       .text = "CONNECT a.example:443\x1b"};
	json_t *answer;

	(void)state;
	control.flags = ME_FLOW_FTP;
	control.first_ns -= ME_NS_PER_S;
	data.state.evidence = ME_EVIDENCE_ANNOUNCED;
	assert_int_equal(me_ledger_flow(world->ledger, &control_key, &control, NULL), 0);
	assert_int_equal(me_ledger_flow(world->ledger, &data_key, &data, NULL), 0);
	assert_int_equal(me_requests_put(me_ledger_requests(world->ledger), &requested), 0);
	assert_int_equal(me_requests_link(me_ledger_requests(world->ledger),
					  me_requests_of(me_ledger_requests(world->ledger), 1), 2,
					  "198.51.100.99:50000"),
			 0);
	answer = ask(world, "flows/0000000000000002");
	says(answer, "control", 0, "to 198.51.100.99:21/tcp");
	assert_string_equal(
		json_string_value(json_object_get(step_of(answer, "control", 0), "flow")),
		"0000000000000001");
	says(answer, "request", 0, "CONNECT a.example:443\\x1b, for 10.10.0.10:41234");
	json_decref(answer);
	answer = ask(world, "flows/0000000000000001");
	assert_null(step_of(answer, "control", 0));
	says(answer, "upstream", 0, "198.51.100.99:50000");
	json_decref(answer);
	world_free(world);
}

static void test_endpoint(void **state)
{
	struct world *world = world_new(100);
	struct me_endpoint_kept *kept = me_ledger_endpoint_kept(world->ledger, 1);
	json_t *answer;

	(void)state;
	me_steps_add(me_ledger_endpoint_steps(world->ledger),
		     (struct me_step){.ts_ns = FIXTURE_NOW - 3,
				      .owner = 1,
				      .kind = ME_STEP_FAILING,
				      .what = ME_FAILURE_TLS_ALERT});
	answer = ask(world, "endpoints/updates/meupdate.gfi.com");
	says(answer, "listed", 0, "by updates/engines at policy.yaml:12");
	says(answer, "worked", 0, "the last time");
	says(answer, "due", 0, "every 3600 s");
	says(answer, "failing", 0, "it was told: tls-alert");
	says(answer, "flow", 9, "allowed, curl 4");
	assert_null(step_of(answer, "flow", 10));
	says(answer, "answer", 0, "meupdate.gfi.com is 198.51.100.");
	assert_null(step_of(answer, "failed", 0));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(answer, "endpoint"), "endpoint")),
		"meupdate.gfi.com");
	json_decref(answer);
	kept->failed_ns = FIXTURE_NOW - ME_ENDPOINT_SETTLE_NS;
	kept->failure = ME_FAILURE_HTTP_ERROR;
	kept->flags = ME_ENDPOINT_READ;
	answer = ask(world, "endpoints/updates/meupdate.gfi.com");
	says(answer, "failed", 0, "http-error");
	json_decref(answer);
	assert_int_equal(refused(world, "endpoints/updates/nobody"), -ENOENT);
	assert_int_equal(refused(world, "endpoints/update/meupdate.gfi.com"), -ENOENT);
	assert_int_equal(refused(world, "endpoints/updates"), -ENOENT);
	world_free(world);
}

/* Any event of the group finds it, not only the last. */
static void test_group(void **state)
{
	struct world *world = world_new(0);
	struct me_flow_key key = fixture_key(0xc6336407u, 443, IPPROTO_UDP);
	json_t *answer;

	(void)state;
	for (uint64_t id = 1; id <= 12; id++) {
		struct me_flow flow = fixture_flow(id, ME_VIOLATION, ME_REASON_QUIC, 40);

		flow.first_ns += id;
		assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, NULL), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		answer = ask(world, i ? "violations/6b49d5e8-000000000000000c-c"
				      : "violations/6b49d5e8-0000000000000001-c");
		says(answer, "first", 0, "quic: UDP port 443; 12 in all");
		says(answer, "flow", 0, "violation, curl 40 to 198.51.100.7:443/udp");
		assert_string_equal(
			json_string_value(json_object_get(step_of(answer, "flow", 9), "flow")),
			"000000000000000c");
		assert_null(step_of(answer, "flow", 10));
		json_decref(answer);
	}
	assert_int_equal(refused(world, "violations/6b49d5e8-0000000000000063-c"), -ENOENT);
	world_free(world);
}

static void test_refused(void **state)
{
	struct world *world = world_new(1);
	static const char *const unknown[] = {
		"flows/",
		"flows/1",
		"flows/00000000000000zz",
		"flows/0000000000000002",
		"flows/00000000000000001",
		"flows/6b49d5e8-0000000000000001-c",
		"endpoints/",
		"violations/",
		"violations/0000000000000001",
		"violations/-",
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(unknown); i++)
		if (refused(world, unknown[i]) != -ENOENT)
			fail_msg("'%s'", unknown[i]);
	assert_int_equal(refused(world, "flow/0000000000000001"), -ENOTTY);
	assert_int_equal(refused(world, ""), -ENOTTY);
	json_decref(ask(world, "flows/0000000000000001"));
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pending_flow),  cmocka_unit_test(test_held_flow),
		cmocka_unit_test(test_related_flows), cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_group),         cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
