/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel that takes the programs lacks nothing of what a refusal would name; tests/kernels has one that does. */
#include "kernel/needs.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void nothing_is_missing_here(void **state)
{
	char missing[512] = "x";

	assert_int_equal(me_needs_missing(missing, sizeof(missing)), 0);
	assert_string_equal(missing, "");
}

/* Programs that are refused for another reason, or by a kernel that has all of it. */
static void another_reason_is_kept(void **state)
{
	struct me_why why = {};

	assert_int_equal(me_needs_refused(&why, -EPERM, "the programs"), -EPERM);
	assert_non_null(strstr(why.text, "the programs: not permitted"));
	assert_int_equal(me_needs_refused(&why, -EINVAL, "the programs"), -ENOSYS);
	assert_non_null(strstr(why.text, "the programs: Function not implemented"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_missing_here),
		cmocka_unit_test(another_reason_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
