/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

ME_DEFINE_CLEANUP(struct me_table *, me_table_free)
#define _cleanup_table_ _cleanup_(me_table_freep)

static void adds_finds_and_removes(void **state)
{
	_cleanup_table_ struct me_table *t = me_table_new(3, sizeof(uint64_t), 0);
	void *value;

	assert_null(me_table_get(t, "abc"));
	assert_int_equal(me_table_remove(t, "abc"), -ENOENT);
	assert_int_equal(me_table_put(t, "abc", &value), 0);
	assert_int_equal(*(uint64_t *)value, 0);
	*(uint64_t *)value = 42;
	assert_int_equal(me_table_put(t, "abc", &value), 1);
	assert_int_equal(*(uint64_t *)value, 42);
	assert_ptr_equal(me_table_get(t, "abc"), value);
	assert_null(me_table_get(t, "abd"));
	assert_int_equal(me_table_put(t, "abd", NULL), 0);
	assert_int_equal(me_table_count(t), 2);
	assert_int_equal(me_table_remove(t, "abc"), 0);
	assert_null(me_table_get(t, "abc"));
	assert_int_equal(me_table_count(t), 1);
	/* Its place is used again, and clean. */
	assert_int_equal(me_table_put(t, "xyz", &value), 0);
	assert_int_equal(*(uint64_t *)value, 0);
}

static void holds_what_its_bound_says(void **state)
{
	_cleanup_table_ struct me_table *t = me_table_new(sizeof(uint32_t), 0, 100);
	uint32_t key;

	for (key = 0; key < 100; key++)
		assert_int_equal(me_table_put(t, &key, NULL), 0);
	assert_int_equal(me_table_put(t, &key, NULL), -ENOSPC);
	assert_null(me_table_get(t, &key));
	assert_int_equal(me_table_count(t), 100);
	key = 7;
	assert_int_equal(me_table_put(t, &key, NULL), 1);
	assert_int_equal(me_table_remove(t, &key), 0);
	key = 100;
	assert_int_equal(me_table_put(t, &key, NULL), 0);
	assert_int_equal(me_table_put(t, &(uint32_t){101}, NULL), -ENOSPC);
}

static void values_stay_while_others_go(void **state)
{
	_cleanup_table_ struct me_table *t = me_table_new(sizeof(uint32_t), sizeof(uint32_t), 0);
	uint32_t *values[200];

	for (uint32_t key = 0; key < ME_ARRAY_SIZE(values); key++) {
		void *value;

		assert_int_equal(me_table_put(t, &key, &value), 0);
		*(uint32_t *)value = key;
	}
	for (uint32_t key = 0; key < ME_ARRAY_SIZE(values); key++)
		values[key] = me_table_get(t, &key);
	for (uint32_t key = 0; key < ME_ARRAY_SIZE(values); key += 2)
		assert_int_equal(me_table_remove(t, &key), 0);
	for (uint32_t key = 1; key < ME_ARRAY_SIZE(values); key += 2) {
		assert_ptr_equal(me_table_get(t, &key), values[key]);
		assert_int_equal(*values[key], key);
	}
}

static void walks_once_over_each_while_removing(void **state)
{
	_cleanup_table_ struct me_table *t = me_table_new(sizeof(uint32_t), sizeof(uint32_t), 0);
	unsigned char seen[1000] = {0};
	const void *key;
	void *value;
	size_t cursor = 0;

	assert_false(me_table_next(t, &cursor, &key, &value));
	for (uint32_t i = 0; i < sizeof(seen); i++) {
		assert_int_equal(me_table_put(t, &i, &value), 0);
		*(uint32_t *)value = ~i;
	}
	cursor = 0;
	while (me_table_next(t, &cursor, &key, &value)) {
		uint32_t i = *(const uint32_t *)key;

		assert_int_equal(*(uint32_t *)value, ~i);
		seen[i]++;
		if (i % 3)
			assert_int_equal(me_table_remove(t, &i), 0);
	}
	for (uint32_t i = 0; i < sizeof(seen); i++) {
		assert_int_equal(seen[i], 1);
		assert_int_equal(me_table_get(t, &i) != NULL, i % 3 == 0);
	}
	cursor = 0;
	for (size_t n = 0; me_table_next(t, &cursor, NULL, NULL); n++)
		assert_true(n < 334);
	assert_int_equal(me_table_count(t), 334);
}

/* The table beside an array that cannot be wrong. */
static void behaves_like_an_array(void **state)
{
	enum { KEYS = 500, BOUND = 300 };
	_cleanup_table_ struct me_table *t =
		me_table_new(sizeof(uint64_t), sizeof(uint64_t), BOUND);
	uint64_t random = me_seed();
	static uint64_t expected[KEYS]; /* 0: not there */
	size_t count = 0, cursor = 0;
	void *value;

	for (int step = 0; step < 300000; step++) {
		uint64_t key = me_seed_next(&random) % KEYS;
		uint64_t what = me_seed_next(&random) % 4;

		value = me_table_get(t, &key);
		assert_int_equal(value != NULL, expected[key] != 0);
		if (value)
			assert_true(*(uint64_t *)value == expected[key]);
		/* Phases in which it fills and in which it empties. */
		if (what < (step / 20000 % 2 ? 3u : 1u)) {
			assert_int_equal(me_table_remove(t, &key), expected[key] ? 0 : -ENOENT);
			count -= expected[key] != 0;
			expected[key] = 0;
		} else if (!expected[key] && count == BOUND) {
			assert_int_equal(me_table_put(t, &key, &value), -ENOSPC);
		} else {
			assert_int_equal(me_table_put(t, &key, &value), expected[key] != 0);
			count += expected[key] == 0;
			expected[key] = (uint64_t)step + 1;
			*(uint64_t *)value = expected[key];
		}
		assert_int_equal(me_table_count(t), count);
	}
	while (me_table_next(t, &cursor, NULL, &value))
		count--;
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_finds_and_removes),
		cmocka_unit_test(holds_what_its_bound_says),
		cmocka_unit_test(values_stay_while_others_go),
		cmocka_unit_test(walks_once_over_each_while_removing),
		cmocka_unit_test(behaves_like_an_array),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
