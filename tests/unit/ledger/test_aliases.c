/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "ledger/aliases.h"

static size_t count(const struct me_aliases *aliases, const char *target, uint64_t now_ns)
{
	size_t cursor = 0, n = 0;

	while (me_aliases_next(aliases, target, now_ns, &cursor))
		n++;
	return n;
}

static void names_lead_to_a_target(void **state)
{
	struct me_aliases *aliases = me_aliases_new();
	size_t cursor = 0;

	assert_int_equal(me_aliases_put(aliases, "edge.net", "a.example", 10), 0);
	assert_int_equal(me_aliases_put(aliases, "edge.net", "b.example", 20), 0);
	assert_int_equal(me_aliases_put(aliases, "other.net", "c.example", 20), 0);
	assert_int_equal(count(aliases, "edge.net", 5), 2);
	assert_int_equal(count(aliases, "edge.net", 15), 1);
	assert_string_equal(me_aliases_next(aliases, "edge.net", 15, &cursor), "b.example");
	assert_int_equal(count(aliases, "a.example", 5), 0);
	me_aliases_free(&aliases);
	assert_null(aliases);
}

static void add_until(const char *target, const char *name, uint64_t until_ns, void *userdata)
{
	assert_true(*target && *name);
	*(uint64_t *)userdata += until_ns;
}

static void all_that_holds_is_walked(void **state)
{
	struct me_aliases *aliases = me_aliases_new();
	uint64_t sum = 0;

	assert_int_equal(me_aliases_put(aliases, "edge.net", "a.example", 10), 0);
	assert_int_equal(me_aliases_put(aliases, "edge.net", "b.example", 20), 0);
	assert_int_equal(me_aliases_put(aliases, "other.net", "a.example", 40), 0);
	me_aliases_each(aliases, 15, add_until, &sum);
	assert_int_equal(sum, 60);
	me_aliases_free(&aliases);
}

static void what_is_known_is_prolonged(void **state)
{
	struct me_aliases *aliases = me_aliases_new();

	assert_int_equal(me_aliases_put(aliases, "edge.net", "a.example", 10), 0);
	assert_int_equal(me_aliases_put(aliases, "edge.net", "a.example", 30), 0);
	assert_int_equal(me_aliases_put(aliases, "edge.net", "a.example", 20), 0);
	assert_int_equal(count(aliases, "edge.net", 30), 1);
	assert_int_equal(count(aliases, "edge.net", 31), 0);
	me_aliases_free(&aliases);
}

static void bounds_hold(void **state)
{
	struct me_aliases *aliases = me_aliases_new();
	char name[32];
	size_t cursor = 0;

	for (uint32_t i = 0; i <= ME_ALIASES_OF_ONE_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_int_equal(me_aliases_put(aliases, "edge.net", name, 100 + i), 0);
	}
	assert_int_equal(count(aliases, "edge.net", 0), ME_ALIASES_OF_ONE_MAX);
	while (cursor < ME_ALIASES_OF_ONE_MAX)
		assert_string_not_equal(me_aliases_next(aliases, "edge.net", 0, &cursor),
					"n0.example");
	for (uint32_t i = 1; i < ME_ALIASES_TARGETS_MAX; i++) {
		snprintf(name, sizeof(name), "t%u.example", i);
		assert_int_equal(me_aliases_put(aliases, name, "x.example", 100), 0);
	}
	assert_int_equal(me_aliases_put(aliases, "more.example", "x.example", 100), -ENOSPC);
	me_aliases_expire(aliases, 101);
	assert_int_equal(me_aliases_put(aliases, "more.example", "x.example", 100), 0);
	assert_int_equal(count(aliases, "edge.net", 0), ME_ALIASES_OF_ONE_MAX);
	me_aliases_free(&aliases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_to_a_target),
		cmocka_unit_test(all_that_holds_is_walked),
		cmocka_unit_test(what_is_known_is_prolonged),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
