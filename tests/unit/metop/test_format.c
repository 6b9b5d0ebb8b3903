/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/format.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void quantities_take_five_columns(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{999, "999"},
		{999.4, "999"},
		{999.5, "1.00k"},
		{1000, "1.00k"},
		{9994, "9.99k"},
		{9995, "10.0k"},
		{99949, "99.9k"},
		{99950, "100k"},
		{999499, "999k"},
		{999500, "1.00M"},
		{12345678, "12.3M"},
		{1.5e12, "1.50T"},
		{1.8e19, "18.0E"},
		{-1, ""},
		{(double)NAN, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[ME_FORMAT_LEN];

		me_format_quantity(cases[i].value, text);
		assert_string_equal(text, cases[i].text);
	}
	for (double value = 1; value < 1.8e19; value *= 1.003) {
		char text[ME_FORMAT_LEN];

		me_format_quantity(value, text);
		assert_in_range(strlen(text), 1, 5);
	}
}

static void rates_have_a_decimal_when_small(void **state)
{
	char text[ME_FORMAT_LEN];

	me_format_rate(0, text);
	assert_string_equal(text, "0");
	me_format_rate(0.26, text);
	assert_string_equal(text, "0.3");
	me_format_rate(9.96, text);
	assert_string_equal(text, "10");
	me_format_rate(2500, text);
	assert_string_equal(text, "2.50k");
	me_format_rate(-1, text);
	assert_string_equal(text, "");
}

static void counts_have_their_thousands_apart(void **state)
{
	char text[ME_FORMAT_LEN];

	me_format_count(0, text);
	assert_string_equal(text, "0");
	me_format_count(999, text);
	assert_string_equal(text, "999");
	me_format_count(1000, text);
	assert_string_equal(text, "1,000");
	me_format_count(UINT64_MAX, text);
	assert_string_equal(text, "18,446,744,073,709,551,615");
}

static void ages_and_uptimes(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *age, *uptime;
	} cases[] = {
		{0, "0s", "00:00:00"},      {59, "59s", "00:00:59"},
		{60, "1m", "00:01:00"},     {3599, "59m", "00:59:59"},
		{3600, "1h", "01:00:00"},   {86399, "23h", "23:59:59"},
		{86400, "24h", "1d 00:00"}, {172800, "2d", "2d 00:00"},
		{93784, "26h", "1d 02:03"}, {34560000, "400d", "400d 00:00"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[ME_FORMAT_LEN];

		me_format_age(cases[i].seconds, text);
		assert_string_equal(text, cases[i].age);
		me_format_uptime(cases[i].seconds, text);
		assert_string_equal(text, cases[i].uptime);
	}
}

static void times_are_read_to_the_nanosecond(void **state)
{
	uint64_t ns = 0;

	assert_int_equal(me_format_parse_time("1970-01-01T00:00:00Z", &ns), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(me_format_parse_time("2027-01-01T00:00:01.500Z", &ns), 0);
	assert_int_equal(ns, 1798761601500000000);
	assert_int_equal(me_format_parse_time("2027-01-01T00:00:01.123456789012Z", &ns), 0);
	assert_int_equal(ns, 1798761601123456789);
}

static void other_times_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2027-01-01",
		"2027-01-01T00:00:00",
		"2027-01-01T00:00:00.Z",
		"2027-01-01T00:00:00+01:00",
		"2027-13-01T00:00:00Z",
		"2027-01-01T00:00:00Zz",
		"1969-12-31T23:59:59Z",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t ns = 7;

		assert_int_equal(me_format_parse_time(bad[i], &ns), -EINVAL);
		assert_int_equal(ns, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_take_five_columns),
		cmocka_unit_test(rates_have_a_decimal_when_small),
		cmocka_unit_test(counts_have_their_thousands_apart),
		cmocka_unit_test(ages_and_uptimes),
		cmocka_unit_test(times_are_read_to_the_nanosecond),
		cmocka_unit_test(other_times_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
