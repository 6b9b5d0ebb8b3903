/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/views.h"

#include <errno.h>
#include <string.h>
#include "base/text.h"

struct pick {
	struct me_value key;
	struct me_item row;
	size_t order; /* among equals: as they were found */
};

struct selection {
	unsigned int field;
	bool descending;
	size_t offset, limit;
	size_t total, matched;
	struct pick *picks; /* a heap while rows come, the worst on top; then sorted */
	size_t count, room;
};

int me_view_invalid(struct me_strbuf *error, const char *what, const char *value,
		    const char *expected)
{
	char shown[ME_TEXT_ESCAPED(64)];

	me_text_escape(shown, sizeof(shown), value, strnlen(value, 64));
	me_strbuf_addf(error, "%s: \"%s\", expected %s", what, shown, expected);
	return -EINVAL;
}

static int read_sort(const struct me_rows *rows, const struct me_query *query,
		     struct selection *sel, struct me_strbuf *error)
{
	const char *sort = query->sort && *query->sort ? query->sort : rows->sort;
	uint64_t desc;

	for (sel->field = 0; sel->field < rows->fields.count; sel->field++)
		if (!strcmp(rows->fields.names[sel->field], sort))
			break;
	if (sel->field == rows->fields.count) {
		const char *nearest = me_text_nearest(sort, rows->fields.names, rows->fields.count);

		return me_view_invalid(error, "sort", sort,
				       nearest ? nearest : "a field of the rows");
	}
	desc = rows->descending >> sel->field & 1;
	if (query->desc && !me_text_parse_u64(query->desc, 0, 1, &desc))
		return me_view_invalid(error, "desc", query->desc, "0 or 1");
	sel->descending = desc;
	return 0;
}

static int read_query(const struct me_rows *rows, const struct me_query *query,
		      struct selection *sel, struct me_strbuf *error)
{
	uint64_t limit = ME_VIEW_LIMIT, offset = 0;

	if (query->limit && !me_text_parse_u64(query->limit, 0, ME_VIEW_LIMIT_MAX, &limit))
		return me_view_invalid(error, "limit", query->limit, "a number from 0 to 100000");
	if (query->offset && !me_text_parse_u64(query->offset, 0, UINT32_MAX, &offset))
		return me_view_invalid(error, "offset", query->offset, "a number");
	sel->limit = limit;
	sel->offset = offset;
	return read_sort(rows, query, sel, error);
}

/* Which of two comes first in the answer. Absent values come last in either direction. */
static int compare(const struct selection *sel, const struct pick *a, const struct pick *b)
{
	int order = me_value_compare(&a->key, &b->key);
	bool absent = a->key.kind == ME_VALUE_NONE || b->key.kind == ME_VALUE_NONE;

	if (order)
		return sel->descending && !absent ? -order : order;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_picks(const void *a, const void *b, void *sel)
{
	return compare(sel, a, b);
}

static void swap(struct pick *a, struct pick *b)
{
	struct pick held = *a;

	*a = *b;
	*b = held;
}

static void sift_down(struct selection *sel)
{
	size_t at = 0, worst = 0;

	for (;; at = worst) {
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sel->count; child++)
			if (compare(sel, &sel->picks[child], &sel->picks[worst]) > 0)
				worst = child;
		if (worst == at)
			return;
		swap(&sel->picks[at], &sel->picks[worst]);
	}
}

static void sift_up(struct selection *sel)
{
	for (size_t at = sel->count - 1; at; at = (at - 1) / 2) {
		if (compare(sel, &sel->picks[at], &sel->picks[(at - 1) / 2]) <= 0)
			return;
		swap(&sel->picks[at], &sel->picks[(at - 1) / 2]);
	}
}

/* Keeps the row if it belongs to the first offset + limit. */
static int offer(struct selection *sel, const struct pick *pick)
{
	if (!sel->limit)
		return 0;
	if (sel->count == sel->offset + sel->limit) {
		if (compare(sel, pick, &sel->picks[0]) < 0) {
			sel->picks[0] = *pick;
			sift_down(sel);
		}
		return 0;
	}
	if (sel->count == sel->room) {
		size_t room = sel->room ? 2 * sel->room : 64;
		struct pick *picks = realloc(sel->picks, room * sizeof(*picks));

		if (!picks)
			return -ENOMEM;
		sel->picks = picks;
		sel->room = room;
	}
	sel->picks[sel->count++] = *pick;
	sift_up(sel);
	return 0;
}

static int select_rows(const struct me_rows *rows, const struct me_ledger *ledger,
		       const void *items, const struct me_filter *filter, struct selection *sel)
{
	struct pick pick = {0};

	for (size_t cursor = 0; rows->next(ledger, items, &cursor, &pick.row); sel->total++) {
		int r;

		if (!me_filter_matches(filter, &pick.row))
			continue;
		pick.key = rows->fields.get(&pick.row, sel->field);
		pick.order = sel->matched++;
		r = offer(sel, &pick);
		if (r < 0)
			return r;
	}
	if (sel->count)
		qsort_r(sel->picks, sel->count, sizeof(*sel->picks), compare_picks, sel);
	return 0;
}

struct me_json *me_view_row(const struct me_rows *rows, const struct me_item *row)
{
	struct me_json *object = me_json_object();

	for (unsigned int field = 0; field < rows->fields.count; field++)
		me_json_set(object, rows->fields.names[field], rows->fields.get(row, field));
	if (rows->more_of_row)
		rows->more_of_row(row, object);
	return object;
}

static int write_row(const struct me_rows *rows, const struct me_item *row, struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *object = me_view_row(rows, row);

	return me_json_write(object, out);
}

static struct me_json *begin(const struct me_status *status)
{
	struct me_json *object = me_json_object();

	me_json_set(object, "ts", me_value_time(status->now_ns));
	me_json_set_text(object, "version", status->version);
	return object;
}

/* Rows are written as they come: a tree of all of them would cost kilobytes a row. */
static int write_list(const struct me_rows *rows, const struct me_ledger *ledger,
		      const struct me_status *status, const struct selection *sel,
		      struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *head = begin(status);
	int r;

	me_json_set_number(head, "total", sel->total);
	me_json_set_number(head, "matched", sel->matched);
	if (rows->more_of_list)
		rows->more_of_list(ledger, head);
	r = me_json_write(head, out);
	if (r < 0)
		return r;
	out->len--; /* the closing brace */
	me_strbuf_addf(out, ",\"%s\":[", rows->list);
	for (size_t i = sel->offset; i < sel->count; i++) {
		if (i > sel->offset)
			me_strbuf_addc(out, ',');
		r = write_row(rows, &sel->picks[i].row, out);
		if (r < 0)
			return r;
	}
	me_strbuf_adds(out, "]}\n");
	return out->err;
}

int me_view_list(const struct me_rows *rows, const struct me_ledger *ledger,
		 const struct me_status *status, const struct me_query *query,
		 struct me_strbuf *out, struct me_strbuf *error)
{
	_cleanup_(me_filter_freep) struct me_filter *filter = NULL;
	_cleanup_free_ void *items = NULL;
	struct selection sel = {0};
	int r;

	r = read_query(rows, query, &sel, error);
	if (r < 0)
		return r;
	r = me_filter_new(query->filter ? query->filter : "", &rows->fields, error, &filter);
	if (r < 0)
		return r;
	r = rows->open ? rows->open(ledger, query, error, &items) : 0;
	if (r < 0)
		return r;
	r = select_rows(rows, ledger, items, filter, &sel);
	if (r == 0)
		r = write_list(rows, ledger, status, &sel, out);
	free(sel.picks);
	return r;
}

int me_view_error(const char *text, struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *object = me_json_object();
	int r;

	me_json_set_safe(object, "error", text);
	r = me_json_write(object, out);
	me_strbuf_addc(out, '\n');
	return r < 0 ? r : out->err;
}
