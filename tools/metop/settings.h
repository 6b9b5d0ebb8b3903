/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SETTINGS_H
#define METOP_SETTINGS_H

/* What the user chose of the live view, and what may be kept from one start to the next. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "metop/view.h"

#define ME_INTERVAL_MIN_NS 100000000ull     /* 100 ms */
#define ME_INTERVAL_MAX_NS 3600000000000ull /* an hour */

/* By what the flows are put together. constant, label */
#define ME_TREE_LIST(X, p)                                                                         \
	X(p, OFF, "off")                                                                           \
	X(p, ORIGIN, "origin")                                                                     \
	X(p, ENDPOINT, "endpoint")

#define ME_PICK_SETTING(p, constant, label) p##constant,
enum me_tree { ME_TREE_LIST(ME_PICK_SETTING, ME_TREE_) ME_TREE_COUNT };
#undef ME_PICK_SETTING

const char *me_tree_label(enum me_tree tree);
const char *me_colours_label(enum me_colours colours);

struct me_settings {
	enum me_view_id view;
	struct me_order order[ME_VIEWS][ME_PARTS_MAX]; /* of a view without parts the first */
	enum me_tree tree;
	bool addresses; /* of destinations, instead of their names */
	bool closed;    /* closed flows too */
	uint64_t interval_ns;
	enum me_colours colours;
	bool ascii;
};

/* What holds where the user said nothing. */
void me_settings_default(struct me_settings *ret_settings);

#endif
