/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates of the last minutes, waiting times and colours: what the screen computes for itself. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"
#include "metop/palette.h"
#include "metop/pulse.h"
#include "metop/retry.h"
#include "metop/shown.h"

#define S 1000000000ull
#define START (1800000000ull * S)

static void look(struct me_pulse *pulse, uint64_t ts_ns, uint64_t attempts, uint64_t violations)
{
	const uint64_t counts[ME_PULSE_SERIES] = {
		[ME_PULSE_ATTEMPTS] = attempts, [ME_PULSE_VIOLATIONS] = violations};

	me_pulse_take(pulse, ts_ns, counts);
}

static void bars_are(const struct me_pulse *pulse, enum me_pulse_series series, size_t columns,
		     const char *wanted, double wanted_most)
{
	char bars[ME_PULSE_LEN];
	double most;

	assert_non_null(setlocale(LC_CTYPE, "C"));
	me_pulse_bars(pulse, series, columns, bars, &most);
	assert_string_equal(bars, wanted);
	assert_true(most > wanted_most - 1e-6 && most < wanted_most + 1e-6);
}

static void test_steps(void **state)
{
	struct me_pulse pulse;
	uint64_t attempts = 1000;

	(void)state;
	me_pulse_init(&pulse);
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 60, "", 0);
	look(&pulse, START, attempts, 7);
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] < 0);
	for (uint64_t second = 1; second <= 15; second++) {
		attempts += second <= 5 ? 1 : second <= 10 ? 8 : 0;
		look(&pulse, START + second * S, attempts, second == 15 ? 8 : 7);
	}
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] == 0 && pulse.rate[ME_PULSE_VIOLATIONS] == 1);
	/* Each bar is a step of five seconds; what was before the first look is not known. */
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 60,
		 "                                                        _#. ", 8);
	bars_are(&pulse, ME_PULSE_VIOLATIONS, 60,
		 "                                                        ..# ", 0.2);
	bars_are(&pulse, ME_PULSE_BYTES, 60,
		 "                                                        ... ", 0);
	/* Half as many columns: two steps a bar, and always the same two. */
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 30, "                            #.", 4.5);
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 1, "#", 3);
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 0, "", 0);
	/* No time went by; it went back; a counter fell. */
	look(&pulse, START + 15 * S, attempts + 5, 8);
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] == 0);
	look(&pulse, START + 16 * S, attempts - 1, 8);
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] < 0);
	look(&pulse, START + 3 * S, attempts, 8);
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] < 0);
	look(&pulse, START + 4 * S, attempts + 2, 8);
	assert_true(pulse.rate[ME_PULSE_ATTEMPTS] == 2);
}

/* A look after a long time is spread over it; what is older than the bars is not drawn. */
static void test_rare_looks(void **state)
{
	struct me_pulse pulse;
	char bars[ME_PULSE_LEN];
	double most;

	(void)state;
	me_pulse_init(&pulse);
	look(&pulse, START, 0, 0);
	look(&pulse, START + 40 * S, 80, 0);
	bars_are(&pulse, ME_PULSE_ATTEMPTS, 60,
		 "                                                   ######## ", 2);
	look(&pulse, START + 100000 * S, 80 + 99960, 0);
	me_pulse_bars(&pulse, ME_PULSE_ATTEMPTS, 60, bars, &most);
	assert_int_equal(strspn(bars, "#"), 59); /* and the step that has just begun */
	assert_true(most > 0.999 && most < 1.001);
}

/* Any looks at all: what is drawn is never wider than asked for, and the sums are right. */
static void test_random(void **state)
{
	uint64_t seed = me_seed();

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct me_pulse pulse;
		uint64_t ts = START, attempts = 0;

		me_pulse_init(&pulse);
		for (int i = 0; i < 50; i++) {
			size_t columns = me_seed_next(&seed) % 70;
			char bars[ME_PULSE_LEN];
			double most;

			ts += me_seed_next(&seed) % (20 * S);
			attempts += me_seed_next(&seed) % 100;
			look(&pulse, ts, attempts, 0);
			assert_non_null(setlocale(LC_CTYPE, i % 2 ? "C.UTF-8" : "C"));
			me_pulse_bars(&pulse, ME_PULSE_ATTEMPTS, columns, bars, &most);
			assert_true(me_shown_width(bars) <= columns);
			assert_true(most >= 0);
		}
	}
}

static void test_retry(void **state)
{
	(void)state;
	assert_int_equal(me_retry_wait(0, S, true, 77), S);
	/* Never sooner than it would be asked anyway, never later than a quarter beyond the most. */
	for (uint32_t random = 0; random < 0x20000; random += 0x1fff) {
		uint64_t last = 0;

		for (unsigned int failures = 1; failures < 100; failures++) {
			uint64_t wait = me_retry_wait(failures, S, true, random);

			assert_true(wait >= S && wait <= ME_RETRY_REMOTE_NS * 5 / 4);
			assert_true(wait >= last);
			last = wait;
			wait = me_retry_wait(failures, S, false, random);
			assert_true(wait >= S && wait <= ME_RETRY_LOCAL_NS * 5 / 4);
			assert_int_equal(me_retry_wait(failures, 100 * S, true, random) >= 100 * S,
					 1);
		}
		assert_true(last >= ME_RETRY_REMOTE_NS * 3 / 4);
	}
	assert_true(me_retry_wait(8, S, true, 0) < me_retry_wait(8, S, true, 0xffff));
	assert_true(me_retry_wait(3, S, true, 0x8000) > 3 * S);
}

static bool same_look(struct me_look a, struct me_look b)
{
	return a.front == b.front && a.back == b.back && a.bold == b.bold && a.dim == b.dim &&
	       a.reverse == b.reverse;
}

/* With any number of colours the selected line and the titles stand out, and nothing is invisible. */
static void test_palette(void **state)
{
	static const int counts[] = {0, 2, 8, 16, 88, 256, 1 << 24};

	(void)state;
	for (size_t c = 0; c < ME_ARRAY_SIZE(counts); c++) {
		struct me_look text = me_palette_look(counts[c], ME_STYLE_PLAIN, false);

		for (unsigned int i = 0; i < ME_STYLE_COUNT; i++) {
			struct me_look look = me_palette_look(counts[c], i, false);
			struct me_look selected = me_palette_look(counts[c], i, true);

			assert_false(same_look(look, selected));
			assert_true(look.back == ME_LOOK_DEFAULT || look.front != look.back);
			assert_true(selected.back == ME_LOOK_DEFAULT ||
				    selected.front != selected.back);
			assert_true(look.front < (counts[c] >= 256 ? 256 : counts[c] >= 8 ? 8 : 0));
			assert_true(selected.back < (counts[c] >= 256 ? 256
						     : counts[c] >= 8 ? 8
								      : 0));
		}
		assert_false(same_look(text, me_palette_look(counts[c], ME_STYLE_TITLE, false)));
		assert_false(same_look(text, me_palette_look(counts[c], ME_STYLE_BAD, false)));
		assert_false(same_look(me_palette_look(counts[c], ME_STYLE_SORTED, false),
				       me_palette_look(counts[c], ME_STYLE_TITLE, false)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),   cmocka_unit_test(test_rare_looks),
		cmocka_unit_test(test_random),  cmocka_unit_test(test_retry),
		cmocka_unit_test(test_palette),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
