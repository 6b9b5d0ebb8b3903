/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "fixture.h"

#define PEER 0xc6336401u /* 198.51.100.1 */

static struct me_kept kept;

static int clear(void **state)
{
	(void)state;
	memset(&kept, 0, sizeof(kept));
	return 0;
}

static void feed(struct me_ledger *ledger, const struct me_flow *flow, uint32_t peer)
{
	struct me_flow_key key = fixture_key(peer, 443, IPPROTO_TCP);

	assert_int_equal(me_ledger_flow(ledger, &key, flow, NULL), 0);
}

static size_t count_flows(const struct me_ledger *ledger)
{
	size_t n = 0;

	for (size_t cursor = 0; me_ledger_next_flow(ledger, &cursor);)
		n++;
	return n;
}

static const struct me_group *only_group(const struct me_ledger *ledger)
{
	size_t cursor = 0;
	const struct me_group *group = me_ledger_next_group(ledger, &cursor);

	assert_non_null(group);
	assert_null(me_ledger_next_group(ledger, &cursor));
	return group;
}

static void test_flow_is_folded(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow flow = fixture_flow(7, ME_ALLOWED, 0, 42);
	const struct me_ledger_flow *known;
	size_t cursor = 0;

	(void)state;
	feed(ledger, &flow, PEER);
	flow.bytes_sent = 100;
	flow.last_ns = FIXTURE_NOW;
	flow.outcome = ME_OUTCOME_ESTABLISHED;
	feed(ledger, &flow, PEER);
	/* An older reading changes nothing. */
	flow.bytes_sent = 50;
	flow.last_ns = FIXTURE_NOW - 1;
	feed(ledger, &flow, PEER);
	assert_int_equal(count_flows(ledger), 1);
	known = me_ledger_next_flow(ledger, &cursor);
	assert_int_equal(known->bytes_sent, 100);
	assert_int_equal(known->outcome, ME_OUTCOME_ESTABLISHED);
	assert_string_equal(me_ledger_text(ledger, known->text[ME_TEXT_EXE]), "/usr/bin/p42");
	assert_string_equal(me_ledger_text(ledger, known->text[ME_TEXT_CGROUP]), "/mail");
	assert_int_equal(me_ledger_epoch(ledger, known->first_ns),
			 FIXTURE_EPOCH + FIXTURE_NOW - ME_NS_PER_S);
	me_ledger_free(&ledger);
}

/* The table may be read before the record that tells of a flow, and their times be the same. */
static void test_record_after_the_table(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow told = fixture_flow(7, ME_VIOLATION, ME_REASON_UNLISTED_PORT, 42), ended;
	const struct me_ledger_flow *known;
	size_t cursor = 0;

	(void)state;
	told.outcome = ME_OUTCOME_NONE;
	told.bytes_sent = told.packets_sent = told.packets_received = 0;
	ended = told;
	ended.outcome = ME_OUTCOME_ESTABLISHED;
	ended.bytes_sent = 100;
	ended.packets_sent = 3;
	feed(ledger, &ended, PEER);
	feed(ledger, &told, PEER);
	known = me_ledger_next_flow(ledger, &cursor);
	assert_int_equal(known->outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(known->bytes_sent, 100);
	/* What goes on within the same moment is news. */
	ended.packets_received = 1;
	ended.bytes_received = 50;
	feed(ledger, &ended, PEER);
	assert_int_equal(known->bytes_received, 50);
	me_ledger_free(&ledger);
}

static void test_texts(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow flow = fixture_flow(7, ME_ALLOWED, 0, 42);
	struct me_flow_key key = fixture_key(PEER, 443, IPPROTO_TCP);
	const struct me_flow_text text = {.text = {[ME_TEXT_SNI] = "meupdate.gfi.com"}};
	size_t cursor = 0;

	(void)state;
	assert_int_equal(me_ledger_flow(ledger, &key, &flow, &text), 0);
	assert_int_equal(me_ledger_flow(ledger, &key, &flow, NULL), 0);
	assert_string_equal(
		me_ledger_text(ledger, me_ledger_next_flow(ledger, &cursor)->text[ME_TEXT_SNI]),
		"meupdate.gfi.com");
	me_ledger_free(&ledger);
}

static void test_flows_leave_closed_first(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 4, 0);
	bool seen[8] = {false};

	(void)state;
	for (uint64_t id = 1; id <= 4; id++) {
		struct me_flow flow = fixture_flow(id, ME_ALLOWED, 0, 42);

		feed(ledger, &flow, PEER);
		flow.flags = ME_FLOW_CLOSED;
		flow.closed_ns = FIXTURE_NOW;
		if (id == 2 || id == 3)
			feed(ledger, &flow, PEER);
	}
	for (uint64_t id = 5; id <= 7; id++) {
		struct me_flow flow = fixture_flow(id, ME_ALLOWED, 0, 42);

		feed(ledger, &flow, PEER);
		assert_int_equal(me_ledger_evicted(ledger), id == 7);
	}
	for (size_t cursor = 0;;) {
		const struct me_ledger_flow *flow = me_ledger_next_flow(ledger, &cursor);

		if (!flow)
			break;
		seen[flow->id] = true;
	}
	/* 2 and 3 were closed; then 1 was read least recently. */
	for (uint64_t id = 1; id <= 7; id++)
		assert_int_equal(seen[id], id > 3);
	me_ledger_free(&ledger);
}

/* A table that takes long to be read ends no flow by that. */
static void test_slow_reading_closes_nothing(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow flow = fixture_flow(1, ME_ALLOWED, ME_REASON_NONE, 7);
	const uint64_t took_ns = 20 * ME_NS_PER_S;
	uint64_t now = FIXTURE_NOW + took_ns;
	size_t cursor = 0;

	(void)state;
	feed(ledger, &flow, PEER);
	me_ledger_slow(ledger, took_ns);
	me_ledger_tick(ledger, now, FIXTURE_EPOCH + now);
	assert_int_equal(me_ledger_next_flow(ledger, &cursor)->closed_ns, 0);
	now += took_ns + ME_LEDGER_UNSEEN_NS + ME_NS_PER_S;
	me_ledger_tick(ledger, now, FIXTURE_EPOCH + now);
	cursor = 0;
	assert_int_equal(me_ledger_next_flow(ledger, &cursor)->closed_ns, FIXTURE_NOW);
	me_ledger_free(&ledger);
}

static void test_unseen_flow_is_closed(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow stays = fixture_flow(1, ME_ALLOWED, 0, 42);
	struct me_flow goes = fixture_flow(2, ME_ALLOWED, 0, 42);

	(void)state;
	feed(ledger, &stays, PEER);
	feed(ledger, &goes, PEER);
	for (uint64_t s = 1; s <= 12; s++) {
		uint64_t now = FIXTURE_NOW + s * ME_NS_PER_S;

		me_ledger_tick(ledger, now, FIXTURE_EPOCH + now);
		feed(ledger, &stays, PEER);
	}
	for (size_t cursor = 0;;) {
		const struct me_ledger_flow *flow = me_ledger_next_flow(ledger, &cursor);

		if (!flow)
			break;
		assert_int_equal(flow->closed_ns, flow->id == 2 ? FIXTURE_NOW : 0);
	}
	me_ledger_free(&ledger);
}

static void test_group_counts_flows_once(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	const struct me_group *group;

	(void)state;
	for (uint64_t id = 1; id <= 3; id++) {
		struct me_record record = {
			.kind = ME_RECORD_VIOLATION,
			.key = fixture_key(PEER, 443, IPPROTO_TCP),
			.flow = fixture_flow(id, ME_VIOLATION, ME_REASON_UNLISTED_PORT, 42),
		};

		assert_int_equal(me_ledger_record(ledger, &record), 0);
		feed(ledger, &record.flow, PEER);
		feed(ledger, &record.flow, PEER);
	}
	group = only_group(ledger);
	assert_int_equal(group->count, 3);
	assert_int_equal(group->key.stage, ME_STAGE_CONFIRMED);
	assert_int_equal(group->tgid, 42);
	assert_string_equal(group->last_id, "6b49d5e8-0000000000000003-c");
	me_ledger_free(&ledger);
}

static void test_pending_moves(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow flow = fixture_flow(1, ME_PENDING, ME_REASON_UNLISTED_DESTINATION, 42);
	size_t cursor = 0;

	(void)state;
	feed(ledger, &flow, PEER);
	assert_int_equal(only_group(ledger)->key.stage, ME_STAGE_PROVISIONAL);
	flow.state.verdict = ME_VIOLATION;
	flow.state.reason = ME_REASON_NAME_MISMATCH;
	feed(ledger, &flow, PEER);
	assert_int_equal(only_group(ledger)->key.stage, ME_STAGE_CONFIRMED);
	assert_int_equal(only_group(ledger)->key.reason, ME_REASON_NAME_MISMATCH);
	/* The pending record comes late: what is final stays. */
	flow.state.verdict = ME_PENDING;
	feed(ledger, &flow, PEER);
	assert_int_equal(only_group(ledger)->key.stage, ME_STAGE_CONFIRMED);

	flow = fixture_flow(2, ME_PENDING, ME_REASON_QUIC, 42);
	feed(ledger, &flow, PEER);
	flow.state.verdict = ME_ALLOWED;
	flow.state.reason = ME_REASON_NONE;
	feed(ledger, &flow, PEER);
	assert_int_equal(only_group(ledger)->key.reason, ME_REASON_NAME_MISMATCH);
	assert_int_equal(me_ledger_next_flow(ledger, &cursor)->state.verdict, ME_VIOLATION);
	assert_int_equal(me_ledger_next_flow(ledger, &cursor)->state.verdict, ME_ALLOWED);
	me_ledger_free(&ledger);
}

static void test_groups_are_bounded(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 10);
	_cleanup_free_ uint64_t *cells = calloc(ME_CELL_COUNT, sizeof(*cells));
	const uint64_t totals[ME_TOTALS_ALL] = {0};
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 25; i++) {
		struct me_flow flow =
			fixture_flow(i + 1, ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION, 42);

		feed(ledger, &flow, PEER + i);
	}
	cells[me_cell(ME_HOST, 3, ME_CELL_FINAL,
		      me_cell_end(ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION))] = 25;
	assert_int_equal(me_ledger_counters(ledger, cells, totals, NULL, 0), 0);
	for (size_t cursor = 0;;) {
		const struct me_group *group = me_ledger_next_group(ledger, &cursor);

		if (!group)
			break;
		/* The latest are the ones that are kept. */
		assert_true(ME_NET32(group->key.dst.word[3]) >= PEER + 15);
		n++;
	}
	assert_int_equal(n, 10);
	assert_int_equal(me_ledger_untold(ledger), 15);
	me_ledger_free(&ledger);
}

static void test_preexisting(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_flow_key key = fixture_key(PEER, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(1, ME_VIOLATION, ME_REASON_UNLISTED_PORT, 42);
	size_t cursor = 0;

	(void)state;
	flow.flags = ME_FLOW_PREEXISTING;
	assert_int_equal(me_ledger_preexisting(ledger, &key, &flow), 0);
	feed(ledger, &flow, PEER);
	assert_int_equal(kept.preexisting[ME_HOST][ME_VIOLATION], 1);
	/* It is no attempt, so it is in no total and in no group. */
	assert_null(me_ledger_next_group(ledger, &cursor));
	me_ledger_free(&ledger);
}

static enum me_endpoint_state state_of(const struct me_ledger *ledger, uint32_t id)
{
	struct me_endpoint endpoint;

	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);)
		if (endpoint.id == id)
			return endpoint.state;
	fail_msg("no endpoint %u", id);
	return ME_ENDPOINT_NEVER;
}

/* Flows whose end says something of their endpoint, each fed as it may come: twice. */
static void test_flows_are_weighed(void **state)
{
	static const struct {
		uint8_t verdict, evidence, outcome;
		uint16_t flags;
		uint64_t received;
		uint32_t evidences, unreachable, unheard; /* it adds */
	} cases[] = {
		{ME_ALLOWED, ME_EVIDENCE_VERIFIED, ME_OUTCOME_ESTABLISHED, 0, 9, 1, 0, 0},
		{ME_ALLOWED, ME_EVIDENCE_VERIFIED, ME_OUTCOME_ESTABLISHED, ME_FLOW_RESET, 9, 1, 0,
		 0},
		{ME_ALLOWED, ME_EVIDENCE_VERIFIED, ME_OUTCOME_ESTABLISHED, ME_FLOW_RESET, 0, 1, 0,
		 1},
		{ME_ALLOWED, ME_EVIDENCE_LEARNED, ME_OUTCOME_UNREACHABLE, ME_FLOW_SENT, 0, 1, 1, 0},
		{ME_ALLOWED, ME_EVIDENCE_LEARNED, ME_OUTCOME_UNREACHABLE, 0, 0, 1, 0, 0},
		{ME_ALLOWED, ME_EVIDENCE_STALE, ME_OUTCOME_ABORTED, ME_FLOW_SENT, 0, 1, 0, 0},
		{ME_ALLOWED, ME_EVIDENCE_LISTED, ME_OUTCOME_NONE, ME_FLOW_PREEXISTING, 0, 0, 0, 0},
		{ME_VIOLATION, ME_EVIDENCE_NONE, ME_OUTCOME_UNREACHABLE, ME_FLOW_SENT, 0, 0, 0, 0},
	};
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	static struct me_endpoint_kept endpoints[4];

	(void)state;
	me_ledger_keep_endpoints(ledger, endpoints, ME_ARRAY_SIZE(endpoints));
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_flow flow = fixture_flow(i + 1, cases[i].verdict, 0, 42);

		memset(endpoints, 0, sizeof(endpoints));
		flow.endpoint = 1;
		flow.state.evidence = cases[i].evidence;
		flow.outcome = cases[i].outcome;
		flow.bytes_received = cases[i].received;
		flow.flags = cases[i].flags;
		feed(ledger, &flow, PEER);
		assert_int_equal(endpoints[1].evidence[cases[i].evidence], 0);
		flow.flags |= ME_FLOW_CLOSED;
		feed(ledger, &flow, PEER);
		feed(ledger, &flow, PEER);
		assert_int_equal(endpoints[1].evidence[cases[i].evidence], cases[i].evidences);
		assert_int_equal(endpoints[1].unreachable, cases[i].unreachable);
		assert_int_equal(endpoints[1].unheard, cases[i].unheard);
	}
	me_ledger_free(&ledger);
}

/* An id that nothing is kept of is refused, and the entries in force stay. */
static void test_endpoints_without_room(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	struct me_endpoint_entry entries[] = {{.endpoint = 1, .rule = 1}};
	struct me_endpoint_kept endpoints[2] = {0};

	(void)state;
	me_ledger_keep_endpoints(ledger, endpoints, 2);
	assert_int_equal(me_ledger_policy(ledger, entries, 1), 0);
	entries[0].endpoint = 2;
	assert_int_equal(me_ledger_policy(ledger, entries, 1), -ENOSPC);
	assert_int_equal(state_of(ledger, 1), ME_ENDPOINT_NEVER);
	me_ledger_free(&ledger);
}

static void test_proxied_success(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);
	_cleanup_free_ uint64_t *cells = calloc(ME_CELL_COUNT, sizeof(*cells));
	const uint64_t totals[ME_TOTALS_ALL] = {0};
	const struct me_endpoint_entry entries[] = {{.endpoint = 1, .rule = 1}};
	const struct me_endpoint_counts counts[2] = {
		[1] = {.attempts = 4, .last_attempt_ns = FIXTURE_NOW - 9, .last_success_ns = 7}};
	struct me_endpoint endpoint;
	size_t cursor = 0;

	(void)state;
	assert_int_equal(me_ledger_policy(ledger, entries, 1), 0);
	me_ledger_proxied(ledger, 1, FIXTURE_NOW - 5, true);
	me_ledger_proxied(ledger, 1, FIXTURE_NOW - 3, false);
	me_ledger_proxied(ledger, 1, FIXTURE_NOW - 8, true);
	me_ledger_proxied(ledger, 77, FIXTURE_NOW, true);
	assert_int_equal(me_ledger_counters(ledger, cells, totals, counts, 2), 0);
	assert_true(me_ledger_next_endpoint(ledger, &cursor, &endpoint));
	assert_int_equal(endpoint.state, ME_ENDPOINT_GOOD);
	assert_int_equal(endpoint.counts.attempts, 4);
	assert_int_equal(me_ledger_last_success(ledger, &endpoint),
			 FIXTURE_EPOCH + FIXTURE_NOW - 5);
	assert_int_equal(me_ledger_last_attempt(ledger, &endpoint),
			 FIXTURE_EPOCH + FIXTURE_NOW - 3);
	me_ledger_free(&ledger);
}

/* A small step between the clocks changes no time that was told; a large one does. */
static void test_epoch(void **state)
{
	struct me_ledger *ledger = fixture_ledger(&kept, 0, 0);

	(void)state;
	me_ledger_tick(ledger, FIXTURE_NOW, FIXTURE_EPOCH + FIXTURE_NOW + ME_NS_PER_MS);
	assert_int_equal(me_ledger_epoch(ledger, FIXTURE_NOW), FIXTURE_EPOCH + FIXTURE_NOW);
	me_ledger_tick(ledger, FIXTURE_NOW, FIXTURE_EPOCH + FIXTURE_NOW + ME_NS_PER_S);
	assert_int_equal(me_ledger_epoch(ledger, FIXTURE_NOW),
			 FIXTURE_EPOCH + FIXTURE_NOW + ME_NS_PER_S);
	assert_int_equal(me_ledger_epoch(ledger, 0), 0);
	me_ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_flow_is_folded, clear),
		cmocka_unit_test_setup(test_record_after_the_table, clear),
		cmocka_unit_test_setup(test_texts, clear),
		cmocka_unit_test_setup(test_flows_leave_closed_first, clear),
		cmocka_unit_test_setup(test_unseen_flow_is_closed, clear),
		cmocka_unit_test_setup(test_slow_reading_closes_nothing, clear),
		cmocka_unit_test_setup(test_group_counts_flows_once, clear),
		cmocka_unit_test_setup(test_pending_moves, clear),
		cmocka_unit_test_setup(test_groups_are_bounded, clear),
		cmocka_unit_test_setup(test_preexisting, clear),
		cmocka_unit_test_setup(test_flows_are_weighed, clear),
		cmocka_unit_test_setup(test_endpoints_without_room, clear),
		cmocka_unit_test_setup(test_proxied_success, clear),
		cmocka_unit_test_setup(test_epoch, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
