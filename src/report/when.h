/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_WHEN_H
#define MEWATCH_REPORT_WHEN_H

/* Times as people give them. */
#include <stdint.h>

#define ME_WHEN_EXPECTED                                                                           \
	"a time such as 2026-11-27T08:30:00Z, a day such as 2026-11-27, or how long ago, such as 24h or 7d"

/*
 * Reads an RFC 3339 time, also without seconds or, for the local zone, without an offset; a day: its first
 * moment in the local zone; or a duration before `now_ns`. Epoch nanoseconds. 0 or -EINVAL.
 */
int me_when_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns);

#endif
