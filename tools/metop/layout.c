/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/view.h"

static size_t width_up_to(const struct me_view *view, unsigned int rank)
{
	size_t width = 0;

	for (size_t i = 0; i < view->n_columns; i++) {
		if (view->columns[i].rank <= rank)
			width += view->columns[i].width + (width ? 1 : 0);
	}
	return width;
}

/* Columns of the screen that the growing ones may still take. */
static size_t hunger(const struct me_view *view, size_t i, const size_t *wanted, size_t left,
		     const size_t *widths)
{
	if (!widths[i] || !view->columns[i].grow)
		return 0;
	if (!wanted)
		return left;
	return wanted[i] > widths[i] ? wanted[i] - widths[i] : 0;
}

static void grow(const struct me_view *view, size_t left, const size_t *wanted, size_t *widths)
{
	while (left) {
		size_t given = 0;

		for (size_t i = 0; i < view->n_columns && given < left; i++) {
			size_t more = hunger(view, i, wanted, left - given, widths);

			if (more > view->columns[i].grow)
				more = view->columns[i].grow;
			if (more > left - given)
				more = left - given;
			widths[i] += more;
			given += more;
		}
		if (!given)
			return;
		left -= given;
	}
}

void me_view_layout(const struct me_view *view, size_t total, const size_t *wanted,
		    size_t ret_widths[ME_COLUMNS_MAX])
{
	unsigned int rank = UINT8_MAX;
	size_t used = width_up_to(view, rank), shown = 0;

	while (rank && used > total)
		used = width_up_to(view, --rank);
	for (size_t i = 0; i < ME_COLUMNS_MAX; i++) {
		ret_widths[i] = 0;
		if (i >= view->n_columns || view->columns[i].rank > rank)
			continue;
		/* Rank 0 stays even where it does not fit whole: what remains of the line is its. */
		ret_widths[i] = view->columns[i].width;
		if (shown + ret_widths[i] > total)
			ret_widths[i] = total > shown ? total - shown : 0;
		shown += ret_widths[i] + 1;
	}
	if (used < total)
		grow(view, total - used, wanted, ret_widths);
}
