/* SPDX-License-Identifier: GPL-2.0-only */
/* One line of the head: how much happened in the last five minutes, as bars. */
#include <stdio.h>
#include "metop/draw.h"
#include "metop/format.h"
#include "metop/shown.h"

#define RATE_WIDTH 5 /* of a rate: 45.6M */
#define BARS_MIN 4   /* fewer say nothing */
#define MOST_FROM 24 /* bars from which on there is room to tell the tallest one */

/* "LABEL RATE BARS", and "max RATE" where there is room. */
static void draw_cell(const struct me_pulse *pulse, struct me_screen *screen, size_t line,
		      size_t column, size_t width, enum me_pulse_series series)
{
	char bars[ME_PULSE_LEN], rate[ME_FORMAT_LEN], most_text[ME_FORMAT_LEN],
		tail[2 * ME_FORMAT_LEN];
	const char *label = me_pulse_label(series);
	size_t before = strlen(label) + 1 + RATE_WIDTH + 1, room;
	bool bad;
	double most;

	if (width < before + BARS_MIN)
		return;
	room = width - before - 2;
	if (room > MOST_FROM)
		room -= sizeof("max 45.6M");
	me_pulse_bars(pulse, series, room, bars, &most);
	bad = series == ME_PULSE_VIOLATIONS && most > 0;
	me_format_rate(pulse->rate[series], rate);
	me_screen_put(screen, line, column, strlen(label), ME_STYLE_PLAIN, label);
	me_screen_put_right(screen, line, column + strlen(label) + 1, RATE_WIDTH,
			    bad && pulse->rate[series] > 0 ? ME_STYLE_BAD : ME_STYLE_STRONG, rate);
	me_screen_put(screen, line, column + before, me_shown_width(bars),
		      bad ? ME_STYLE_BAD : ME_STYLE_ACCENT, bars);
	if (width - before - 2 <= MOST_FROM || pulse->rate[series] < 0)
		return;
	/* The present rate is that of a second, a bar that of several. */
	me_format_rate(most > pulse->rate[series] ? most : pulse->rate[series], most_text);
	snprintf(tail, sizeof(tail), "max %s", most_text);
	me_screen_put(screen, line, column + before + me_shown_width(bars) + 1, strlen(tail),
		      ME_STYLE_DIM, tail);
}

void me_draw_pulse(const struct me_model *model, struct me_screen *screen, size_t line)
{
	size_t width = me_screen_columns(screen) / ME_PULSE_SERIES;

	for (size_t i = 0; i < ME_PULSE_SERIES; i++)
		draw_cell(&model->pulse, screen, line, i * width, width, (enum me_pulse_series)i);
}
