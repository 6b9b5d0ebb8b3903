/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/prune.h"

#include "base/clock.h"

#define MINUTE_NS (60 * ME_NS_PER_S)
/* What one transaction removes at the most. */
#define STEP_MINUTES 10u
/* Free pages that stay in the file, to be used again. */
#define SLACK_BYTES (256u << 10)

/* The oldest minute of which there is something. */
static int oldest_minute(struct me_db *db, uint64_t *ret_minute)
{
	return me_db_number(db,
			    "SELECT min(m) FROM (SELECT min(minute) AS m FROM minutes"
			    " UNION ALL SELECT min(minute) FROM violations"
			    " UNION ALL SELECT min(ts) / 60000000000 FROM events)",
			    ret_minute);
}

static int measure(struct me_db *db, struct me_history_extent *extent)
{
	uint64_t pages = 0, free_pages = 0, page = 0, minute = 0;
	int err = me_db_number(db, "PRAGMA page_count", &pages);

	if (!err)
		err = me_db_number(db, "PRAGMA freelist_count", &free_pages);
	if (!err)
		err = me_db_number(db, "PRAGMA page_size", &page);
	if (!err)
		err = oldest_minute(db, &minute);
	if (err)
		return err;
	*extent = (struct me_history_extent){
		.bytes = pages * page,
		.used = (pages - free_pages) * page,
		.oldest_ns = minute * MINUTE_NS,
	};
	return 0;
}

/*
 * Removes what is older than a minute: of all tables, so that what stays adds up. A span goes when it has ended
 * before; what has held since then stays.
 */
static int remove_rows(struct me_db *db, uint64_t minute, uint64_t *minutes)
{
	static const char *const sql[] = {
		"DELETE FROM violations WHERE minute < ?",
		"DELETE FROM events WHERE ts < ? * 60000000000",
		"DELETE FROM spans WHERE until < ? * 60000000000",
		"DELETE FROM minutes WHERE minute < ?",
	};
	uint64_t removed = 0;

	for (size_t i = 0; i < ME_ARRAY_SIZE(sql); i++) {
		struct me_query *query = me_db_query(db, sql[i]);
		int r;

		me_query_number(query, minute);
		r = me_query_step(query);
		if (r < 0)
			return r;
		removed = me_db_changes(db);
	}
	*minutes -= removed < *minutes ? removed : *minutes;
	return 0;
}

/* In one transaction. */
static int step(struct me_db *db, uint64_t minute, uint64_t *minutes)
{
	uint64_t counted = *minutes;
	int err = me_db_exec(db, "BEGIN IMMEDIATE");

	if (err)
		return err;
	err = remove_rows(db, minute, &counted);
	if (!err)
		err = me_db_exec(db, "COMMIT");
	if (err) {
		me_db_undo(db);
		return err;
	}
	*minutes = counted;
	return 0;
}

int me_history_prune(struct me_db *db, const struct me_history_bounds *bounds, uint64_t now_ns,
		     uint64_t *minutes, struct me_history_extent *ret_extent, bool *ret_more)
{
	uint64_t began_ns = me_clock_now(CLOCK_MONOTONIC);
	uint64_t expired = now_ns > bounds->keep_ns ? (now_ns - bounds->keep_ns) / MINUTE_NS : 0;
	bool more = true;
	int err = 0;

	while (!err && more && me_clock_now(CLOCK_MONOTONIC) - began_ns < ME_PRUNE_NS) {
		uint64_t minute;

		err = measure(db, ret_extent);
		minute = ret_extent->oldest_ns / MINUTE_NS;
		more = ret_extent->oldest_ns &&
		       (minute < expired || ret_extent->used > bounds->size);
		if (err || !more)
			break;
		minute += STEP_MINUTES;
		if (ret_extent->used <= bounds->size && minute > expired)
			minute = expired;
		err = step(db, minute, minutes);
	}
	if (!err && ret_extent->bytes - ret_extent->used > SLACK_BYTES)
		err = me_db_exec(db, "PRAGMA incremental_vacuum(256)");
	if (!err)
		err = measure(db, ret_extent);
	*ret_more = more;
	return err;
}
