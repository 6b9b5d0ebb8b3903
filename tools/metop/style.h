/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_STYLE_H
#define METOP_STYLE_H

/* What text means; the screen decides how that looks. */
enum me_style {
	ME_STYLE_PLAIN,
	ME_STYLE_BAD,  /* violation, failing */
	ME_STYLE_WAIT, /* pending, overdue: not settled */
	ME_STYLE_GOOD, /* allowed, working */
	ME_STYLE_DIM,  /* local, retired: of less interest */
	ME_STYLE_STRONG,
	ME_STYLE_ACCENT, /* keys, names of fields, what is in front */
	ME_STYLE_TITLE,  /* titles of columns */
	ME_STYLE_SORTED, /* the title of the column that is sorted by */
	ME_STYLE_COUNT
};

#define ME_STYLE_SELECTED 0x100 /* with any of them */

/* How many colours there are. constant, label */
#define ME_COLOURS_LIST(X, p)                                                                      \
	X(p, AUTO, "auto")                                                                         \
	X(p, ALWAYS, "always")                                                                     \
	X(p, NEVER, "never")                                                                       \
	X(p, 8, "8")                                                                               \
	X(p, 256, "256")

#define ME_PICK_COLOURS(p, constant, label) p##constant,
enum me_colours { ME_COLOURS_LIST(ME_PICK_COLOURS, ME_COLOURS_) ME_COLOURS_COUNT };
#undef ME_PICK_COLOURS

#endif
