/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are the head of a request or none, and more of them only ever take a name back. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/claim.h"

#define CUTS 6u /* of one input that are tried */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The claim of exactly these bytes, so that a look behind them is seen. */
static struct me_claim parse(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = malloc(size);
	struct me_claim claim;
	size_t label = 0;

	if (size)
		memcpy(copy, data, size);
	memset(&claim, 0xa5, sizeof(claim));
	me_http_parse(copy, (uint32_t)size, &claim);
	check(claim.kind <= ME_CLAIM_NAME && !claim.ech);
	check(claim.name_length == strnlen(claim.name, sizeof(claim.name)));
	check(claim.path_length == strnlen(claim.path, sizeof(claim.path)));
	check(claim.name_length < sizeof(claim.name) && claim.path_length < sizeof(claim.path));
	check((claim.kind == ME_CLAIM_NAME) == (claim.name_length != 0));
	check(claim.kind != ME_CLAIM_MORE || !claim.path_length);
	for (const char *c = claim.name; *c; c++) {
		check(strchr("0123456789abcdefghijklmnopqrstuvwxyz._-", *c) != NULL);
		check(*c == '.' ? label > 0 : label < 63);
		label = *c == '.' ? 0 : label + 1;
	}
	check(!claim.name_length || label);
	for (const char *c = claim.path; *c; c++)
		check((uint8_t)*c > ' ' && *c != 0x7f && *c != '?' && *c != '#');
	check(!claim.path_length || claim.path[0] == '/');
	return claim;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct me_claim whole = parse(data, size);
	size_t step = size / CUTS + 1;

	/* Which places are tried depends on the bytes, so that mutations try them all. */
	for (size_t n = size ? data[size - 1] % step : 0; n < size; n += step) {
		struct me_claim part = parse(data, n);

		if (part.kind == ME_CLAIM_MORE)
			continue;
		check(!strcmp(part.path, whole.path));
		if (part.kind == ME_CLAIM_NONE || whole.kind == ME_CLAIM_NAME)
			check(!memcmp(&part, &whole, sizeof(part)));
		else
			check(whole.kind == ME_CLAIM_NONE);
	}
	return 0;
}
