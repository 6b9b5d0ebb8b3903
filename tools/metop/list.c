/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "metop/model.h"
#include "metop/sort.h"

#define WINDOW_PAGES 4 /* screens that are held */
#define WINDOW_MIN 64u /* rows that are held at the least */

bool me_model_sorts_here(const struct me_model *model, enum me_view_id view)
{
	return !me_views[view].read &&
	       me_sort_is_here(&me_views[view], 0, model->settings.order[view][0].column);
}

bool me_model_sorts_some(const struct me_model *model)
{
	const struct me_rows *rows = model->lists[model->view].rows;

	return rows && me_model_sorts_here(model, model->view) && rows->matched > rows->n;
}

uint64_t me_list_count(const struct me_model *model, enum me_view_id view)
{
	const struct me_rows *rows = model->lists[view].rows;

	if (!rows)
		return 0;
	return me_model_sorts_here(model, view) ? rows->n : rows->matched;
}

const struct me_row *me_list_row(const struct me_list *list, uint64_t position)
{
	if (!list->rows || position < list->offset || position - list->offset >= list->rows->n)
		return NULL;
	return &list->rows->rows[position - list->offset];
}

const struct me_row *me_model_selected(const struct me_model *model)
{
	const struct me_list *list = &model->lists[model->view];

	return list->gone ? NULL : me_list_row(list, list->position);
}

/* Rows that are worth holding: what is sorted here is not asked for in pieces. */
static uint32_t window(const struct me_model *model)
{
	size_t rows = WINDOW_PAGES * model->page;

	/* A row that the daemon cannot find again must not go out of sight. */
	if (!me_views[model->view].ids[0] || me_model_sorts_here(model, model->view) ||
	    rows > ME_QUERY_LIMIT)
		return ME_QUERY_LIMIT;
	return rows < WINDOW_MIN ? WINDOW_MIN : (uint32_t)rows;
}

void me_model_query(const struct me_model *model, struct me_query *ret_query)
{
	const struct me_view *view = &me_views[model->view];
	const struct me_list *list = &model->lists[model->view];
	uint32_t limit = window(model);

	*ret_query = (struct me_query){
		.view = model->view,
		.limit = limit,
		.order = model->settings.order[model->view][view->asked],
		.filter = model->filter,
		.tree = model->settings.tree,
		.folds = &model->folds,
		.open_only = !model->settings.closed,
		.addresses = model->settings.addresses,
	};
	if (view->ids[0] && list->chosen && (list->following || list->seek))
		ret_query->around = list->key;
	if (!view->read && !me_model_sorts_here(model, model->view) && list->position > limit / 2)
		ret_query->offset = list->position - limit / 2;
}

void me_model_scroll(struct me_model *model)
{
	struct me_list *list = &model->lists[model->view];
	uint64_t count = me_list_count(model, model->view), page = model->page ? model->page : 1;

	if (list->position >= count)
		list->position = count ? count - 1 : 0;
	if (list->top + page > count)
		list->top = count > page ? count - page : 0;
	if (list->position < list->top)
		list->top = list->position;
	if (list->position >= list->top + page)
		list->top = list->position - page + 1;
}

/* Notes which row it is that the user chose. */
static int remember(struct me_model *model, struct me_list *list)
{
	const struct me_row *row = me_list_row(list, list->position);
	char *key = NULL;

	if (row) {
		key = strdup(me_view_identity(&me_views[model->view], row));
		if (!key)
			return -ENOMEM;
	}
	free(list->key);
	list->key = key;
	list->gone = list->seek = false;
	return 0;
}

/* Whether all rows on the screen are held. */
static bool is_held(const struct me_model *model, const struct me_list *list)
{
	uint64_t count = me_list_count(model, model->view), last = list->top + model->page;

	last = last < count ? last : count;
	return !count || (me_list_row(list, list->position) && me_list_row(list, list->top) &&
			  me_list_row(list, last ? last - 1 : 0));
}

int me_model_select(struct me_model *model, uint64_t position)
{
	struct me_list *list = &model->lists[model->view];
	uint64_t count = me_list_count(model, model->view);

	if (position >= count)
		position = count ? count - 1 : 0;
	list->position = position;
	list->chosen = true;
	list->following = false;
	model->detail_scroll = 0;
	me_model_scroll(model);
	model->want |= !is_held(model, list);
	return remember(model, list);
}

void me_model_home(struct me_model *model)
{
	struct me_list *list = &model->lists[model->view];

	list->position = list->top = 0;
	list->chosen = list->following = list->seek = list->gone = false;
	model->detail_scroll = 0;
	model->want |= list->offset > 0;
}

int me_model_choose(struct me_model *model, const char *identity)
{
	struct me_list *list = &model->lists[model->view];
	char *key = strdup(identity);

	if (!key)
		return -ENOMEM;
	free(list->key);
	list->key = key;
	list->chosen = list->seek = true;
	list->gone = false;
	model->want = true;
	return 0;
}

size_t me_model_part(const struct me_model *model)
{
	const struct me_list *list = &model->lists[model->view];
	const struct me_row *row = me_list_row(list, list->position);

	return row ? row->part : 0;
}

struct me_view me_model_columns(const struct me_model *model)
{
	return me_view_part(&me_views[model->view], me_model_part(model));
}

struct me_order me_model_order(const struct me_model *model)
{
	return model->settings.order[model->view][me_model_part(model)];
}

void me_model_sort(struct me_model *model, size_t column, bool desc)
{
	struct me_list *list = &model->lists[model->view];

	model->settings.order[model->view][me_model_part(model)] = (struct me_order){column, desc};
	model->want = true;
	/* In another order the row in hand is elsewhere: start at the top of the list again. */
	if (!list->following && !me_views[model->view].parts)
		me_model_home(model);
}

/* Where the chosen row is among those that are held. */
static bool find_chosen(const struct me_model *model, const struct me_list *list, size_t *ret_index)
{
	const struct me_view *view = &me_views[model->view];

	for (size_t i = 0; i < list->rows->n; i++) {
		if (strcmp(me_view_identity(view, &list->rows->rows[i]), list->key))
			continue;
		*ret_index = i;
		return true;
	}
	return false;
}

/* The chosen row is not among those that are held: is it elsewhere, or gone? */
static void miss(struct me_model *model, struct me_list *list)
{
	bool some = list->rows->n < list->rows->matched;

	if (me_views[model->view].ids[0] && some && !model->asked.around && !list->gone) {
		list->seek = model->want = true;
		return;
	}
	list->seek = false;
	list->gone = true;
	if (!list->following)
		return;
	model->notice = "the row that was followed is no longer in the list";
	list->following = list->chosen = list->gone = false;
}

int me_list_settle(struct me_model *model, struct me_list *list)
{
	size_t index;

	if (list->chosen && list->key && find_chosen(model, list, &index)) {
		list->position = list->offset + index;
		list->gone = list->seek = false;
	} else if (list->chosen && list->key) {
		miss(model, list);
	}
	me_model_scroll(model);
	return list->chosen && !list->key ? remember(model, list) : 0;
}
