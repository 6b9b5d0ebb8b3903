/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_SPANS_H
#define MEWATCH_STORE_SPANS_H

/*
 * What holds now, against what is open in the file: what is new begins a span, what holds no more ends one.
 * Between me_spans_begin() and me_spans_end() comes everything that holds.
 */
#include "store/batch.h"
#include "store/left.h"

struct me_spans;

/* NULL without memory. */
struct me_spans *me_spans_new(void);
void me_spans_free(struct me_spans **spans);

/*
 * Goes on with what was left open. `ended_ns`: nothing of it holds any more since then, epoch; 0: it may.
 */
int me_spans_start(struct me_spans *spans, const struct me_left *left, uint64_t ended_ns,
		   struct me_batch *batch);

/* It holds, since `since_ns` if it is new. */
struct me_spans_fact {
	enum me_span_kind kind;
	const char *subject, *object, *state, *detail; /* NULL is "" */
	uint64_t number;
};
void me_spans_begin(struct me_spans *spans);
void me_spans_hold(struct me_spans *spans, const struct me_spans_fact *fact, uint64_t since_ns,
		   struct me_batch *batch);
void me_spans_end(struct me_spans *spans, uint64_t until_ns, struct me_batch *batch);

/* The batch is written: takes the ids of what is new. */
void me_spans_written(struct me_spans *spans, const struct me_batch *batch);

/* A gap that is over; in words what me_gap_help() says, or `detail`. */
void me_spans_gap(struct me_batch *batch, enum me_gap gap, uint64_t since_ns, uint64_t until_ns,
		  const char *detail);

#endif
