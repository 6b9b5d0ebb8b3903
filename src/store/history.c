/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/strbuf.h"
#include "store/details.h"
#include "store/fold.h"
#include "store/notes.h"
#include "store/spans.h"
#include "store/writer.h"

#define MINUTE_NS (60 * ME_NS_PER_S)

enum phase {
	OFF,
	CLOSED,  /* to be opened at `retry_ns` */
	OPENING, /* the writer does it */
	READY,   /* open, and the writer is free */
	WRITING,
	PRUNING,
	STUCK,   /* the batch is to be written once more at `retry_ns` */
	REFUSED, /* the file is of no use, and stays as it is */
};

struct me_history {
	char *path, *version, *attachment;
	bool resumed;
	struct me_history_bounds bounds;
	struct me_ledger *ledger;
	struct me_event_sink inner;
	struct me_writer *writer; /* NULL while it is off */
	struct me_fold *fold;
	struct me_spans *spans;
	struct me_details *details;
	struct me_batch next; /* what is written with the next flush: events and gaps so far */
	struct me_left left;  /* between the opening and the first flush */
	enum phase phase;
	bool off_wanted;
	bool first;   /* the next flush is the first after the opening */
	bool written; /* this daemon has written something */
	bool urgent;  /* an event is to be written soon */
	bool more;    /* there is more to prune */
	bool stopping;
	uint64_t retry_ns;              /* boot */
	uint64_t started_ns;            /* epoch */
	struct me_history_time flushed; /* the last time */
	struct me_history_time seen;    /* the last time that the clocks were looked at */
	uint64_t dropped_events;
	struct me_strbuf why, aside;
	struct me_history_status status;
};

const char *me_history_state_label(enum me_history_state state)
{
#define PICK_LABEL(constant, label) label,
	static const char *const text[] = {ME_HISTORY_STATE_LIST(PICK_LABEL)};
#undef PICK_LABEL

	return text[state];
}

/* --- Opening and closing ------------------------------------------------------------------------ */

int me_history_new(const struct me_history_options *options, const struct me_history_time *now,
		   struct me_history **ret_history)
{
	_cleanup_(me_history_freep) struct me_history *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->path = strdup(options->path);
	h->version = strdup(options->version);
	h->attachment = strdup(options->attachment);
	h->resumed = options->resumed;
	h->ledger = options->ledger;
	h->started_ns = now->epoch_ns;
	h->seen = *now;
	h->fold = me_fold_new();
	h->spans = me_spans_new();
	h->details = me_details_new();
	if (!h->path || !h->version || !h->attachment || !h->fold || !h->spans || !h->details)
		return -ENOMEM;
	*ret_history = me_steal_ptr(&h);
	return 0;
}

void me_history_free(struct me_history **history)
{
	struct me_history *h = *history;

	if (!h)
		return;
	me_writer_free(&h->writer, ME_HISTORY_PATIENCE_NS);
	me_fold_free(&h->fold);
	me_spans_free(&h->spans);
	me_details_free(&h->details);
	me_batch_free(&h->next);
	me_left_free(&h->left);
	me_strbuf_free(&h->why);
	me_strbuf_free(&h->aside);
	free(h->path);
	free(h->version);
	free(h->attachment);
	free(h);
	*history = NULL;
}

void me_history_set(struct me_history *history, bool on, const struct me_history_bounds *bounds)
{
	history->bounds = *bounds;
	history->off_wanted = !on;
	if (on && (history->phase == OFF || history->phase == REFUSED))
		history->phase = CLOSED;
	history->retry_ns = 0;
}

/* Once nothing is being written. */
static void turn_off(struct me_history *history)
{
	me_writer_free(&history->writer, ME_HISTORY_PATIENCE_NS);
	me_left_free(&history->left);
	me_batch_clear(&history->next);
	history->phase = OFF;
}

/* --- What comes of the writer's jobs ------------------------------------------------------------- */

static void start(struct me_history *history, enum me_writer_job job, uint64_t epoch_ns)
{
	struct me_writer_work *work = me_writer_work(history->writer);

	work->job = job;
	work->now_ns = epoch_ns;
	work->version = history->version;
	work->bounds = history->bounds;
	me_writer_start(history->writer);
}

static void start_opening(struct me_history *history, const struct me_history_time *now)
{
	history->phase = CLOSED;
	history->retry_ns = now->boot_ns + ME_HISTORY_RETRY_NS;
	if (!history->writer)
		history->writer = me_writer_new(history->path);
	if (!history->writer)
		return;
	me_left_free(&history->left);
	me_writer_work(history->writer)->aside.len = 0;
	start(history, ME_WRITER_OPEN, now->epoch_ns);
	history->phase = OPENING;
}

static void fail(struct me_history *history, const struct me_writer_work *work)
{
	history->status.errors++;
	history->why.len = 0;
	me_strbuf_adds(&history->why, work->why.len ? work->why.data : strerror(-work->err));
}

static void on_opened(struct me_history *history, struct me_writer_work *work,
		      const struct me_history_time *now)
{
	if (work->aside.len) {
		history->aside.len = 0;
		me_strbuf_adds(&history->aside, work->aside.data);
		history->status.asides++;
	}
	history->retry_ns = now->boot_ns + ME_HISTORY_RETRY_NS;
	history->phase = work->err == -EPROTO ? REFUSED : work->err ? CLOSED : READY;
	if (work->err)
		return;
	history->left = work->left;
	work->left = (struct me_left){0};
	history->first = true;
	me_details_start(history->details, now->epoch_ns, history->left.details);
}

static void on_written(struct me_history *history, struct me_writer_work *work,
		       const struct me_history_time *now)
{
	if (!work->err) {
		me_fold_written(history->fold, &work->batch);
		me_spans_written(history->spans, &work->batch);
		history->status.written_ns = work->batch.now_ns;
		history->written = true;
		history->phase = READY;
	} else if (work->err == -EUCLEAN || work->err == -ESTALE) {
		/* What is in the batch is lost, or stands in the counters still. */
		history->phase = CLOSED;
		history->retry_ns = 0;
	} else {
		history->phase = STUCK;
		history->retry_ns = now->boot_ns + ME_HISTORY_RETRY_NS;
	}
}

static void on_done(struct me_history *history, const struct me_history_time *now)
{
	struct me_writer_work *work = me_writer_work(history->writer);

	if (work->err == -ESTALE)
		history->status.removals++;
	else if (work->err)
		fail(history, work);
	if (history->phase == OPENING)
		on_opened(history, work, now);
	else if (history->phase == WRITING)
		on_written(history, work, now);
	else
		history->phase = work->err ? CLOSED : READY;
	history->more = !work->err && work->more;
	history->status.took_ns = work->took_ns;
	if (work->err)
		return;
	history->why.len = 0;
	history->status.bytes = work->extent.bytes + work->log_bytes;
	history->status.minutes = work->minutes;
	history->status.oldest_ns = work->extent.oldest_ns;
}

static bool is_busy(const struct me_history *history)
{
	return history->phase == OPENING || history->phase == WRITING || history->phase == PRUNING;
}

/* --- When something is due ----------------------------------------------------------------------- */

/* A clock that was set: what is booked before and after meets, or has a hole between. */
static void watch_clocks(struct me_history *history, const struct me_history_time *now)
{
	int64_t epoch = (int64_t)(now->epoch_ns - history->seen.epoch_ns);
	int64_t boot = (int64_t)(now->boot_ns - history->seen.boot_ns);
	uint64_t from_ns = history->seen.epoch_ns + (uint64_t)boot;
	char text[80];

	history->seen = *now;
	if (epoch - boot < (int64_t)ME_HISTORY_STEP_NS &&
	    boot - epoch < (int64_t)ME_HISTORY_STEP_NS)
		return;
	history->status.clock_steps++;
	if (history->next.n_spans >= ME_HISTORY_GAPS_MAX)
		return;
	snprintf(text, sizeof(text), "the clock was set %s by %" PRIu64 " s",
		 epoch > boot ? "forward" : "back",
		 (uint64_t)(epoch > boot ? epoch - boot : boot - epoch) / (uint64_t)ME_NS_PER_S);
	if (from_ns < now->epoch_ns)
		me_spans_gap(&history->next, ME_GAP_CLOCK, from_ns, now->epoch_ns, text);
	else
		me_spans_gap(&history->next, ME_GAP_CLOCK, now->epoch_ns, from_ns, text);
}

static bool is_due(const struct me_history *history, const struct me_history_time *now)
{
	return history->first || history->urgent ||
	       now->boot_ns - history->flushed.boot_ns >= ME_HISTORY_FLUSH_NS ||
	       now->epoch_ns / MINUTE_NS != history->flushed.epoch_ns / MINUTE_NS;
}

bool me_history_due(struct me_history *history, const struct me_history_time *now)
{
	if (history->phase == OFF || history->phase == REFUSED)
		return false;
	watch_clocks(history, now);
	if (is_busy(history)) {
		if (!me_writer_done(history->writer, 0))
			return false;
		on_done(history, now);
	}
	if (history->off_wanted) {
		turn_off(history);
		return false;
	}
	if (history->phase == CLOSED && now->boot_ns >= history->retry_ns) {
		start_opening(history, now);
	} else if (history->phase == STUCK && now->boot_ns >= history->retry_ns) {
		start(history, ME_WRITER_WRITE, now->epoch_ns);
		history->phase = WRITING;
	} else if (history->phase == READY && is_due(history, now)) {
		return true;
	} else if (history->phase == READY && history->more) {
		start(history, ME_WRITER_PRUNE, now->epoch_ns);
		history->phase = PRUNING;
	}
	return false;
}

/* --- A flush ------------------------------------------------------------------------------------- */

/* Where the counters stand towards the file that was opened. */
static enum me_fold_start go_on(struct me_history *history, uint64_t now_ns)
{
	const struct me_left *left = &history->left;
	struct me_batch *batch = &history->next;
	bool resumed = history->resumed || history->written;
	uint64_t back_ns = history->written ? now_ns : history->started_ns;

	if (left->last_ns > back_ns + ME_HISTORY_STEP_NS)
		me_spans_gap(batch, ME_GAP_CLOCK, back_ns, left->last_ns,
			     "the clock was set back while no daemon ran");
	if (!strcmp(left->attachment, history->attachment)) {
		batch->late = true;
		me_spans_gap(batch, history->written ? ME_GAP_UNWRITTEN : ME_GAP_DOWN,
			     left->last_ns, back_ns, NULL);
		return ME_FOLD_GO_ON;
	}
	batch->attachment = me_batch_put(batch, history->attachment);
	if (resumed)
		me_spans_gap(batch, ME_GAP_UNRECORDED,
			     left->last_ns ? left->last_ns
					   : me_ledger_kept(history->ledger)->epoch * ME_NS_PER_S,
			     now_ns, NULL);
	else if (left->last_ns)
		me_spans_gap(batch, ME_GAP_UNWATCHED, left->last_ns, back_ns, NULL);
	return resumed ? ME_FOLD_LATER : ME_FOLD_FRESH;
}

static void begin(struct me_history *history, uint64_t now_ns)
{
	const struct me_left *left = &history->left;
	enum me_fold_start how = go_on(history, now_ns);

	if (me_spans_start(history->spans, left, how == ME_FOLD_GO_ON ? 0 : left->last_ns,
			   &history->next))
		history->next.err = -ENOMEM;
	me_fold_start(history->fold, left, how);
}

static void hold_endpoints(struct me_history *history, uint64_t since_ns)
{
	const struct me_names *names = me_ledger_names(history->ledger);
	struct me_endpoint endpoint;

	for (size_t cursor = 0; me_ledger_next_endpoint(history->ledger, &cursor, &endpoint);) {
		struct me_spans_fact fact = {
			.kind = ME_SPAN_ENDPOINT,
			.subject = names->endpoint(names->data, endpoint.id),
			.object = names->endpoint_service(names->data, endpoint.id),
			.state = me_endpoint_state_label(endpoint.state),
			.detail =
				endpoint.failing ? me_failure_label(endpoint.kept->failure) : NULL,
			.number = endpoint.expect_ns,
		};

		me_spans_hold(history->spans, &fact, since_ns, &history->next);
	}
}

static void hold_all(struct me_history *history, const struct me_history_facts *facts,
		     uint64_t since_ns)
{
	struct me_spans_fact fact = {
		.kind = ME_SPAN_POLICY,
		.subject = facts->profile,
		.object = facts->path,
		.state = facts->sha256,
		.number = facts->generation,
	};

	me_spans_begin(history->spans);
	me_spans_hold(history->spans, &fact, since_ns, &history->next);
	for (size_t i = 0; i < facts->n_watches; i++) {
		const struct me_history_watch *watch = &facts->watches[i];

		fact = (struct me_spans_fact){
			.kind = ME_SPAN_WATCH,
			.subject = watch->hook,
			.object = watch->target,
			.state = watch->attached ? "attached" : "lost",
		};
		me_spans_hold(history->spans, &fact, since_ns, &history->next);
	}
	hold_endpoints(history, since_ns);
	me_spans_end(history->spans, history->next.now_ns, &history->next);
}

/* Hands the batch over, and goes on with the one that was written before. */
static void hand_over(struct me_history *history, const struct me_history_time *now)
{
	struct me_writer_work *work = me_writer_work(history->writer);
	struct me_batch written = work->batch;

	work->batch = history->next;
	history->next = written;
	me_batch_clear(&history->next);
	start(history, ME_WRITER_WRITE, now->epoch_ns);
	history->phase = WRITING;
}

void me_history_flush(struct me_history *history, const struct me_history_facts *facts,
		      const struct me_history_time *now)
{
	uint64_t began_ns = me_clock_now(CLOCK_MONOTONIC);
	struct me_batch *batch = &history->next;
	bool is_start = history->first && !history->written;

	batch->now_ns = now->epoch_ns;
	batch->since_ns = is_start ? history->started_ns : now->epoch_ns;
	batch->stopped = history->stopping;
	if (history->first) {
		begin(history, now->epoch_ns);
	} else if (now->boot_ns - history->flushed.boot_ns > ME_HISTORY_LATE_NS) {
		batch->late = true;
		me_spans_gap(batch, ME_GAP_UNWRITTEN, history->flushed.epoch_ns, now->epoch_ns,
			     NULL);
	}
	me_fold_take(history->fold, history->ledger, history->details, batch);
	me_details_take(history->details, history->ledger, batch);
	hold_all(history, facts, batch->since_ns);
	me_left_free(&history->left);
	history->first = history->urgent = false;
	history->flushed = *now;
	if (batch->err) { /* the memory for it; the counters stand where they are in the file */
		me_batch_clear(batch);
		history->phase = CLOSED;
		history->status.errors++;
	} else {
		hand_over(history, now);
	}
	history->status.held_ns = me_clock_now(CLOCK_MONOTONIC) - began_ns;
}

bool me_history_wait(struct me_history *history, const struct me_history_time *now)
{
	if (is_busy(history)) {
		if (!me_writer_done(history->writer, ME_HISTORY_PATIENCE_NS))
			return false;
		on_done(history, now);
	}
	return history->phase == READY;
}

bool me_history_stop(struct me_history *history, const struct me_history_facts *facts,
		     const struct me_history_time *now)
{
	if (history->phase == OFF)
		return true;
	history->stopping = true;
	history->retry_ns = 0;
	/* A file may have to be opened first, or a batch written. */
	if (!me_history_wait(history, now) && !is_busy(history)) {
		me_history_due(history, now);
		me_history_wait(history, now);
	}
	if (history->phase != READY)
		return false;
	me_history_flush(history, facts, now);
	return me_history_wait(history, now);
}

/* --- What is told -------------------------------------------------------------------------------- */

static int sink_write(void *data, const struct me_event *event)
{
	struct me_history *history = data;
	int r = history->inner.write(history->inner.data, event);

	if (r < 0 || history->phase == OFF || history->phase == REFUSED)
		return r;
	if (event->kind == ME_EVENT_RETRACTION)
		me_notes_retraction(history->ledger, event, history->details);
	if (!me_notes_is_kept(event))
		return r;
	history->urgent = true;
	if (history->next.n_events < ME_HISTORY_EVENTS_MAX)
		me_notes_event(history->ledger, event, &history->next);
	else
		history->dropped_events++;
	return r;
}

static void sink_mark(void *data, struct me_event_mark *ret_mark)
{
	struct me_history *history = data;

	history->inner.mark(history->inner.data, ret_mark);
}

static int sink_check(void *data, const struct me_event_mark *mark, const char *id)
{
	struct me_history *history = data;

	return history->inner.check(history->inner.data, mark, id);
}

struct me_event_sink me_history_sink(struct me_history *history, const struct me_event_sink *inner)
{
	history->inner = *inner;
	return (struct me_event_sink){
		.data = history, .write = sink_write, .mark = sink_mark, .check = sink_check};
}

void me_history_record(struct me_history *history, const struct me_record *record)
{
	if (history->phase != OFF && history->phase != REFUSED)
		me_notes_record(history->ledger, record, history->details);
}

static enum me_history_state state_of(const struct me_history *history)
{
	switch (history->phase) {
	case OFF:
		return ME_HISTORY_OFF;
	case REFUSED:
		return ME_HISTORY_REFUSED;
	case CLOSED:
	case OPENING:
		return history->why.len ? ME_HISTORY_FAILING : ME_HISTORY_OPENING;
	default: /* a batch that waits, also while it is tried again */
		return history->why.len ? ME_HISTORY_FAILING : ME_HISTORY_WRITING;
	}
}

const struct me_history_status *me_history_status(struct me_history *history)
{
	struct me_history_status *status = &history->status;

	status->state = state_of(history);
	status->why = history->why.len ? history->why.data : "";
	status->aside = history->aside.len ? history->aside.data : "";
	status->dropped = me_details_dropped(history->details) + history->dropped_events;
	status->refused = me_fold_refused(history->fold);
	return status;
}
