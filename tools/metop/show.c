/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "metop/model.h"

/* What of the lists is shown, and how: the tree of flows, names, closed flows, new violations. */

static bool in_flows(struct me_model *model)
{
	if (model->view == ME_VIEW_FLOWS)
		return true;
	model->notice = "this is a key of the view Flows";
	return false;
}

static bool in_tree(struct me_model *model)
{
	if (!in_flows(model))
		return false;
	if (model->settings.tree != ME_TREE_OFF)
		return true;
	model->notice = "there are no groups: t puts flows together";
	return false;
}

static void show_tree(struct me_model *model)
{
	if (!in_flows(model))
		return;
	model->settings.tree = (model->settings.tree + 1) % ME_TREE_COUNT;
	model->want = true;
	me_model_home(model);
}

/* The group of the selected line, which may be one of its flows. */
static const char *group_in_hand(const struct me_model *model)
{
	const struct me_row *row = me_model_selected(model);
	const char *group = row ? me_row_text(row, "group") : NULL;

	return group || !row ? group : me_row_text(row, "of");
}

static int fold(struct me_model *model, bool shows)
{
	const char *group = group_in_hand(model);
	char id[ME_FOLDS_ID_LEN];

	if (!group || strlen(group) >= sizeof(id) || me_folds_shows(&model->folds, group) == shows)
		return 0;
	memcpy(id, group, strlen(group) + 1);
	if (me_folds_set(&model->folds, id, shows) == -ENOSPC) {
		model->notice = "no further group can be unlike the others: * makes them alike";
		return 0;
	}
	/* Its flows go: what remains is the group. */
	return me_model_choose(model, id);
}

static int fold_or_not(struct me_model *model)
{
	const char *group = group_in_hand(model);

	return group ? fold(model, !me_folds_shows(&model->folds, group)) : 0;
}

static int fold_all(struct me_model *model)
{
	const char *group = group_in_hand(model);

	me_folds_set_all(&model->folds, !model->folds.all);
	model->want = true;
	return group ? me_model_choose(model, group) : 0;
}

static int follow(struct me_model *model)
{
	struct me_list *list = &model->lists[model->view];
	bool was = list->following;
	int r = 0;

	if (list->gone || !me_list_count(model, model->view)) {
		model->notice = "there is no row to follow";
		return 0;
	}
	r = me_model_select(model, list->position);
	list->following = !was;
	return r;
}

static void saw(struct me_model *model)
{
	const struct me_rows *rows = model->lists[ME_VIEW_VIOLATIONS].rows;
	uint64_t serial = rows ? rows->serial : 0;

	me_news_saw(&model->news, serial > model->news.last ? serial : model->news.last);
}

int me_model_show(struct me_model *model, enum me_action action)
{
	switch (action) {
	case ME_ACTION_TREE:
		show_tree(model);
		return 0;
	case ME_ACTION_FOLD_OR_NOT:
		return in_tree(model) ? fold_or_not(model) : 0;
	case ME_ACTION_UNFOLD:
	case ME_ACTION_FOLD:
		return in_tree(model) ? fold(model, action == ME_ACTION_UNFOLD) : 0;
	case ME_ACTION_FOLD_ALL:
		return in_tree(model) ? fold_all(model) : 0;
	case ME_ACTION_FOLLOW:
		return follow(model);
	case ME_ACTION_NAMES:
		model->settings.addresses = !model->settings.addresses;
		model->want = true;
		return 0;
	case ME_ACTION_CLOSED:
		if (in_flows(model)) {
			model->settings.closed = !model->settings.closed;
			model->want = true;
		}
		return 0;
	case ME_ACTION_SEEN:
		saw(model);
		return 0;
	default:
		return 0;
	}
}

void me_model_view(struct me_model *model, enum me_view_id view)
{
	const struct me_rows *rows = model->lists[model->view].rows;

	if (view == model->view)
		return;
	/* Who leaves the violations has seen them. */
	if (model->view == ME_VIEW_VIOLATIONS && rows)
		me_news_saw(&model->news, rows->serial);
	model->view = view;
	model->want = true;
	model->detail_scroll = 0;
	me_model_scroll(model);
}

struct me_look_at me_model_look(const struct me_model *model)
{
	const struct me_rows *rows = model->lists[model->view].rows;

	return (struct me_look_at){
		.now_ns = rows ? rows->ts_ns : 0,
		.seen_serial = model->news.known ? model->news.seen : UINT64_MAX,
		.addresses = model->settings.addresses,
	};
}

static void add(struct me_strbuf *out, const char *text)
{
	me_strbuf_addf(out, "%s%s", out->len ? "  " : "", text);
}

void me_model_shown(const struct me_model *model, struct me_strbuf *out)
{
	bool flows = model->view == ME_VIEW_FLOWS;

	if (flows && model->settings.tree != ME_TREE_OFF)
		me_strbuf_addf(out, "by %s", me_tree_label(model->settings.tree));
	if (flows && !model->settings.closed)
		add(out, "open only");
	if (model->settings.addresses && (flows || model->view == ME_VIEW_VIOLATIONS))
		add(out, "addresses");
	if (!*model->filter)
		return;
	add(out, "filter ");
	me_strbuf_adds(out, model->filter);
	if (!me_views[model->view].latest)
		me_strbuf_adds(out, " (in lists)");
}
