/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/spans.h"

#include <errno.h>

struct known {
	uint64_t id;   /* 0: it is being written */
	uint64_t seen; /* in which round it held last */
};

struct me_spans {
	struct me_table *known; /* struct me_mark -> struct known */
	uint64_t round;
};

struct me_spans *me_spans_new(void)
{
	struct me_spans *spans = calloc(1, sizeof(*spans));

	if (!spans)
		return NULL;
	spans->known = me_table_new(sizeof(struct me_mark), sizeof(struct known), 0);
	if (!spans->known)
		me_spans_free(&spans);
	return spans;
}

void me_spans_free(struct me_spans **spans)
{
	if (!*spans)
		return;
	me_table_free(&(*spans)->known);
	free(*spans);
	*spans = NULL;
}

static void add_end(struct me_batch *batch, uint64_t id, uint64_t until_ns)
{
	*me_batch_span(batch) =
		(struct me_batch_span){.closes = true, .id = id, .until_ns = until_ns};
}

int me_spans_start(struct me_spans *spans, const struct me_left *left, uint64_t ended_ns,
		   struct me_batch *batch)
{
	const void *mark;
	void *id, *known;

	for (size_t cursor = 0; me_table_next(spans->known, &cursor, &mark, NULL);)
		me_table_remove(spans->known, mark);
	for (size_t cursor = 0; me_table_next(left->spans, &cursor, &mark, &id);) {
		if (ended_ns)
			add_end(batch, *(uint64_t *)id, ended_ns);
		else if (me_table_put(spans->known, mark, &known) < 0)
			return -ENOMEM;
		else
			((struct known *)known)->id = *(uint64_t *)id;
	}
	return 0;
}

void me_spans_begin(struct me_spans *spans)
{
	spans->round++;
}

static void add_beginning(struct me_batch *batch, const struct me_spans_fact *fact,
			  const struct me_mark *mark, uint64_t since_ns)
{
	struct me_batch_span *span = me_batch_span(batch);

	span->key[0] = mark->hash[0];
	span->key[1] = mark->hash[1];
	span->kind = fact->kind;
	span->subject = me_batch_put(batch, fact->subject);
	span->object = me_batch_put(batch, fact->object);
	span->state = me_batch_put(batch, fact->state);
	span->detail = me_batch_put(batch, fact->detail);
	span->number = fact->number;
	span->since_ns = since_ns;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void me_spans_hold(struct me_spans *spans, const struct me_spans_fact *fact, uint64_t since_ns,
		   struct me_batch *batch)
{
	struct me_mark mark = me_mark_of(fact->number, me_span_label(fact->kind),
					 or_empty(fact->subject), or_empty(fact->object),
					 or_empty(fact->state), or_empty(fact->detail), NULL);
	void *known;
	int r = me_table_put(spans->known, &mark, &known);

	if (r < 0) {
		batch->err = r;
		return;
	}
	if (!r)
		add_beginning(batch, fact, &mark, since_ns);
	((struct known *)known)->seen = spans->round;
}

void me_spans_end(struct me_spans *spans, uint64_t until_ns, struct me_batch *batch)
{
	const void *mark;
	void *value;

	for (size_t cursor = 0; me_table_next(spans->known, &cursor, &mark, &value);) {
		const struct known *known = value;

		if (known->seen == spans->round)
			continue;
		add_end(batch, known->id, until_ns);
		me_table_remove(spans->known, mark);
	}
}

void me_spans_written(struct me_spans *spans, const struct me_batch *batch)
{
	for (size_t i = 0; i < batch->n_spans; i++) {
		const struct me_batch_span *span = &batch->spans[i];
		struct known *known = me_table_get(spans->known, span->key);

		if (!span->closes && known)
			known->id = span->id;
	}
}

void me_spans_gap(struct me_batch *batch, enum me_gap gap, uint64_t since_ns, uint64_t until_ns,
		  const char *detail)
{
	struct me_batch_span *span = me_batch_span(batch);

	span->kind = ME_SPAN_GAP;
	span->state = me_batch_put(batch, me_gap_label(gap));
	span->detail = me_batch_put(batch, detail ? detail : me_gap_help(gap));
	span->since_ns = since_ns < until_ns ? since_ns : until_ns;
	span->until_ns = until_ns;
}
