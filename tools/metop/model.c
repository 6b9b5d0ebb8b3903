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

struct me_settings me_model_settings(const struct me_model *model)
{
	struct me_settings settings = model->settings;

	settings.view = model->view;
	return settings;
}

void me_model_free(struct me_model *model)
{
	me_prompt_set_error(&model->prompt, NULL);
	for (size_t i = 0; i < ME_VIEWS; i++) {
		me_rows_free(&model->lists[i].rows);
		free(model->lists[i].key);
	}
	me_known_clear(&model->known);
	me_story_clear(&model->story);
	me_trouble_free(&model->trouble);
	free(model->refusal);
}

static int take_list(struct me_model *model, const struct me_reply *reply)
{
	const struct me_query *asked = &model->asked;
	const struct me_view *view = &me_views[asked->view];
	struct me_list *list = &model->lists[asked->view];
	_cleanup_rows_ struct me_rows *rows = NULL;
	bool grouped = view->groups && asked->tree != ME_TREE_OFF;
	int r = me_view_read(view, grouped, reply->body, reply->len, &rows);

	if (r < 0)
		return r;
	if (list->rows)
		me_rows_rate(rows, list->rows, view->rates);
	r = me_sort_view(view, rows, model->settings.order[asked->view]);
	if (r < 0)
		return r;
	me_rows_free(&list->rows);
	list->rows = me_steal_ptr(&rows);
	list->offset = list->rows->offset == UINT64_MAX ? asked->offset : list->rows->offset;
	return me_list_settle(model, list);
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
	return model->view == ME_VIEW_HEALTH ? me_list_settle(model, list) : 0;
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

/* What is shown besides: without it the rows are still there. */
static int take_besides(struct me_model *model, const struct me_reply *reply)
{
	int r = 0;

	if (!reply->status || reply->status >= 300)
		return 0;
	if (reply->kind == ME_API_NAMES)
		r = me_known_take(&model->known, reply->body, reply->len);
	else if (reply->kind == ME_API_STORY)
		r = me_story_take(&model->story, reply->body, reply->len);
	else
		r = me_news_take(&model->news, reply->body, reply->len);
	return r == -EBADMSG ? 0 : r;
}

/* What the daemon says of a filter: it is remembered, or typed again. */
static void settle_filter(struct me_model *model, const char *refusal)
{
	char *error;

	if (!model->filter_new)
		return;
	model->filter_new = false;
	if (!refusal) {
		me_prompt_remember(&model->prompt, model->filter);
		return;
	}
	error = strdup(refusal);
	memcpy(model->filter, model->filter_before, sizeof(model->filter));
	me_prompt_set_error(&model->prompt, error);
	model->panel = ME_PANEL_FILTER;
	model->want = true;
}

/*
 * What had no answer has one now, or the other way round. A daemon that answers the one and not the other
 * is in trouble all the same.
 */
static void settle_trouble(struct me_model *model, struct me_reply *reply)
{
	bool asks_list = me_views[model->view].latest;

	if (reply->status && reply->kind != model->troubled && asks_list)
		return;
	me_trouble_free(&model->trouble);
	model->troubled = reply->kind;
	model->trouble = reply->trouble;
	reply->trouble = (struct me_trouble){0};
}

uint64_t me_model_fresh(const struct me_model *model)
{
	const struct me_list *list = &model->lists[model->view];

	return list->rows && list->fresh_ns && list->fresh_ns < model->fresh_ns ? list->fresh_ns
										: model->fresh_ns;
}

int me_model_take(struct me_model *model, struct me_reply *reply, uint64_t now_ns)
{
	int r;

	if (reply->kind != ME_API_LIST && reply->kind != ME_API_HEALTH)
		return take_besides(model, reply);
	settle_trouble(model, reply);
	if (!reply->status)
		return 0;
	if (reply->status >= 300) {
		r = take_error(model, reply);
		if (!r && reply->kind == ME_API_LIST && reply->status < 500)
			settle_filter(model, model->refusal);
		return r;
	}
	r = reply->kind == ME_API_LIST ? take_list(model, reply) : take_health(model, reply);
	if (r == -EBADMSG)
		return refuse(model, strdup("this answer is not one of mewatch"));
	if (r < 0)
		return r;
	model->fresh_ns = now_ns;
	if (reply->kind == ME_API_LIST) {
		model->lists[model->asked.view].fresh_ns = now_ns;
		settle_filter(model, NULL);
	}
	if (reply->kind == ME_API_LIST || model->view == ME_VIEW_HEALTH) {
		free(model->refusal);
		model->refusal = NULL;
	}
	return 0;
}
