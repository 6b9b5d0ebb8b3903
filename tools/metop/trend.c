/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include "base/cleanup.h"
#include "base/text.h"
#include "metop/shown.h"
#include "metop/trend.h"

#define NUMBERS_MAX 240u /* of a list; further ones are not looked at */
#define BARS 8u

static const char *const bars[BARS + 1] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
					   "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const ascii_bars[BARS + 1] = {".", "_", "_", "-", "-", "=", "=", "#", "#"};

/* The numbers of the list; 0: it is none. */
static size_t read_list(const char *text, uint64_t numbers[NUMBERS_MAX])
{
	size_t n = 0;

	while (n < NUMBERS_MAX) {
		size_t length = strcspn(text, ",");
		char number[24];

		if (!length || length >= sizeof(number))
			return 0;
		memcpy(number, text, length);
		number[length] = '\0';
		if (!me_text_parse_u64(number, 0, UINT32_MAX, &numbers[n++]))
			return 0;
		text += length;
		if (!*text)
			return n;
		text += text[1] == ' ' ? 2 : 1;
	}
	return n;
}

const char *me_trend_bar(double value, double most)
{
	const char *const *shapes = me_shown_utf8() ? bars : ascii_bars;
	double height = value * BARS / most;
	size_t bar = (size_t)height + ((double)(size_t)height < height);

	return shapes[bar < 1 ? 1 : bar > BARS ? BARS : bar];
}

void me_trend_text(const char *numbers, char out[ME_TREND_LEN])
{
	const char *const *shapes = me_shown_utf8() ? bars : ascii_bars;
	uint64_t list[NUMBERS_MAX], sums[ME_TREND_COLUMNS] = {0}, most = 0;
	size_t n = read_list(numbers, list), each, columns;

	*out = '\0';
	if (!n)
		return;
	each = n > ME_TREND_COLUMNS ? n / ME_TREND_COLUMNS : 1;
	columns = n > ME_TREND_COLUMNS ? ME_TREND_COLUMNS : n;
	for (size_t i = 0; i < columns * each; i++)
		sums[i / each] += list[n - columns * each + i];
	for (size_t i = 0; i < columns; i++)
		most = sums[i] > most ? sums[i] : most;
	for (size_t i = 0; i < columns; i++) {
		strcat(out, sums[i] ? me_trend_bar((double)sums[i], (double)most) : shapes[0]);
	}
}
