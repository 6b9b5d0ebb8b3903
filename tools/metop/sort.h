/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SORT_H
#define METOP_SORT_H

/* The order of rows that the daemon does not order: all are at hand, or the column is not its own. */
#include "metop/view.h"

/* Whether rows of the part are ordered here, and not by the daemon, for the column. */
bool me_sort_is_here(const struct me_view *view, size_t part, size_t column);

/*
 * Orders rows by a column: numbers as such, marks by how bad they are, text without case. What has no
 * value comes last in either direction; equal ones keep their order. 0, or -ENOMEM with the rows as
 * they were.
 */
int me_sort_rows(struct me_row *rows, size_t n, const struct me_column *column, bool desc);

/* Orders the rows of each part that is ordered here; `orders` has one for each. 0 or -ENOMEM. */
int me_sort_view(const struct me_view *view, struct me_rows *rows, const struct me_order *orders);

#endif
