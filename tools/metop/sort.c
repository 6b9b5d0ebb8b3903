/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include "metop/format.h"
#include "metop/sort.h"

/* What a row is compared by: a number or a text, or neither where it has none. */
struct ranked {
	struct me_row row;
	size_t place; /* equal ones keep their order */
	bool known, desc;
	double number;
	const char *text;
};

/* The worst first, as people look for it: those that ask for nothing come last. */
static double severity(const struct me_row *row, const struct me_column *column)
{
	static const double of_style[ME_STYLE_COUNT] = {
		[ME_STYLE_BAD] = 4, [ME_STYLE_WAIT] = 3, [ME_STYLE_GOOD] = 2, [ME_STYLE_DIM] = 1};
	enum me_style style = ME_STYLE_PLAIN;
	const char *state = me_row_text(row, column->fields[0]);

	if (state)
		me_view_mark(state, &style);
	return of_style[style];
}

static void rank_time(const struct me_column *column, struct ranked *ranked)
{
	const char *text = me_row_text(&ranked->row, column->fields[0]);
	uint64_t then;

	ranked->known = text && !me_format_parse_time(text, &then);
	ranked->number = ranked->known ? (double)then : 0;
}

static void rank_sum(const struct me_column *column, struct ranked *ranked)
{
	for (size_t i = 0; i < ME_COLUMN_FIELDS && column->fields[i]; i++) {
		const struct me_field *field = me_row_field(&ranked->row, column->fields[i]);

		ranked->known |= field != NULL;
		ranked->number += field ? field->number : 0;
	}
}

static int rank(const struct me_column *column, struct ranked *ranked)
{
	const struct me_look_at look = {0};
	char text[ME_CELL_LEN];

	switch (column->kind) {
	case ME_COLUMN_MARK:
	case ME_COLUMN_SIGN:
		ranked->known = true;
		ranked->number = severity(&ranked->row, column);
		return 0;
	case ME_COLUMN_QUANTITY:
		rank_sum(column, ranked);
		return 0;
	case ME_COLUMN_RATE:
		ranked->number = ranked->row.rate[column->rate];
		ranked->known = ranked->number >= 0;
		return 0;
	case ME_COLUMN_AGE:
	case ME_COLUMN_LEFT:
		rank_time(column, ranked);
		return 0;
	default:
		me_column_text(column, &ranked->row, &look, text);
		ranked->known = *text;
		ranked->text = strdup(text);
		return ranked->text ? 0 : -ENOMEM;
	}
}

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = 0;

	/* What is not known comes last in either direction. */
	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (x->known && x->text)
		order = strcasecmp(x->text, y->text);
	else if (x->known)
		order = (x->number > y->number) - (x->number < y->number);
	if (order)
		return x->desc ? -order : order;
	return x->place < y->place ? -1 : x->place > y->place;
}

int me_sort_rows(struct me_row *rows, size_t n, const struct me_column *column, bool desc)
{
	struct ranked *ranked = calloc(n ? n : 1, sizeof(*ranked));
	int r = ranked ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !r; i++) {
		ranked[i] = (struct ranked){.row = rows[i], .place = i, .desc = desc};
		r = rank(column, &ranked[i]);
	}
	if (!r) {
		qsort(ranked, n, sizeof(*ranked), compare);
		for (size_t i = 0; i < n; i++)
			rows[i] = ranked[i].row;
	}
	for (size_t i = 0; ranked && i < n; i++)
		free((char *)ranked[i].text);
	free(ranked);
	return r;
}

bool me_sort_is_here(const struct me_view *view, size_t part, size_t column)
{
	const struct me_view of = me_view_part(view, part);

	return !view->latest || part != view->asked || !of.columns[column].sort;
}

int me_sort_view(const struct me_view *view, struct me_rows *rows, const struct me_order *orders)
{
	size_t first = 0, end;
	int r = 0;

	for (; first < rows->n && !r; first = end) {
		uint8_t part = rows->rows[first].part;
		const struct me_view of = me_view_part(view, part);

		for (end = first + 1; end < rows->n && rows->rows[end].part == part;)
			end++;
		first += rows->rows[first].heading;
		if (me_sort_is_here(view, part, orders[part].column))
			r = me_sort_rows(&rows->rows[first], end - first,
					 &of.columns[orders[part].column], orders[part].desc);
	}
	return r;
}
