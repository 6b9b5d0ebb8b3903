/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/folds.h"

#include <errno.h>
#include <stdio.h>
#include "base/cleanup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void check(const struct me_folds *folds, const char *expected)
{
	_cleanup_strbuf_ struct me_strbuf path = {0};

	me_folds_add(folds, &path);
	assert_string_equal(path.data ? path.data : "", expected);
}

static void some_show_their_rows(void **state)
{
	struct me_folds folds = {0};

	check(&folds, "");
	assert_false(me_folds_shows(&folds, "a"));
	assert_int_equal(me_folds_set(&folds, "a", true), 0);
	assert_int_equal(me_folds_set(&folds, "b", true), 0);
	assert_int_equal(me_folds_set(&folds, "a", true), 0);
	assert_true(me_folds_shows(&folds, "a"));
	check(&folds, "&unfold=a,b");
	assert_int_equal(me_folds_set(&folds, "a", false), 0);
	check(&folds, "&unfold=b");
	me_folds_set_all(&folds, true);
	assert_true(me_folds_shows(&folds, "c"));
	check(&folds, "&unfold=all");
	assert_int_equal(me_folds_set(&folds, "c", false), 0);
	assert_false(me_folds_shows(&folds, "c"));
	check(&folds, "&unfold=all,c");
	me_folds_set_all(&folds, false);
	check(&folds, "");
}

static void there_is_a_limit(void **state)
{
	struct me_folds folds = {0};
	char id[ME_FOLDS_ID_LEN];

	for (int i = 0; i < ME_FOLDS_MAX; i++) {
		snprintf(id, sizeof(id), "%016x", i);
		assert_int_equal(me_folds_set(&folds, id, true), 0);
	}
	assert_int_equal(me_folds_set(&folds, "x", true), -ENOSPC);
	assert_false(me_folds_shows(&folds, "x"));
	assert_int_equal(me_folds_set(&folds, id, false), 0);
	assert_int_equal(me_folds_set(&folds, "x", true), 0);
	/* What can be no id is none. */
	assert_int_equal(me_folds_set(&folds, "0123456789abcdef0", false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_show_their_rows),
		cmocka_unit_test(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
