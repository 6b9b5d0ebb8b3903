/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are an answer or none; more of them add to it and change nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The answer in exactly these bytes, so that a look behind them is seen. */
static uint16_t read_first(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = malloc(size);
	uint16_t answer;

	if (size)
		memcpy(copy, data, size);
	answer = me_answer_read(copy, (uint32_t)size);
	check(!answer || (answer >= 100 && answer <= 999) ||
	      (answer >= ME_ANSWER_ALERT && answer <= (ME_ANSWER_ALERT | 255)));
	check(!answer || me_answer_failed(answer) != me_answer_succeeded(answer));
	check(size >= ME_ANSWER_TLS_BYTES || !answer);
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t whole = read_first(data, size);

	for (size_t n = 0; n < size && n <= ME_ANSWER_BYTES; n++) {
		uint16_t part = read_first(data, n);

		check(!part || part == whole);
		check(n < ME_ANSWER_BYTES || part == whole);
	}
	return 0;
}
