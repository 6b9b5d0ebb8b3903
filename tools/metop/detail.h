/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_DETAIL_H
#define METOP_DETAIL_H

/* Everything about one row, laid out: short fields side by side, long ones folded over lines. */
#include "metop/story.h"

#define ME_DETAIL_LINES_MAX 4096 /* what folds over more lines is cut */

struct me_detail_item {
	const char *name; /* NULL: goes on from the line above */
	const char *text; /* not NUL-terminated: `bytes` of it */
	size_t bytes;
	size_t line, column;
	size_t name_width, width; /* width is that of the text */
	enum me_style style;      /* of the text */
};

struct me_detail {
	struct me_detail_item *items;
	size_t n, cap;
	size_t lines;
};

/*
 * Lays out in `columns` columns what happened to `row`, `story` (metop/story.h, NULL: nothing is known),
 * and then the row itself. Text stays theirs. 0 or -ENOMEM.
 */
int me_detail_lay_out(const struct me_rows *story, const struct me_row *row, size_t columns,
		      struct me_detail *ret_detail);
void me_detail_free(struct me_detail *detail);
#define _cleanup_detail_ _cleanup_(me_detail_free)

#endif
