/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/shown.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *fit(const char *text, size_t columns)
{
	static char out[ME_SHOWN_SIZE(200)];

	me_shown_fit(out, text, columns);
	return out;
}

static void what_is_printable_stays(void **state)
{
	assert_string_equal(fit("plain \\x41 \"text\"", 100), "plain \\x41 \"text\"");
	assert_string_equal(fit("日本 é", 100), "日本 é");
	assert_int_equal(me_shown_width("日本 é"), 6);
}

static void the_rest_is_escaped(void **state)
{
	assert_string_equal(fit("\x1b[2J", 100), "\\x1b[2J");
	assert_string_equal(fit("a\tb\nc\x7f", 100), "a\\x09b\\x0ac\\x7f");
	assert_string_equal(fit("\xc2\x9b", 100), "\\u009b"); /* CSI in one character */
	assert_string_equal(fit("a\xe2\x80\xae"
				"b",
				100),
			    "a\\u202eb");                       /* right to left */
	assert_string_equal(fit("e\xcc\x81", 100), "e\\u0301"); /* no width of its own */
	assert_string_equal(fit("\xf3\xa0\x80\x81", 100), "\\U000e0001");
}

static void bytes_that_are_not_utf8_are_escaped_one_by_one(void **state)
{
	assert_string_equal(fit("\xff\xc3(\x80", 100), "\\xff\\xc3(\\x80");
	assert_string_equal(fit("\xc0\xaf", 100), "\\xc0\\xaf");          /* overlong */
	assert_string_equal(fit("\xed\xa0\x80", 100), "\\xed\\xa0\\x80"); /* a surrogate */
	assert_string_equal(fit("\xe6\x97", 100), "\\xe6\\x97");          /* cut off */
	assert_string_equal(fit("\xf4\x90\x80\x80", 100), "\\xf4\\x90\\x80\\x80");
}

static void what_is_cut_ends_in_an_ellipsis(void **state)
{
	assert_string_equal(fit("abcdef", 6), "abcdef");
	assert_string_equal(fit("abcdef", 5), "abcd…");
	assert_string_equal(fit("abcdef", 1), "…");
	assert_string_equal(fit("abcdef", 0), "");
	assert_string_equal(fit("日本語", 6), "日本語");
	assert_string_equal(fit("日本語", 5), "日本…");
	assert_string_equal(fit("日本語", 4), "日…"); /* not half of a wide one */
	assert_string_equal(fit("ab\x1b", 5), "ab…"); /* nor a part of an escape */
}

static void folding_goes_on_at_every_width(void **state)
{
	const char *text = "日本\x1b語";

	assert_int_equal(me_shown_bytes(text, 4), 6);
	assert_int_equal(me_shown_bytes(text, 7), 6);
	assert_int_equal(me_shown_bytes(text, 8), 7);
	assert_int_equal(me_shown_bytes(text, 1), 3); /* never none: it would go on for ever */
	assert_int_equal(me_shown_bytes("", 5), 0);
}

static void a_locale_without_utf8_sees_ascii(void **state)
{
	setlocale(LC_CTYPE, "C");
	assert_string_equal(fit("a日", 100), "a\\u65e5");
	assert_string_equal(fit("abcdef", 4), "abc~");
	setlocale(LC_CTYPE, "C.UTF-8");
}

/* Whatever the bytes: nothing but printable characters, as many columns as said, no more than asked. */
static void random_bytes_never_reach_the_terminal(void **state)
{
	const char *given = getenv("ME_SEED");
	uint64_t seed = (uint64_t)time(NULL);

	if (given)
		me_text_parse_u64(given, 0, UINT32_MAX, &seed);
	print_message("ME_SEED=%u\n", (unsigned int)seed);
	srand((unsigned int)seed);
	for (int round = 0; round < 20000; round++) {
		char text[40], out[ME_SHOWN_SIZE(60)];
		size_t n = (size_t)rand() % (sizeof(text) - 1), columns = (size_t)rand() % 60;
		size_t used, width = 0;
		const char *at = out;
		mbstate_t mbs = {0};
		wchar_t c;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(rand() % (rand() % 2 ? 255 : 64) + 1);
		text[n] = '\0';
		used = me_shown_fit(out, text, columns);
		assert_true(used <= columns);
		if (me_shown_width(text) <= columns)
			assert_int_equal(used, me_shown_width(text));
		else if (columns)
			assert_string_equal(out + strlen(out) - strlen("…"), "…");
		for (size_t bytes; (bytes = mbrtowc(&c, at, MB_CUR_MAX, &mbs)); at += bytes) {
			assert_true(bytes < (size_t)-2);
			assert_true(wcwidth(c) > 0);
			width += (size_t)wcwidth(c);
		}
		assert_int_equal(width, used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printable_stays),
		cmocka_unit_test(the_rest_is_escaped),
		cmocka_unit_test(bytes_that_are_not_utf8_are_escaped_one_by_one),
		cmocka_unit_test(what_is_cut_ends_in_an_ellipsis),
		cmocka_unit_test(folding_goes_on_at_every_width),
		cmocka_unit_test(a_locale_without_utf8_sees_ascii),
		cmocka_unit_test(random_bytes_never_reach_the_terminal),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
