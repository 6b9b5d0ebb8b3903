/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_FORMAT_H
#define METOP_FORMAT_H

/* Numbers and times as people read them, in few columns; and times as the API writes them. */
#include <stddef.h>
#include <stdint.h>

#define ME_FORMAT_LEN 32

/* A quantity in at most five columns: 999, 1.23k, 45.6M. Decimal steps. Negative: nothing. */
void me_format_quantity(double value, char out[ME_FORMAT_LEN]);

/* The same for a rate, which below 10 has one decimal. */
void me_format_rate(double value, char out[ME_FORMAT_LEN]);

/* A whole number with thousands apart: 1,234,567. */
void me_format_count(uint64_t value, char out[ME_FORMAT_LEN]);

/* How long, in at most four columns: 0s, 59s, 12m, 47h, 400d. */
void me_format_age(uint64_t seconds, char out[ME_FORMAT_LEN]);

/* How long, for a headline: 00:04:12, 3d 04:12. */
void me_format_uptime(uint64_t seconds, char out[ME_FORMAT_LEN]);

/*
 * Reads an RFC 3339 time in UTC ("2027-03-31T12:00:00.123Z", any number of decimals) as nanoseconds
 * since the epoch. 0, or -EINVAL with *ret_epoch_ns as it was.
 */
int me_format_parse_time(const char *text, uint64_t *ret_epoch_ns);

#endif
