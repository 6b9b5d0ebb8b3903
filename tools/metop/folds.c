/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "metop/folds.h"

/* Where the group is named, or n. */
static size_t find(const struct me_folds *folds, const char *id)
{
	size_t i = 0;

	while (i < folds->n && strcmp(folds->named[i], id))
		i++;
	return i;
}

bool me_folds_shows(const struct me_folds *folds, const char *id)
{
	return (find(folds, id) < folds->n) != folds->all;
}

int me_folds_set(struct me_folds *folds, const char *id, bool shows)
{
	size_t at = find(folds, id);

	if (me_folds_shows(folds, id) == shows || strlen(id) >= ME_FOLDS_ID_LEN)
		return 0;
	if (at < folds->n) {
		folds->n--;
		memmove(folds->named[at], folds->named[folds->n], ME_FOLDS_ID_LEN);
		return 0;
	}
	if (folds->n == ME_FOLDS_MAX)
		return -ENOSPC;
	snprintf(folds->named[folds->n++], ME_FOLDS_ID_LEN, "%s", id);
	return 0;
}

void me_folds_set_all(struct me_folds *folds, bool shows)
{
	folds->all = shows;
	folds->n = 0;
}

void me_folds_add(const struct me_folds *folds, struct me_strbuf *path)
{
	const char *before = folds->all ? "," : "";

	if (!folds->all && !folds->n)
		return;
	me_strbuf_addf(path, "&unfold=%s", folds->all ? "all" : "");
	for (size_t i = 0; i < folds->n; i++, before = ",")
		me_strbuf_addf(path, "%s%s", before, folds->named[i]);
}
