/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_STORE_FIXTURE_H
#define MEWATCH_TESTS_STORE_FIXTURE_H

/*
 * A daemon as the history sees it: counters that outlive it, a ledger over them, two clocks. What was counted
 * is in the world; what the history says of it has to be the same.
 */
#include "tests/unit/ledger/fixture.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include "store/db.h"
#include "store/history.h"
#include "store/past.h"

#define WORLD_START (1800000000ull * ME_NS_PER_S) /* the beginning of a minute */
#define WORLD_ENDPOINTS 4u

struct world {
	char folder[64];
	char path[96];
	char attachment[32];
	bool resumed;
	bool silent; /* the hooks are there and no daemon reads them */
	/* what is pinned */
	struct me_kept kept;
	struct me_endpoint_kept kept_endpoints[WORLD_ENDPOINTS];
	uint64_t cells[ME_CELL_COUNT];
	uint64_t totals[ME_TOTALS_ALL];
	uint64_t dns[ME_DNS_COUNTS];
	struct me_zone_counts zones[4];
	struct me_endpoint_counts endpoints[WORLD_ENDPOINTS];
	/* the daemon */
	struct me_history_time now;
	struct me_ledger *ledger;
	struct me_history *history;
	struct me_event_sink sink;
	struct me_history_bounds bounds;
	struct me_history_watch watches[2];
	struct me_history_facts facts;
	uint64_t flow; /* ids given out */
	int sink_err;
};

static inline int world_sink_write(void *data, const struct me_event *event)
{
	struct world *world = data;

	(void)event;
	return world->sink_err;
}

static inline void world_sink_mark(void *data, struct me_event_mark *ret_mark)
{
	(void)data;
	*ret_mark = (struct me_event_mark){0};
}

static inline int world_sink_check(void *data, const struct me_event_mark *mark, const char *id)
{
	(void)data;
	(void)mark;
	(void)id;
	return -ENOTSUP;
}

static inline void world_new(struct world *world)
{
	*world = (struct world){
		.folder = "/tmp/me_store_XXXXXX",
		.attachment = "1800000000-1",
		.now = {.epoch_ns = WORLD_START, .boot_ns = 1000 * ME_NS_PER_S},
		.bounds = {.keep_ns = 400ull * 86400 * ME_NS_PER_S, .size = 1u << 30},
		.facts = {.profile = "mailessentials",
			  .path = "/etc/mewatch/policy.yaml",
			  .sha256 = "0123",
			  .generation = 1},
		.watches = {{"connect4", "/", true}, {"connect6", "/", true}},
	};
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/%s", world->folder, ME_HISTORY_FILE);
}

static inline int world_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void world_read(struct world *world)
{
	me_ledger_tick(world->ledger, world->now.boot_ns, world->now.epoch_ns);
	assert_int_equal(me_ledger_counters(world->ledger, world->cells, world->totals,
					    world->endpoints, WORLD_ENDPOINTS),
			 0);
	assert_int_equal(me_ledger_dns(world->ledger, world->dns, world->zones,
				       ME_ARRAY_SIZE(world->zones), 0),
			 0);
}

/* A daemon starts. */
static inline void world_up(struct world *world)
{
	static const struct me_endpoint_entry entries[] = {
		{.endpoint = 1, .rule = 1, .expect_ns = 3600 * ME_NS_PER_S},
		{.endpoint = 3, .rule = 2}};
	const struct me_event_sink inner = {.data = world,
					    .write = world_sink_write,
					    .mark = world_sink_mark,
					    .check = world_sink_check};
	struct me_history_options options = {
		.path = world->path,
		.version = "1.0",
		.attachment = world->attachment,
		.resumed = world->resumed,
	};
	const struct me_ledger_limits limits = {.flows = 1024, .groups = 64, .answers = 64};

	world->facts.watches = world->watches;
	world->facts.n_watches = ME_ARRAY_SIZE(world->watches);
	assert_int_equal(me_ledger_new(&limits, &world->kept, &fixture_names, world->now.boot_ns,
				       world->now.epoch_ns, &world->ledger),
			 0);
	me_ledger_keep_endpoints(world->ledger, world->kept_endpoints, WORLD_ENDPOINTS);
	assert_int_equal(me_ledger_policy(world->ledger, entries, ME_ARRAY_SIZE(entries)), 0);
	options.ledger = world->ledger;
	assert_int_equal(me_history_new(&options, &world->now, &world->history), 0);
	world->sink = me_history_sink(world->history, &inner);
	me_history_set(world->history, true, &world->bounds);
	world->resumed = true;
	world_read(world);
}

/* One round, and what it has written is there. True: there was something due. */
static inline bool world_round(struct world *world)
{
	bool due;

	world_read(world);
	due = me_history_due(world->history, &world->now);
	if (due)
		me_history_flush(world->history, &world->facts, &world->now);
	me_history_wait(world->history, &world->now);
	return due;
}

/* Rounds up to the first flush: the file is opened in one and written in the next. */
static inline void world_begin(struct world *world)
{
	world_round(world);
	world_round(world);
}

static inline void world_pass(struct world *world, uint64_t seconds)
{
	world->now.epoch_ns += seconds * ME_NS_PER_S;
	world->now.boot_ns += seconds * ME_NS_PER_S;
}

/* The daemon is gone from one moment to the next. */
static inline void world_kill(struct world *world)
{
	me_history_free(&world->history);
	me_ledger_free(&world->ledger);
}

static inline bool world_stop(struct world *world)
{
	bool written;

	world_read(world);
	written = me_history_stop(world->history, &world->facts, &world->now);
	world_kill(world);
	return written;
}

/* Everything was detached, and is attached anew: the counters begin at zero. */
static inline void world_attach_anew(struct world *world)
{
	world->kept = (struct me_kept){0};
	memset(world->kept_endpoints, 0, sizeof(world->kept_endpoints));
	memset(world->cells, 0, sizeof(world->cells));
	memset(world->totals, 0, sizeof(world->totals));
	memset(world->dns, 0, sizeof(world->dns));
	memset(world->zones, 0, sizeof(world->zones));
	memset(world->endpoints, 0, sizeof(world->endpoints));
	world->attachment[strlen(world->attachment) - 1]++;
	world->resumed = false;
}

static inline void world_free(struct world *world)
{
	world_kill(world);
	nftw(world->folder, world_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- What happens ------------------------------------------------------------------------------- */

static inline void world_allow(struct world *world, uint64_t n)
{
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL, me_cell_end(ME_ALLOWED, 0))] += n;
	world->endpoints[1].attempts += n;
	world->endpoints[1].outcome[ME_OUTCOME_ESTABLISHED] += n;
	world->endpoints[1].bytes_sent += 100 * n;
}

/* A violation, judged outright; `told`: its record was read. */
static inline void world_violate(struct world *world, uint32_t v4, bool told)
{
	struct me_record record = {
		.id = ++world->flow,
		.kind = ME_RECORD_VIOLATION,
		.ts_ns = world->now.boot_ns,
		.key = fixture_key(v4, 25, IPPROTO_TCP),
		.flow = fixture_flow(world->flow, ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION, 7),
	};

	record.flow.first_ns = record.flow.last_ns = world->now.boot_ns;
	record.flow.service = ME_SERVICE_UNLISTED;
	world->cells[me_cell(ME_HOST, ME_SERVICE_UNLISTED, ME_CELL_FINAL,
			     me_cell_end(ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION))]++;
	if (!told)
		return;
	assert_int_equal(me_ledger_record(world->ledger, &record), 0);
	me_history_record(world->history, &record);
}

/* --- What the history says ----------------------------------------------------------------------- */

struct sum {
	enum me_series series;
	const char *endpoint, *kind;
	uint64_t count, late;
};

static inline int sum_count(void *data, const struct me_past_count *count)
{
	struct sum *sum = data;

	if ((sum->endpoint && strcmp(sum->endpoint, count->endpoint)) ||
	    (sum->kind && strcmp(sum->kind, count->kind)))
		return 0;
	assert_true(count->count > 0 && count->count < INT64_MAX);
	sum->count += count->count;
	sum->late += count->late;
	return 0;
}

static inline struct me_past *world_past(const struct world *world)
{
	struct me_past *past = NULL;

	assert_int_equal(me_past_open(world->folder, NULL, &past), 0);
	return past;
}

#define WORLD_EVER (&(const struct me_period){0, INT64_MAX})

/* What a series has counted in a period, over the kinds of `kind` (NULL: all). */
static inline struct sum world_sum(const struct world *world, const struct me_period *period,
				   enum me_series series, const char *kind)
{
	_cleanup_(me_past_freep) struct me_past *past = world_past(world);
	struct sum sum = {.series = series, .kind = kind};

	assert_int_equal(me_past_counts(past, period, 0, series, sum_count, &sum), 0);
	return sum;
}

struct told {
	const char *dst; /* NULL: any */
	const char *state;
	uint64_t rows, count;
	struct me_past_violation last;
	char event[ME_EVENT_ID_LEN], retracts[ME_EVENT_ID_LEN], exe[64];
};

static inline int count_told(void *data, const struct me_past_violation *violation)
{
	struct told *told = data;

	if ((told->dst && strcmp(told->dst, violation->dst)) ||
	    (told->state && strcmp(told->state, violation->state)))
		return 0;
	told->rows++;
	told->count += violation->count;
	told->last = *violation;
	snprintf(told->event, sizeof(told->event), "%s", violation->event);
	snprintf(told->retracts, sizeof(told->retracts), "%s", violation->retracts);
	snprintf(told->exe, sizeof(told->exe), "%s", violation->exe);
	return 0;
}

static inline struct told world_told(const struct world *world, const struct me_period *period,
				     const char *state, const char *dst)
{
	_cleanup_(me_past_freep) struct me_past *past = world_past(world);
	struct told told = {.dst = dst, .state = state};

	assert_int_equal(me_past_violations(past, period, count_told, &told), 0);
	return told;
}

struct spans {
	enum me_span_kind kind;
	const char *subject, *state;
	uint64_t n, open, since_ns, until_ns;
};

static inline int count_spans(void *data, const struct me_past_span *span)
{
	struct spans *spans = data;

	if ((spans->state && strcmp(spans->state, span->state)) ||
	    (spans->subject && strcmp(spans->subject, span->subject)))
		return 0;
	assert_true(span->since_ns <= span->until_ns);
	spans->n++;
	spans->open += span->open;
	spans->since_ns = span->since_ns;
	spans->until_ns = span->until_ns;
	return 0;
}

/* Spans of a kind with that subject and state (NULL: any); times are those of the last. */
static inline struct spans world_spans(const struct world *world, enum me_span_kind kind,
				       const char *subject, const char *state)
{
	_cleanup_(me_past_freep) struct me_past *past = world_past(world);
	struct spans spans = {.kind = kind, .subject = subject, .state = state};

	assert_int_equal(me_past_spans(past, WORLD_EVER, kind, count_spans, &spans), 0);
	return spans;
}

/* Everything that is in the counters is in the history, once. */
static inline void world_agrees(const struct world *world)
{
	uint64_t attempts = me_cells_attempts(world->cells, ME_HOST);
	uint64_t confirmed = me_cells_violations_sum(world->cells, ME_STAGE_CONFIRMED);

	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, attempts);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_CONNECTIONS, NULL).count, attempts);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_VIOLATIONS, "confirmed").count,
			 confirmed);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", NULL).count, confirmed);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ENDPOINT_BYTES, "sent").count,
			 world->endpoints[1].bytes_sent);
}

#endif
