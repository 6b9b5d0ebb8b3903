/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_FOLDS_H
#define METOP_FOLDS_H

/* Which groups of a tree show their flows. */
#include <stdbool.h>
#include <stddef.h>
#include "base/strbuf.h"

#define ME_FOLDS_MAX 256    /* groups that are not as all others; the API takes so many */
#define ME_FOLDS_ID_LEN 17u /* of a group, with its NUL */

struct me_folds {
	bool all; /* but those that are named */
	char named[ME_FOLDS_MAX][ME_FOLDS_ID_LEN];
	size_t n;
};

bool me_folds_shows(const struct me_folds *folds, const char *id);

/* Unfolds a group or folds it. 0, or -ENOSPC where too many are named already. */
int me_folds_set(struct me_folds *folds, const char *id, bool shows);

/* Unfolds or folds all of them. */
void me_folds_set_all(struct me_folds *folds, bool shows);

/* Appends the parameter of the API: "&unfold=all,0123456789abcdef"; nothing where all are folded. */
void me_folds_add(const struct me_folds *folds, struct me_strbuf *path);

#endif
