/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are a ClientHello or none; neither where they are cut nor the records change that. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/claim.h"

#define MESSAGE_MAX 4096u /* so that one record can hold it, and one byte a record is soon done */

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
	me_hello_parse(copy, (uint32_t)size, &claim);
	check(claim.kind <= ME_CLAIM_NAME && claim.ech <= 1 && !claim.path_length);
	check(claim.name_length == strnlen(claim.name, sizeof(claim.name)));
	check(claim.name_length < sizeof(claim.name));
	check((claim.kind == ME_CLAIM_NAME) == (claim.name_length != 0));
	check(!claim.path[0]);
	for (const char *c = claim.name; *c; c++) {
		check(strchr("0123456789abcdefghijklmnopqrstuvwxyz._-", *c) != NULL);
		check(*c == '.' ? label > 0 : label < 63);
		label = *c == '.' ? 0 : label + 1;
	}
	check(!claim.name_length || label);
	return claim;
}

/* What was decided of a part stays so. */
static void check_parts(const uint8_t *data, size_t size, const struct me_claim *whole)
{
	size_t step = size / CUTS + 1;

	/* Which places are tried depends on the bytes, so that mutations try them all. */
	for (size_t n = size ? data[size - 1] % step : 0; n < size; n += step) {
		struct me_claim part = parse(data, n);

		check(part.kind == ME_CLAIM_MORE || !memcmp(&part, whole, sizeof(part)));
	}
}

static size_t add_record(uint8_t *out, const uint8_t *data, size_t size)
{
	const uint8_t header[] = {22, 3, 1, (uint8_t)(size >> 8), (uint8_t)size};

	memcpy(out, header, sizeof(header));
	memcpy(out + sizeof(header), data, size);
	return sizeof(header) + size;
}

/* The bytes taken as a handshake message, in one record and in many. */
static void check_records(const uint8_t *data, size_t size)
{
	static uint8_t records[6 * MESSAGE_MAX];
	struct me_claim one, many;
	size_t piece = size % 3 ? size % 61 + 1 : 1, n = 0;

	one = parse(records, add_record(records, data, size));
	for (size_t at = 0; at < size; at += piece)
		n += add_record(records + n, data + at, piece < size - at ? piece : size - at);
	many = parse(records, n);
	check(!memcmp(&one, &many, sizeof(one)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct me_claim whole = parse(data, size);

	check_parts(data, size, &whole);
	if (size && size <= MESSAGE_MAX)
		check_records(data, size);
	/* Past the header of the record the message itself begins. */
	if (size > 5 && size - 5 <= MESSAGE_MAX)
		check_records(data + 5, size - 5);
	return 0;
}
