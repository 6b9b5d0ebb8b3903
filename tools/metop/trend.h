/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_TREND_H
#define METOP_TREND_H

/* Numbers as a line of bars, in as few columns as a table has to spare. */
#include <stddef.h>

#define ME_TREND_COLUMNS 10u
#define ME_TREND_LEN (3 * ME_TREND_COLUMNS + 1) /* bytes of it, at the most */

/*
 * Writes the list of numbers "0, 3, 1" as bars, the first at the left: of more numbers than there are
 * columns each bar is the sum of as many, the oldest that do not fill one being left out. The tallest bar
 * is the largest sum, and what is not 0 is seen. In a locale without UTF-8 the bars are characters of
 * ASCII. A text that is no such list gives nothing.
 */
void me_trend_text(const char *numbers, char out[ME_TREND_LEN]);

/* The bar of a value above 0 where the tallest stands for `most`. */
const char *me_trend_bar(double value, double most);

#endif
