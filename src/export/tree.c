/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/table.h"
#include "export/tree_group.h"
#include "export/views.h"

struct me_tree {
	struct me_selection *sel;
	enum me_tree_by by;
	struct me_tree_folds folds;
	struct me_table *index; /* struct me_tree_key -> place in `groups` */
	struct me_tree_group *groups;
	struct me_tree_group **order;
	size_t count, room;
	struct me_walk walk;
	uint64_t ungrouped;
	size_t lines;
};

void me_tree_free(struct me_tree **tree)
{
	struct me_tree *t = *tree;

	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		me_picks_free(&t->groups[i].members);
	me_table_free(&t->index);
	free(t->groups);
	free(t->order);
	free(t);
	*tree = NULL;
}

static int grow(struct me_tree *tree)
{
	size_t room = tree->room ? 2 * tree->room : 64;
	struct me_tree_group *groups = reallocarray(tree->groups, room, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	tree->groups = groups;
	tree->room = room;
	return 0;
}

/* The group of the flow, made where it is the first one of it; -ENOSPC, -ENOMEM. */
static int find_or_add(struct me_tree *tree, const struct me_item *row,
		       struct me_tree_group **ret_group)
{
	const struct me_tree_key key = me_tree_key(tree->by, row->flow);
	void *value;
	int r = me_table_put(tree->index, &key, &value);
	uint32_t *place = value;

	if (r < 0)
		return r;
	if (r == 0) {
		r = tree->count == tree->room ? grow(tree) : 0;
		if (r < 0)
			return r;
		*place = (uint32_t)tree->count;
		me_tree_group_begin(&tree->groups[tree->count], tree->by, &key, row->ledger,
				    &tree->folds);
		tree->count++;
	}
	*ret_group = &tree->groups[*place];
	return 0;
}

static struct me_tree_group *group_of(const struct me_tree *tree, const struct me_item *row)
{
	const struct me_tree_key key = me_tree_key(tree->by, row->flow);
	const uint32_t *place = me_table_get(tree->index, &key);

	return place ? &tree->groups[*place] : NULL;
}

static int add_all(struct me_tree *tree)
{
	struct me_pick pick;

	while (me_pick_next(tree->sel, &tree->walk, &pick)) {
		struct me_tree_group *group;
		int r = find_or_add(tree, &pick.row, &group);

		if (r == -ENOSPC)
			tree->ungrouped++;
		else if (r < 0)
			return r;
		else
			me_tree_group_add(group, &pick, tree->sel->descending);
	}
	return 0;
}

static int compare(const void *a, const void *b, void *descending)
{
	const struct me_tree_group *const *x = a, *const *y = b;

	return me_pick_compare(*(const bool *)descending, &(*x)->first, &(*y)->first);
}

/* Lines that a group takes. */
static size_t lines_of(const struct me_tree_group *group)
{
	return 1 + (group->unfolded ? group->flows : 0);
}

static int put_in_order(struct me_tree *tree)
{
	const char *field = tree->sel->rows->fields.names[tree->sel->field];

	tree->order = calloc(tree->count ? tree->count : 1, sizeof(struct me_tree_group *));
	if (!tree->order)
		return -ENOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		tree->order[i] = &tree->groups[i];
		me_tree_group_rank(&tree->groups[i], tree->by, field, i);
	}
	qsort_r(tree->order, tree->count, sizeof(struct me_tree_group *), compare,
		&tree->sel->descending);
	for (size_t i = 0; i < tree->count; i++) {
		tree->order[i]->line = tree->lines;
		tree->lines += lines_of(tree->order[i]);
	}
	return 0;
}

/* How many flows of the group come before this one. */
static size_t before(const struct me_tree *tree, const struct me_tree_group *group,
		     const struct me_pick *pick)
{
	struct me_walk walk = {0};
	struct me_pick other;
	size_t n = 0;

	while (me_pick_next(tree->sel, &walk, &other))
		n += group_of(tree, &other.row) == group &&
		     me_pick_compare(tree->sel->descending, &other, pick) < 0;
	return n;
}

/* The line of a flow (that of its group while it is folded) or of a group. False: there is none. */
static bool find_line(const struct me_tree *tree, const char *id, size_t *ret_line)
{
	struct me_tree_group *group;
	struct me_pick pick;
	char text[17];

	if (me_pick_find(tree->sel, id, &pick)) {
		group = group_of(tree, &pick.row);
		if (group)
			*ret_line = group->line +
				    (group->unfolded ? 1 + before(tree, group, &pick) : 0);
		return group;
	}
	for (size_t i = 0; i < tree->count; i++) {
		me_tree_group_id(&tree->groups[i], text);
		if (strcmp(text, id))
			continue;
		*ret_line = tree->groups[i].line;
		return true;
	}
	return false;
}

/* The end of the window, in lines. */
static size_t end_of(const struct me_selection *sel)
{
	return sel->offset + sel->limit;
}

/* Picks the flows of unfolded groups that stand in the window, or before it in their group. */
static int pick_members(struct me_tree *tree)
{
	const struct me_selection *sel = tree->sel;
	struct me_walk walk = {0};
	struct me_pick pick;
	bool any = false;

	for (size_t i = 0; i < tree->count; i++) {
		struct me_tree_group *group = &tree->groups[i];
		size_t first = group->line + 1;

		if (!group->unfolded || first >= end_of(sel) || first + group->flows <= sel->offset)
			continue;
		group->members.descending = sel->descending;
		group->members.limit = end_of(sel) - first;
		any = true;
	}
	while (any && me_pick_next(sel, &walk, &pick)) {
		struct me_tree_group *group = group_of(tree, &pick.row);
		int r = group ? me_picks_offer(&group->members, &pick) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int prepare(struct me_tree *tree, const char *around)
{
	struct me_selection *sel = tree->sel;
	size_t line;
	int r = add_all(tree);

	if (r == 0)
		r = put_in_order(tree);
	if (r == 0 && around && *around && find_line(tree, around, &line))
		sel->offset = line > sel->limit / 2 ? line - sel->limit / 2 : 0;
	return r < 0 ? r : pick_members(tree);
}

int me_tree_new(struct me_selection *sel, const struct me_query *query, struct me_strbuf *error,
		struct me_tree **ret_tree)
{
	_cleanup_tree_ struct me_tree *tree = calloc(1, sizeof(*tree));
	int r;

	if (!tree)
		return -ENOMEM;
	tree->sel = sel;
	r = me_tree_read(query, &tree->by, &tree->folds, error);
	if (r < 0)
		return r;
	tree->index =
		me_table_new(sizeof(struct me_tree_key), sizeof(uint32_t), ME_TREE_GROUPS_MAX);
	r = tree->index ? prepare(tree, query->around) : -ENOMEM;
	if (r < 0)
		return r;
	*ret_tree = me_steal_ptr(&tree);
	return 0;
}

void me_tree_counts(const struct me_tree *tree, size_t *ret_total, size_t *ret_matched)
{
	*ret_total = tree->walk.total;
	*ret_matched = tree->walk.matched;
}

void me_tree_more(const struct me_tree *tree, struct me_json *object)
{
	me_json_set_number(object, "lines", tree->lines);
	me_json_set_number(object, "ungrouped", tree->ungrouped);
}

static int write_members(const struct me_tree *tree, struct me_tree_group *group,
			 struct me_strbuf *out)
{
	size_t first = group->line + 1;
	size_t passed = tree->sel->offset > first ? tree->sel->offset - first : 0;
	char id[17];

	me_picks_sort(&group->members, passed);
	me_tree_group_id(group, id);
	for (size_t i = passed; i < group->members.count; i++) {
		_cleanup_json_ struct me_json *object = NULL;
		int r;

		if (out->data[out->len - 1] == '}')
			me_strbuf_addc(out, ',');
		object = me_view_row(tree->sel->rows, &group->members.items[i].row);
		me_json_set_text(object, "of", id);
		r = me_json_write(object, out);
		if (r < 0)
			return r;
	}
	return 0;
}

int me_tree_write(struct me_tree *tree, struct me_strbuf *out)
{
	const struct me_selection *sel = tree->sel;

	for (size_t i = 0; i < tree->count; i++) {
		struct me_tree_group *group = tree->order[i];
		int r = 0;

		if (group->line >= end_of(sel))
			break;
		if (group->line >= sel->offset) {
			if (out->data[out->len - 1] == '}')
				me_strbuf_addc(out, ',');
			r = me_tree_group_write(group, tree->by, out);
		}
		if (r == 0)
			r = write_members(tree, group, out);
		if (r < 0)
			return r;
	}
	return 0;
}
