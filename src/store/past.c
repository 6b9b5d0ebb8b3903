/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/past.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "store/db.h"
#include "store/file.h"
#include "store/schema.h"

#define MINUTE_NS (60 * ME_NS_PER_S)

struct me_past {
	struct me_db *db;
	uint64_t first_ns, last_ns;
};

static const char *const span_label[] = {
#define PICK_LABEL(constant, label) label,
	ME_SPAN_LIST(PICK_LABEL)
#undef PICK_LABEL
};

const char *me_span_label(enum me_span_kind kind)
{
	return (unsigned int)kind < ME_SPAN_COUNT ? span_label[kind] : "?";
}

#define PICK_LABEL(constant, label, help) label,
#define PICK_HELP(constant, label, help) help,
const char *me_gap_label(enum me_gap gap)
{
	static const char *const text[] = {ME_GAP_LIST(PICK_LABEL)};

	return text[gap];
}

const char *me_gap_help(enum me_gap gap)
{
	static const char *const text[] = {ME_GAP_LIST(PICK_HELP)};

	return text[gap];
}
#undef PICK_LABEL
#undef PICK_HELP

/* --- Opening ------------------------------------------------------------------------------------ */

static int read_extent(struct me_past *past)
{
	int err = me_db_number(
		past->db,
		"SELECT min(t) FROM (SELECT min(minute) * 60000000000 AS t FROM minutes"
		" UNION ALL SELECT min(since) FROM spans"
		" UNION ALL SELECT min(ts) FROM events)",
		&past->first_ns);

	return err ? err
		   : me_db_number(past->db, "SELECT max(until) FROM spans WHERE kind = 'run'",
				  &past->last_ns);
}

/* From here on one moment is seen. */
static int look(struct me_past *past, struct me_strbuf *why)
{
	uint64_t version;
	int err = me_db_exec(past->db, "BEGIN");

	if (!err)
		err = me_history_file_version(past->db, &version, why);
	if (!err && version < ME_SCHEMA_VERSION) {
		me_strbuf_addf(
			why,
			"it is of an earlier version (%d, this program knows %d): the daemon "
			"brings it up to date when it starts",
			(int)version, ME_SCHEMA_VERSION);
		err = -EPROTO;
	}
	return err ? err : read_extent(past);
}

int me_past_open(const char *state, struct me_strbuf *why, struct me_past **ret_past)
{
	_cleanup_(me_past_freep) struct me_past *past = calloc(1, sizeof(*past));
	_cleanup_strbuf_ struct me_strbuf path = {0}, own = {0};
	struct me_strbuf *told = why ? why : &own;
	int err;

	me_strbuf_addf(&path, "%s/%s", state, ME_HISTORY_FILE);
	if (!past || path.err)
		return -ENOMEM;
	err = access(path.data, R_OK) ? -errno : 0;
	if (!err)
		err = me_db_open(path.data, false, &past->db);
	if (!err)
		err = look(past, told);
	if (err) {
		const char *words = past->db ? me_db_error(past->db) : "";

		if (!told->len)
			me_strbuf_adds(told, *words ? words : strerror(-err));
		return err;
	}
	*ret_past = me_steal_ptr(&past);
	return 0;
}

void me_past_free(struct me_past **past)
{
	if (!*past)
		return;
	me_db_close(&(*past)->db);
	free(*past);
	*past = NULL;
}

int me_past_extent(struct me_past *past, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	*ret_first_ns = past->first_ns;
	*ret_last_ns = past->last_ns;
	return 0;
}

/* The first minute that begins at `ns` or later; those of a period end before that of its end. */
static uint64_t minute_from(uint64_t ns)
{
	return ns / MINUTE_NS + (ns % MINUTE_NS != 0);
}

/* Ends a query whose rows may not all have been read. */
static int end(struct me_query *query, int r, int stopped)
{
	if (r > 0)
		me_query_reset(query);
	return stopped ? stopped : r < 0 ? r : 0;
}

/* --- Counts ------------------------------------------------------------------------------------- */

int me_past_counts(struct me_past *past, const struct me_period *period, uint64_t step_ns,
		   enum me_series series,
		   int (*each)(void *data, const struct me_past_count *count), void *data)
{
	static const char sql[] =
		"SELECT minute / ?1 * ?1 AS step, metric, vantage, service, endpoint, kind, detail,"
		" sum(count), sum(count * late) FROM minutes JOIN series ON id = series"
		" WHERE minute >= ?2 AND minute < ?3 AND (?4 = '' OR metric = ?4)"
		" GROUP BY step, series ORDER BY step, metric, endpoint, service, vantage, kind, detail";
	struct me_query *query = me_db_query(past->db, sql);
	int r, stopped = 0;

	/* With steps of all time there is one. */
	me_query_number(query, step_ns ? step_ns / MINUTE_NS : INT64_MAX);
	me_query_number(query, minute_from(period->since_ns));
	me_query_number(query, minute_from(period->until_ns));
	me_query_text(query, series < ME_SERIES_COUNT ? me_series_name(series) : "");
	while (!stopped && (r = me_query_step(query)) > 0) {
		const struct me_past_count count = {
			.series = me_series_find(me_query_get_text(query, 1)),
			.vantage = me_query_get_text(query, 2),
			.service = me_query_get_text(query, 3),
			.endpoint = me_query_get_text(query, 4),
			.kind = me_query_get_text(query, 5),
			.detail = me_query_get_text(query, 6),
			.start_ns = step_ns ? me_query_get_number(query, 0) * MINUTE_NS
					    : period->since_ns,
			.count = me_query_get_number(query, 7),
			.late = me_query_get_number(query, 8),
		};

		if (count.series < ME_SERIES_COUNT)
			stopped = each(data, &count);
	}
	return end(query, r, stopped);
}

/* --- Violations ---------------------------------------------------------------------------------- */

static int each_violation(struct me_past *past, const char *sql, const struct me_period *period,
			  int (*each)(void *data, const struct me_past_violation *violation),
			  void *data)
{
	struct me_query *query = me_db_query(past->db, sql);
	int r, stopped = 0;

	me_query_number(query, minute_from(period->since_ns));
	me_query_number(query, minute_from(period->until_ns));
	while (!stopped && (r = me_query_step(query)) > 0) {
		const struct me_past_violation violation = {
			.first_ns = me_query_get_number(query, 0),
			.last_ns = me_query_get_number(query, 1),
			.state = me_query_get_text(query, 2),
			.vantage = me_query_get_text(query, 3),
			.service = me_query_get_text(query, 4),
			.reason = me_query_get_text(query, 5),
			.proto = (uint8_t)me_query_get_number(query, 6),
			.dst = me_query_get_text(query, 7),
			.port = (uint16_t)me_query_get_number(query, 8),
			.name = me_query_get_text(query, 9),
			.host = me_query_get_text(query, 10),
			.exe = me_query_get_text(query, 11),
			.event = me_query_get_text(query, 12),
			.retracts = me_query_get_text(query, 13),
			.count = me_query_get_number(query, 14),
		};

		stopped = each(data, &violation);
	}
	return end(query, r, stopped);
}

#define LIKE "state, vantage, service, reason, proto, dst, port, name, host, exe"
#define OF_PERIOD " FROM violations WHERE minute >= ? AND minute < ?"

int me_past_violations(struct me_past *past, const struct me_period *period,
		       int (*each)(void *data, const struct me_past_violation *violation),
		       void *data)
{
	static const char sql[] = "SELECT first, last, " LIKE ", event, retracts, count" OF_PERIOD
				  " ORDER BY minute, id";

	return each_violation(past, sql, period, each, data);
}

int me_past_violation_groups(struct me_past *past, const struct me_period *period,
			     int (*each)(void *data, const struct me_past_violation *violation),
			     void *data)
{
	/* With a max() the other columns are those of its row. */
	static const char sql[] =
		"SELECT f, max(last), " LIKE ", event, retracts, n FROM ("
		"SELECT min(first) OVER w AS f, sum(count) OVER w AS n, *" OF_PERIOD
		" WINDOW w AS (PARTITION BY " LIKE ")) GROUP BY " LIKE
		" ORDER BY n DESC, max(last) DESC";

	return each_violation(past, sql, period, each, data);
}

/* --- Events and spans ---------------------------------------------------------------------------- */

int me_past_events(struct me_past *past, const struct me_period *period,
		   int (*each)(void *data, const struct me_past_event *event), void *data)
{
	static const char sql[] =
		"SELECT ts, event, type, kind, state, service, endpoint, outcome, vantage, host, exe,"
		" proto, dst, port, name, count, detail FROM events WHERE ts >= ? AND ts < ?"
		" ORDER BY ts, id";
	struct me_query *query = me_db_query(past->db, sql);
	int r, stopped = 0;

	me_query_number(query, period->since_ns);
	me_query_number(query, period->until_ns);
	while (!stopped && (r = me_query_step(query)) > 0) {
		const struct me_past_event event = {
			.ts_ns = me_query_get_number(query, 0),
			.id = me_query_get_text(query, 1),
			.type = me_query_get_text(query, 2),
			.kind = me_query_get_text(query, 3),
			.state = me_query_get_text(query, 4),
			.service = me_query_get_text(query, 5),
			.endpoint = me_query_get_text(query, 6),
			.outcome = me_query_get_text(query, 7),
			.vantage = me_query_get_text(query, 8),
			.host = me_query_get_text(query, 9),
			.exe = me_query_get_text(query, 10),
			.proto = (uint8_t)me_query_get_number(query, 11),
			.dst = me_query_get_text(query, 12),
			.port = (uint16_t)me_query_get_number(query, 13),
			.name = me_query_get_text(query, 14),
			.count = me_query_get_number(query, 15),
			.detail = me_query_get_text(query, 16),
		};

		stopped = each(data, &event);
	}
	return end(query, r, stopped);
}

static enum me_span_kind find_kind(const char *label)
{
	for (unsigned int i = 0; i < ME_SPAN_COUNT; i++)
		if (!strcmp(span_label[i], label))
			return i;
	return ME_SPAN_COUNT;
}

int me_past_spans(struct me_past *past, const struct me_period *period, enum me_span_kind kind,
		  int (*each)(void *data, const struct me_past_span *span), void *data)
{
	static const char sql[] =
		"SELECT kind, subject, object, state, detail, number, since, ifnull(until, ?1),"
		" until IS NULL FROM spans WHERE since < ?3 AND ifnull(until, ?1) >= ?2"
		" AND (?4 = '' OR kind = ?4) ORDER BY kind, since, id";
	struct me_query *query = me_db_query(past->db, sql);
	int r, stopped = 0;

	me_query_number(query, past->last_ns);
	me_query_number(query, period->since_ns);
	me_query_number(query, period->until_ns);
	me_query_text(query, kind < ME_SPAN_COUNT ? span_label[kind] : "");
	while (!stopped && (r = me_query_step(query)) > 0) {
		const struct me_past_span span = {
			.kind = find_kind(me_query_get_text(query, 0)),
			.subject = me_query_get_text(query, 1),
			.object = me_query_get_text(query, 2),
			.state = me_query_get_text(query, 3),
			.detail = me_query_get_text(query, 4),
			.number = me_query_get_number(query, 5),
			.since_ns = me_query_get_number(query, 6),
			.until_ns = me_query_get_number(query, 7),
			.open = me_query_get_number(query, 8),
		};

		if (span.kind < ME_SPAN_COUNT)
			stopped = each(data, &span);
	}
	return end(query, r, stopped);
}
