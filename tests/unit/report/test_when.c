/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "report/when.h"

#define NOW (1800000000ull * ME_NS_PER_S)

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t s;
	} good[] = {
		{"2026-11-27T08:30:00Z", 1795768200},
		{"2026-11-27T08:30:00+01:00", 1795764600},
		{"2026-11-27T08:30:00-05:30", 1795788000},
		{"2026-11-27T08:30Z", 1795768200},
		{"2026-11-27T08:30:00.123Z", 1795768200},
		{"2026-11-27T08:30:00", 1795764600},
		{"2026-11-27", 1795734000},
		/* A day of 25 hours, and one of 23: Berlin. */
		{"2026-10-25", 1792879200},
		{"2026-10-26", 1792969200},
		{"2026-03-29", 1774738800},
		{"2026-03-30", 1774821600},
		{"2024-02-29", 1709161200},
		{"24h", 1800000000 - 86400},
		{"7d", 1800000000 - 7 * 86400},
	};
	static const char *const bad[] = {
		"",
		"noon",
		"2026-13-01",
		"2026-11-31",
		"2026-02-29",
		"1969-12-31",
		"2026-11-27T25:00:00Z",
		"2026-11-27T08:30:00+1",
		"2026-11-27T08:30:00+01:99",
		"2026-11-27T08:30:00X",
		"2026-11-27 ",
		"24",
		"2026-11-27Z",
		"90000d",
		"2026-11-27T08:30:00Z ",
		"-1h",
	};
	uint64_t ns;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < ME_ARRAY_SIZE(good); i++) {
		ns = 0;
		assert_int_equal(me_when_parse(good[i].text, NOW, &ns), 0);
		assert_int_equal(ns / ME_NS_PER_S, good[i].s);
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(bad); i++) {
		ns = 7;
		assert_int_equal(me_when_parse(bad[i], NOW, &ns), -EINVAL);
		assert_int_equal(ns, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
