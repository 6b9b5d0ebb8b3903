/* SPDX-License-Identifier: GPL-2.0-only */
/* The history keeps within its bounds, and what it keeps is whole. */
#include "tests/unit/store/fixture.h"

#include "store/details.h"

#define HOUR_NS (3600 * ME_NS_PER_S)

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

/* A minute with counts and violations. */
static void minute(struct world *world, uint32_t violations)
{
	world_pass(world, 25);
	world_allow(world, 1);
	for (uint32_t i = 0; i < violations; i++)
		world_violate(world, 0xc6330000 + i, true);
	assert_true(world_round(world));
	world_pass(world, 25);
	assert_true(world_round(world));
	world_pass(world, 10);
	assert_true(world_round(world));
}

/* Until there is nothing more to prune. */
static void prune(struct world *world)
{
	const struct me_history_status *status = me_history_status(world->history);
	uint64_t oldest;

	do {
		oldest = status->oldest_ns;
		for (int i = 0; i < 20; i++)
			world_round(world);
		status = me_history_status(world->history);
	} while (status->oldest_ns != oldest);
}

static void test_age(void **state)
{
	struct world *world = *state;
	struct me_period kept;
	uint64_t oldest;

	world->bounds.keep_ns = HOUR_NS;
	world_up(world);
	world_begin(world);
	for (int i = 0; i < 150; i++)
		minute(world, 3);
	prune(world);
	oldest = me_history_status(world->history)->oldest_ns;
	assert_true(oldest >= world->now.epoch_ns - HOUR_NS - 60 * ME_NS_PER_S);
	assert_true(oldest <= world->now.epoch_ns - HOUR_NS + 60 * ME_NS_PER_S);
	kept = (struct me_period){oldest, world->now.epoch_ns};
	assert_int_equal(world_sum(world, &kept, ME_SERIES_ENDPOINT_ATTEMPTS, NULL).count,
			 (kept.until_ns - kept.since_ns) / (60 * ME_NS_PER_S));
	assert_int_equal(world_told(world, &kept, "confirmed", NULL).count,
			 3 * (kept.until_ns - kept.since_ns) / (60 * ME_NS_PER_S));
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ENDPOINT_ATTEMPTS, NULL).count,
			 world_sum(world, &kept, ME_SERIES_ENDPOINT_ATTEMPTS, NULL).count);
	/* What is in force stays, however old; and the rows are those of the table. */
	assert_int_equal(world_spans(world, ME_SPAN_POLICY, NULL, NULL).open, 1);
	assert_int_equal(world_spans(world, ME_SPAN_RUN, NULL, "running").n, 1);
	{
		_cleanup_(me_db_closep) struct me_db *db = NULL;
		uint64_t rows = 0;

		assert_int_equal(me_db_open(world->path, false, &db), 0);
		assert_int_equal(me_db_number(db, "SELECT count(*) FROM minutes", &rows), 0);
		assert_int_equal(me_history_status(world->history)->minutes, rows);
	}
	/* Shorter from now on. */
	world->bounds.keep_ns = HOUR_NS / 2;
	me_history_set(world->history, true, &world->bounds);
	world_pass(world, 10);
	prune(world);
	assert_true(me_history_status(world->history)->oldest_ns > oldest + HOUR_NS / 3);
	world_kill(world);
	world_up(world);
	world_begin(world);
}

static void test_size(void **state)
{
	struct world *world = *state;
	struct stat st;
	struct me_period kept;
	uint64_t n;

	world->bounds.size = 512 << 10;
	world_up(world);
	world_begin(world);
	for (int i = 0; i < 60; i++)
		minute(world, 100);
	prune(world);
	world_pass(world, 10);
	world_round(world);
	n = me_history_status(world->history)->oldest_ns;
	assert_true(n > WORLD_START);
	assert_true(n < world->now.epoch_ns);
	/* What it keeps of a minute is all of it. */
	kept = (struct me_period){n, world->now.epoch_ns};
	n = world_told(world, &kept, "confirmed", NULL).count;
	assert_true(n >= 500);
	assert_int_equal(n, world_sum(world, &kept, ME_SERIES_VIOLATIONS, "confirmed").count);
	assert_true(world_stop(world));
	assert_int_equal(stat(world->path, &st), 0);
	assert_true((uint64_t)st.st_size <= world->bounds.size + (320 << 10));
}

static void test_shrinks(void **state)
{
	struct world *world = *state;
	struct stat before, after;

	world_up(world);
	world_begin(world);
	for (int i = 0; i < 60; i++)
		minute(world, 150);
	assert_true(world_stop(world));
	assert_int_equal(stat(world->path, &before), 0);
	world->bounds.size = 256 << 10;
	world_up(world);
	world_begin(world);
	prune(world);
	assert_true(world_stop(world));
	assert_int_equal(stat(world->path, &after), 0);
	assert_true(before.st_size > 1 << 20);
	assert_true(after.st_size < 700 << 10);
}

/* Violations of a day beyond the bound are counted, and are in no row of their own. */
static void test_details_of_a_day(void **state)
{
	struct world *world = *state;
	const uint32_t at_once = 8000;
	uint64_t rounds = ME_HISTORY_DETAILS_DAY / at_once + 2;

	world->now.epoch_ns -= world->now.epoch_ns % (24 * HOUR_NS);
	world_up(world);
	world_begin(world);
	for (uint64_t i = 0; i < rounds; i++) {
		world_pass(world, 10);
		for (uint32_t j = 0; j < at_once; j++)
			world_violate(world, 0xc6330000 + j, true);
		assert_true(world_round(world));
		if (i == 3) { /* the bound is that of the day, not of the daemon */
			world_kill(world);
			world_up(world);
			world_begin(world);
		}
	}
	world_agrees(world);
	assert_int_equal(world_told(world, WORLD_EVER, NULL, "").count,
			 rounds * at_once - ME_HISTORY_DETAILS_DAY);
	assert_int_equal(me_history_status(world->history)->dropped,
			 rounds * at_once - ME_HISTORY_DETAILS_DAY);
	world_pass(world, 24 * 3600);
	world_violate(world, 0xc6330000, true);
	assert_true(world_round(world));
	assert_int_equal(world_told(world, WORLD_EVER, NULL, "").count,
			 rounds * at_once - ME_HISTORY_DETAILS_DAY);
}

/* More groups at a time than there is room for. */
static void test_groups(void **state)
{
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	for (uint32_t i = 0; i < ME_HISTORY_GROUPS_MAX + 100; i++)
		world_violate(world, 0xc6330000 + i, true);
	world_pass(world, 10);
	assert_true(world_round(world));
	world_agrees(world);
	assert_int_equal(world_told(world, WORLD_EVER, NULL, "").count, 100);
	assert_int_equal(me_history_status(world->history)->dropped, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_details_of_a_day, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
