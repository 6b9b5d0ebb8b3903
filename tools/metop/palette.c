/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/palette.h"

/* The first eight; 256 has the same names for its own. */
enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE };

#define NO ME_LOOK_DEFAULT

/* Without colours: weight and reverse video. Marks tell what is meant in any case. */
static const struct me_look plain[ME_STYLE_COUNT] = {
	[ME_STYLE_PLAIN] = {NO, NO, .bold = false}, [ME_STYLE_BAD] = {NO, NO, .bold = true},
	[ME_STYLE_WAIT] = {NO, NO, .bold = false},  [ME_STYLE_GOOD] = {NO, NO, .bold = false},
	[ME_STYLE_DIM] = {NO, NO, .dim = true},     [ME_STYLE_STRONG] = {NO, NO, .bold = true},
	[ME_STYLE_ACCENT] = {NO, NO, .bold = true}, [ME_STYLE_TITLE] = {NO, NO, .reverse = true},
	[ME_STYLE_SORTED] = {NO, NO, .bold = true},
};

static const struct me_look eight[ME_STYLE_COUNT] = {
	[ME_STYLE_PLAIN] = {NO, NO, .bold = false},
	[ME_STYLE_BAD] = {RED, NO, .bold = true},
	[ME_STYLE_WAIT] = {YELLOW, NO, .bold = false},
	[ME_STYLE_GOOD] = {GREEN, NO, .bold = false},
	[ME_STYLE_DIM] = {NO, NO, .dim = true},
	[ME_STYLE_STRONG] = {NO, NO, .bold = true},
	[ME_STYLE_ACCENT] = {CYAN, NO, .bold = false},
	[ME_STYLE_TITLE] = {BLACK, GREEN, .bold = false},
	[ME_STYLE_SORTED] = {BLACK, CYAN, .bold = false},
};

/* Chosen to be read on a dark and on a light background. */
static const struct me_look many[ME_STYLE_COUNT] = {
	[ME_STYLE_PLAIN] = {NO, NO, .bold = false},  [ME_STYLE_BAD] = {203, NO, .bold = true},
	[ME_STYLE_WAIT] = {172, NO, .bold = false},  [ME_STYLE_GOOD] = {34, NO, .bold = false},
	[ME_STYLE_DIM] = {245, NO, .bold = false},   [ME_STYLE_STRONG] = {NO, NO, .bold = true},
	[ME_STYLE_ACCENT] = {37, NO, .bold = false}, [ME_STYLE_TITLE] = {255, 24, .bold = false},
	[ME_STYLE_SORTED] = {16, 110, .bold = true},
};

/* On the line that is selected, which is dark: lighter ones of the same. */
static const short many_selected[ME_STYLE_COUNT] = {
	[ME_STYLE_PLAIN] = 255,  [ME_STYLE_BAD] = 217,  [ME_STYLE_WAIT] = 222,
	[ME_STYLE_GOOD] = 157,   [ME_STYLE_DIM] = 250,  [ME_STYLE_STRONG] = 255,
	[ME_STYLE_ACCENT] = 159, [ME_STYLE_TITLE] = 16, [ME_STYLE_SORTED] = 255,
};

struct me_look me_palette_look(int colours, enum me_style style, bool selected)
{
	bool title = style == ME_STYLE_TITLE || style == ME_STYLE_SORTED;
	struct me_look look;

	if (colours >= 256) {
		look = many[style];
		if (selected) {
			look.front = many_selected[style];
			look.back = style == ME_STYLE_TITLE ? 110 : 25;
		}
		return look;
	}
	look = colours >= 8 ? eight[style] : plain[style];
	if (selected && colours >= 8)
		look = (struct me_look){.front = BLACK, .back = title ? WHITE : CYAN};
	else if (selected)
		look.reverse = !look.reverse;
	return look;
}
