/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_HEADLINE_H
#define METOP_HEADLINE_H

/* The lines at the top: which pieces they have, and where those go on a screen of some width. */
#include "metop/model.h"

#define ME_HEADLINE_PIECES 20
#define ME_HEADLINE_TEXT 192

struct me_piece {
	char text[ME_HEADLINE_TEXT];
	enum me_style style;
	unsigned int rank; /* larger ones are left out first */
	bool breaks;       /* begins a line where there is room for one more */
	bool shown;
	size_t line, column, width;
};

struct me_headline {
	struct me_piece pieces[ME_HEADLINE_PIECES];
	size_t n;
	size_t lines; /* used */
};

/* Makes the pieces and places them in `columns` columns and at most `lines` lines (at least 1). */
void me_headline(const struct me_model *model, const char *host, uint64_t now_ns, size_t columns,
		 size_t lines, struct me_headline *ret_headline);

#endif
