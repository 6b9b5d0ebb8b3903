/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "policy/compile_rows.h"
#include "policy/policy.h"

/* Lets the entry decide in `row` wherever it is the strongest. */
static void apply(const struct me_rows *rows, uint32_t *row, uint32_t rank)
{
	const struct me_cover *cover = rows->cover;
	uint32_t rule = rows->entries->sources[rank].rule;

	for (uint32_t c = me_cover_next(cover, rule, 0); c < cover->columns;
	     c = me_cover_next(cover, rule, c + 1))
		row[c] = me_judge_better(row[c], rank);
}

/* A new row that begins as a copy of `base`; it counts only once it is kept. NULL without memory. */
static uint32_t *draw_row(struct me_rows *rows, uint32_t base)
{
	uint32_t columns = rows->cover->columns, *row;

	if (rows->count == rows->capacity) {
		uint32_t capacity = 2 * rows->capacity;
		uint32_t *grown =
			reallocarray(rows->table, capacity, columns * sizeof(*rows->table));

		if (!grown)
			return NULL;
		rows->table = grown;
		rows->capacity = capacity;
	}
	row = rows->table + (size_t)rows->count * columns;
	return memcpy(row, rows->table + (size_t)base * columns, columns * sizeof(*row));
}

/* Keeps the row drawn last, unless there is one like it or no room is left. */
static int keep_row(struct me_rows *rows, uint32_t *ret_row)
{
	uint32_t columns = rows->cover->columns;
	void *value;
	int r;

	r = me_table_put(rows->by_content, rows->table + (size_t)rows->count * columns, &value);
	if (r < 0)
		return r;
	if (r == 0) {
		*(uint32_t *)value = rows->count++;
		rows->full = (uint64_t)rows->count * columns > ME_CELLS_MAX;
	}
	*ret_row = *(uint32_t *)value;
	return 0;
}

int me_rows_extend(struct me_rows *rows, uint32_t set, uint32_t entry, uint32_t *ret_set)
{
	const uint32_t key[2] = {set, entry};
	void *value;
	int r = me_table_put(rows->by_set, key, &value);

	if (r < 0)
		return r;
	if (r == 0) {
		if (rows->n_sets == rows->sets_capacity) {
			uint32_t capacity = 2 * rows->sets_capacity;
			struct me_set *grown = reallocarray(rows->sets, capacity, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			rows->sets = grown;
			rows->sets_capacity = capacity;
		}
		rows->sets[rows->n_sets] = (struct me_set){.base = set, .entry = entry};
		*(uint32_t *)value = rows->n_sets++;
		rows->shares[rows->entries->sources[entry].rule]++;
	}
	*ret_set = *(uint32_t *)value;
	return 0;
}

int me_rows_of_set(struct me_rows *rows, uint32_t set, bool with_any, uint32_t *ret_row)
{
	uint32_t made = set, *row;
	int r;

	if (rows->full) {
		*ret_row = ME_ROW_NOTHING;
		return 0;
	}
	while (made && !rows->sets[made].row[with_any])
		made = rows->sets[made].base;
	if (made != set) {
		row = draw_row(rows, rows->sets[made].row[with_any]);
		if (!row)
			return -ENOMEM;
		for (uint32_t s = set; s != made; s = rows->sets[s].base)
			apply(rows, row, rows->sets[s].entry);
		r = keep_row(rows, &rows->sets[set].row[with_any]);
		if (r < 0)
			return r;
	}
	*ret_row = rows->sets[set].row[with_any];
	return 0;
}

int me_rows_of_name(struct me_rows *rows, const uint32_t *ranks, size_t n, uint32_t *ret_row)
{
	uint32_t *row;

	rows->shares[rows->entries->sources[ranks[0]].rule]++;
	if (rows->full) {
		*ret_row = ME_ROW_NOTHING;
		return 0;
	}
	row = draw_row(rows, ME_ROW_NOTHING);
	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		apply(rows, row, ranks[i]);
	return keep_row(rows, ret_row);
}

static bool is_resolvers(const struct me_policy *policy, const struct me_image_source *source)
{
	return policy->rules[source->rule].to[source->to].kind == ME_TO_RESOLVERS;
}

/* The rows that are there in every policy, at their places. */
static int draw_fixed(struct me_rows *rows, const struct me_policy *policy)
{
	uint32_t columns = rows->cover->columns, row;

	for (uint32_t rank = 1; rank < rows->entries->count; rank++) {
		switch (rows->entries->list[rank].match) {
		case ME_MATCH_NAME:
		case ME_MATCH_WILDCARD:
		case ME_MATCH_SUBTREE:
			apply(rows, rows->table + (size_t)ME_ROW_NAMED * columns, rank);
			break;
		case ME_MATCH_KEYWORD:
			if (is_resolvers(policy, &rows->entries->sources[rank]))
				apply(rows, rows->table + (size_t)ME_ROW_RECURSIVE * columns, rank);
			break;
		case ME_MATCH_ANY:
			apply(rows, rows->table + (size_t)ME_ROW_ANY * columns, rank);
			break;
		case ME_MATCH_LOCAL:
			apply(rows, rows->table + (size_t)ME_ROW_LOCAL * columns, rank);
			break;
		}
	}
	/* Destinations may share these two; the others mean more than their entries. */
	for (rows->count = ME_ROW_NOTHING; rows->count <= ME_ROW_ANY;) {
		uint32_t before = rows->count;
		int r = keep_row(rows, &row);

		if (r < 0)
			return r;
		rows->count = before + 1;
	}
	rows->count = ME_ROW_FIRST;
	rows->sets[0] = (struct me_set){.row = {ME_ROW_NOTHING, ME_ROW_ANY}};
	rows->n_sets = 1;
	return 0;
}

int me_rows_start(struct me_rows *rows, const struct me_policy *policy,
		  const struct me_entries *entries, const struct me_cover *cover)
{
	*rows = (struct me_rows){
		.entries = entries,
		.cover = cover,
		.capacity = 64,
		.sets_capacity = 64,
	};
	rows->table = calloc(rows->capacity, cover->columns * sizeof(*rows->table));
	rows->by_content = me_table_new(cover->columns * sizeof(*rows->table), sizeof(uint32_t), 0);
	rows->sets = calloc(rows->sets_capacity, sizeof(*rows->sets));
	rows->by_set = me_table_new(2 * sizeof(uint32_t), sizeof(uint32_t), 0);
	rows->shares = calloc(policy->n_rules ? policy->n_rules : 1, sizeof(*rows->shares));
	if (!rows->table || !rows->by_content || !rows->sets || !rows->by_set || !rows->shares)
		return -ENOMEM;
	return draw_fixed(rows, policy);
}

uint32_t *me_rows_steal(struct me_rows *rows)
{
	uint32_t *table = me_steal_ptr(&rows->table);
	uint32_t *shrunk = reallocarray(table, rows->count, rows->cover->columns * sizeof(*table));

	return shrunk ? shrunk : table;
}

void me_rows_free(struct me_rows *rows)
{
	free(rows->table);
	me_table_free(&rows->by_content);
	free(rows->sets);
	me_table_free(&rows->by_set);
	free(rows->shares);
	*rows = (struct me_rows){0};
}
