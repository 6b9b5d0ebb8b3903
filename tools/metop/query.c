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

void me_query_path(const struct me_query *query, struct me_strbuf *path)
{
	const struct me_view *view = &me_views[query->view];
	const struct me_view of = me_view_part(view, view->asked);
	const char *sort = of.columns[query->order.column].sort;

	me_strbuf_addf(path, "/v1/%s", view->name);
	if (!view->latest)
		return;
	me_strbuf_addf(path, "?limit=%" PRIu32 "&offset=%" PRIu64 "&sort=%s&desc=%d", query->limit,
		       query->offset, sort ? sort : view->latest, !sort || query->order.desc);
	if (query->filter && *query->filter) {
		me_strbuf_adds(path, "&filter=");
		me_query_add_encoded(path, query->filter);
	}
}
