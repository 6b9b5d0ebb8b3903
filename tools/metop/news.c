/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include "metop/answer.h"
#include "metop/news.h"

void me_news_path(const struct me_news *news, struct me_strbuf *path)
{
	me_strbuf_addf(path, "/v1/violations?limit=0&since=%" PRIu64, news->seen);
}

static uint64_t value_of(const struct me_rows *tree, const char *key)
{
	const struct me_row *row = me_rows_find(tree, key, NULL);
	double value = row ? me_row_number(row, "value") : 0;

	return value > 0 ? (uint64_t)value : 0;
}

int me_news_take(struct me_news *news, const char *body, size_t len)
{
	_cleanup_rows_ struct me_rows *tree = NULL;
	int r = me_answer_tree(body, len, &tree);

	if (r < 0)
		return r;
	news->last = value_of(tree, "serial");
	news->count = value_of(tree, "new");
	if (!news->known) {
		news->seen = news->last;
		news->count = 0;
	} else if (news->last < news->seen) {
		news->seen = 0;
		news->count = 0; /* the next answer counts them */
	}
	news->known = true;
	return 0;
}

void me_news_saw(struct me_news *news, uint64_t serial)
{
	if (serial <= news->seen)
		return;
	news->seen = serial;
	/* Those between are counted by the next answer. */
	if (serial >= news->last)
		news->count = 0;
}
