/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/text.h"

#define YEAR_MAX 2553 /* the last one whose nanoseconds fit in 64 bits as a whole */
#define NUMBER_LEN 20 /* digits of the largest 64-bit number */

uint64_t me_clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * ME_NS_PER_S + (uint64_t)now.tv_nsec;
}

void me_clock_rfc3339(uint64_t epoch_ns, char out[ME_RFC3339_LEN])
{
	time_t seconds = (time_t)(epoch_ns / ME_NS_PER_S);
	unsigned int ms = (unsigned int)(epoch_ns % ME_NS_PER_S / ME_NS_PER_MS);
	struct tm utc;
	size_t n;

	gmtime_r(&seconds, &utc);
	n = strftime(out, ME_RFC3339_LEN, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + n, ME_RFC3339_LEN - n, ".%03uZ", ms);
}

int me_clock_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{"ms", ME_NS_PER_MS},      {"s", ME_NS_PER_S},         {"m", 60 * ME_NS_PER_S},
		{"h", 3600 * ME_NS_PER_S}, {"d", 86400 * ME_NS_PER_S},
	};
	size_t digits = strspn(text, "0123456789");
	char number[NUMBER_LEN + 1];
	uint64_t count;

	if (digits > NUMBER_LEN)
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	for (size_t i = 0; i < ME_ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].suffix))
			continue;
		if (!me_text_parse_u64(number, 0, UINT64_MAX / units[i].ns, &count))
			return -EINVAL;
		*ret_ns = count * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

/* The number in the two or four digits at `text`; -1 if one of them is none. */
static int digits_at(const char *text, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int me_clock_parse_date(const char *text, uint64_t *ret_epoch_ns)
{
	struct tm date = {0};
	int year, month, day;

	if (strnlen(text, 11) != 10 || text[4] != '-' || text[7] != '-')
		return -EINVAL;
	year = digits_at(text, 4);
	month = digits_at(text + 5, 2);
	day = digits_at(text + 8, 2);
	if (year < 1970 || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(year, month))
		return -EINVAL;
	date.tm_year = year - 1900;
	date.tm_mon = month - 1;
	date.tm_mday = day;
	*ret_epoch_ns = (uint64_t)timegm(&date) * ME_NS_PER_S;
	return 0;
}
