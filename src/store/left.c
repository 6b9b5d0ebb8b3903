/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/left.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "store/past.h"
#include "store/series.h"

#define DAY_MINUTES (24 * 60)

struct me_mark me_mark_of(uint64_t number, ...)
{
	static const uint64_t key[2][2] = {{1, 2}, {3, 4}};
	_cleanup_strbuf_ struct me_strbuf bytes = {0};
	struct me_mark mark = {0};
	const char *text;
	va_list args;

	me_strbuf_add(&bytes, &number, sizeof(number));
	va_start(args, number);
	while ((text = va_arg(args, const char *)))
		me_strbuf_add(&bytes, text, strlen(text) + 1);
	va_end(args);
	for (size_t i = 0; !bytes.err && i < ME_ARRAY_SIZE(key); i++)
		mark.hash[i] = me_hash(key[i], bytes.data, bytes.len);
	return mark;
}

void me_left_free(struct me_left *left)
{
	me_table_free(&left->series);
	me_table_free(&left->spans);
}

static int read_meta(struct me_db *db, struct me_left *left)
{
	struct me_query *query = me_db_query(db, "SELECT value FROM meta WHERE key = 'attachment'");
	int r = me_query_step(query);

	if (r == 1) {
		snprintf(left->attachment, sizeof(left->attachment), "%s",
			 me_query_get_text(query, 0));
		me_query_reset(query);
	}
	return r < 0 ? r
		     : me_db_number(db, "SELECT max(until) FROM spans WHERE kind = 'run'",
				    &left->last_ns);
}

static int read_series(struct me_db *db, struct me_left *left)
{
	struct me_query *query =
		me_db_query(db, "SELECT id, value, metric, vantage, service, endpoint, kind, detail"
				" FROM series LEFT JOIN folded ON series = id");
	int r, err = 0;

	while ((r = me_query_step(query)) > 0 && err >= 0) {
		struct me_mark mark = me_mark_of(
			me_series_find(me_query_get_text(query, 2)), me_query_get_text(query, 3),
			me_query_get_text(query, 4), me_query_get_text(query, 5),
			me_query_get_text(query, 6), me_query_get_text(query, 7), NULL);
		void *value;

		err = me_table_put(left->series, &mark, &value);
		if (err >= 0)
			*(struct me_left_series *)value =
				(struct me_left_series){.id = me_query_get_number(query, 0),
							.value = me_query_get_number(query, 1)};
	}
	me_query_reset(query);
	return r < 0 ? r : err < 0 ? err : 0;
}

static int read_spans(struct me_db *db, struct me_left *left)
{
	struct me_query *query =
		me_db_query(db, "SELECT id, number, kind, subject, object, state, detail FROM spans"
				" WHERE until IS NULL");
	int r, err = 0;

	while ((r = me_query_step(query)) > 0 && err >= 0) {
		struct me_mark mark =
			me_mark_of(me_query_get_number(query, 1), me_query_get_text(query, 2),
				   me_query_get_text(query, 3), me_query_get_text(query, 4),
				   me_query_get_text(query, 5), me_query_get_text(query, 6), NULL);
		void *value;

		err = me_table_put(left->spans, &mark, &value);
		if (err >= 0)
			*(uint64_t *)value = me_query_get_number(query, 0);
	}
	me_query_reset(query);
	return r < 0 ? r : err < 0 ? err : 0;
}

static int read_numbers(struct me_db *db, uint64_t now_ns, struct me_left *left)
{
	struct me_query *query =
		me_db_query(db, "SELECT count(*) FROM violations WHERE minute >= ? AND dst <> ''");
	uint64_t minute = now_ns / ME_NS_PER_S / 60;
	int r;

	me_query_number(query, minute - minute % DAY_MINUTES);
	r = me_query_step(query);
	if (r == 1)
		left->details = me_query_get_number(query, 0);
	me_query_reset(query);
	return r < 0 ? r : me_db_number(db, "SELECT count(*) FROM minutes", &left->minutes);
}

int me_left_read(struct me_db *db, uint64_t now_ns, struct me_left *ret_left)
{
	_cleanup_(me_left_free) struct me_left left = {
		.series = me_table_new(sizeof(struct me_mark), sizeof(struct me_left_series), 0),
		.spans = me_table_new(sizeof(struct me_mark), sizeof(uint64_t), 0),
	};
	int err;

	if (!left.series || !left.spans)
		return -ENOMEM;
	err = me_db_exec(db, "UPDATE spans SET state = 'killed' WHERE kind = 'run' AND"
			     " state = 'running'");
	if (!err)
		err = read_meta(db, &left);
	if (!err)
		err = read_series(db, &left);
	if (!err)
		err = read_spans(db, &left);
	if (!err)
		err = read_numbers(db, now_ns, &left);
	if (err)
		return err;
	*ret_left = left;
	left = (struct me_left){0};
	return 0;
}
