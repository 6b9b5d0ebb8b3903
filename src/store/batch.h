/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_BATCH_H
#define MEWATCH_STORE_BATCH_H

/*
 * What is to be written in one transaction: made by the daemon's thread, written by the writer's. It owns
 * its texts, which are offsets into `texts`; 0 is "".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "store/past.h"
#include "store/series.h"

typedef uint32_t me_batch_text;

/* How much a series grew, and where its counter stands now. */
struct me_batch_count {
	uint32_t slot; /* the maker's */
	uint64_t id;   /* of the series; 0: it is looked up by its labels, or made, and set here */
	bool named;    /* that was done */
	uint64_t grown;
	uint64_t value;
	enum me_series series;
	me_batch_text vantage, service, endpoint, kind, detail; /* while there is no id */
};

struct me_batch_violation {
	uint64_t first_ns, last_ns;
	me_batch_text state, vantage, service, reason, dst, name, host, exe, event, retracts;
	uint64_t count;
	uint16_t port;
	uint8_t proto;
};

struct me_batch_event {
	uint64_t ts_ns;
	me_batch_text id, type, kind, state, service, endpoint, outcome, vantage, host, exe, dst,
		name, detail;
	uint64_t count;
	uint16_t port;
	uint8_t proto;
};

struct me_batch_span {
	bool closes; /* the span `id` ends at `until_ns`; else it begins and gets its id */
	uint64_t id;
	uint64_t key[2]; /* the maker's */
	enum me_span_kind kind;
	me_batch_text subject, object, state, detail;
	uint64_t number, since_ns;
	uint64_t until_ns; /* 0: open */
};

struct me_batch {
	int err;           /* -ENOMEM: something is missing */
	uint64_t now_ns;   /* epoch: when the counters were read */
	uint64_t since_ns; /* of what begins with it */
	bool late;
	me_batch_text
		attachment; /* the counters are those of another one than before; 0: they are not */
	bool stopped;       /* the run ends */
	struct me_strbuf texts;
	struct me_batch_count *counts;
	size_t n_counts, counts_room;
	struct me_batch_violation *violations;
	size_t n_violations, violations_room;
	struct me_batch_event *events;
	size_t n_events, events_room;
	struct me_batch_span *spans;
	size_t n_spans, spans_room;
};

/* Empties it, and keeps its memory; a zeroed one is empty as well. */
void me_batch_clear(struct me_batch *batch);
void me_batch_free(struct me_batch *batch);

/* Copies a text; NULL is "". */
me_batch_text me_batch_put(struct me_batch *batch, const char *text);
const char *me_batch_get(const struct me_batch *batch, me_batch_text text);

/* One more, zeroed: never NULL, without memory it is one that is written nowhere, and `err` is set. */
struct me_batch_count *me_batch_count(struct me_batch *batch);
struct me_batch_violation *me_batch_violation(struct me_batch *batch);
struct me_batch_event *me_batch_event(struct me_batch *batch);
struct me_batch_span *me_batch_span(struct me_batch *batch);

#endif
