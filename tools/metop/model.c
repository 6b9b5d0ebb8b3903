/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "metop/answer.h"
#include "metop/model.h"
#include "metop/sort.h"

void me_model_init(struct me_model *model, const struct me_source *source,
		   const struct me_settings *settings)
{
	*model = (struct me_model){
		.source = source,
		.settings = *settings,
		.view = settings->view,
		.attempt_rate = -1,
		.want = true,
		.page = 1,
	};
	me_pulse_init(&model->pulse);
}

void me_model_free(struct me_model *model)
{
	for (size_t i = 0; i < ME_VIEWS; i++) {
		me_rows_free(&model->lists[i].rows);
		free(model->lists[i].key);
	}
	me_known_clear(&model->known);
	me_story_clear(&model->story);
	me_trouble_free(&model->trouble);
	free(model->refusal);
	free(model->notice);
}

void me_model_notice(struct me_model *model, char *text)
{
	free(model->notice);
	model->notice = text;
}

/* A list that is not in the daemon's order: then the window is all there is. */
static bool sorted_here(const struct me_model *model, enum me_view_id view)
{
	return !me_views[view].read &&
	       me_sort_is_here(&me_views[view], 0, model->settings.order[view][0].column);
}

uint64_t me_list_count(const struct me_model *model, enum me_view_id view)
{
	const struct me_rows *rows = model->lists[view].rows;

	if (!rows)
		return 0;
	return sorted_here(model, view) ? rows->n : rows->matched;
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

void me_model_query(const struct me_model *model, struct me_query *ret_query)
{
	const struct me_list *list = &model->lists[model->view];
	uint64_t half = ME_QUERY_LIMIT / 2;

	*ret_query = (struct me_query){
		.view = model->view,
		.limit = ME_QUERY_LIMIT,
		.order = model->settings.order[model->view][me_views[model->view].asked],
		.filter = model->filter,
	};
	if (!me_views[model->view].read && !sorted_here(model, model->view) &&
	    list->position > half)
		ret_query->offset = list->position - half;
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
static int remember(struct me_list *list)
{
	const struct me_row *row = me_list_row(list, list->position);
	char *key = NULL;

	if (row) {
		key = strdup(row->key);
		if (!key)
			return -ENOMEM;
	}
	free(list->key);
	list->key = key;
	list->gone = false;
	return 0;
}

int me_model_select(struct me_model *model, uint64_t position)
{
	struct me_list *list = &model->lists[model->view];
	uint64_t count = me_list_count(model, model->view);

	if (position >= count)
		position = count ? count - 1 : 0;
	list->position = position;
	list->follow = true;
	model->detail_scroll = 0;
	me_model_scroll(model);
	if (count && (!me_list_row(list, list->position) || !me_list_row(list, list->top)))
		model->want = true;
	return remember(list);
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

bool me_model_sorts_some(const struct me_model *model)
{
	const struct me_rows *rows = model->lists[model->view].rows;

	return rows && sorted_here(model, model->view) && rows->matched > rows->n;
}

void me_model_sort(struct me_model *model, size_t column, bool desc)
{
	struct me_list *list = &model->lists[model->view];

	model->settings.order[model->view][me_model_part(model)] = (struct me_order){column, desc};
	model->want = true;
	/* In another order the row in hand is elsewhere: start at the top of the list again. */
	if (!me_views[model->view].parts)
		list->position = list->top = 0;
	list->follow = list->gone = false;
}

/* Puts new rows in front of the user: by the row he chose, else by the place. */
static int settle(struct me_model *model, struct me_list *list)
{
	size_t index;

	if (list->follow && list->key) {
		list->gone = !me_rows_find(list->rows, list->key, &index);
		if (!list->gone)
			list->position = list->offset + index;
	}
	me_model_scroll(model);
	return list->follow && !list->key ? remember(list) : 0;
}

static int take_list(struct me_model *model, const struct me_reply *reply)
{
	const struct me_query *asked = &model->asked;
	const struct me_view *view = &me_views[asked->view];
	struct me_list *list = &model->lists[asked->view];
	_cleanup_rows_ struct me_rows *rows = NULL;
	int r = me_view_read(view, reply->body, reply->len, &rows);

	if (r < 0)
		return r;
	if (list->rows)
		me_rows_rate(rows, list->rows, view->rates);
	r = me_sort_view(view, rows, model->settings.order[asked->view]);
	if (r < 0)
		return r;
	me_rows_free(&list->rows);
	list->rows = me_steal_ptr(&rows);
	list->offset = asked->offset;
	return settle(model, list);
}

static int take_health(struct me_model *model, const struct me_reply *reply)
{
	struct me_list *list = &model->lists[ME_VIEW_HEALTH];
	_cleanup_rows_ struct me_rows *tree = NULL;
	_cleanup_rows_ struct me_rows *rows = NULL;
	struct me_health health;
	int r;

	r = me_answer_tree(reply->body, reply->len, &tree);
	if (r < 0)
		return r;
	r = me_health_read(tree, &health, &rows);
	if (!r)
		r = me_sort_view(&me_views[ME_VIEW_HEALTH], rows,
				 model->settings.order[ME_VIEW_HEALTH]);
	if (r < 0)
		return r;
	/* The same answer again (no time went by) says nothing new about the rate. */
	if (health.ts_ns != model->health.ts_ns)
		model->attempt_rate = me_health_attempt_rate(&health, &model->health);
	me_pulse_take(&model->pulse, health.ts_ns,
		      (const uint64_t[]){[ME_PULSE_ATTEMPTS] = health.attempts,
					 [ME_PULSE_VIOLATIONS] = health.violation,
					 [ME_PULSE_BYTES] = health.bytes});
	model->health = health;
	me_rows_free(&list->rows);
	list->rows = me_steal_ptr(&rows);
	return model->view == ME_VIEW_HEALTH ? settle(model, list) : 0;
}

static int refuse(struct me_model *model, char *text)
{
	if (!text)
		return -ENOMEM;
	free(model->refusal);
	model->refusal = text;
	return 0;
}

static int take_error(struct me_model *model, const struct me_reply *reply)
{
	char *text = me_answer_error(reply->body ? reply->body : "", reply->len);

	if (!text && asprintf(&text, "HTTP status %ld", reply->status) < 0)
		return -ENOMEM;
	return refuse(model, text);
}

/* What the detail shows besides: without it the row is still there. */
static int take_besides(struct me_model *model, const struct me_reply *reply)
{
	int r = 0;

	if (reply->status < 300)
		r = reply->kind == ME_API_NAMES
			    ? me_known_take(&model->known, reply->body, reply->len)
			    : me_story_take(&model->story, reply->body, reply->len);
	return r == -EBADMSG ? 0 : r;
}

int me_model_take(struct me_model *model, struct me_reply *reply, uint64_t now_ns)
{
	int r;

	me_trouble_free(&model->trouble);
	if (!reply->status) {
		model->trouble = reply->trouble;
		reply->trouble = (struct me_trouble){0};
		return 0;
	}
	if (reply->kind == ME_API_NAMES || reply->kind == ME_API_STORY)
		return take_besides(model, reply);
	if (reply->status >= 300)
		return take_error(model, reply);
	r = reply->kind == ME_API_LIST ? take_list(model, reply) : take_health(model, reply);
	if (r == -EBADMSG)
		return refuse(model, strdup("this answer is not one of mewatch"));
	if (r < 0)
		return r;
	model->fresh_ns = now_ns;
	if (reply->kind == ME_API_LIST || model->view == ME_VIEW_HEALTH) {
		free(model->refusal);
		model->refusal = NULL;
	}
	return 0;
}
