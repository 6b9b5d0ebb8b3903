/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/clock.h"

/* "Z" or "+01:00": seconds east of Greenwich. */
static int read_offset(const char *text, long *ret_s)
{
	int hours, minutes;

	if (!strcmp(text, "Z") || !strcmp(text, "z")) {
		*ret_s = 0;
		return 0;
	}
	if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':')
		return -EINVAL;
	for (size_t i = 1; i < 6; i++)
		if (i != 3 && (text[i] < '0' || text[i] > '9'))
			return -EINVAL;
	hours = (text[1] - '0') * 10 + text[2] - '0';
	minutes = (text[4] - '0') * 10 + text[5] - '0';
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_s = (*text == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return 0;
}

/* strptime(3) takes the 31st of each month; mktime(3) and timegm(3) would make it another day. */
static bool same_day(const struct tm *asked, time_t got, bool utc)
{
	struct tm parts;

	if (utc)
		gmtime_r(&got, &parts);
	else
		localtime_r(&got, &parts);
	return parts.tm_mday == asked->tm_mday && parts.tm_mon == asked->tm_mon;
}

static int to_ns(struct tm *parts, const char *offset, uint64_t *ret_ns)
{
	struct tm asked = *parts;
	bool utc = *offset;
	long east = 0;
	time_t at;

	if (utc && read_offset(offset, &east))
		return -EINVAL;
	parts->tm_isdst = -1;
	at = utc ? timegm(parts) : mktime(parts);
	if (at < 0 || !same_day(&asked, at, utc) || at < east)
		return -EINVAL;
	*ret_ns = (uint64_t)(at - east) * ME_NS_PER_S;
	return 0;
}

int me_when_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
	uint64_t ago;

	if (!me_clock_parse_duration(text, &ago)) {
		if (ago > now_ns)
			return -EINVAL;
		*ret_ns = now_ns - ago;
		return 0;
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(forms); i++) {
		struct tm parts = {0};
		const char *rest = strptime(text, forms[i], &parts);

		if (!rest || parts.tm_year < 70 || parts.tm_year > 400)
			continue;
		if (rest[0] == '.' && i == 0) /* parts of a second do not matter */
			rest += 1 + strspn(rest + 1, "0123456789");
		if (i < 2 ? !to_ns(&parts, rest, ret_ns) : !*rest && !to_ns(&parts, "", ret_ns))
			return 0;
	}
	return -EINVAL;
}
