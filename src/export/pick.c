/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

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
	bool is_hex = strlen(id) == ME_PICK_ID_LEN && !id[strspn(id, "0123456789abcdef")];
	struct me_walk walk = {0};
	uint64_t number = 0, hex = is_hex ? strtoull(id, NULL, 16) : 0;
	bool is_number = me_text_parse_u64(id, 0, UINT64_MAX, &number);

	while ((is_hex || is_number) && me_pick_next(sel, &walk, ret_pick)) {
		struct me_value value = sel->rows->fields.get(&ret_pick->row, sel->rows->identity);

		if (value.kind == ME_VALUE_ID ? is_hex && value.number == hex
					      : is_number && value.number == number)
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

/* Brings all before the place `nth` of the order before it (Hoare, "Algorithm 65: find", 1961). */
static void part(struct me_picks *picks, size_t nth)
{
	ptrdiff_t low = 0, high = (ptrdiff_t)picks->count - 1, wanted = (ptrdiff_t)nth;

	while (low < high) {
		const struct me_pick pivot = picks->items[low + (high - low) / 2];
		ptrdiff_t i = low, j = high;

		while (i <= j) {
			while (me_pick_compare(picks->descending, &picks->items[i], &pivot) < 0)
				i++;
			while (me_pick_compare(picks->descending, &picks->items[j], &pivot) > 0)
				j--;
			if (i <= j)
				swap(&picks->items[i++], &picks->items[j--]);
		}
		if (wanted <= j)
			high = j;
		else if (wanted >= i)
			low = i;
		else
			return;
	}
}

void me_picks_sort(struct me_picks *picks, size_t from)
{
	if (from >= picks->count)
		return;
	if (from)
		part(picks, from);
	qsort_r(picks->items + from, picks->count - from, sizeof(*picks->items), compare_picks,
		&picks->descending);
}

void me_picks_free(struct me_picks *picks)
{
	free(picks->items);
	*picks = (struct me_picks){0};
}
