/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>
#include "metop/rows.h"

static int by_key(const void *a, const void *b)
{
	const struct me_row *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static double grown(const struct me_row *now, const struct me_row *before, const char *name,
		    double seconds)
{
	double growth = me_row_number(now, name) - me_row_number(before, name);

	return growth < 0 ? -1 : growth / seconds;
}

void me_rows_rate(struct me_rows *now, const struct me_rows *before,
		  const char *const names[ME_ROW_RATES])
{
	double seconds =
		now->ts_ns > before->ts_ns ? (double)(now->ts_ns - before->ts_ns) / 1e9 : 0;
	_cleanup_free_ const struct me_row **index = NULL;

	if (!now->n || !before->n || now->ts_ns < before->ts_ns)
		return;
	index = calloc(before->n, sizeof(*index));
	if (!index)
		return; /* rates stay unknown, which is what is shown */
	for (size_t i = 0; i < before->n; i++)
		index[i] = &before->rows[i];
	qsort(index, before->n, sizeof(*index), by_key);

	for (size_t i = 0; i < now->n; i++) {
		struct me_row *row = &now->rows[i];
		const struct me_row *key = row, *const * hit;

		hit = bsearch(&key, index, before->n, sizeof(*index), by_key);
		if (!hit)
			continue;
		for (size_t r = 0; r < ME_ROW_RATES; r++) {
			if (!names[r])
				continue;
			row->rate[r] =
				seconds > 0 ? grown(row, *hit, names[r], seconds) : (*hit)->rate[r];
		}
	}
}

struct ranked {
	struct me_row row;
	double value; /* what is sorted by, descending */
	size_t place;
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

void me_rows_sort_by_rate(struct me_rows *rows, size_t rate, bool desc)
{
	_cleanup_free_ struct ranked *ranked = calloc(rows->n ? rows->n : 1, sizeof(*ranked));

	if (!ranked)
		return; /* the daemon's order is an order too */
	for (size_t i = 0; i < rows->n; i++) {
		double value = rows->rows[i].rate[rate];

		if (value >= 0 && !desc)
			value = 1 / (1 + value);
		ranked[i] = (struct ranked){rows->rows[i], value, i};
	}
	qsort(ranked, rows->n, sizeof(*ranked), by_value);
	for (size_t i = 0; i < rows->n; i++)
		rows->rows[i] = ranked[i].row;
}
