/* SPDX-License-Identifier: GPL-2.0-only */
/* What was watched, and for how long it was not; which policy held. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "report/gather.h"

/* A time in which something was missing. */
struct hole {
	uint64_t since_ns, until_ns;
};

struct coverage {
	struct me_gather *gather;
	struct me_sheet *gaps, *hooks, *runs, *policies;
	struct hole *holes;
	size_t n, room;
	uint64_t hooked_ns; /* from when on hooks are known */
	int kills;
};

/* Cuts to the period. False: nothing is left. */
static bool cut(const struct me_gather *gather, uint64_t *since_ns, uint64_t *until_ns)
{
	if (*since_ns < gather->period.since_ns)
		*since_ns = gather->period.since_ns;
	if (*until_ns > gather->period.until_ns)
		*until_ns = gather->period.until_ns;
	return *since_ns < *until_ns;
}

static int add_hole(struct coverage *coverage, uint64_t since_ns, uint64_t until_ns)
{
	if (coverage->n == coverage->room) {
		size_t room = coverage->room ? 2 * coverage->room : 16;
		struct hole *holes = reallocarray(coverage->holes, room, sizeof(*holes));

		if (!holes)
			return -ENOMEM;
		coverage->holes = holes;
		coverage->room = room;
	}
	coverage->holes[coverage->n++] = (struct hole){since_ns, until_ns};
	return 0;
}

/* A row of the gaps, and a hole where nothing was seen or is known. */
static int add_gap(struct coverage *coverage, uint64_t since_ns, uint64_t until_ns, const char *why,
		   const char *words, bool hole)
{
	struct me_document *document = coverage->gather->document;
	struct me_cell *row;

	if (!cut(coverage->gather, &since_ns, &until_ns))
		return 0;
	row = me_sheet_row(document, coverage->gaps);
	me_cell_number(&row[0], since_ns);
	me_cell_number(&row[1], until_ns);
	me_cell_number(&row[2], until_ns - since_ns);
	me_cell_text(document, &row[3], why);
	me_cell_text(document, &row[4], hole ? "no" : "yes");
	me_cell_text(document, &row[5], words);
	return hole ? add_hole(coverage, since_ns, until_ns) : 0;
}

static int take_gap(void *data, const struct me_past_span *span)
{
	static const enum me_gap blind[] = {ME_GAP_UNWATCHED, ME_GAP_UNRECORDED};
	bool hole = false;

	for (size_t i = 0; i < ME_ARRAY_SIZE(blind); i++)
		hole |= !strcmp(span->state, me_gap_label(blind[i]));
	return add_gap(data, span->since_ns, span->until_ns, span->state, span->detail, hole);
}

static int take_run(void *data, const struct me_past_span *span)
{
	struct coverage *coverage = data;
	struct me_document *document = coverage->gather->document;
	struct me_cell *row = me_sheet_row(document, coverage->runs);

	me_cell_number(&row[0], span->since_ns);
	me_cell_number(&row[1], span->until_ns);
	me_cell_text(document, &row[2], span->subject);
	me_cell_text(document, &row[3], span->open ? "running" : span->state);
	me_cell_number(&row[4], span->number);
	return 0;
}

/* A row for each time that a hook was attached, or was not. */
static int take_hook(void *data, const struct me_past_span *span)
{
	struct coverage *coverage = data;
	struct me_document *document = coverage->gather->document;
	uint64_t since = span->since_ns, until = span->until_ns;
	bool lost = !strcmp(span->state, "lost");
	char words[256];
	struct me_cell *row;

	if (!cut(coverage->gather, &since, &until))
		return 0;
	row = me_sheet_row(document, coverage->hooks);
	me_cell_text(document, &row[0], span->subject);
	me_cell_text(document, &row[1], span->object);
	me_cell_text(document, &row[2], span->state);
	me_cell_number(&row[3], since);
	me_cell_number(&row[4], until);
	me_cell_number(&row[5], until - since);
	if (!lost && since < coverage->hooked_ns)
		coverage->hooked_ns = since;
	snprintf(words, sizeof(words), "%s on %s was not attached", span->subject, span->object);
	return lost ? add_gap(coverage, since, until, "lost", words, true) : 0;
}

static int take_policy(void *data, const struct me_past_span *span)
{
	struct coverage *coverage = data;
	struct me_document *document = coverage->gather->document;
	struct me_cell *row = me_sheet_row(document, coverage->policies);

	me_cell_number(&row[0], span->since_ns);
	if (!span->open)
		me_cell_number(&row[1], span->until_ns);
	me_cell_text(document, &row[2], span->subject);
	me_cell_text(document, &row[3], span->object);
	me_cell_number(&row[4], span->number);
	me_cell_text(document, &row[5], span->state);
	return 0;
}

static int by_since(const void *a, const void *b)
{
	const struct hole *one = a, *other = b;

	return one->since_ns < other->since_ns ? -1 : one->since_ns > other->since_ns;
}

/* How much of the period has no hole. */
static uint64_t watched(struct coverage *coverage)
{
	const struct me_period *period = &coverage->gather->period;
	uint64_t at = period->since_ns, missing = 0;

	if (coverage->n)
		qsort(coverage->holes, coverage->n, sizeof(*coverage->holes), by_since);
	for (size_t i = 0; i < coverage->n; i++) {
		const struct hole *hole = &coverage->holes[i];
		uint64_t from = hole->since_ns > at ? hole->since_ns : at;

		if (hole->until_ns > from) {
			missing += hole->until_ns - from;
			at = hole->until_ns;
		}
	}
	return period->until_ns - period->since_ns - missing;
}

static void state(struct coverage *coverage)
{
	struct me_document *document = coverage->gather->document;
	uint64_t length = document->until_ns - document->since_ns;
	_cleanup_strbuf_ struct me_strbuf text = {0};

	if (document->watched_ns == length)
		me_strbuf_adds(&text, "It was watched all the time.");
	else
		me_strbuf_addf(&text,
			       "It was not watched, or it is not known what was seen, for %llu"
			       " s of %llu s; the gaps are listed.",
			       (length - document->watched_ns + ME_NS_PER_S - 1) / ME_NS_PER_S,
			       length / ME_NS_PER_S);
	me_document_state(document, document->watched_ns == length ? ME_TONE_GOOD : ME_TONE_UNSURE,
			  &text);
}

static void make_sheets(struct coverage *coverage)
{
	static const struct me_sheet_column gaps[] = {
		{"since", "From", ME_SHEET_TIME},        {"until", "To", ME_SHEET_TIME},
		{"seconds", "Length", ME_SHEET_SECONDS}, {"why", "Why", ME_SHEET_TEXT},
		{"counted", "Counted", ME_SHEET_TEXT},   {"words", "What it was", ME_SHEET_TEXT},
	};
	static const struct me_sheet_column hooks[] = {
		{"hook", "Hook", ME_SHEET_TEXT},   {"target", "Target", ME_SHEET_TEXT},
		{"state", "State", ME_SHEET_TEXT}, {"since", "From", ME_SHEET_TIME},
		{"until", "To", ME_SHEET_TIME},    {"seconds", "Length", ME_SHEET_SECONDS},
	};
	static const struct me_sheet_column runs[] = {
		{"since", "From", ME_SHEET_TIME},      {"until", "To", ME_SHEET_TIME},
		{"version", "Version", ME_SHEET_TEXT}, {"end", "Now", ME_SHEET_TEXT},
		{"pid", "Pid", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column policies[] = {
		{"since", "From", ME_SHEET_TIME},        {"until", "To", ME_SHEET_TIME},
		{"profile", "Profile", ME_SHEET_TEXT},   {"path", "File", ME_SHEET_TEXT},
		{"generation", "Load", ME_SHEET_NUMBER}, {"sha256", "SHA-256", ME_SHEET_TEXT},
	};
	struct me_document *document = coverage->gather->document;

	coverage->gaps = me_document_sheet(
		document,
		&(struct me_sheet){.key = "gaps",
				   .title = "Gaps",
				   .note = "Counted: what happened meanwhile is in the numbers of "
					   "this report.",
				   .none = "There was none.",
				   ME_COLUMNS(gaps)});
	coverage->hooks =
		me_document_sheet(document, &(struct me_sheet){.key = "hooks",
							       .title = "What was watched",
							       .none = "Nothing.",
							       ME_COLUMNS(hooks)});
	coverage->policies =
		me_document_sheet(document, &(struct me_sheet){.key = "policies",
							       .title = "Policies in force",
							       .none = "None is known.",
							       ME_COLUMNS(policies)});
	coverage->runs =
		me_document_sheet(document, &(struct me_sheet){.key = "runs",
							       .title = "Runs of the daemon",
							       .none = "None.",
							       ME_COLUMNS(runs)});
}

/* Counts are kept by the minute: one in which it all began is whole. */
static int add_begin(struct coverage *coverage)
{
	uint64_t since_ns = coverage->gather->period.since_ns;

	if (since_ns / (60 * ME_NS_PER_S) == coverage->hooked_ns / (60 * ME_NS_PER_S))
		return 0;
	return add_gap(coverage, since_ns, coverage->hooked_ns, "before",
		       "no hook is known to have been attached yet", true);
}

int me_gather_coverage(struct me_gather *gather)
{
	struct coverage coverage = {.gather = gather, .hooked_ns = gather->period.until_ns};
	const struct {
		enum me_span_kind kind;
		int (*take)(void *data, const struct me_past_span *span);
	} parts[] = {
		{ME_SPAN_GAP, take_gap},
		{ME_SPAN_WATCH, take_hook},
		{ME_SPAN_POLICY, take_policy},
		{ME_SPAN_RUN, take_run},
	};
	int err = 0;

	make_sheets(&coverage);
	for (size_t i = 0; !err && i < ME_ARRAY_SIZE(parts); i++)
		err = me_past_spans(gather->past, &gather->period, parts[i].kind, parts[i].take,
				    &coverage);
	if (!err)
		err = add_begin(&coverage);
	if (!err)
		err = add_gap(&coverage, gather->written_ns, gather->period.until_ns, "after",
			      "the history ends before", true);
	me_sheet_sort(coverage.gaps, 0);
	gather->document->watched_ns = watched(&coverage);
	free(coverage.holes);
	if (!err)
		state(&coverage);
	return err;
}
