/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are a segment of FTP or none, from either side; more of them never take back what was said. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/ftp.h"

#define CUTS 6u /* of one input that are tried */
#define FROM_SERVER (ME_FTP_PASSIVE | ME_FTP_EXTENDED | ME_FTP_TLS)
#define FROM_CLIENT (ME_FTP_ACTIVE | ME_FTP_EXT_ACTIVE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What exactly these bytes say, so that a look behind them is seen. */
static struct me_ftp read_segment(const uint8_t *data, size_t size, bool sent)
{
	_cleanup_free_ uint8_t *copy = malloc(size);
	struct me_ftp ftp;

	if (size)
		memcpy(copy, data, size);
	memset(&ftp, 0xa5, sizeof(ftp));
	me_ftp_read(copy, (uint32_t)size, sent, &ftp);
	check(!(ftp.says & ~(sent ? FROM_CLIENT : FROM_SERVER)));
	check(!ftp.zero && (ftp.says || !ftp.port));
	check(!(ftp.says == ME_FTP_TLS && ftp.port));
	check((ftp.says & (ME_FTP_PASSIVE | ME_FTP_ACTIVE)) || !ftp.address.word[2]);
	return ftp;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool sent = size && data[0] == '>';
	const uint8_t *segment = data + sent;
	size_t length = size - sent;
	struct me_ftp whole = read_segment(segment, length, sent);
	size_t step = length / CUTS + 1;

	/* Which places are tried depends on the bytes, so that mutations try them all. */
	for (size_t n = length ? segment[length - 1] % step : 0; n < length; n += step)
		check(!(read_segment(segment, n, sent).says & ~whole.says));
	return 0;
}
