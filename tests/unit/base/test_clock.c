/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/cleanup.h"

static void writes_rfc3339(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999999, "1970-01-01T00:00:00.000Z"},
		{1234567890987654321u, "2009-02-13T23:31:30.987Z"},
		{951782400000000000u, "2000-02-29T00:00:00.000Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709Z"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		char text[ME_RFC3339_LEN];

		me_clock_rfc3339(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void reads_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"0s", 0},
		{"100ms", 100 * ME_NS_PER_MS},
		{"10s", 10 * ME_NS_PER_S},
		{"30m", 1800 * ME_NS_PER_S},
		{"1h", 3600 * ME_NS_PER_S},
		{"400d", 400ull * 86400 * ME_NS_PER_S},
		{"213503d", 213503ull * 86400 * ME_NS_PER_S},
	};
	uint64_t ns;

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		assert_int_equal(me_clock_parse_duration(cases[i].text, &ns), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void refuses_what_is_no_duration(void **state)
{
	static const char *const wrong[] = {
		"",
		"10",
		"s",
		"-1s",
		"+1s",
		"1.5h",
		"10 s",
		" 10s",
		"10s ",
		"10S",
		"10us",
		"10w",
		"1h30m",
		"213504d",
		"18446744073709551616ms",
		"99999999999999999999999999s",
	};
	uint64_t ns = 4711;

	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++)
		assert_int_equal(me_clock_parse_duration(wrong[i], &ns), -EINVAL);
	assert_int_equal(ns, 4711);
}

static void reads_dates(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {
		{"1970-01-01", 0},
		{"2000-02-29", 951782400},
		{"2027-03-31", 1806451200},
		{"2553-12-31", 18429206400},
	};
	uint64_t ns;

	/* The answer is in UTC wherever this runs. */
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		assert_int_equal(me_clock_parse_date(cases[i].text, &ns), 0);
		assert_true(ns == cases[i].seconds * ME_NS_PER_S);
	}
}

static void refuses_what_is_no_date(void **state)
{
	static const char *const wrong[] = {
		"",
		"2027",
		"2027-3-31",
		"2027-03-31 ",
		" 2027-03-31",
		"2027/03/31",
		"2027-02-29",
		"2100-02-29",
		"2027-04-31",
		"2027-13-01",
		"2027-00-01",
		"2027-01-00",
		"1969-12-31",
		"2554-01-01",
		"20a7-03-31",
		"2027-03-31T00:00:00Z",
		"+027-03-31",
	};
	uint64_t ns = 4711;

	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++)
		assert_int_equal(me_clock_parse_date(wrong[i], &ns), -EINVAL);
	assert_int_equal(ns, 4711);
}

static void dates_and_text_agree(void **state)
{
	/* Every day of two cycles of leap years, and around the turn of 2100. */
	for (uint64_t day = 0; day < 60000; day++) {
		char text[ME_RFC3339_LEN];
		uint64_t ns;

		me_clock_rfc3339(day * 86400 * ME_NS_PER_S, text);
		text[10] = '\0';
		assert_int_equal(me_clock_parse_date(text, &ns), 0);
		assert_true(ns == day * 86400 * ME_NS_PER_S);
	}
}

static void tells_the_time(void **state)
{
	uint64_t first = me_clock_now(CLOCK_MONOTONIC), second = me_clock_now(CLOCK_MONOTONIC);
	uint64_t before = (uint64_t)time(NULL), now = me_clock_now(CLOCK_REALTIME) / ME_NS_PER_S;

	assert_true(first <= second);
	/* time(2) may be a tick behind. */
	assert_true(now >= before && now <= (uint64_t)time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_rfc3339),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(refuses_what_is_no_duration),
		cmocka_unit_test(reads_dates),
		cmocka_unit_test(refuses_what_is_no_date),
		cmocka_unit_test(dates_and_text_agree),
		cmocka_unit_test(tells_the_time),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
