/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_MINUTES_H
#define MEWATCH_LEDGER_MINUTES_H

/* How often something happened in each of the last minutes: a ring of one hour. */
#include <stdint.h>
#include <string.h>

#define ME_MINUTES 60u

struct me_minutes {
	uint64_t minute; /* the latest one that is in it, counted from any time on */
	uint16_t count[ME_MINUTES];
};

static inline void me_minutes_add(struct me_minutes *minutes, uint64_t minute, uint64_t n)
{
	uint16_t *count = &minutes->count[minute % ME_MINUTES];
	uint64_t sum;

	if (minute > minutes->minute + ME_MINUTES)
		memset(minutes->count, 0, sizeof(minutes->count));
	else
		for (uint64_t i = minutes->minute + 1; i <= minute; i++)
			minutes->count[i % ME_MINUTES] = 0;
	if (minute > minutes->minute)
		minutes->minute = minute;
	sum = *count + n;
	*count = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

/* How often `back` minutes before `minute`, which is not before the latest one; `back` below ME_MINUTES. */
static inline uint16_t me_minutes_at(const struct me_minutes *minutes, uint64_t minute,
				     uint64_t back)
{
	uint64_t then = minute - back;

	if (back > minute || then > minutes->minute || then + ME_MINUTES <= minutes->minute)
		return 0;
	return minutes->count[then % ME_MINUTES];
}

#endif
