/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <strings.h>
#include "metop/answer.h"
#include "metop/view.h"

/* Every word that a verdict or state can be. Marks tell them apart where there is no colour. */
static const struct {
	const char *state;
	char mark;
	enum me_style style;
} marks[] = {
	{"violation", '!', ME_STYLE_BAD},    {"pending", '?', ME_STYLE_WAIT},
	{"allowed", '+', ME_STYLE_GOOD},     {"local", '.', ME_STYLE_DIM},
	{"unresolved", '~', ME_STYLE_WAIT},  {"confirmed", '!', ME_STYLE_BAD},
	{"provisional", '?', ME_STYLE_WAIT}, {"failing", '!', ME_STYLE_BAD},
	{"overdue", '?', ME_STYLE_WAIT},     {"good", '+', ME_STYLE_GOOD},
	{"never", '.', ME_STYLE_DIM},        {"retired", '~', ME_STYLE_DIM},
	{"gone", '-', ME_STYLE_DIM},         {"problem", '!', ME_STYLE_BAD},
	{"failed", '!', ME_STYLE_BAD},       {"notice", '?', ME_STYLE_WAIT},
	{"ok", '+', ME_STYLE_GOOD},          {"refuses", '!', ME_STYLE_BAD},
	{"over", '-', ME_STYLE_DIM},         {"in", '<', ME_STYLE_DIM},
};

char me_view_mark(const char *state, enum me_style *ret_style)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(marks); i++) {
		if (strcmp(marks[i].state, state))
			continue;
		*ret_style = marks[i].style;
		return marks[i].mark;
	}
	*ret_style = ME_STYLE_PLAIN;
	return ' ';
}

enum me_view_id me_view_by_name(const char *name)
{
	if (!*name)
		return ME_VIEWS;
	for (size_t i = 0; i < ME_VIEWS; i++) {
		if (!strncasecmp(me_views[i].name, name, strlen(name)))
			return (enum me_view_id)i;
	}
	return ME_VIEWS;
}

size_t me_view_column(const struct me_view *view, const char *name)
{
	for (size_t i = 0; i < view->n_columns; i++) {
		if (!strcasecmp(view->columns[i].title, name))
			return i;
	}
	for (size_t i = 0; i < view->n_columns; i++) {
		if (view->columns[i].sort && !strcasecmp(view->columns[i].sort, name))
			return i;
	}
	return view->n_columns;
}

struct me_order me_view_first_order(const struct me_view *view, size_t part)
{
	const struct me_view of = me_view_part(view, part);
	size_t column = me_view_column(&of, of.order);

	return (struct me_order){column, me_column_starts_desc(&of.columns[column])};
}

int me_view_read(const struct me_view *view, bool grouped, const char *body, size_t len,
		 struct me_rows **ret_rows)
{
	_cleanup_rows_ struct me_rows *tree = NULL;
	size_t n_keys = 0;
	int r;

	while (n_keys < ME_VIEW_KEYS && view->keys[n_keys])
		n_keys++;
	if (!view->read)
		return me_answer_list(body, len, grouped ? "groups" : view->name, view->keys,
				      n_keys, ret_rows);
	r = me_answer_tree(body, len, &tree);
	return r < 0 ? r : view->read(tree, ret_rows);
}

struct me_view me_view_part(const struct me_view *view, size_t part)
{
	struct me_view of = *view;

	if (view->parts) {
		of.columns = view->parts[part].columns;
		of.n_columns = view->parts[part].n_columns;
		of.order = view->parts[part].order;
	}
	return of;
}

struct me_view me_view_of(const struct me_view *view, const struct me_row *row)
{
	struct me_view of = me_view_part(view, row->part);

	if (view->groups && me_row_field(row, "group"))
		of.columns = view->groups;
	return of;
}

const char *me_view_identity(const struct me_view *view, const struct me_row *row)
{
	const char *id = NULL;

	for (size_t i = 0; i < ME_VIEW_IDS && view->ids[i] && !id; i++)
		id = me_row_text(row, view->ids[i]);
	return id ? id : row->key;
}

bool me_column_is_right(const struct me_column *column)
{
	return column->kind == ME_COLUMN_QUANTITY || column->kind == ME_COLUMN_AGE ||
	       column->kind == ME_COLUMN_LEFT || column->kind == ME_COLUMN_RATE;
}

bool me_column_starts_desc(const struct me_column *column)
{
	/* The worst first, where it is not the daemon's order of words. */
	return me_column_is_right(column) || column->kind == ME_COLUMN_NEW ||
	       (column->kind == ME_COLUMN_SIGN && !column->sort);
}

enum me_style me_view_row_style(const struct me_view *view, const struct me_row *row)
{
	const struct me_view of = me_view_of(view, row);
	enum me_style style = ME_STYLE_PLAIN;

	/* The first column of every view and part is its verdict or state. */
	me_view_mark(me_column_first(&of.columns[0], row), &style);
	return style;
}

enum me_style me_column_style(const struct me_column *column, enum me_style row_style)
{
	if (column->kind == ME_COLUMN_MARK || column->kind == ME_COLUMN_SIGN ||
	    column->kind == ME_COLUMN_NEW || column->marked || row_style == ME_STYLE_DIM)
		return row_style;
	return ME_STYLE_PLAIN;
}
