/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/settings.h"
#include "base/clock.h"

#define PICK_LABEL(p, constant, label) label,

const char *me_tree_label(enum me_tree tree)
{
	static const char *const text[] = {ME_TREE_LIST(PICK_LABEL, )};

	return text[tree];
}

const char *me_colours_label(enum me_colours colours)
{
	static const char *const text[] = {ME_COLOURS_LIST(PICK_LABEL, )};

	return text[colours];
}

void me_settings_default(struct me_settings *ret_settings)
{
	*ret_settings = (struct me_settings){
		.view = ME_VIEW_ENDPOINTS,
		.closed = true,
		.interval_ns = ME_NS_PER_S,
	};
	for (size_t v = 0; v < ME_VIEWS; v++) {
		const struct me_view *view = &me_views[v];

		for (size_t p = 0; p < (view->n_parts ? view->n_parts : 1); p++)
			ret_settings->order[v][p] = me_view_first_order(view, p);
	}
}
