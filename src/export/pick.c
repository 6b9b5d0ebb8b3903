/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool me_pick_next(const struct me_selection *sel, struct me_walk *walk, struct me_pick *ret_pick)
{
	while (sel->rows->next(sel->ledger, sel->items, &walk->cursor, &ret_pick->row)) {
		walk->total++;
		if (!me_filter_matches(sel->filter, &ret_pick->row))
			continue;
		ret_pick->key = sel->rows->fields.get(&ret_pick->row, sel->field);
		ret_pick->order = walk->matched++;
		return true;
	}
	return false;
}

int me_pick_compare(bool descending, const struct me_pick *a, const struct me_pick *b)
{
	int order = me_value_compare(&a->key, &b->key);
	bool absent = a->key.kind == ME_VALUE_NONE || b->key.kind == ME_VALUE_NONE;

	if (order)
		return descending && !absent ? -order : order;
	return a->order < b->order ? -1 : a->order > b->order;
}

bool me_pick_find(const struct me_selection *sel, const char *id, struct me_pick *ret_pick)
{
	struct me_walk walk = {0};

	while (me_pick_next(sel, &walk, ret_pick)) {
		struct me_value value = sel->rows->fields.get(&ret_pick->row, 0);
		char buffer[ME_VALUE_LEN];
		size_t len;
		const char *text = me_value_show(&value, buffer, &len);

		if (text && len == strlen(id) && !memcmp(text, id, len))
			return true;
	}
	return false;
}

static void swap(struct me_pick *a, struct me_pick *b)
{
	struct me_pick held = *a;

	*a = *b;
	*b = held;
}

static int compare_at(const struct me_picks *picks, size_t a, size_t b)
{
	return me_pick_compare(picks->descending, &picks->items[a], &picks->items[b]);
}

static void sift_down(struct me_picks *picks)
{
	size_t at = 0, worst = 0;

	for (;; at = worst) {
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < picks->count;
		     child++)
			if (compare_at(picks, child, worst) > 0)
				worst = child;
		if (worst == at)
			return;
		swap(&picks->items[at], &picks->items[worst]);
	}
}

static void sift_up(struct me_picks *picks)
{
	for (size_t at = picks->count - 1; at; at = (at - 1) / 2) {
		if (compare_at(picks, at, (at - 1) / 2) <= 0)
			return;
		swap(&picks->items[at], &picks->items[(at - 1) / 2]);
	}
}

int me_picks_offer(struct me_picks *picks, const struct me_pick *pick)
{
	if (!picks->limit)
		return 0;
	if (picks->count == picks->limit) {
		if (me_pick_compare(picks->descending, pick, &picks->items[0]) < 0) {
			picks->items[0] = *pick;
			sift_down(picks);
		}
		return 0;
	}
	if (picks->count == picks->room) {
		size_t room = picks->room ? 2 * picks->room : 64;
		struct me_pick *items = realloc(picks->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		picks->items = items;
		picks->room = room;
	}
	picks->items[picks->count++] = *pick;
	sift_up(picks);
	return 0;
}

static int compare_picks(const void *a, const void *b, void *descending)
{
	return me_pick_compare(*(const bool *)descending, a, b);
}

void me_picks_sort(struct me_picks *picks)
{
	if (picks->count)
		qsort_r(picks->items, picks->count, sizeof(*picks->items), compare_picks,
			&picks->descending);
}

void me_picks_free(struct me_picks *picks)
{
	free(picks->items);
	*picks = (struct me_picks){0};
}
