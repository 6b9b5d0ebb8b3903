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
