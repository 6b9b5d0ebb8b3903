/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

static void reads_whole_decimal_numbers(void **state)
{
	uint64_t n = 7;

	assert_true(me_text_parse_u64("0", 0, 10, &n));
	assert_int_equal(n, 0);
	assert_true(me_text_parse_u64("18446744073709551615", 0, UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	assert_true(me_text_parse_u64("0065535", 0, 65535, &n));
	assert_int_equal(n, 65535);
}

static void refuses_what_is_no_number(void **state)
{
	static const char *const wrong[] = {
		"",    " 1",   "1 ",
		"+1",  "-1",   "0x10",
		"1e3", "1.0",  "18446744073709551616",
		"one", "\xb2", "99999999999999999999999",
	};
	uint64_t n = 7;

	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++)
		assert_false(me_text_parse_u64(wrong[i], 0, UINT64_MAX, &n));
	assert_false(me_text_parse_u64("65536", 0, 65535, &n));
	assert_false(me_text_parse_u64("0", 1, 65535, &n));
	assert_int_equal(n, 7);
}

static void measures_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} cases[] = {
		{"", "", 0},           {"", "abc", 3},        {"ports", "ports", 0},
		{"ports", "prots", 1}, {"ports", "port", 1},  {"ports", "portss", 1},
		{"ports", "parts", 1}, {"PORTS", "ports", 0}, {"kitten", "sitting", 3},
		{"ca", "abc", 3},      {"abcd", "badc", 2},
	};
	char longest[ME_TEXT_WORD_MAX + 2];

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		assert_int_equal(me_text_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(me_text_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
	memset(longest, 'x', sizeof(longest));
	longest[ME_TEXT_WORD_MAX] = '\0';
	assert_int_equal(me_text_distance(longest, ""), ME_TEXT_WORD_MAX);
	longest[ME_TEXT_WORD_MAX] = 'x';
	longest[ME_TEXT_WORD_MAX + 1] = '\0';
	assert_true(me_text_distance(longest, longest) == SIZE_MAX);
}

static void finds_the_near_miss(void **state)
{
	static const char *const keys[] = {"service", "name", "to", "ports", "passive", "private"};

#define NEAREST(word) me_text_nearest(word, keys, ME_ARRAY_SIZE(keys))
	assert_string_equal(NEAREST("servcie"), "service");
	assert_string_equal(NEAREST("port"), "ports");
	assert_string_equal(NEAREST("pasive"), "passive");
	assert_string_equal(NEAREST("Name"), "name");
	assert_string_equal(NEAREST("TO"), "to");
	assert_string_equal(NEAREST("t"), "to");
	assert_null(NEAREST("x"));
	assert_null(NEAREST("xy"));
	assert_null(NEAREST("destination"));
	assert_null(NEAREST(""));
	assert_null(me_text_nearest("service", NULL, 0));
#undef NEAREST
}

static void assert_escaped(const char *in, size_t len, const char *expected)
{
	char out[256];

	assert_int_equal(me_text_escape(out, sizeof(out), in, len), strlen(expected));
	assert_string_equal(out, expected);
}

#define ASSERT_ESCAPED(literal, expected) assert_escaped(literal, sizeof(literal) - 1, expected)

static void escapes_what_could_do_harm(void **state)
{
	ASSERT_ESCAPED("", "");
	ASSERT_ESCAPED("mail.example", "mail.example");
	ASSERT_ESCAPED("a\\b\"c'd", "a\\x5cb\\x22c\\x27d");
	ASSERT_ESCAPED("\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
	ASSERT_ESCAPED("a\0b", "a\\x00b");
	ASSERT_ESCAPED("b\xc3\xbc"
		       "cher \xe2\x82\xac \xf0\x9f\x93\xae",
		       "b\xc3\xbc"
		       "cher \xe2\x82\xac \xf0\x9f\x93\xae");
	/* C1 control, right-to-left override, isolate. */
	ASSERT_ESCAPED("\xc2\x9b", "\\xc2\\x9b");
	ASSERT_ESCAPED("\xe2\x80\xae", "\\xe2\\x80\\xae");
	ASSERT_ESCAPED("\xe2\x81\xa6", "\\xe2\\x81\\xa6");
}

static void escapes_what_is_not_utf8(void **state)
{
	ASSERT_ESCAPED("\xff\xfe", "\\xff\\xfe");
	ASSERT_ESCAPED("\x80x", "\\x80x");
	ASSERT_ESCAPED("\xc0\xaf", "\\xc0\\xaf");
	ASSERT_ESCAPED("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ASSERT_ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80");
	ASSERT_ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	ASSERT_ESCAPED("\xf8\x88\x80\x80", "\\xf8\\x88\\x80\\x80");
	ASSERT_ESCAPED("\xe2\x82", "\\xe2\\x82");
	ASSERT_ESCAPED("\xe2\x82z", "\\xe2\\x82z");
}

static void cuts_between_characters(void **state)
{
	char out[8] = "unset";

	assert_int_equal(me_text_escape(out, 0, "a", 1), 0);
	assert_string_equal(out, "unset");
	assert_int_equal(me_text_escape(out, 1, "a", 1), 0);
	assert_string_equal(out, "");
	assert_int_equal(me_text_escape(out, 5, "\n\n", 2), 4);
	assert_string_equal(out, "\\x0a");
	assert_int_equal(me_text_escape(out, 8, "\n\n", 2), 4);
	assert_int_equal(me_text_escape(out, 4, "ab\xe2\x82\xac", 5), 2);
	assert_string_equal(out, "ab");
}

static void escapes_any_bytes(void **state)
{
	uint64_t random = me_seed();

	for (int round = 0; round < 20000; round++) {
		char in[32], out[ME_TEXT_ESCAPED(sizeof(in))];
		size_t len = me_seed_next(&random) % (sizeof(in) + 1), written;

		for (size_t i = 0; i < len; i++)
			in[i] = (char)me_seed_next(&random);
		written = me_text_escape(out, sizeof(out), in, len);
		assert_int_equal(strlen(out), written);
		assert_true(written >= len);
		for (size_t i = 0; i < written; i++)
			assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f &&
				    out[i] != '"');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_decimal_numbers),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(measures_distance),
		cmocka_unit_test(finds_the_near_miss),
		cmocka_unit_test(escapes_what_could_do_harm),
		cmocka_unit_test(escapes_what_is_not_utf8),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(escapes_any_bytes),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
