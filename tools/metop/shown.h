/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SHOWN_H
#define METOP_SHOWN_H

/*
 * Text on its way to a terminal: nothing passes that could move the cursor, change a colour or the
 * direction of writing, or fill another number of columns than is counted here. Control and
 * format characters and bytes that are not UTF-8 become \xNN or \uNNNN; in a locale without UTF-8
 * so does everything beyond ASCII. Backslashes stay: the daemon escapes with them too.
 */
#include <stdbool.h>
#include <stddef.h>

/* Bytes for `columns` columns: at the most four bytes a column, and a NUL. */
#define ME_SHOWN_SIZE(columns) ((size_t)(columns)*4 + 1)

/*
 * Writes `text` in at most `columns` columns into `out`, which has room for
 * ME_SHOWN_SIZE(columns); what is cut ends in an ellipsis. Returns the columns used.
 */
size_t me_shown_fit(char *out, const char *text, size_t columns);

/* Whether the locale has more than ASCII to show. */
bool me_shown_utf8(void);

/* The columns that the whole text takes. */
size_t me_shown_width(const char *text);

/* Bytes of `text` that fit in `columns` columns once shown; for folding. At least one character. */
size_t me_shown_bytes(const char *text, size_t columns);

#endif
