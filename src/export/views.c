/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/views.h"

#include <errno.h>
#include <string.h>
#include "base/text.h"
#include "export/tree.h"

int me_view_invalid(struct me_strbuf *error, const char *what, const char *value,
		    const char *expected)
{
	char shown[ME_TEXT_ESCAPED(64)];

	me_text_escape(shown, sizeof(shown), value, strnlen(value, 64));
	me_strbuf_addf(error, "%s: \"%s\", expected %s", what, shown, expected);
	return -EINVAL;
}

static int read_sort(const struct me_rows *rows, const struct me_query *query,
		     struct me_selection *sel, struct me_strbuf *error)
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
		      struct me_selection *sel, struct me_strbuf *error)
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

struct me_json *me_view_row(const struct me_rows *rows, const struct me_item *row)
{
	struct me_json *object = me_json_object();

	for (unsigned int field = 0; field < rows->fields.count; field++)
		me_json_set(object, rows->fields.names[field], rows->fields.get(row, field));
	if (rows->more_of_row)
		rows->more_of_row(row, object);
	return object;
}

static void set_counts(struct me_json *head, size_t total, size_t matched)
{
	me_json_set_number(head, "total", total);
	me_json_set_number(head, "matched", matched);
}

/* Begins the answer up to where the rows stand. */
static int write_head(struct me_json *head, const struct me_selection *sel, const char *list,
		      struct me_strbuf *out)
{
	int r;

	me_json_set_number(head, "offset", sel->offset);
	r = me_json_write(head, out);
	if (r < 0)
		return r;
	out->len--; /* the closing brace */
	me_strbuf_addf(out, ",\"%s\":[", list);
	return out->err;
}

static struct me_json *begin(const struct me_status *status)
{
	struct me_json *object = me_json_object();

	me_json_set(object, "ts", me_value_time(status->now_ns));
	me_json_set_text(object, "version", status->version);
	return object;
}

/* Rows are written as they come: a tree of all of them would cost kilobytes a row. */
static int write_rows(const struct me_selection *sel, const struct me_picks *picks,
		      struct me_strbuf *out)
{
	for (size_t i = sel->offset; i < picks->count && out->len < ME_VIEW_BYTES_MAX; i++) {
		_cleanup_json_ struct me_json *object =
			me_view_row(sel->rows, &picks->items[i].row);
		int r;

		if (i > sel->offset)
			me_strbuf_addc(out, ',');
		r = me_json_write(object, out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Puts the row of this id into the middle of what is asked for, if it is there. */
static void look_around(struct me_selection *sel, const char *id)
{
	struct me_walk walk = {0};
	struct me_pick pick, other;
	size_t before = 0;

	if (!sel->rows->identified || !id || !*id || !me_pick_find(sel, id, &pick))
		return;
	while (me_pick_next(sel, &walk, &other))
		before += me_pick_compare(sel->descending, &other, &pick) < 0;
	sel->offset = before > sel->limit / 2 ? before - sel->limit / 2 : 0;
}

static int write_list(struct me_selection *sel, const struct me_status *status,
		      const struct me_query *query, struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *head = begin(status);
	_cleanup_(me_picks_free) struct me_picks picks = {.descending = sel->descending};
	struct me_walk walk = {0};
	struct me_pick pick;
	int r = 0;

	look_around(sel, query->around);
	picks.limit = sel->limit ? sel->offset + sel->limit : 0;
	while (r == 0 && me_pick_next(sel, &walk, &pick))
		r = me_picks_offer(&picks, &pick);
	if (r < 0)
		return r;
	me_picks_sort(&picks, sel->offset);
	set_counts(head, walk.total, walk.matched);
	if (sel->rows->more_of_list)
		sel->rows->more_of_list(sel->ledger, query, head);
	r = write_head(head, sel, sel->rows->list, out);
	return r < 0 ? r : write_rows(sel, &picks, out);
}

static int write_tree(struct me_selection *sel, const struct me_status *status,
		      const struct me_query *query, struct me_strbuf *out, struct me_strbuf *error)
{
	_cleanup_json_ struct me_json *head = begin(status);
	_cleanup_tree_ struct me_tree *tree = NULL;
	size_t total, matched;
	int r = me_tree_new(sel, query, error, &tree);

	if (r < 0)
		return r;
	me_tree_counts(tree, &total, &matched);
	set_counts(head, total, matched);
	me_tree_more(tree, head);
	r = write_head(head, sel, "groups", out);
	return r < 0 ? r : me_tree_write(tree, out);
}

int me_view_list(const struct me_rows *rows, const struct me_ledger *ledger,
		 const struct me_status *status, const struct me_query *query,
		 struct me_strbuf *out, struct me_strbuf *error)
{
	_cleanup_(me_filter_freep) struct me_filter *filter = NULL;
	_cleanup_free_ void *items = NULL;
	struct me_selection sel = {.rows = rows, .ledger = ledger};
	bool grouped = rows->grouped && query->group && *query->group;
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
	sel.filter = filter;
	sel.items = items;
	r = grouped ? write_tree(&sel, status, query, out, error)
		    : write_list(&sel, status, query, out);
	if (r < 0)
		return r;
	me_strbuf_adds(out, "]}\n");
	return out->err;
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
