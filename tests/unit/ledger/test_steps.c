/* SPDX-License-Identifier: GPL-2.0-only */
#include "fixture.h"
#include "ledger/endpoint_state.h"
#include "ledger/events.h"
#include "ledger/steps.h"

static struct me_kept kept;

static int clear(void **state)
{
	(void)state;
	memset(&kept, 0, sizeof(kept));
	return 0;
}

/* The only step of its owner. */
static struct me_step only(const struct me_steps *steps, uint64_t owner)
{
	struct me_step step = {0}, further;
	uint64_t cursor = 0;

	assert_true(me_steps_next(steps, owner, &cursor, &step));
	assert_false(me_steps_next(steps, owner, &cursor, &further));
	return step;
}

static bool none(const struct me_steps *steps, uint64_t owner)
{
	struct me_step step;
	uint64_t cursor = 0;

	return !me_steps_next(steps, owner, &cursor, &step);
}

static void test_ring(void **state)
{
	struct me_steps *steps = me_steps_new(4);
	struct me_step step;
	uint64_t cursor = 0;

	(void)state;
	assert_non_null(steps);
	for (uint64_t i = 1; i <= 6; i++)
		me_steps_add(steps, (struct me_step){.ts_ns = i, .owner = i % 2, .what = 7});
	assert_int_equal(me_steps_forgotten(steps), 2);
	for (uint64_t ts = 3; ts <= 5; ts += 2) {
		assert_true(me_steps_next(steps, 1, &cursor, &step));
		assert_int_equal(step.ts_ns, ts);
	}
	assert_false(me_steps_next(steps, 1, &cursor, &step));
	assert_true(none(steps, 9));
	me_steps_free(&steps);
	assert_null(steps);
	me_steps_free(&steps);
}

/* A flow that is judged at once leaves no step, whatever comes after. */
static void test_final_at_once(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(5, ME_VIOLATION, ME_REASON_QUIC, 42);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(me_ledger_flow(ledger, &key, &flow, NULL), 0);
	assert_true(none(me_ledger_flow_steps(ledger), 5));
	me_ledger_free(&ledger);
}

/* A pending flow whose client names its peer, told by a record, which knows when. */
static void test_claim_and_end(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(5, ME_PENDING, ME_REASON_UNLISTED_DESTINATION, 42);
	const struct me_flow_text said = {.text = {[ME_TEXT_SNI] = "meupdate.gfi.com"},
					  .ts_ns = FIXTURE_NOW + 5};
	struct me_record record = {
		.kind = ME_RECORD_RESOLVED, .ts_ns = FIXTURE_NOW + 9, .key = key};
	const struct me_steps *steps = me_ledger_flow_steps(ledger);
	struct me_step step;
	uint64_t cursor = 0;

	(void)state;
	flow.state.flags = ME_STATE_TOLD;
	assert_int_equal(me_ledger_flow(ledger, &key, &flow, NULL), 0);
	assert_true(none(steps, 5));
	for (int i = 0; i < 2; i++)
		assert_int_equal(me_ledger_flow(ledger, &key, &flow, &said), 0);
	step = only(steps, 5);
	assert_int_equal(step.kind, ME_STEP_CLAIM);
	assert_int_equal(step.ts_ns, FIXTURE_NOW + 5);
	flow.state = (union me_state){.verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_CLAIMED};
	record.flow = flow;
	for (int i = 0; i < 2; i++)
		assert_int_equal(me_ledger_record(ledger, &record), 0);
	assert_int_equal(me_ledger_flow(ledger, &key, &flow, &said), 0);
	assert_true(me_steps_next(steps, 5, &cursor, &step));
	assert_true(me_steps_next(steps, 5, &cursor, &step));
	assert_int_equal(step.kind, ME_STEP_SETTLED);
	assert_int_equal(step.ts_ns, FIXTURE_NOW + 9);
	assert_int_equal(step.before.verdict, ME_PENDING);
	assert_int_equal(step.before.reason, ME_REASON_UNLISTED_DESTINATION);
	assert_false(me_steps_next(steps, 5, &cursor, &step));
	me_ledger_free(&ledger);
}

static int swallow(void *data, const struct me_event *event)
{
	(void)data;
	(void)event;
	return 0;
}

static void mark(void *data, struct me_event_mark *ret_mark)
{
	(void)data;
	*ret_mark = (struct me_event_mark){0};
}

static int check(void *data, const struct me_event_mark *at, const char *id)
{
	(void)data;
	(void)at;
	(void)id;
	return 0;
}

/* Every finding of a flow is a step, also one that is not told again. */
static void test_findings(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	const struct me_event_sink sink = {.write = swallow, .mark = mark, .check = check};
	struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(5, ME_ALLOWED, ME_REASON_NONE, 42);
	const struct me_finding_report report = {.kind = ME_FINDING_ECH,
						 .key = "5",
						 .ts_ns = FIXTURE_NOW + 3,
						 .count = 1,
						 .flow_key = &key,
						 .flow = &flow,
						 .endpoint = 2};
	struct me_events *events;
	struct me_step step;

	(void)state;
	assert_int_equal(me_events_new(ledger, &sink, &events), 0);
	me_events_finding(events, &report);
	step = only(me_ledger_flow_steps(ledger), 5);
	assert_int_equal(step.kind, ME_STEP_FINDING);
	assert_int_equal(step.what, ME_FINDING_ECH);
	assert_int_equal(step.ts_ns, FIXTURE_NOW + 3);
	step = only(me_ledger_endpoint_steps(ledger), 2);
	assert_int_equal(step.what, ME_FINDING_ECH);
	me_events_finding(events, &report);
	assert_false(none(me_ledger_flow_steps(ledger), 5));
	me_events_free(&events);
	me_ledger_free(&ledger);
}

/* An endpoint that fails and works again. */
static void test_endpoint(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	const struct me_event_sink sink = {.write = swallow, .mark = mark, .check = check};
	const struct me_endpoint_entry entry = {.endpoint = 1, .rule = 1};
	struct me_endpoint_counts counts[2] = {0};
	static const uint64_t totals[ME_TOTALS_ALL], cells[ME_CELL_COUNT];
	const struct me_steps *steps = me_ledger_endpoint_steps(ledger);
	const uint64_t now = FIXTURE_NOW + ME_ENDPOINT_SETTLE_NS;
	struct me_events *events;
	struct me_step step;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(me_events_new(ledger, &sink, &events), 0);
	assert_int_equal(me_ledger_policy(ledger, &entry, 1), 0);
	assert_int_equal(me_ledger_counters(ledger, cells, totals, counts, 2), 0);
	counts[1].attempts = counts[1].outcome[ME_OUTCOME_REFUSED] = 1;
	counts[1].last_attempt_ns = FIXTURE_NOW;
	assert_int_equal(me_ledger_counters(ledger, cells, totals, counts, 2), 0);
	me_ledger_tick(ledger, now, FIXTURE_EPOCH + now);
	for (int i = 0; i < 2; i++)
		me_events_tick(events, false);
	step = only(steps, 1);
	assert_int_equal(step.kind, ME_STEP_FAILING);
	assert_int_equal(step.what, ME_FAILURE_REFUSED);
	counts[1].attempts = 2;
	counts[1].last_attempt_ns = counts[1].last_success_ns = now;
	assert_int_equal(me_ledger_counters(ledger, cells, totals, counts, 2), 0);
	me_events_tick(events, false);
	assert_true(me_steps_next(steps, 1, &cursor, &step));
	assert_true(me_steps_next(steps, 1, &cursor, &step));
	assert_int_equal(step.kind, ME_STEP_RECOVERED);
	assert_int_equal(step.ts_ns, now);
	me_events_free(&events);
	me_ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ring, clear),
		cmocka_unit_test_setup(test_final_at_once, clear),
		cmocka_unit_test_setup(test_claim_and_end, clear),
		cmocka_unit_test_setup(test_findings, clear),
		cmocka_unit_test_setup(test_endpoint, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
