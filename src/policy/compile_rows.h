/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_ROWS_H
#define MEWATCH_POLICY_COMPILE_ROWS_H

/*
 * The table under construction. A row is made from a row it begins with and the entries that are
 * added to it; equal rows are one.
 */
#include <stdbool.h>
#include "policy/compile_columns.h"

struct me_table;

/* A set of entries: another one and one entry more. Set 0 is empty. */
struct me_set {
	uint32_t base;
	uint32_t entry;
	uint32_t row[2]; /* without `any` and with it; 0 where not made yet */
};

struct me_rows {
	const struct me_entries *entries;
	const struct me_cover *cover;
	uint32_t *table; /* count * columns ranks */
	uint32_t count;
	uint32_t capacity;
	struct me_table *by_content;
	struct me_set *sets;
	uint32_t n_sets;
	uint32_t sets_capacity;
	struct me_table *by_set; /* (base, entry) -> set */
	uint32_t *shares;        /* of each rule: sets and names that begin with it */
	bool full; /* the table passed ME_CELLS_MAX: rows are counted in `shares` only */
};

/* Begins with the rows of fixed meaning. `rows` is to be freed whatever happens. 0 or -ENOMEM. */
int me_rows_start(struct me_rows *rows, const struct me_policy *policy,
		  const struct me_entries *entries, const struct me_cover *cover);
void me_rows_free(struct me_rows *rows);

/* The set with one entry more; entries come in ascending order. 0 or -ENOMEM. */
int me_rows_extend(struct me_rows *rows, uint32_t set, uint32_t entry, uint32_t *ret_set);

/* The row of a set, with the `any` entries or without. 0 or -ENOMEM. */
int me_rows_of_set(struct me_rows *rows, uint32_t set, bool with_any, uint32_t *ret_row);

/* The row of these entries alone, a name's. 0 or -ENOMEM. */
int me_rows_of_name(struct me_rows *rows, const uint32_t *ranks, size_t n, uint32_t *ret_row);

/* The finished table, the caller's to free(); without what it grew too far. */
uint32_t *me_rows_steal(struct me_rows *rows);

#endif
