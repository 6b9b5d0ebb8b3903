/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <inttypes.h>
#include "metop/query.h"

/* What needs no percent sign: RFC 3986, section 2.3. */
void me_query_add_encoded(struct me_strbuf *path, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			me_strbuf_addc(path, (char)c);
		else
			me_strbuf_addf(path, "%%%02X", c);
	}
}

static void add_filter(const struct me_query *query, struct me_strbuf *path)
{
	const char *filter = query->filter ? query->filter : "";
	bool open_only = query->open_only && query->view == ME_VIEW_FLOWS;

	if (!*filter && !open_only)
		return;
	me_strbuf_adds(path, "&filter=");
	me_query_add_encoded(path, filter);
	if (open_only)
		me_query_add_encoded(path, *filter ? " state:open" : "state:open");
}

void me_query_path(const struct me_query *query, struct me_strbuf *path)
{
	const struct me_view *view = &me_views[query->view];
	const struct me_view of = me_view_part(view, view->asked);
	const struct me_column *column = &of.columns[query->order.column];
	const char *sort = query->addresses && column->address ? column->address : column->sort;

	me_strbuf_addf(path, "/v1/%s", view->name);
	if (!view->latest)
		return;
	me_strbuf_addf(path, "?limit=%" PRIu32 "&offset=%" PRIu64 "&sort=%s&desc=%d", query->limit,
		       query->offset, sort ? sort : view->latest, !sort || query->order.desc);
	if (view->groups && query->tree != ME_TREE_OFF) {
		me_strbuf_addf(path, "&group=%s", me_tree_label(query->tree));
		me_folds_add(query->folds, path);
	}
	if (query->around) {
		me_strbuf_adds(path, "&around=");
		me_query_add_encoded(path, query->around);
	}
	add_filter(query, path);
}
