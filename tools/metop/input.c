/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include "metop/keys.h"
#include "metop/model.h"

static void sort_by_neighbour(struct me_model *model, bool right)
{
	const struct me_view view = me_model_columns(model);
	size_t step = right ? 1 : view.n_columns - 1;
	size_t column = (me_model_order(model).column + step) % view.n_columns;

	me_model_sort(model, column, me_column_starts_desc(&view.columns[column]));
}

static void choose(struct me_model *model, size_t column)
{
	const struct me_view view = me_model_columns(model);
	const struct me_order order = me_model_order(model);

	/* The rows may have become those of another part meanwhile. */
	model->choice = column % view.n_columns;
	model->choice_desc = model->choice == order.column
				     ? order.desc
				     : me_column_starts_desc(&view.columns[model->choice]);
}

static void close_something(struct me_model *model)
{
	if (model->detail) {
		model->detail = false;
	} else if (*model->filter) {
		*model->filter = '\0';
		model->want = true;
	}
}

/* A group has nothing more than its line: it shows its flows, or no longer. */
static int open_detail(struct me_model *model)
{
	const struct me_row *row = me_model_selected(model);

	if (row && me_row_field(row, "group") && !model->detail)
		return me_model_show(model, ME_ACTION_FOLD_OR_NOT);
	model->detail = !model->detail;
	model->detail_scroll = 0;
	return model->detail ? me_model_select(model, model->lists[model->view].position) : 0;
}

static int move(struct me_model *model, enum me_action action)
{
	const struct me_list *list = &model->lists[model->view];
	uint64_t page = model->page > 1 ? model->page - 1 : 1;
	uint64_t step = action == ME_ACTION_UP || action == ME_ACTION_DOWN ? 1 : page;
	uint64_t to = list->position;

	if (action == ME_ACTION_END)
		to = UINT64_MAX;
	else if (action == ME_ACTION_UP || action == ME_ACTION_PAGE_UP)
		to = to > step ? to - step : 0;
	else
		to += step;
	return me_model_select(model, to);
}

static int act(struct me_model *model, enum me_action action)
{
	switch (action) {
	case ME_ACTION_ENDPOINTS:
	case ME_ACTION_FLOWS:
	case ME_ACTION_VIOLATIONS:
	case ME_ACTION_DNS:
	case ME_ACTION_HEALTH:
		me_model_view(model, (enum me_view_id)(action - ME_ACTION_ENDPOINTS));
		break;
	case ME_ACTION_NEXT_VIEW:
		me_model_view(model, (model->view + 1) % ME_VIEWS);
		break;
	case ME_ACTION_PREVIOUS_VIEW:
		me_model_view(model, (model->view + ME_VIEWS - 1) % ME_VIEWS);
		break;
	case ME_ACTION_UP:
	case ME_ACTION_DOWN:
	case ME_ACTION_PAGE_UP:
	case ME_ACTION_PAGE_DOWN:
	case ME_ACTION_END:
		return move(model, action);
	case ME_ACTION_HOME:
		me_model_home(model);
		break;
	case ME_ACTION_DETAIL:
		return open_detail(model);
	case ME_ACTION_DETAIL_UP:
		model->detail_scroll -= model->detail_scroll > 0;
		break;
	case ME_ACTION_DETAIL_DOWN:
		model->detail_scroll++;
		break;
	case ME_ACTION_FILTER:
		model->panel = ME_PANEL_FILTER;
		me_prompt_begin(&model->prompt, model->filter);
		break;
	case ME_ACTION_SORT_LEFT:
	case ME_ACTION_SORT_RIGHT:
		sort_by_neighbour(model, action == ME_ACTION_SORT_RIGHT);
		break;
	case ME_ACTION_REVERSE:
		me_model_sort(model, me_model_order(model).column, !me_model_order(model).desc);
		break;
	case ME_ACTION_CHOOSE:
		model->panel = ME_PANEL_CHOOSER;
		choose(model, me_model_order(model).column);
		break;
	case ME_ACTION_FREEZE:
		model->frozen = !model->frozen;
		model->want |= !model->frozen;
		break;
	case ME_ACTION_REDRAW:
		model->redraw = true;
		break;
	case ME_ACTION_KEEP:
		model->settings.view = model->view;
		model->keep = true;
		break;
	case ME_ACTION_CLOSE:
		close_something(model);
		break;
	case ME_ACTION_HELP:
		model->panel = ME_PANEL_HELP;
		model->help_scroll = 0;
		break;
	case ME_ACTION_QUIT:
		model->quit = true;
		break;
	default:
		return me_model_show(model, action);
	}
	return 0;
}

static void help_key(struct me_model *model, enum me_action action)
{
	size_t page = model->page > 1 ? model->page - 1 : 1;

	switch (action) {
	case ME_ACTION_UP:
	case ME_ACTION_DETAIL_UP:
		model->help_scroll -= model->help_scroll > 0;
		break;
	case ME_ACTION_DOWN:
	case ME_ACTION_DETAIL_DOWN:
		model->help_scroll++;
		break;
	case ME_ACTION_PAGE_UP:
		model->help_scroll -= model->help_scroll > page ? page : model->help_scroll;
		break;
	case ME_ACTION_PAGE_DOWN:
		model->help_scroll += page;
		break;
	case ME_ACTION_HELP:
	case ME_ACTION_CLOSE:
	case ME_ACTION_DETAIL:
	case ME_ACTION_QUIT:
		model->panel = ME_PANEL_NONE;
		break;
	default:
		break;
	}
}

static void chooser_key(struct me_model *model, enum me_action action)
{
	size_t n = me_model_columns(model).n_columns;

	switch (action) {
	case ME_ACTION_UP:
		choose(model, model->choice + n - 1);
		break;
	case ME_ACTION_DOWN:
		choose(model, model->choice + 1);
		break;
	case ME_ACTION_REVERSE:
		model->choice_desc = !model->choice_desc;
		break;
	case ME_ACTION_DETAIL:
		if (model->choice < n)
			me_model_sort(model, model->choice, model->choice_desc);
		model->panel = ME_PANEL_NONE;
		break;
	case ME_ACTION_CHOOSE:
	case ME_ACTION_CLOSE:
	case ME_ACTION_QUIT:
		model->panel = ME_PANEL_NONE;
		break;
	default:
		break;
	}
}

static void set_filter(struct me_model *model, const char *filter)
{
	memcpy(model->filter_before, model->filter, sizeof(model->filter));
	snprintf(model->filter, sizeof(model->filter), "%s", filter);
	model->want = true;
	if (!model->lists[model->view].following)
		me_model_home(model);
}

static void filter_key(struct me_model *model, int key)
{
	switch (me_prompt_action(key)) {
	case ME_ACTION_EDIT_TAKE:
		set_filter(model, model->prompt.text);
		model->filter_new = true;
		model->panel = ME_PANEL_NONE;
		break;
	case ME_ACTION_EDIT_LEAVE:
		model->panel = ME_PANEL_NONE;
		break;
	default:
		me_prompt_key(&model->prompt, key);
	}
}

int me_model_key(struct me_model *model, int key)
{
	model->notice = NULL;
	switch (model->panel) {
	case ME_PANEL_NONE:
		return act(model, me_key_action(key));
	case ME_PANEL_HELP:
		help_key(model, me_key_action(key));
		break;
	case ME_PANEL_CHOOSER:
		chooser_key(model, me_key_action(key));
		break;
	case ME_PANEL_FILTER:
		filter_key(model, key);
		break;
	}
	return 0;
}
