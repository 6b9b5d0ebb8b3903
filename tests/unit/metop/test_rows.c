/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/rows.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void add(struct me_rows *rows, const char *key, double sent)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f", sent);
	me_rows_begin(rows);
	me_rows_set_key(rows, key);
	me_rows_add_text(rows, "name", key);
	me_rows_add_number(rows, "sent", sent, text);
}

static void fields_are_found_by_name(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	const struct me_row *row;
	size_t index;

	for (int i = 0; i < 1000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		add(rows, key, i);
	}
	assert_int_equal(rows->err, 0);
	row = me_rows_find(rows, "k777", &index);
	assert_int_equal(index, 777);
	assert_string_equal(me_row_text(row, "name"), "k777");
	assert_string_equal(me_row_text(row, "sent"), "777");
	assert_true(me_row_number(row, "sent") == 777);
	assert_true(me_row_number(row, "name") == 0);
	assert_null(me_row_text(row, "sen"));
	index = 5;
	assert_null(me_rows_find(rows, "k1000", &index));
	assert_int_equal(index, 5);
}

static void a_row_has_a_limit(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	for (int i = 0; i < ME_ROW_FIELDS_MAX + 7; i++)
		me_rows_add_number(rows, "n", i, "x");
	assert_int_equal(rows->err, 0);
	assert_int_equal(rows->rows[0].n_fields, ME_ROW_FIELDS_MAX);
	assert_int_equal(rows->left_out, 7);
	assert_true(rows->rows[0].fields[ME_ROW_FIELDS_MAX - 1].number == ME_ROW_FIELDS_MAX - 1);
}

static void long_text_is_kept_whole(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	char text[200000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	me_rows_begin(rows);
	me_rows_add_text(rows, "long", text);
	me_rows_add_text(rows, "short", "y");
	assert_string_equal(me_row_text(&rows->rows[0], "long"), text);
	assert_string_equal(me_row_text(&rows->rows[0], "short"), "y");
}

static const char *const sent[ME_ROW_RATES] = {"sent"};

static void rates_are_growth_by_the_daemons_clock(void **state)
{
	_cleanup_rows_ struct me_rows *before = me_rows_new(), *now = me_rows_new();

	before->ts_ns = 1000000000;
	now->ts_ns = 3000000000;
	add(before, "a", 100);
	add(before, "b", 100);
	add(before, "gone", 100);
	add(now, "new", 900);
	add(now, "b", 600);
	add(now, "a", 50);
	me_rows_rate(now, before, sent);
	assert_true(now->rows[0].rate[0] < 0);
	assert_true(now->rows[1].rate[0] == 250);
	assert_true(now->rows[2].rate[0] < 0); /* it fell */
	assert_true(now->rows[1].rate[1] < 0); /* no second name */
}

static void the_same_moment_keeps_the_rate(void **state)
{
	_cleanup_rows_ struct me_rows *before = me_rows_new(), *now = me_rows_new();

	before->ts_ns = now->ts_ns = 5;
	add(before, "a", 1);
	before->rows[0].rate[0] = 42;
	add(now, "a", 1);
	me_rows_rate(now, before, sent);
	assert_true(now->rows[0].rate[0] == 42);
}

static void time_that_runs_backwards_gives_no_rate(void **state)
{
	_cleanup_rows_ struct me_rows *before = me_rows_new(), *now = me_rows_new();

	before->ts_ns = 9;
	now->ts_ns = 5;
	add(before, "a", 1);
	before->rows[0].rate[0] = 42;
	add(now, "a", 7);
	me_rows_rate(now, before, sent);
	assert_true(now->rows[0].rate[0] < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(a_row_has_a_limit),
		cmocka_unit_test(long_text_is_kept_whole),
		cmocka_unit_test(rates_are_growth_by_the_daemons_clock),
		cmocka_unit_test(the_same_moment_keeps_the_rate),
		cmocka_unit_test(time_that_runs_backwards_gives_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
