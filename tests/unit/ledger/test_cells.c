/* SPDX-License-Identifier: GPL-2.0-only */
#include "fixture.h"
#include "ledger/cells.h"

static uint64_t cells[ME_CELL_COUNT];

static int clear(void **state)
{
	(void)state;
	memset(cells, 0, sizeof(cells));
	return 0;
}

static uint64_t *cell(uint32_t service, enum me_cell_kind kind, uint32_t what)
{
	return &cells[me_cell(ME_HOST, service, kind, what)];
}

static void test_outright(void **state)
{
	uint32_t end = me_cell_end(ME_VIOLATION, ME_REASON_QUIC);

	(void)state;
	*cell(3, ME_CELL_FINAL, ME_ALLOWED) = 5;
	*cell(3, ME_CELL_FINAL, end) = 2;
	assert_int_equal(me_cells_attempts(cells, ME_HOST), 7);
	assert_int_equal(me_cells_attempts(cells, ME_TRANSIT), 0);
	assert_int_equal(me_cells_pending(cells, ME_HOST), 0);
	assert_int_equal(me_cells_ended(cells, ME_HOST, 3, end), 2);
	assert_int_equal(me_cells_verdict(cells, ME_ALLOWED), 5);
	assert_int_equal(me_cells_verdict(cells, ME_VIOLATION), 2);
	for (int stage = ME_STAGE_PROVISIONAL; stage <= ME_STAGE_CONFIRMED; stage++)
		assert_int_equal(me_cells_violations(cells, ME_HOST, 3, ME_REASON_QUIC, stage), 2);
	assert_int_equal(me_cells_events(cells, ME_HOST, 3, ME_REASON_QUIC, ME_STAGE_PROVISIONAL),
			 0);
	assert_int_equal(me_cells_events(cells, ME_HOST, 3, ME_REASON_QUIC, ME_STAGE_CONFIRMED), 2);
}

/* Ten pending: four allowed, three confirmed as they were, one for another reason, two open. */
static void test_pending(void **state)
{
	(void)state;
	*cell(3, ME_CELL_OPENED, ME_REASON_UNLISTED_DESTINATION) = 10;
	*cell(4, ME_CELL_VIA, ME_ALLOWED) = 4;
	*cell(3, ME_CELL_VIA, me_cell_end(ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION)) = 3;
	*cell(3, ME_CELL_VIA, me_cell_end(ME_VIOLATION, ME_REASON_NAME_MISMATCH)) = 1;
	*cell(3, ME_CELL_SHED, ME_REASON_UNLISTED_DESTINATION) = 5;
	*cell(3, ME_CELL_GAINED, ME_REASON_NAME_MISMATCH) = 1;
	assert_int_equal(me_cells_attempts(cells, ME_HOST), 10);
	assert_int_equal(me_cells_pending(cells, ME_HOST), 2);
	assert_int_equal(me_cells_violations_sum(cells, ME_STAGE_PROVISIONAL), 11);
	assert_int_equal(me_cells_violations_sum(cells, ME_STAGE_CONFIRMED), 4);
	assert_int_equal(me_cells_violations_sum(cells, ME_STAGE_RETRACTED), 5);
	assert_int_equal(me_cells_unnamed(cells), 4);
	/* What is open is the difference. */
	assert_int_equal(11 - 4 - 5, me_cells_pending(cells, ME_HOST));
	/* attempts = sum of final + pending */
	assert_int_equal(me_cells_verdict(cells, ME_ALLOWED) +
				 me_cells_verdict(cells, ME_VIOLATION) + 2,
			 10);
}

static void test_pending_is_never_negative(void **state)
{
	(void)state;
	*cell(3, ME_CELL_VIA, ME_ALLOWED) = 1;
	assert_int_equal(me_cells_pending(cells, ME_HOST), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_outright, clear),
		cmocka_unit_test_setup(test_pending, clear),
		cmocka_unit_test_setup(test_pending_is_never_negative, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
