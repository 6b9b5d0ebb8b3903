/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are an FTP server's greeting or none, and where they are cut does not change that. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "probe/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The greeting of exactly these bytes, so that a look behind them is seen. */
static int read_greeting(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size);

	if (size)
		memcpy(copy, data, size);
	return me_greeting_read(copy, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int said = 0;

	if (size > ME_GREETING_MAX)
		size = ME_GREETING_MAX;
	for (size_t n = 0; n <= size; n++) {
		int code = read_greeting(data, n);

		check(code == 0 || code == -EPROTO || (code >= 100 && code <= 599));
		check(code == 0 || memchr(data, '\n', n) || n == ME_GREETING_MAX);
		check(!said || code == said);
		said = code;
	}
	return 0;
}
