/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/sort.h"

#include <string.h>
#include "metop/dns.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct me_column *column(enum me_view_id view, uint8_t part, const char *title)
{
	const struct me_view of = me_view_part(&me_views[view], part);
	size_t i = me_view_column(&of, title);

	assert_int_not_equal(i, of.n_columns);
	return &of.columns[i];
}

static void add(struct me_rows *rows, const char *key)
{
	me_rows_begin(rows);
	me_rows_set_key(rows, key);
}

static void check(const struct me_rows *rows, const char *const *keys)
{
	for (size_t i = 0; i < rows->n; i++)
		assert_string_equal(rows->rows[i].key, keys[i]);
}

static void unknown_rates_come_last_either_way(void **state)
{
	static const double rates[] = {5, -1, 0, 7, 0};
	static const char *const keys[] = {"five", "unknown", "zero", "seven", "zero2"};
	static const char *const down[] = {"seven", "five", "zero", "zero2", "unknown"};
	static const char *const up[] = {"zero", "zero2", "five", "seven", "unknown"};

	for (int desc = 0; desc < 2; desc++) {
		_cleanup_rows_ struct me_rows *rows = me_rows_new();

		for (size_t i = 0; i < 5; i++) {
			add(rows, keys[i]);
			rows->rows[i].rate[0] = rates[i];
		}
		assert_int_equal(me_sort_rows(rows->rows, rows->n,
					      column(ME_VIEW_VIOLATIONS, 0, "/S"), desc),
				 0);
		check(rows, desc ? down : up);
	}
}

static void text_and_numbers_and_times(void **state)
{
	static const char *const by_name[] = {"b", "a", "c", "none"};
	static const char *const by_count[] = {"a", "c", "b", "none"};
	static const char *const by_time[] = {"b", "c", "a", "none"};
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	add(rows, "none");
	add(rows, "a");
	me_rows_add_text(rows, "name", "Mail");
	me_rows_add_number(rows, "count", 900, "900");
	me_rows_add_text(rows, "last", "2027-01-01T00:00:09Z");
	add(rows, "b");
	me_rows_add_text(rows, "name", "hub");
	me_rows_add_number(rows, "count", 1000, "1000");
	me_rows_add_text(rows, "last", "2027-01-01T00:00:01.5Z");
	add(rows, "c");
	me_rows_add_text(rows, "name", "News");
	me_rows_add_number(rows, "count", 999, "999");
	me_rows_add_text(rows, "last", "2027-01-01T00:00:01.6Z");
	assert_int_equal(me_sort_rows(rows->rows, rows->n,
				      column(ME_VIEW_DNS, ME_DNS_ANSWERS, "NAME"), false),
			 0);
	check(rows, by_name);
	assert_int_equal(me_sort_rows(rows->rows, rows->n,
				      column(ME_VIEW_DNS, ME_DNS_ANSWERS, "COUNT"), false),
			 0);
	check(rows, by_count);
	assert_int_equal(me_sort_rows(rows->rows, rows->n,
				      column(ME_VIEW_DNS, ME_DNS_ANSWERS, "LAST"), false),
			 0);
	check(rows, by_time);
}

static void the_worst_mark_comes_first(void **state)
{
	static const char *const states[] = {"ok", "", "failed", "notice", "problem"};
	static const char *const worst[] = {"failed", "problem", "notice", "ok", ""};
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	struct me_order order = me_view_first_order(&me_views[ME_VIEW_HEALTH], 0);

	for (size_t i = 0; i < 5; i++) {
		add(rows, states[i]);
		if (*states[i])
			me_rows_add_text(rows, "state", states[i]);
	}
	assert_true(order.desc);
	assert_int_equal(me_sort_view(&me_views[ME_VIEW_HEALTH], rows, &order), 0);
	check(rows, worst);
}

/* Each part has its order, below its heading; that of the daemon stays as it came. */
static void parts_stay_apart(void **state)
{
	static const char *const keys[] = {"many", "few", "zones", "b", "a", "answers", "z", "y"};
	struct me_order orders[ME_PARTS_MAX];
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	for (size_t p = 0; p < ME_PARTS_MAX; p++)
		orders[p] = me_view_first_order(&me_views[ME_VIEW_DNS], p);
	add(rows, "few");
	me_rows_add_number(rows, "queries", 1, "1");
	add(rows, "many");
	me_rows_add_number(rows, "queries", 2, "2");
	add(rows, "zones");
	me_rows_set_part(rows, ME_DNS_ZONES, true);
	add(rows, "a");
	me_rows_set_part(rows, ME_DNS_ZONES, false);
	me_rows_add_number(rows, "queries", 7, "7");
	add(rows, "b");
	me_rows_set_part(rows, ME_DNS_ZONES, false);
	me_rows_add_number(rows, "queries", 8, "8");
	add(rows, "answers");
	me_rows_set_part(rows, ME_DNS_ANSWERS, true);
	add(rows, "z");
	me_rows_set_part(rows, ME_DNS_ANSWERS, false);
	add(rows, "y");
	me_rows_set_part(rows, ME_DNS_ANSWERS, false);
	assert_int_equal(me_sort_view(&me_views[ME_VIEW_DNS], rows, orders), 0);
	check(rows, keys);
	assert_int_equal(rows->n, ME_ARRAY_SIZE(keys));
}

/* Where the daemon has the value it has the order too: it knows all rows. */
static void what_is_sorted_here(void **state)
{
	for (size_t i = 0; i < me_views[ME_VIEW_FLOWS].n_columns; i++)
		assert_false(me_sort_is_here(&me_views[ME_VIEW_FLOWS], 0, i));
	for (size_t i = 0; i < me_views[ME_VIEW_HEALTH].n_columns; i++)
		assert_true(me_sort_is_here(&me_views[ME_VIEW_HEALTH], 0, i));
	assert_true(me_sort_is_here(&me_views[ME_VIEW_DNS], ME_DNS_ZONES, 1));
	assert_false(me_sort_is_here(&me_views[ME_VIEW_DNS], ME_DNS_ANSWERS, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_rates_come_last_either_way),
		cmocka_unit_test(text_and_numbers_and_times),
		cmocka_unit_test(the_worst_mark_comes_first),
		cmocka_unit_test(parts_stay_apart),
		cmocka_unit_test(what_is_sorted_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
