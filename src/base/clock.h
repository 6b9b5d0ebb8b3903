/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_CLOCK_H
#define MEWATCH_BASE_CLOCK_H

/* Times in nanoseconds, and their text. */
#include <stdint.h>
#include <time.h>

#define ME_NS_PER_MS 1000000ull
#define ME_NS_PER_S 1000000000ull
#define ME_RFC3339_LEN 25 /* "2027-03-31T12:00:00.000Z" and a NUL */

/* The time of a clock (CLOCK_REALTIME, CLOCK_MONOTONIC …) in nanoseconds. */
uint64_t me_clock_now(clockid_t clock);

/* Writes a time since the epoch as RFC 3339 in UTC, milliseconds rounded down. */
void me_clock_rfc3339(uint64_t epoch_ns, char out[ME_RFC3339_LEN]);

/* Reads a duration: a whole number and one of ms, s, m, h, d. 0 or -EINVAL (also too long). */
int me_clock_parse_duration(const char *text, uint64_t *ret_ns);

/* Reads "2027-03-31": its first moment in UTC, since the epoch. 0 or -EINVAL (also before 1970). */
int me_clock_parse_date(const char *text, uint64_t *ret_epoch_ns);

#endif
