/* SPDX-License-Identifier: GPL-2.0-only */
#include <limits.h>
#include <wchar.h>
#include "metop/keys.h"
#include "metop/model.h"

static void show_view(struct me_model *model, enum me_view_id view)
{
	if (view == model->view)
		return;
	model->view = view;
	model->want = true;
	model->detail_scroll = 0;
	me_model_scroll(model);
}

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

static void go_home(struct me_model *model)
{
	struct me_list *list = &model->lists[model->view];

	list->position = list->top = 0;
	list->follow = list->gone = false;
	model->detail_scroll = 0;
	if (list->offset)
		model->want = true;
}

static int open_detail(struct me_model *model)
{
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
	case ME_ACTION_NONE:
		break;
	case ME_ACTION_ENDPOINTS:
	case ME_ACTION_FLOWS:
	case ME_ACTION_VIOLATIONS:
	case ME_ACTION_DNS:
	case ME_ACTION_HEALTH:
		show_view(model, (enum me_view_id)(action - ME_ACTION_ENDPOINTS));
		break;
	case ME_ACTION_NEXT_VIEW:
		show_view(model, (model->view + 1) % ME_VIEWS);
		break;
	case ME_ACTION_PREVIOUS_VIEW:
		show_view(model, (model->view + ME_VIEWS - 1) % ME_VIEWS);
		break;
	case ME_ACTION_UP:
	case ME_ACTION_DOWN:
	case ME_ACTION_PAGE_UP:
	case ME_ACTION_PAGE_DOWN:
	case ME_ACTION_END:
		return move(model, action);
	case ME_ACTION_HOME:
		go_home(model);
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
		memcpy(model->input, model->filter, sizeof(model->input));
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

static void type(char *input, int key)
{
	char bytes[MB_LEN_MAX + 1] = {0};
	size_t len = strlen(input);
	mbstate_t state = {0};
	size_t n;

	if (key < ' ' || key == 0x7f || key >= ME_KEY_SPECIAL)
		return;
	n = wcrtomb(bytes, (wchar_t)key, &state);
	if (n == (size_t)-1 || len + n > ME_FILTER_MAX)
		return;
	memcpy(input + len, bytes, n + 1);
	input[len + n] = '\0';
}

static void erase(char *input)
{
	size_t len = strlen(input);

	while (len && (input[len - 1] & 0xc0) == 0x80)
		len--;
	input[len - (len > 0)] = '\0';
}

static void filter_key(struct me_model *model, int key)
{
	struct me_list *list = &model->lists[model->view];

	switch (key) {
	case ME_KEY_ENTER:
		memcpy(model->filter, model->input, sizeof(model->filter));
		model->want = true;
		list->position = list->top = 0;
		list->follow = list->gone = false;
		model->panel = ME_PANEL_NONE;
		break;
	case ME_KEY_ESCAPE:
		model->panel = ME_PANEL_NONE;
		break;
	case ME_KEY_BACKSPACE:
		erase(model->input);
		break;
	case ME_KEY_CONTROL('u'):
		*model->input = '\0';
		break;
	default:
		type(model->input, key);
	}
}

int me_model_key(struct me_model *model, int key)
{
	me_model_notice(model, NULL);
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
