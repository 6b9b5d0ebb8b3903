/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of numbers as lines of bars, with and without UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "metop/trend.h"

#define HOUR                                                                                       \
	"0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "     \
	"0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 4, "  \
	"0, 0, 0"

static const struct {
	const char *numbers, *utf8, *ascii;
} cases[] = {
	{"", "", ""},
	{"0", " ", "."},
	{"0, 1, 8, 4", " \u2581\u2588\u2584", "._#-"},
	{"7, 7", "\u2588\u2588", "##"},
	{"1, 100000", "\u2581\u2588", "_#"},
	{"4294967295, 4294967295", "\u2588\u2588", "##"},
	{HOUR, "        \u2581\u2588", "........_#"},
	{"5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1", /* 11: the oldest is left out */
	 "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588", "##########"},
	{"1, x", "", ""},
	{"1,, 2", "", ""},
	{"-1", "", ""},
	{"1, ", "", ""},
	{"99999999999999999999999999", "", ""},
};

static void test_trends(void **state)
{
	char text[ME_TREND_LEN];

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
		me_trend_text(cases[i].numbers, text);
		assert_string_equal(text, cases[i].utf8);
		assert_non_null(setlocale(LC_CTYPE, "C"));
		me_trend_text(cases[i].numbers, text);
		assert_string_equal(text, cases[i].ascii);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
