/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "metop/format.h"

void me_format_quantity(double value, char out[ME_FORMAT_LEN])
{
	static const char unit[] = {'\0', 'k', 'M', 'G', 'T', 'P', 'E'};
	size_t i = 0;

	out[0] = '\0';
	if (!(value >= 0)) /* not a number either */
		return;
	if (value < 999.5) {
		snprintf(out, ME_FORMAT_LEN, "%.0f", value);
		return;
	}
	/* 999.5 and above would round up to a fourth digit. */
	while (value >= 999.5 && i + 1 < sizeof(unit)) {
		value /= 1000;
		i++;
	}
	snprintf(out, ME_FORMAT_LEN, "%.*f%c",
		 value < 9.995   ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, unit[i]);
}

void me_format_rate(double value, char out[ME_FORMAT_LEN])
{
	if (value > 0 && value < 9.95)
		snprintf(out, ME_FORMAT_LEN, "%.1f", value);
	else
		me_format_quantity(value, out);
}

void me_format_count(uint64_t value, char out[ME_FORMAT_LEN])
{
	char digits[ME_FORMAT_LEN];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
}

void me_format_age(uint64_t seconds, char out[ME_FORMAT_LEN])
{
	static const struct {
		uint64_t below, seconds;
		char unit;
	} scale[] = {{60, 1, 's'}, {3600, 60, 'm'}, {48 * 3600, 3600, 'h'}};

	for (size_t i = 0; i < sizeof(scale) / sizeof(*scale); i++) {
		if (seconds >= scale[i].below)
			continue;
		snprintf(out, ME_FORMAT_LEN, "%" PRIu64 "%c", seconds / scale[i].seconds,
			 scale[i].unit);
		return;
	}
	snprintf(out, ME_FORMAT_LEN, "%" PRIu64 "d", seconds / 86400);
}

void me_format_uptime(uint64_t seconds, char out[ME_FORMAT_LEN])
{
	uint64_t days = seconds / 86400;
	unsigned int rest = (unsigned int)(seconds % 86400);

	if (days)
		snprintf(out, ME_FORMAT_LEN, "%" PRIu64 "d %02u:%02u", days, rest / 3600,
			 rest / 60 % 60);
	else
		snprintf(out, ME_FORMAT_LEN, "%02u:%02u:%02u", rest / 3600, rest / 60 % 60,
			 rest % 60);
}

int me_format_parse_time(const char *text, uint64_t *ret_epoch_ns)
{
	struct tm tm = {0};
	uint64_t ns = 0, digit = ME_NS_PER_S / 10;
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t seconds;

	if (!at)
		return -EINVAL;
	if (*at == '.') {
		if (!isdigit((unsigned char)*++at))
			return -EINVAL;
		for (; isdigit((unsigned char)*at); at++, digit /= 10)
			ns += (uint64_t)(*at - '0') * digit;
	}
	if (strcmp(at, "Z"))
		return -EINVAL;
	seconds = timegm(&tm);
	if (seconds < 0)
		return -EINVAL;
	*ret_epoch_ns = (uint64_t)seconds * ME_NS_PER_S + ns;
	return 0;
}
