/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/history_parts.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"

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
	if (how == ME_FOLD_LATER)
		me_details_forget(history->details);
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
	me_history_start(history, ME_WRITER_WRITE, now);
	history->phase = ME_PHASE_WRITING;
}

void me_history_flush(struct me_history *history, const struct me_history_facts *facts,
		      const struct me_history_time *now)
{
	uint64_t began_ns = me_clock_now(CLOCK_MONOTONIC);
	struct me_batch *batch = &history->next;
	uint64_t epoch_ns = history->before_step_ns ? history->before_step_ns : now->epoch_ns;
	bool is_start = history->first && !history->written;

	batch->now_ns = epoch_ns;
	batch->since_ns = is_start ? history->started_ns : epoch_ns;
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
	history->before_step_ns = 0;
	history->flushed = *now;
	if (batch->err) { /* the memory for it; the counters stand where they are in the file */
		me_batch_clear(batch);
		history->phase = ME_PHASE_CLOSED;
		history->status.errors++;
	} else {
		hand_over(history, now);
	}
	history->status.held_ns = me_clock_now(CLOCK_MONOTONIC) - began_ns;
}

bool me_history_stop(struct me_history *history, const struct me_history_facts *facts,
		     const struct me_history_time *now)
{
	if (history->phase == ME_PHASE_OFF)
		return true;
	history->stopping = true;
	history->retry_ns = 0;
	/* A file may have to be opened first, or a batch written. */
	if (!me_history_wait(history, now) && !me_history_is_busy(history)) {
		me_history_due(history, now);
		me_history_wait(history, now);
	}
	if (history->phase != ME_PHASE_READY)
		return false;
	me_history_flush(history, facts, now);
	return me_history_wait(history, now);
}
