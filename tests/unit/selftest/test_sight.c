/* SPDX-License-Identifier: GPL-2.0-only */
/* From what was measured to a cell, and whether that is as declared. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "selftest/sight.h"

/* One attempt that is as it should be, to a listed destination. */
static struct me_run good(enum me_vantage vantage)
{
	struct me_run run = {.vantage = vantage,
			     .listed = true,
			     .attempts = 1,
			     .arrived = 3,
			     .allowed = 1,
			     .flows = 1,
			     .right = 1};

	run.counted[vantage] = 1;
	return run;
}

static struct me_run denied(enum me_vantage vantage)
{
	struct me_run run = good(vantage);

	run.listed = false;
	run.enforced = true;
	run.error = EPERM;
	run.arrived = run.allowed = 0;
	run.violations = run.denied = 1;
	return run;
}

static enum me_sight sight_of(const struct me_run *run)
{
	struct me_seen seen;

	me_run_seen(run, &seen);
	assert_true((seen.sight == ME_SIGHT_OTHER) == (*seen.why != '\0'));
	return seen.sight;
}

static void each_attempt_once_and_judged(void **state)
{
	for (enum me_vantage v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++) {
		struct me_run run = good(v);

		assert_int_equal(sight_of(&run), ME_SIGHT_JUDGED);
		run.listed = false;
		assert_int_equal(sight_of(&run), ME_SIGHT_OTHER);
		run.violations = 1;
		assert_int_equal(sight_of(&run), ME_SIGHT_JUDGED);
	}
}

static void anything_less_is_otherwise(void **state)
{
	const struct me_run run = good(ME_HOST);
	struct me_run worse[] = {run, run, run, run, run, run, run};

	worse[0].attempts = 2;
	worse[1].counted[ME_HOST] = 2;
	worse[2].counted[ME_TRANSIT] = 1; /* once more */
	worse[3].allowed = 0;
	worse[4].flows = 2;
	worse[5].right = 0;
	worse[6].arrived = 0; /* it was not sent at all */
	for (size_t i = 0; i < ME_ARRAY_SIZE(worse); i++)
		assert_int_equal(sight_of(&worse[i]), ME_SIGHT_OTHER);
}

static void what_is_not_seen(void **state)
{
	struct me_run run = {.vantage = ME_HOST, .attempts = 1, .arrived = 1};

	assert_int_equal(sight_of(&run), ME_SIGHT_OTHER); /* by nobody */
	run.counted[ME_TRANSIT] = 1;
	assert_int_equal(sight_of(&run), ME_SIGHT_BLIND);
	run.found = true;
	assert_int_equal(sight_of(&run), ME_SIGHT_FOUND);
	run = (struct me_run){.vantage = ME_TRANSIT, .attempts = 1, .arrived = 1};
	assert_int_equal(sight_of(&run), ME_SIGHT_BLIND);
	run = (struct me_run){.vantage = ME_HOST};
	assert_int_equal(sight_of(&run), ME_SIGHT_NOTHING);
	run.arrived = 1;
	assert_int_equal(sight_of(&run), ME_SIGHT_OTHER);
}

static void what_others_opened_is_no_attempt(void **state)
{
	struct me_run host = {.vantage = ME_HOST, .accepted = 2, .arrived = 9},
		      transit = {.vantage = ME_TRANSIT,
				 .accepted = 2,
				 .arrived = 9,
				 .flows = 2,
				 .inbound = 2};

	assert_int_equal(sight_of(&host), ME_SIGHT_NOTHING);
	assert_int_equal(sight_of(&transit), ME_SIGHT_NOTHING);
	host.counted[ME_TRANSIT] = 1;
	assert_int_equal(sight_of(&host), ME_SIGHT_OTHER);
	transit.inbound = 1; /* taken for one that the mail host opened */
	assert_int_equal(sight_of(&transit), ME_SIGHT_OTHER);
	transit.flows = 1;
	assert_int_equal(sight_of(&transit), ME_SIGHT_OTHER);
	transit.flows = transit.inbound = 2;
	transit.counted[ME_TRANSIT] = 2;
	assert_int_equal(sight_of(&transit), ME_SIGHT_OTHER);
}

static void what_is_denied(void **state)
{
	struct me_run host = denied(ME_HOST), transit = denied(ME_TRANSIT);

	assert_int_equal(sight_of(&host), ME_SIGHT_DENIABLE);
	host.error = 0;
	assert_int_equal(sight_of(&host), ME_SIGHT_DROPPED);
	transit.error = 0;
	transit.attempts = 2; /* it tries once more */
	assert_int_equal(sight_of(&transit), ME_SIGHT_DENIABLE);
	transit.arrived = 1;
	assert_int_equal(sight_of(&transit), ME_SIGHT_OTHER);
	host.arrived = 1;
	assert_int_equal(sight_of(&host), ME_SIGHT_OTHER); /* its first packets left */
	host.error = EPERM;
	assert_int_equal(sight_of(&host), ME_SIGHT_OTHER);
	host.error = host.denied = 0;
	assert_int_equal(sight_of(&host), ME_SIGHT_JUDGED); /* it is only told */
	host.counted[ME_HOST] = host.violations = 0;
	assert_int_equal(sight_of(&host), ME_SIGHT_OTHER);
}

static void runs_have_to_agree(void **state)
{
	const struct me_seen judged = {.sight = ME_SIGHT_JUDGED}, blind = {.sight = ME_SIGHT_BLIND},
			     absent = {.sight = ME_SIGHT_ABSENT},
			     other = {.sight = ME_SIGHT_OTHER, .why = "odd"};
	struct me_seen seen = {.sight = ME_SIGHT_COUNT};

	me_seen_add(&seen, &absent);
	assert_int_equal(seen.sight, ME_SIGHT_ABSENT);
	me_seen_add(&seen, &judged);
	me_seen_add(&seen, &absent); /* of one family there is none */
	me_seen_add(&seen, &judged);
	assert_int_equal(seen.sight, ME_SIGHT_JUDGED);
	me_seen_add(&seen, &blind);
	assert_int_equal(seen.sight, ME_SIGHT_OTHER);
	assert_string_equal(seen.why, "seen judged one time, blind spot another");
	seen = judged;
	me_seen_add(&seen, &other);
	me_seen_add(&seen, &blind);
	assert_string_equal(seen.why, "odd");
}

/* Only where it is declared so may the moment decide who is told. */
static void who_is_told_by_the_moment(void **state)
{
	const struct me_seen dropped = {.sight = ME_SIGHT_DROPPED},
			     told = {.sight = ME_SIGHT_DENIABLE},
			     judged = {.sight = ME_SIGHT_JUDGED};
	struct me_path path = {.sight = {[ME_HOST] = ME_SIGHT_DENIED}};
	struct me_path_row row = {.path = &path, .seen = {[ME_HOST] = told}};

	assert_true(me_cell_holds(&row, ME_HOST));
	me_seen_add(&row.seen[ME_HOST], &told);
	assert_int_equal(row.seen[ME_HOST].sight, ME_SIGHT_DENIABLE);
	me_seen_add(&row.seen[ME_HOST], &dropped);
	assert_int_equal(row.seen[ME_HOST].sight, ME_SIGHT_DENIED);
	me_seen_add(&row.seen[ME_HOST], &told);
	assert_int_equal(row.seen[ME_HOST].sight, ME_SIGHT_DENIED);
	assert_true(me_cell_holds(&row, ME_HOST));
	path.sight[ME_HOST] = ME_SIGHT_DROPPED;
	assert_false(me_cell_holds(&row, ME_HOST));
	row.seen[ME_HOST] = told;
	assert_false(me_cell_holds(&row, ME_HOST));
	path.sight[ME_HOST] = ME_SIGHT_DENIED;
	row.seen[ME_HOST] = dropped;
	assert_true(me_cell_holds(&row, ME_HOST));
	row.seen[ME_HOST] = judged;
	assert_false(me_cell_holds(&row, ME_HOST));
	path.sight[ME_HOST] = ME_SIGHT_DENIABLE;
	row.seen[ME_HOST] = dropped;
	assert_false(me_cell_holds(&row, ME_HOST));
}

static void denying_adds_to_what_is_judged_alone(void **state)
{
	const struct me_seen denied = {.sight = ME_SIGHT_DENIABLE},
			     none = {.sight = ME_SIGHT_COUNT};
	struct me_seen seen = {.sight = ME_SIGHT_JUDGED};

	me_seen_deny(&seen, &none);
	assert_int_equal(seen.sight, ME_SIGHT_JUDGED);
	me_seen_deny(&seen, &denied);
	assert_int_equal(seen.sight, ME_SIGHT_DENIABLE);
	seen.sight = ME_SIGHT_OTHER;
	me_seen_deny(&seen, &denied);
	assert_int_equal(seen.sight, ME_SIGHT_OTHER);
}

static void verdicts_of_tricks(void **state)
{
	assert_int_equal(me_sight_of(ME_ALLOWED, ME_REASON_NONE, ME_EVIDENCE_LEARNED),
			 ME_SIGHT_LEARNED);
	assert_int_equal(me_sight_of(ME_ALLOWED, ME_REASON_NONE, ME_EVIDENCE_LISTED),
			 ME_SIGHT_LISTED);
	assert_int_equal(me_sight_of(ME_ALLOWED, ME_REASON_NONE, ME_EVIDENCE_DOCUMENTED),
			 ME_SIGHT_DOCUMENTED);
	assert_int_equal(me_sight_of(ME_ALLOWED, ME_REASON_NONE, ME_EVIDENCE_STALE),
			 ME_SIGHT_OTHER);
	assert_int_equal(me_sight_of(ME_LOCAL, ME_REASON_NONE, ME_EVIDENCE_LISTED), ME_SIGHT_OTHER);
	assert_int_equal(me_sight_of(ME_VIOLATION, ME_REASON_QUIC, ME_EVIDENCE_LEARNED),
			 ME_SIGHT_QUIC);
	assert_int_equal(me_sight_of(ME_VIOLATION, ME_REASON_NONE, ME_EVIDENCE_NONE),
			 ME_SIGHT_OTHER);
	assert_int_equal(me_sight_of(ME_UNRESOLVED, ME_REASON_NONE, ME_EVIDENCE_NONE),
			 ME_SIGHT_OTHER);
}

/* Every row: what it declares can come of it, names are told apart, and sums are of rows. */
static void the_declaration(void **state)
{
	struct me_path_row rows[3] = {
		{.path = &me_paths[0]}, {.path = &me_paths[1]}, {.path = &me_paths[2]}};
	struct me_path_sums sums;

	for (size_t i = 0; i < ME_PATH_COUNT; i++) {
		assert_true(me_paths[i].families == 4 || me_paths[i].families == 6 ||
			    me_paths[i].families == 46);
		for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
			assert_true(me_paths[i].sight[v] < ME_SIGHT_ABSENT);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(me_paths[i].name, me_paths[j].name);
	}
	for (int i = 0; i < 3; i++)
		for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
			rows[i].seen[v].sight = rows[i].path->sight[v];
	rows[1].seen[ME_HOST].sight = rows[1].seen[ME_TRANSIT].sight = ME_SIGHT_ABSENT;
	rows[2].seen[ME_TRANSIT].sight = ME_SIGHT_BLIND;
	assert_true(me_cell_holds(&rows[0], ME_HOST));
	assert_true(me_cell_holds(&rows[1], ME_HOST)); /* but it is not counted as passed */
	assert_false(me_cell_holds(&rows[2], ME_TRANSIT));
	sums = me_paths_sum(rows, 3);
	assert_int_equal(sums.rows, 3);
	assert_int_equal(sums.absent, 1);
	assert_int_equal(sums.wrong, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_attempt_once_and_judged),
		cmocka_unit_test(anything_less_is_otherwise),
		cmocka_unit_test(what_is_not_seen),
		cmocka_unit_test(what_others_opened_is_no_attempt),
		cmocka_unit_test(what_is_denied),
		cmocka_unit_test(runs_have_to_agree),
		cmocka_unit_test(who_is_told_by_the_moment),
		cmocka_unit_test(denying_adds_to_what_is_judged_alone),
		cmocka_unit_test(verdicts_of_tricks),
		cmocka_unit_test(the_declaration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
