/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/stream.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

#define _cleanup_stream_ _cleanup_(me_stream_free)

/* A segment in a copy of its size, so that a look behind it is seen. */
static int put_bytes(struct me_stream *stream, uint32_t seq, const void *bytes, size_t n)
{
	_cleanup_free_ void *copy = malloc(n);

	assert_true(copy || !n);
	if (n)
		memcpy(copy, bytes, n);
	return me_stream_put(stream, seq, copy, n);
}

static int put(struct me_stream *stream, uint32_t seq, const char *text)
{
	return put_bytes(stream, seq, text, strlen(text));
}

static void holds(const struct me_stream *stream, const char *text)
{
	const uint8_t *data;
	size_t n;

	data = me_stream_data(stream, &n);
	assert_int_equal(n, strlen(text));
	assert_int_equal(data == NULL, n == 0);
	if (n)
		assert_memory_equal(data, text, n);
}

static void puts_segments_in_order(void **state)
{
	_cleanup_stream_ struct me_stream *s = me_stream_new(100);

	holds(s, "");
	me_stream_begin(s, 1000);
	holds(s, "");
	assert_int_equal(put(s, 1003, "def"), 0);
	holds(s, "");
	assert_int_equal(put(s, 1008, "ij"), 0);
	assert_int_equal(put(s, 1000, "abc"), 0);
	holds(s, "abcdef");
	assert_int_equal(put(s, 1006, ""), 0);
	assert_int_equal(put(s, 1006, "gh"), 0);
	holds(s, "abcdefghij");
	assert_int_equal(put(s, 1010, "k"), 0);
	holds(s, "abcdefghijk");
}

static void begins_where_it_is_told(void **state)
{
	_cleanup_stream_ struct me_stream *first = me_stream_new(100), *told = me_stream_new(100);

	/* Nothing says yet where it begins. */
	assert_int_equal(put(first, 77, ""), 0);
	assert_int_equal(put(first, 500, "abc"), 0);
	assert_int_equal(put(first, 490, "0123456789a"), 0);
	holds(first, "abc");

	me_stream_begin(told, 497);
	me_stream_begin(told, 500);
	assert_int_equal(put(told, 500, "abc"), 0);
	holds(told, "");
	assert_int_equal(put(told, 497, "xyz"), 0);
	me_stream_begin(told, 0);
	holds(told, "xyzabc");
}

static void keeps_the_first_copy(void **state)
{
	_cleanup_stream_ struct me_stream *s = me_stream_new(100);

	me_stream_begin(s, 0);
	assert_int_equal(put(s, 4, "ef"), 0);
	assert_int_equal(put(s, 8, "i"), 0);
	assert_int_equal(put(s, 3, "DEFG"), 0);
	assert_int_equal(put(s, 4, "??"), 0);
	assert_int_equal(put(s, 0, "?"), 0);
	holds(s, "?");
	assert_int_equal(put(s, 0, "ABCDEFGHIJKL"), 0);
	holds(s, "?BCDefGHiJKL");
	assert_int_equal(put(s, 0, "............"), 0);
	assert_int_equal(put(s, 5, "........"), 0);
	holds(s, "?BCDefGHiJKL.");
}

static void passes_over_what_was_consumed(void **state)
{
	_cleanup_stream_ struct me_stream *s = me_stream_new(8);

	me_stream_begin(s, 100);
	assert_int_equal(put(s, 100, "abcdef"), 0);
	me_stream_consume(s, 0);
	holds(s, "abcdef");
	me_stream_consume(s, 4);
	holds(s, "ef");
	assert_int_equal(put(s, 100, "ABCD"), 0);
	assert_int_equal(put(s, 100, "ABCDEFG"), 0);
	holds(s, "efG");
	assert_int_equal(put(s, 109, "j"), 0);
	me_stream_consume(s, 3);
	holds(s, "");
	assert_int_equal(put(s, 107, "hi"), 0);
	holds(s, "hij");
	/* Half the number space back. */
	assert_int_equal(put(s, 107 + 0x80000000u, "x"), 0);
	holds(s, "hij");
}

static void refuses_what_is_beyond(void **state)
{
	_cleanup_stream_ struct me_stream *s = me_stream_new(8);

	me_stream_begin(s, 0);
	assert_int_equal(put(s, 8, "x"), -EFBIG);
	assert_int_equal(put(s, 0x7fffffff, "x"), -EFBIG);
	assert_int_equal(put(s, 7, "h"), 0);
	assert_int_equal(put(s, 3, "defgH"), 0);
	assert_int_equal(put(s, 0, "abcDEFGHI"), -EFBIG);
	holds(s, "abcdefgh");
	me_stream_consume(s, 5);
	assert_int_equal(put(s, 8, "ijklm"), 0);
	assert_int_equal(put(s, 13, "n"), -EFBIG);
	holds(s, "fghijklm");
}

static void sequence_numbers_wrap(void **state)
{
	for (uint32_t start = 0xfffffff0u; start != 4; start++) {
		_cleanup_stream_ struct me_stream *s = me_stream_new(100);

		me_stream_begin(s, start);
		assert_int_equal(put(s, start + 10, "klmno"), 0);
		assert_int_equal(put(s, start + 5, "fghijKLM"), 0);
		assert_int_equal(put(s, start - 3, "???abcdeF"), 0);
		holds(s, "abcdefghijklmno");
		me_stream_consume(s, 12);
		assert_int_equal(put(s, start + 2, "??????????MNOpq"), 0);
		holds(s, "mnopq");
	}
}

static void islands_are_bounded(void **state)
{
	_cleanup_stream_ struct me_stream *s = me_stream_new(1000);
	size_t n;

	me_stream_begin(s, 0);
	for (uint32_t i = 1; i <= ME_STREAM_ISLANDS_MAX; i++)
		assert_int_equal(put(s, 10 * i, "island"), 0);
	assert_int_equal(put(s, 8, "x"), -ENOBUFS);
	assert_int_equal(put(s, 500, "x"), -ENOBUFS);
	assert_int_equal(put(s, 999, "xx"), -ENOBUFS);
	/* What makes none more is welcome: it goes before, after, between, or joins the start. */
	assert_int_equal(put(s, 9, "-"), 0);
	assert_int_equal(put(s, 166, "-"), 0);
	assert_int_equal(put(s, 0, "prefix"), 0);
	assert_int_equal(put(s, 36, "----"), 0);
	assert_int_equal(put(s, 500, "last"), 0);
	assert_int_equal(put(s, 600, "x"), -ENOBUFS);
	assert_int_equal(put(s, 6, "---"), 0);
	holds(s, "prefix----island");
	assert_int_equal(put(s, 600, "x"), 0);
	for (uint32_t i = 1; i < ME_STREAM_ISLANDS_MAX; i++)
		assert_int_equal(put(s, 10 * i + 6, "----"), 0);
	me_stream_data(s, &n);
	assert_int_equal(n, 167);
}

static void memory_is_for_what_is_held(void **state)
{
#ifndef __SANITIZE_ADDRESS__
	size_t before = mallinfo2().uordblks;
#endif
	_cleanup_stream_ struct me_stream *s = me_stream_new(INT32_MAX);

	me_stream_begin(s, 0);
	assert_int_equal(put(s, INT32_MAX - 1, "x"), 0);
	assert_int_equal(put(s, 1u << 30, "y"), 0);
	assert_int_equal(put(s, INT32_MAX - 1, "yz"), -EFBIG);
#ifndef __SANITIZE_ADDRESS__
	assert_true(mallinfo2().uordblks - before < 8192);
#endif
}

static void nothing_is_freed_twice(void **state)
{
	struct me_stream *s = me_stream_new(10);

	assert_int_equal(put(s, 0, "a"), 0);
	assert_int_equal(put(s, 5, "b"), 0);
	me_stream_free(&s);
	assert_null(s);
	me_stream_free(&s);
}

/* --- At random, beside an array that cannot be wrong ------------------------------------------- */

enum { ROOM = 200, LENGTH = 3000 };

struct model {
	uint32_t start, consumed, max;
	int16_t bytes[LENGTH + ROOM]; /* -1: not there; counted from `start` */
};

static uint32_t count_islands(const struct model *m)
{
	uint32_t n = 0, i = m->consumed;

	while (m->bytes[i] >= 0)
		i++;
	for (; i < m->consumed + m->max; i++)
		n += m->bytes[i] >= 0 && m->bytes[i - 1] < 0;
	return n;
}

static int model_put(struct model *m, uint32_t at, const uint8_t *data, uint32_t n)
{
	struct model tried = *m;
	bool beyond = false;

	for (uint32_t i = 0; i < n; i++) {
		if (at + i < m->consumed || tried.bytes[at + i] >= 0)
			continue;
		if (at + i >= m->consumed + m->max)
			beyond = true;
		else
			tried.bytes[at + i] = data[i];
	}
	if (count_islands(&tried) > ME_STREAM_ISLANDS_MAX)
		return -ENOBUFS;
	*m = tried;
	return beyond ? -EFBIG : 0;
}

static void compare(const struct me_stream *stream, const struct model *m)
{
	const uint8_t *data;
	size_t n;

	data = me_stream_data(stream, &n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(data[i], m->bytes[m->consumed + i]);
	assert_true(m->bytes[m->consumed + n] < 0);
}

static void behaves_like_an_array(void **state)
{
	uint64_t random = me_seed();
	int results[3] = {0};

	for (int round = 0; round < 60; round++) {
		static struct model m;
		_cleanup_stream_ struct me_stream *s = NULL;

		memset(m.bytes, 0xff, sizeof(m.bytes));
		m.start = round % 2 ? (uint32_t)me_seed_next(&random) : 0u - LENGTH / 2;
		m.max = 1 + (uint32_t)(me_seed_next(&random) % ROOM);
		m.consumed = 0;
		s = me_stream_new(m.max);
		me_stream_begin(s, m.start);
		for (int step = 0; step < 3000 && m.consumed < LENGTH - ROOM; step++) {
			uint32_t at = m.consumed + (uint32_t)(me_seed_next(&random) % (m.max + 20));
			uint32_t few = 2 + (uint32_t)round % 12;
			uint32_t n = (uint32_t)(me_seed_next(&random) % (step % 50 ? few : ROOM));
			uint8_t data[ROOM];
			int err;

			at = at < 10 ? 0 : at - 10;
			for (uint32_t i = 0; i < n; i++)
				data[i] = (uint8_t)me_seed_next(&random);
			n = at + n > LENGTH + ROOM ? LENGTH + ROOM - at : n;
			/* The front is where it goes on. */
			if (step % (round % 5 ? 4 : 40) == 0)
				at = m.consumed;
			err = put_bytes(s, m.start + at, data, n);
			assert_int_equal(err, model_put(&m, at, data, n));
			results[err == -EFBIG ? 1 : err == -ENOBUFS ? 2 : 0]++;
			compare(s, &m);
			if (me_seed_next(&random) % 8 == 0) {
				size_t held, drop;

				me_stream_data(s, &held);
				drop = me_seed_next(&random) % (held + 1);
				me_stream_consume(s, drop);
				m.consumed += (uint32_t)drop;
				compare(s, &m);
			}
		}
	}
	/* The test would be none if one of these did not happen. */
	for (size_t i = 0; i < ME_ARRAY_SIZE(results); i++)
		assert_true(results[i] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_segments_in_order),
		cmocka_unit_test(begins_where_it_is_told),
		cmocka_unit_test(keeps_the_first_copy),
		cmocka_unit_test(passes_over_what_was_consumed),
		cmocka_unit_test(refuses_what_is_beyond),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(islands_are_bounded),
		cmocka_unit_test(memory_is_for_what_is_held),
		cmocka_unit_test(nothing_is_freed_twice),
		cmocka_unit_test(behaves_like_an_array),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
