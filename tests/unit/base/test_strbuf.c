/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/strbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void starts_empty(void **state)
{
	_cleanup_strbuf_ struct me_strbuf b = {0};

	assert_null(b.data);
	me_strbuf_adds(&b, "");
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
}

static void joins_what_is_added(void **state)
{
	_cleanup_strbuf_ struct me_strbuf b = {0};

	me_strbuf_adds(&b, "port ");
	me_strbuf_addf(&b, "%s/%d", "tcp", 443);
	me_strbuf_addc(&b, ';');
	me_strbuf_add(&b, "a\0b", 3);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 16);
	assert_memory_equal(b.data, "port tcp/443;a\0b", 17);
}

static void grows_at_every_length(void **state)
{
	for (size_t n = 0; n < 300; n++) {
		_cleanup_strbuf_ struct me_strbuf b = {0};

		for (size_t i = 0; i < n; i++)
			me_strbuf_addc(&b, 'x');
		me_strbuf_addf(&b, "%*s", (int)n, "y");
		assert_int_equal(b.err, 0);
		assert_int_equal(b.len, n + (n ? n : 1));
		assert_int_equal(strlen(b.data), b.len);
		assert_int_equal(b.data[b.len - 1], 'y');
	}
}

static void an_error_sticks(void **state)
{
	struct me_strbuf b = {0};

	me_strbuf_adds(&b, "kept");
	me_strbuf_add(&b, "", SIZE_MAX - 16);
	assert_int_equal(b.err, -ENOMEM);
	me_strbuf_adds(&b, " no more");
	me_strbuf_addf(&b, "%d", 1);
	assert_string_equal(b.data, "kept");
	me_strbuf_free(&b);
	assert_int_equal(b.err, 0);
	assert_null(b.data);
	me_strbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(joins_what_is_added),
		cmocka_unit_test(grows_at_every_length),
		cmocka_unit_test(an_error_sticks),
	};

	return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
