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
	ME_STYLE_TITLE, /* titles of columns, the footer */
	ME_STYLE_COUNT
};

#define ME_STYLE_SELECTED 0x100 /* with any of them */

#endif
