/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_DRAW_H
#define METOP_DRAW_H

/* The model on the screen. */
#include "metop/model.h"
#include "metop/screen.h"

/*
 * Draws everything; notes in the model how many rows there is room for. `host` is what the daemon
 * watches, `now_ns` CLOCK_MONOTONIC. 0 or -ENOMEM.
 */
int me_draw(struct me_model *model, struct me_screen *screen, const char *host, uint64_t now_ns);

/* A part of the screen, for the files that draw one: lines from `top`, across the whole width. */
struct me_area {
	size_t top, lines;
};

/* Bars of what happens, on one line. */
void me_draw_pulse(const struct me_model *model, struct me_screen *screen, size_t line);

/* The pane with everything about the selected row. 0 or -ENOMEM. */
int me_draw_detail(struct me_model *model, struct me_screen *screen, struct me_area area);
/* Lines that the pane wants at the most. */
size_t me_draw_detail_lines(const struct me_model *model, const struct me_screen *screen);
void me_draw_help(struct me_model *model, struct me_screen *screen, struct me_area area);
void me_draw_chooser(const struct me_model *model, struct me_screen *screen, struct me_area area);
/* What is wrong, when nothing was ever heard of the daemon. */
void me_draw_trouble(const struct me_model *model, struct me_screen *screen, struct me_area area,
		     uint64_t now_ns);
/* The last line: what was typed, what is wrong, or what the keys are. */
void me_draw_footer(const struct me_model *model, struct me_screen *screen, uint64_t now_ns);

#endif
