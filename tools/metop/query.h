/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_QUERY_H
#define METOP_QUERY_H

/* What is asked of the API, as the path of a URL. */
#include <stdbool.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "metop/folds.h"
#include "metop/settings.h"

#define ME_QUERY_LIMIT_MAX 100000u /* rows that the API gives at the most */
#define ME_QUERY_LIMIT 1000u       /* rows that are asked for unless the user says otherwise */

struct me_query {
	enum me_view_id view;
	uint32_t limit;
	uint64_t offset;
	struct me_order order; /* of the rows that the daemon sorts */
	const char *filter;    /* NULL or "": none */
	/* Of flows. */
	enum me_tree tree;
	const struct me_folds *folds; /* of the tree */
	bool open_only;
	bool addresses;     /* are what is shown, so they are sorted by */
	const char *around; /* id of a row that is to be among them; NULL: none */
};

/* Appends a value of a parameter, encoded. */
void me_query_add_encoded(struct me_strbuf *path, const char *text);

/* Appends "/v1/flows?limit=…" to `path`. */
void me_query_path(const struct me_query *query, struct me_strbuf *path);

#endif
