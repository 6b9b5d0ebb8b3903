/* SPDX-License-Identifier: GPL-2.0-only */
/* What is counted stands in the history once, whatever happens between. */
#include "tests/unit/store/fixture.h"

static int setup(void **state)
{
	struct world *world = malloc(sizeof(*world));

	world_new(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world_free(world);
	free(world);
	return 0;
}

static void test_minutes(void **state)
{
	struct world *world = *state;
	const struct me_period first = {WORLD_START, WORLD_START + 60 * ME_NS_PER_S};
	const struct me_period second = {first.until_ns, first.until_ns + 60 * ME_NS_PER_S};

	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	world_pass(world, 5);
	world_allow(world, 2);
	assert_false(world_round(world));
	for (int i = 0; i < 5; i++) {
		world_pass(world, 10);
		assert_true(world_round(world));
	}
	/* When the minute is over, it is booked before the ten seconds are. */
	world_pass(world, 4);
	assert_false(world_round(world));
	world_pass(world, 1);
	assert_true(world_round(world));
	world_pass(world, 1);
	world_allow(world, 4);
	assert_true(world_stop(world));
	assert_int_equal(world_sum(world, &first, ME_SERIES_ATTEMPTS, NULL).count, 5);
	assert_int_equal(world_sum(world, &second, ME_SERIES_ATTEMPTS, NULL).count, 4);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 0);
	world_agrees(world);
}

static void test_kill(void **state)
{
	struct world *world = *state;
	struct spans down;

	world_up(world);
	world_allow(world, 3);
	world_violate(world, 0xc6336401, true);
	world_begin(world);
	world_pass(world, 3);
	world_allow(world, 2);
	world_violate(world, 0xc6336401, true); /* told, and not written yet */
	world_kill(world);
	world_pass(world, 300);
	world_allow(world, 10); /* while nobody was there */
	world_up(world);
	world_begin(world);
	world_agrees(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 13);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "198.51.100.1").count, 1);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "").count, 1);
	down = world_spans(world, ME_SPAN_GAP, NULL, "down");
	assert_int_equal(down.n, 1);
	assert_int_equal(down.since_ns, WORLD_START);
	assert_int_equal(down.until_ns, WORLD_START + 303 * ME_NS_PER_S);
	assert_int_equal(world_spans(world, ME_SPAN_RUN, "1.0", "killed").n, 1);
	assert_int_equal(world_spans(world, ME_SPAN_RUN, "1.0", "running").n, 1);
	assert_true(world_stop(world));
	world_agrees(world);
	assert_int_equal(world_spans(world, ME_SPAN_RUN, "1.0", "stopped").n, 1);
}

static void test_attached_anew(void **state)
{
	struct world *world = *state;
	struct spans gap;

	world_up(world);
	world_allow(world, 50);
	world_begin(world);
	assert_true(world_stop(world));
	world_attach_anew(world);
	world_pass(world, 1000);
	world_up(world);
	world_allow(world, 20);
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 70);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 0);
	gap = world_spans(world, ME_SPAN_GAP, NULL, "unwatched");
	assert_int_equal(gap.n, 1);
	assert_int_equal(gap.since_ns, WORLD_START);
	assert_int_equal(gap.until_ns, WORLD_START + 1000 * ME_NS_PER_S);
	/* What was attached then was not in between. */
	assert_int_equal(world_spans(world, ME_SPAN_WATCH, "connect4", "attached").n, 2);
	assert_int_equal(world_spans(world, ME_SPAN_WATCH, "connect4", "attached").open, 1);
	/* A counter that the new attachment has later goes on from zero, not from the old one's. */
	world->totals[ME_TOTAL_UDP_PROBES] = 7;
	world_kill(world);
	world_up(world);
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_UDP_PROBES, NULL).count, 7);
}

static void test_old_value_is_not_taken_up(void **state)
{
	struct world *world = *state;

	world->totals[ME_TOTAL_STRAYS] = 100;
	world_up(world);
	world_begin(world);
	assert_true(world_stop(world));
	world_attach_anew(world);
	world_up(world); /* it counts no strays */
	world_begin(world);
	world_kill(world);
	world->totals[ME_TOTAL_STRAYS] = 5;
	world_up(world);
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_STRAYS, NULL).count, 105);
}

static void test_begun_later(void **state)
{
	struct world *world = *state;

	/* Watched for long without a history. */
	world->kept.epoch = WORLD_START / ME_NS_PER_S - 5000;
	world->resumed = true;
	world_allow(world, 1000);
	world_up(world);
	world_violate(world, 0xc6336401, true); /* before the history begins */
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 0);
	world_allow(world, 5);
	world->totals[ME_TOTAL_STRAYS] = 3; /* seen for the first time, and counted since */
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 5);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_STRAYS, NULL).count, 3);
	assert_int_equal(world_spans(world, ME_SPAN_GAP, NULL, "unrecorded").n, 1);
	assert_int_equal(world_spans(world, ME_SPAN_GAP, NULL, "unrecorded").since_ns,
			 WORLD_START - 5000 * ME_NS_PER_S);
	world_violate(world, 0xc6336402, true);
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_told(world, WORLD_EVER, NULL, NULL).count, 1);
	assert_int_equal(world_told(world, WORLD_EVER, NULL, "198.51.100.2").count, 1);
	world_kill(world);
	world_allow(world, 2);
	world_up(world);
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 8);
}

static void test_details(void **state)
{
	struct world *world = *state;
	struct told told;

	world_up(world);
	world_begin(world);
	for (int i = 0; i < 3; i++)
		world_violate(world, 0xc6336401, true);
	world_violate(world, 0xc6336402, true);
	world_violate(world, 0xc6336403, false); /* the ring had no room */
	world_pass(world, 10);
	assert_true(world_round(world));
	told = world_told(world, WORLD_EVER, "confirmed", "198.51.100.1");
	assert_int_equal(told.rows, 1);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.last.port, 25);
	assert_int_equal(told.last.proto, IPPROTO_TCP);
	assert_string_equal(told.exe, "/usr/bin/p7");
	assert_string_equal(told.event, "6b49d200-0000000000000003-c");
	assert_int_equal(told.last.first_ns, WORLD_START);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "198.51.100.2").count, 1);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "").count, 1);
	world_agrees(world);
}

/* A record that was read before its count waits for it. */
static void test_told_ahead(void **state)
{
	struct world *world = *state;
	uint64_t *cell =
		&world->cells[me_cell(ME_HOST, ME_SERVICE_UNLISTED, ME_CELL_FINAL,
				      me_cell_end(ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION))];

	world_up(world);
	world_begin(world);
	world_violate(world, 0xc6336401, true);
	world_violate(world, 0xc6336401, true);
	(*cell)--;
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", NULL).count, 1);
	world_agrees(world);
	(*cell)++;
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "198.51.100.1").count, 2);
	world_agrees(world);
}

static void retract(struct world *world, uint64_t flow, bool counted)
{
	struct me_flow_key key = fixture_key(0xc6336409, 443, IPPROTO_TCP);
	struct me_flow body = fixture_flow(flow, ME_ALLOWED, ME_REASON_UNLISTED_DESTINATION, 7);
	char id[ME_EVENT_ID_LEN], provisional[ME_EVENT_ID_LEN];
	struct me_event event = {
		.kind = ME_EVENT_RETRACTION,
		.id = id,
		.retracts = provisional,
		.state = "retracted",
		.finding = -1,
		.has_count = !counted,
		.key = &key,
		.flow = &body,
	};

	body.service = ME_SERVICE_UNLISTED;
	me_event_id(&world->kept, flow, ME_STAGE_RETRACTED, id);
	me_event_id(&world->kept, flow, ME_STAGE_PROVISIONAL, provisional);
	assert_int_equal(world->sink.write(world->sink.data, &event), 0);
	world->cells[me_cell(ME_HOST, ME_SERVICE_UNLISTED, ME_CELL_SHED,
			     ME_REASON_UNLISTED_DESTINATION)]++;
}

static void test_retractions(void **state)
{
	struct world *world = *state;
	struct told told;

	world_up(world);
	world_begin(world);
	retract(world, 5, true);
	retract(world, 6, true);
	retract(world, 7, false); /* its violation was told before a restart */
	world_pass(world, 10);
	assert_true(world_round(world));
	told = world_told(world, WORLD_EVER, "retracted", "198.51.100.9");
	assert_int_equal(told.rows, 3);
	assert_int_equal(told.count, 2);
	/* Each names what it takes back. */
	assert_memory_equal(told.event, told.retracts, strlen(told.event) - 1);
	assert_string_equal(told.retracts + strlen(told.retracts) - 2, "-p");
	told = world_told(world, WORLD_EVER, "retracted", "");
	assert_int_equal(told.count, 1);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_VIOLATIONS, "retracted").count, 3);
}

static void test_sink_that_fails(void **state)
{
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	world->sink_err = -ENOSPC;
	struct me_event event = {.kind = ME_EVENT_START, .id = "x", .finding = -1};
	assert_int_equal(world->sink.write(world->sink.data, &event), -ENOSPC);
	world->sink_err = 0;
	assert_int_equal(world->sink.write(world->sink.data, &event), 0);
	/* An event is written with the next round. */
	assert_true(world_round(world));
	{
		_cleanup_(me_past_freep) struct me_past *past = world_past(world);
		_cleanup_(me_db_closep) struct me_db *db = NULL;
		uint64_t n = 0;

		assert_int_equal(me_db_open(world->path, false, &db), 0);
		assert_int_equal(me_db_number(db, "SELECT count(*) FROM events", &n), 0);
		assert_int_equal(n, 1);
	}
}

static void test_clock_set_back(void **state)
{
	struct world *world = *state;
	struct spans gap;

	world_up(world);
	world_allow(world, 5);
	world_begin(world);
	world_pass(world, 10);
	world->now.epoch_ns -= 3600 * ME_NS_PER_S;
	world_allow(world, 7);
	assert_true(world_round(world));
	world_agrees(world);
	gap = world_spans(world, ME_SPAN_GAP, NULL, "clock");
	assert_int_equal(gap.n, 1);
	assert_int_equal(gap.until_ns - gap.since_ns, 3600 * ME_NS_PER_S);
	assert_int_equal(me_history_status(world->history)->clock_steps, 1);
	/* And forward, for a day. */
	world_pass(world, 10);
	world->now.epoch_ns += 86400 * ME_NS_PER_S;
	world_allow(world, 1);
	assert_true(world_round(world));
	world_agrees(world);
	assert_int_equal(world_spans(world, ME_SPAN_GAP, NULL, "clock").n, 2);
	/* Nothing of it is late: the daemon was there all the time. */
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 0);
	assert_true(world_stop(world));
	/* The next daemon starts before the last one stopped. */
	world->now.epoch_ns -= 2 * 86400 * ME_NS_PER_S;
	world_allow(world, 3);
	world_up(world);
	world_begin(world);
	world_agrees(world);
	assert_int_equal(world_spans(world, ME_SPAN_GAP, NULL, "clock").n, 3);
}

/* What was counted before the clock was set is booked by the clock of before. */
static void test_clock_books(void **state)
{
	struct world *world = *state;
	struct me_period before, after;

	world_up(world);
	world_begin(world);
	before = (struct me_period){world->now.epoch_ns - 60 * ME_NS_PER_S,
				    world->now.epoch_ns + 300 * ME_NS_PER_S};
	after = (struct me_period){before.since_ns + 86400 * ME_NS_PER_S,
				   before.until_ns + 86400 * ME_NS_PER_S};
	world_allow(world, 5);
	world_pass(world, 3);
	world->now.epoch_ns += 86400 * ME_NS_PER_S;
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, &before, ME_SERIES_ATTEMPTS, NULL).count, 5);
	assert_int_equal(world_sum(world, &after, ME_SERIES_ATTEMPTS, NULL).count, 0);
	world_allow(world, 7);
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, &before, ME_SERIES_ATTEMPTS, NULL).count, 5);
	assert_int_equal(world_sum(world, &after, ME_SERIES_ATTEMPTS, NULL).count, 7);
	world_agrees(world);
}

/* A clock that goes wrong, and is put right within a day, costs nothing of the history. */
static void test_clock_keeps(void **state)
{
	const struct me_history_bounds bounds = {.keep_ns = 30 * 86400 * ME_NS_PER_S,
						 .size = 1u << 30};
	struct world *world = *state;

	world_up(world);
	me_history_set(world->history, true, &bounds);
	world_begin(world);
	world_allow(world, 5);
	world_pass(world, 10);
	assert_true(world_round(world));
	world->now.epoch_ns += 100 * 86400 * ME_NS_PER_S;
	for (int i = 0; i < 3; i++) {
		world_pass(world, 60);
		world_round(world);
	}
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 5);
	world->now.epoch_ns -= 100 * 86400 * ME_NS_PER_S;
	world_pass(world, 86400);
	for (int i = 0; i < 3; i++) {
		world_pass(world, 60);
		world_round(world);
	}
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 5);
	/* One that stays is believed. */
	world->now.epoch_ns += 100 * 86400 * ME_NS_PER_S;
	world_round(world);
	world_pass(world, 86400);
	for (int i = 0; i < 3; i++) {
		world_pass(world, 60);
		world_round(world);
	}
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 0);
}

static void test_held_up(void **state)
{
	struct world *world = *state;
	struct spans gap;

	world_up(world);
	world_begin(world);
	world_allow(world, 9);
	world_pass(world, 300);
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 9);
	gap = world_spans(world, ME_SPAN_GAP, NULL, "unwritten");
	assert_int_equal(gap.n, 1);
	assert_int_equal(gap.since_ns, WORLD_START);
	assert_int_equal(gap.until_ns, WORLD_START + 300 * ME_NS_PER_S);
}

static void test_counter_that_shrinks(void **state)
{
	struct world *world = *state;

	world->totals[ME_TOTAL_STRAYS] = 100;
	world_up(world);
	world_begin(world);
	world->totals[ME_TOTAL_STRAYS] = 40;
	world_pass(world, 10);
	assert_true(world_round(world));
	world->totals[ME_TOTAL_STRAYS] = 45;
	world_pass(world, 10);
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_STRAYS, NULL).count, 105);
	assert_int_equal(me_history_status(world->history)->refused, 1);
}

static void test_spans(void **state)
{
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	assert_int_equal(world_spans(world, ME_SPAN_ENDPOINT, "meupdate.gfi.com", "never").open, 1);
	assert_int_equal(world_spans(world, ME_SPAN_WATCH, NULL, "attached").open, 2);
	assert_int_equal(world_spans(world, ME_SPAN_POLICY, "mailessentials", "0123").open, 1);
	world_pass(world, 10);
	world->endpoints[1].last_success_ns = world->now.boot_ns;
	world->endpoints[1].last_attempt_ns = world->now.boot_ns;
	world->watches[1].attached = false;
	world->facts.sha256 = "4567";
	world->facts.generation = 2;
	assert_true(world_round(world));
	assert_int_equal(world_spans(world, ME_SPAN_ENDPOINT, "meupdate.gfi.com", "never").open, 0);
	assert_int_equal(world_spans(world, ME_SPAN_ENDPOINT, "meupdate.gfi.com", "good").open, 1);
	assert_int_equal(world_spans(world, ME_SPAN_WATCH, "connect6", "lost").open, 1);
	assert_int_equal(world_spans(world, ME_SPAN_POLICY, NULL, "0123").until_ns,
			 WORLD_START + 10 * ME_NS_PER_S);
	assert_int_equal(world_spans(world, ME_SPAN_POLICY, NULL, "4567").open, 1);
	/* Over a restart what still holds is one span. */
	world_kill(world);
	world_pass(world, 10);
	world_up(world);
	world_begin(world);
	assert_int_equal(world_spans(world, ME_SPAN_WATCH, "connect6", "lost").n, 1);
	assert_int_equal(world_spans(world, ME_SPAN_ENDPOINT, "meupdate.gfi.com", "good").n, 1);
}

static void test_off(void **state)
{
	struct world *world = *state;

	world_up(world);
	world_allow(world, 5);
	world_begin(world);
	me_history_set(world->history, false, &world->bounds);
	world_pass(world, 10);
	assert_false(world_round(world));
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_OFF);
	world_allow(world, 6);
	world_pass(world, 100);
	assert_false(world_round(world));
	me_history_set(world->history, true, &world->bounds);
	world_begin(world);
	world_agrees(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_minutes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attached_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_value_is_not_taken_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begun_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_details, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retractions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sink_that_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_books, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counter_that_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spans, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
