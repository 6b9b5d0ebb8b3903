/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/history_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "store/notes.h"

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
	if (on && (history->phase == ME_PHASE_OFF || history->phase == ME_PHASE_REFUSED))
		history->phase = ME_PHASE_CLOSED;
	history->retry_ns = 0;
}

/* Once nothing is being written. */
static void turn_off(struct me_history *history)
{
	me_writer_free(&history->writer, ME_HISTORY_PATIENCE_NS);
	me_left_free(&history->left);
	me_batch_clear(&history->next);
	history->phase = ME_PHASE_OFF;
}

/* --- What comes of the writer's jobs ------------------------------------------------------------- */

void me_history_start(struct me_history *history, enum me_writer_job job,
		      const struct me_history_time *now)
{
	struct me_writer_work *work = me_writer_work(history->writer);

	if (now->boot_ns - history->ahead_boot_ns >= ME_HISTORY_BELIEVE_NS)
		history->ahead_ns = 0;
	work->job = job;
	work->now_ns = now->epoch_ns - history->ahead_ns;
	work->version = history->version;
	work->bounds = history->bounds;
	me_writer_start(history->writer);
}

static void start_opening(struct me_history *history, const struct me_history_time *now)
{
	history->phase = ME_PHASE_CLOSED;
	history->retry_ns = now->boot_ns + ME_HISTORY_RETRY_NS;
	if (!history->writer)
		history->writer = me_writer_new(history->path);
	if (!history->writer)
		return;
	me_left_free(&history->left);
	me_writer_work(history->writer)->aside.len = 0;
	me_history_start(history, ME_WRITER_OPEN, now);
	history->phase = ME_PHASE_OPENING;
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
	history->phase = work->err == -EPROTO ? ME_PHASE_REFUSED
			 : work->err          ? ME_PHASE_CLOSED
					      : ME_PHASE_READY;
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
		history->phase = ME_PHASE_READY;
	} else if (work->err == -EUCLEAN || work->err == -ESTALE) {
		/* What is in the batch is lost, or stands in the counters still. */
		history->phase = ME_PHASE_CLOSED;
		history->retry_ns = 0;
	} else {
		history->phase = ME_PHASE_STUCK;
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
	if (history->phase == ME_PHASE_OPENING)
		on_opened(history, work, now);
	else if (history->phase == ME_PHASE_WRITING)
		on_written(history, work, now);
	else
		history->phase = work->err ? ME_PHASE_CLOSED : ME_PHASE_READY;
	history->more = !work->err && work->more;
	history->status.took_ns = work->took_ns;
	if (work->err)
		return;
	history->why.len = 0;
	history->status.bytes = work->extent.bytes + work->log_bytes;
	history->status.cached = work->cached;
	history->status.minutes = work->minutes;
	history->status.oldest_ns = work->extent.oldest_ns;
}

bool me_history_is_busy(const struct me_history *history)
{
	return history->phase == ME_PHASE_OPENING || history->phase == ME_PHASE_WRITING ||
	       history->phase == ME_PHASE_PRUNING;
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
	/* What was counted so far is booked by the clock of then, at once. */
	if (!history->before_step_ns)
		history->before_step_ns = from_ns;
	history->urgent = true;
	if (epoch > boot) {
		history->ahead_ns += (uint64_t)(epoch - boot);
		history->ahead_boot_ns = now->boot_ns;
	} else {
		history->ahead_ns -= (uint64_t)(boot - epoch) < history->ahead_ns
					     ? (uint64_t)(boot - epoch)
					     : history->ahead_ns;
	}
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
	       now->epoch_ns / ME_MINUTE_NS != history->flushed.epoch_ns / ME_MINUTE_NS;
}

bool me_history_due(struct me_history *history, const struct me_history_time *now)
{
	if (history->phase == ME_PHASE_OFF || history->phase == ME_PHASE_REFUSED)
		return false;
	watch_clocks(history, now);
	if (me_history_is_busy(history)) {
		if (!me_writer_done(history->writer, 0))
			return false;
		on_done(history, now);
	}
	if (history->off_wanted) {
		turn_off(history);
		return false;
	}
	if (history->phase == ME_PHASE_CLOSED && now->boot_ns >= history->retry_ns) {
		start_opening(history, now);
	} else if (history->phase == ME_PHASE_STUCK && now->boot_ns >= history->retry_ns) {
		me_history_start(history, ME_WRITER_WRITE, now);
		history->phase = ME_PHASE_WRITING;
	} else if (history->phase == ME_PHASE_READY && is_due(history, now)) {
		return true;
	} else if (history->phase == ME_PHASE_READY && history->more) {
		me_history_start(history, ME_WRITER_PRUNE, now);
		history->phase = ME_PHASE_PRUNING;
	}
	return false;
}

bool me_history_wait(struct me_history *history, const struct me_history_time *now)
{
	if (me_history_is_busy(history)) {
		if (!me_writer_done(history->writer, ME_HISTORY_PATIENCE_NS))
			return false;
		on_done(history, now);
	}
	return history->phase == ME_PHASE_READY;
}

/* --- What is told -------------------------------------------------------------------------------- */

static int sink_write(void *data, const struct me_event *event)
{
	struct me_history *history = data;
	int r = history->inner.write(history->inner.data, event);

	if (r < 0 || history->phase == ME_PHASE_OFF || history->phase == ME_PHASE_REFUSED)
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
	if (history->phase != ME_PHASE_OFF && history->phase != ME_PHASE_REFUSED)
		me_notes_record(history->ledger, record, history->details);
}

static enum me_history_state state_of(const struct me_history *history)
{
	switch (history->phase) {
	case ME_PHASE_OFF:
		return ME_HISTORY_OFF;
	case ME_PHASE_REFUSED:
		return ME_HISTORY_REFUSED;
	case ME_PHASE_CLOSED:
	case ME_PHASE_OPENING:
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
