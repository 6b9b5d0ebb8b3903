/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

#define MINUTE_NS (60 * ME_NS_PER_S)

/* Binds the text of a batch. */
static void text(struct me_query *query, const struct me_batch *batch, me_batch_text text)
{
	me_query_text(query, me_batch_get(batch, text));
}

static int run(struct me_query *query)
{
	int r = me_query_step(query);

	if (r > 0)
		me_query_reset(query);
	return r < 0 ? r : 0;
}

/* --- Counts ------------------------------------------------------------------------------------- */

static void bind_labels(struct me_query *query, const struct me_batch *batch,
			const struct me_batch_count *count)
{
	me_query_text(query, me_series_name(count->series));
	text(query, batch, count->vantage);
	text(query, batch, count->service);
	text(query, batch, count->endpoint);
	text(query, batch, count->kind);
	text(query, batch, count->detail);
}

/* Finds or makes the row of a series. */
static int name_series(struct me_db *db, const struct me_batch *batch, struct me_batch_count *count)
{
	static const char find[] = "SELECT id FROM series WHERE metric = ? AND vantage = ? AND"
				   " service = ? AND endpoint = ? AND kind = ? AND detail = ?";
	static const char make[] = "INSERT INTO series (metric, vantage, service, endpoint, kind,"
				   " detail) VALUES (?, ?, ?, ?, ?, ?)";
	struct me_query *query = me_db_query(db, find);
	int r;

	count->named = true;
	bind_labels(query, batch, count);
	r = me_query_step(query);
	if (r == 1) {
		count->id = me_query_get_number(query, 0);
		me_query_reset(query);
	}
	if (r)
		return r < 0 ? r : 0;
	query = me_db_query(db, make);
	bind_labels(query, batch, count);
	r = run(query);
	if (!r)
		count->id = me_db_inserted(db);
	return r;
}

/* Adds to the row of the minute, or makes it. */
static int book(struct me_db *db, const struct me_batch *batch, const struct me_batch_count *count,
		uint64_t *minutes)
{
	static const char add[] = "UPDATE minutes SET count = count + ? WHERE minute = ? AND"
				  " series = ? AND late = ?";
	static const char make[] =
		"INSERT INTO minutes (count, minute, series, late) VALUES (?, ?, ?, ?)";
	const char *const sql[] = {add, make};
	int err = 0;

	for (size_t i = 0; !err && i < ME_ARRAY_SIZE(sql); i++) {
		struct me_query *query = me_db_query(db, sql[i]);

		me_query_number(query, count->grown);
		me_query_number(query, batch->now_ns / MINUTE_NS);
		me_query_number(query, count->id);
		me_query_number(query, batch->late);
		err = run(query);
		if (!err && me_db_changes(db)) {
			*minutes += sql[i] == make;
			break;
		}
	}
	return err;
}

static int write_count(struct me_db *db, const struct me_batch *batch, struct me_batch_count *count,
		       uint64_t *minutes)
{
	static const char fold[] = "INSERT INTO folded (series, value) VALUES (?, ?)"
				   " ON CONFLICT (series) DO UPDATE SET value = excluded.value";
	struct me_query *query;
	int err = count->id ? 0 : name_series(db, batch, count);

	if (err)
		return err;
	query = me_db_query(db, fold);
	me_query_number(query, count->id);
	me_query_number(query, count->value);
	err = run(query);
	return err || !count->grown ? err : book(db, batch, count, minutes);
}

/* --- What is told of them ------------------------------------------------------------------------ */

static int write_violation(struct me_db *db, const struct me_batch *batch,
			   const struct me_batch_violation *violation)
{
	static const char sql[] =
		"INSERT INTO violations (minute, late, first, last, state, vantage, service, reason,"
		" proto, dst, port, name, host, exe, event, retracts, count)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct me_query *query = me_db_query(db, sql);

	me_query_number(query, batch->now_ns / MINUTE_NS);
	me_query_number(query, batch->late);
	me_query_number(query, violation->first_ns);
	me_query_number(query, violation->last_ns);
	text(query, batch, violation->state);
	text(query, batch, violation->vantage);
	text(query, batch, violation->service);
	text(query, batch, violation->reason);
	me_query_number(query, violation->proto);
	text(query, batch, violation->dst);
	me_query_number(query, violation->port);
	text(query, batch, violation->name);
	text(query, batch, violation->host);
	text(query, batch, violation->exe);
	text(query, batch, violation->event);
	text(query, batch, violation->retracts);
	me_query_number(query, violation->count);
	return run(query);
}

static int write_event(struct me_db *db, const struct me_batch *batch,
		       const struct me_batch_event *event)
{
	static const char sql[] =
		"INSERT INTO events (ts, event, type, kind, state, service, endpoint, outcome, vantage,"
		" host, exe, proto, dst, port, name, count, detail)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct me_query *query = me_db_query(db, sql);

	me_query_number(query, event->ts_ns);
	text(query, batch, event->id);
	text(query, batch, event->type);
	text(query, batch, event->kind);
	text(query, batch, event->state);
	text(query, batch, event->service);
	text(query, batch, event->endpoint);
	text(query, batch, event->outcome);
	text(query, batch, event->vantage);
	text(query, batch, event->host);
	text(query, batch, event->exe);
	me_query_number(query, event->proto);
	text(query, batch, event->dst);
	me_query_number(query, event->port);
	text(query, batch, event->name);
	me_query_number(query, event->count);
	text(query, batch, event->detail);
	return run(query);
}

/* --- Spans -------------------------------------------------------------------------------------- */

static int close_span(struct me_db *db, uint64_t id, uint64_t until_ns)
{
	/* The clock may have been set back since it began. */
	static const char sql[] = "UPDATE spans SET until = max(?, since) WHERE id = ?";
	struct me_query *query = me_db_query(db, sql);

	me_query_number(query, until_ns);
	me_query_number(query, id);
	return run(query);
}

static int write_span(struct me_db *db, const struct me_batch *batch, struct me_batch_span *span)
{
	static const char sql[] = "INSERT INTO spans (kind, subject, object, state, detail, number,"
				  " since, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
	struct me_query *query;
	int err;

	if (span->closes)
		return close_span(db, span->id, span->until_ns);
	query = me_db_query(db, sql);
	me_query_text(query, me_span_label(span->kind));
	text(query, batch, span->subject);
	text(query, batch, span->object);
	text(query, batch, span->state);
	text(query, batch, span->detail);
	me_query_number(query, span->number);
	me_query_number(query, span->since_ns);
	if (span->until_ns)
		me_query_number(query, span->until_ns);
	else
		me_query_null(query);
	err = run(query);
	if (!err)
		span->id = me_db_inserted(db);
	return err;
}

/* The run goes on until now; its end is known too, should it be killed. */
static int write_run(struct me_db *db, const struct me_batch *batch, const char *version,
		     uint64_t *run_id)
{
	static const char make[] =
		"INSERT INTO spans (kind, subject, object, state, detail, number,"
		" since, until) VALUES ('run', ?, '', 'running', '', ?, ?, ?)";
	static const char extend[] =
		"UPDATE spans SET until = max(?, since), state = ? WHERE id = ?";
	struct me_query *query;
	int err;

	if (!*run_id) {
		query = me_db_query(db, make);
		me_query_text(query, version);
		me_query_number(query, (uint64_t)getpid());
		me_query_number(query, batch->since_ns);
		me_query_number(query, batch->now_ns);
		err = run(query);
		if (err)
			return err;
		*run_id = me_db_inserted(db);
	}
	query = me_db_query(db, extend);
	me_query_number(query, batch->now_ns);
	me_query_text(query, batch->stopped ? "stopped" : "running");
	me_query_number(query, *run_id);
	return run(query);
}

/* --- All of it ---------------------------------------------------------------------------------- */

/* From now on the counters are those of another attachment, which began at zero. */
static int write_attachment(struct me_db *db, const struct me_batch *batch)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO meta (key, value) VALUES ('attachment', ?)";
	int err = me_db_exec(db, "DELETE FROM folded");
	struct me_query *query;

	if (err)
		return err;
	query = me_db_query(db, sql);
	text(query, batch, batch->attachment);
	return run(query);
}

static int write_all(struct me_db *db, struct me_batch *batch, const char *version,
		     uint64_t *run_id, uint64_t *minutes)
{
	int err = batch->attachment ? write_attachment(db, batch) : 0;

	for (size_t i = 0; !err && i < batch->n_counts; i++)
		err = write_count(db, batch, &batch->counts[i], minutes);
	for (size_t i = 0; !err && i < batch->n_violations; i++)
		err = write_violation(db, batch, &batch->violations[i]);
	for (size_t i = 0; !err && i < batch->n_events; i++)
		err = write_event(db, batch, &batch->events[i]);
	for (size_t i = 0; !err && i < batch->n_spans; i++)
		err = write_span(db, batch, &batch->spans[i]);
	return err ? err : write_run(db, batch, version, run_id);
}

/* Ids that were given out in a transaction that came to nothing. */
static void forget_ids(struct me_batch *batch)
{
	for (size_t i = 0; i < batch->n_counts; i++)
		if (batch->counts[i].named)
			batch->counts[i].id = 0;
}

int me_history_write(struct me_db *db, struct me_batch *batch, const char *version,
		     uint64_t *run_id, uint64_t *minutes)
{
	uint64_t new_run = *run_id, new_minutes = *minutes;
	int err = me_db_exec(db, "BEGIN IMMEDIATE");

	if (err)
		return err;
	err = write_all(db, batch, version, &new_run, &new_minutes);
	if (!err)
		err = me_db_exec(db, "COMMIT");
	if (err) {
		me_db_undo(db);
		forget_ids(batch);
		return err;
	}
	*run_id = new_run;
	*minutes = new_minutes;
	return 0;
}
