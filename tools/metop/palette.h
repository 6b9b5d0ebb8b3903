/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_PALETTE_H
#define METOP_PALETTE_H

/* How each style looks, by the colours that there are. Nothing here knows a terminal. */
#include <stdbool.h>
#include "metop/style.h"

#define ME_LOOK_DEFAULT (-1) /* the terminal's own colour */

struct me_look {
	short front, back; /* of the 8 or the 256, or ME_LOOK_DEFAULT */
	bool bold, dim, reverse;
};

/* `colours` is what there is: 256 or more, 8 or more, or none. */
struct me_look me_palette_look(int colours, enum me_style style, bool selected);

#endif
