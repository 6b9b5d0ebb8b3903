/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_PICK_H
#define MEWATCH_EXPORT_PICK_H

/* Which rows of a list are asked for, and the first of them in an order without sorting them all. */
#include "export/rows.h"

struct me_selection {
	const struct me_rows *rows;
	const struct me_ledger *ledger;
	const void *items; /* what the rows walk over; or NULL */
	const struct me_filter *filter;
	unsigned int field; /* that is sorted by */
	bool descending;
	size_t offset, limit;
};

struct me_pick {
	struct me_value key; /* what it is sorted by */
	struct me_item row;
	size_t order; /* among equals: as they were found */
};

/* A walk over the rows that the filter leaves. */
struct me_walk {
	size_t cursor;
	size_t total, matched; /* of what is behind */
};

/* The next row that matches, until false. A walk starts zeroed. */
bool me_pick_next(const struct me_selection *sel, struct me_walk *walk, struct me_pick *ret_pick);

/* Which of two comes first, as qsort(3) has it. What has no key comes last in either direction. */
int me_pick_compare(bool descending, const struct me_pick *a, const struct me_pick *b);

#define ME_PICK_ID_LEN 16u /* hexadecimal digits */

/* The row of this id, of rows that have one: such digits, or a number. False: there is none. */
bool me_pick_find(const struct me_selection *sel, const char *id, struct me_pick *ret_pick);

/* The first `limit` rows in an order: a heap with the last of them on top, until they are sorted. */
struct me_picks {
	bool descending;
	size_t limit;
	struct me_pick *items;
	size_t count, room;
};

/* Keeps the row if it belongs to the first. 0 or -ENOMEM. */
int me_picks_offer(struct me_picks *picks, const struct me_pick *pick);
/* Sorts those from the place `from` of the order on: what is passed over needs no order. */
void me_picks_sort(struct me_picks *picks, size_t from);
void me_picks_free(struct me_picks *picks);

#endif
