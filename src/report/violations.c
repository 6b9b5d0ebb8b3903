/* SPDX-License-Identifier: GPL-2.0-only */
/* What went out beside the policy, what was taken back, and what could not be seen or judged. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/strbuf.h"
#include "export/value.h"
#include "mewatch/types.h"
#include "report/gather.h"
#include "report/sums.h"

/* Rows of destinations and of origins; the rest is one row, so that the sum is whole. */
#define ROWS_MAX 100u

enum { CONFIRMED, RETRACTED, DENIED, SHADOWED };

struct violations {
	struct me_gather *gather;
	struct me_sheet *reasons, *destinations, *origins, *retractions, *findings, *losses;
	struct me_sums *by_reason, *by_origin, *findings_by_kind;
	uint64_t confirmed, retracted, denied, shadowed, refused, unresolved, findings_n, lost;
	uint64_t rest; /* of the destinations */
};

static void add_loss(struct violations *v, const char *what, const char *kind, uint64_t count)
{
	struct me_cell *row = me_sheet_row(v->gather->document, v->losses);

	me_cell_text(v->gather->document, &row[0], what);
	me_cell_text(v->gather->document, &row[1], kind);
	me_cell_number(&row[2], count);
	v->lost += count;
}

static int take_state(struct violations *v, const struct me_past_count *count)
{
	bool retracted = !strcmp(count->kind, "retracted");
	uint64_t *sums;

	if (!retracted && strcmp(count->kind, "confirmed"))
		return 0;
	sums = me_sums_at(v->by_reason, count->service, count->detail, NULL);
	if (!sums)
		return -ENOMEM;
	sums[retracted ? RETRACTED : CONFIRMED] += count->count;
	*(retracted ? &v->retracted : &v->confirmed) += count->count;
	return 0;
}

/* `what` is DENIED or SHADOWED. */
static int take_denied(struct violations *v, int what, const struct me_past_count *count)
{
	uint64_t *sums = me_sums_at(v->by_reason, count->service, count->kind, NULL);

	if (!sums)
		return -ENOMEM;
	sums[what] += count->count;
	*(what == DENIED ? &v->denied : &v->shadowed) += count->count;
	return 0;
}

static int take_count(void *data, const struct me_past_count *count)
{
	struct violations *v = data;
	uint64_t *sums;

	switch (count->series) {
	case ME_SERIES_VIOLATIONS:
		return take_state(v, count);
	case ME_SERIES_DENIED:
		return take_denied(v, DENIED, count);
	case ME_SERIES_SHADOW_DENIED:
		return take_denied(v, SHADOWED, count);
	case ME_SERIES_SOCKETS_DENIED:
		v->refused += count->count;
		return 0;
	case ME_SERIES_CONNECTIONS:
		if (!strcmp(count->kind, me_verdict_label(ME_UNRESOLVED)))
			v->unresolved += count->count;
		return 0;
	case ME_SERIES_FINDINGS:
		sums = me_sums_at(v->findings_by_kind, count->kind, NULL, NULL);
		if (!sums)
			return -ENOMEM;
		sums[0] += count->count;
		v->findings_n += count->count;
		return 0;
	case ME_SERIES_BLIND_SPOTS:
		add_loss(v, "blind spot", count->kind, count->count);
		return 0;
	case ME_SERIES_OVERFLOW:
		add_loss(v, "no room for the flow", "", count->count);
		return 0;
	case ME_SERIES_EVENTS_LOST:
		add_loss(v, "event lost", count->kind, count->count);
		return 0;
	default:
		return 0;
	}
}

static const char *origin_of(const struct me_past_violation *violation)
{
	return *violation->host ? violation->host : violation->exe;
}

static void add_destination(struct violations *v, const struct me_past_violation *violation)
{
	struct me_document *document = v->gather->document;
	struct me_cell *row = me_sheet_row(document, v->destinations);
	char proto[ME_VALUE_LEN];

	me_cell_text(document, &row[0], violation->reason);
	me_cell_text(document, &row[1], violation->dst);
	if (*violation->dst) {
		if (violation->port)
			me_cell_number(&row[2], violation->port);
		me_value_proto_name(violation->proto, proto);
		me_cell_text(document, &row[3], proto);
	}
	me_cell_text(document, &row[4], violation->name);
	me_cell_text(document, &row[5], origin_of(violation));
	me_cell_text(document, &row[6], violation->service);
	me_cell_text(document, &row[7], violation->vantage);
	me_cell_number(&row[8], violation->count);
	me_cell_number(&row[9], violation->first_ns);
	me_cell_number(&row[10], violation->last_ns);
}

static int take_group(void *data, const struct me_past_violation *violation)
{
	struct violations *v = data;
	uint64_t *sums;

	if (strcmp(violation->state, "confirmed") || !violation->count)
		return 0;
	sums = me_sums_at(v->by_origin, violation->vantage, origin_of(violation), NULL);
	if (!sums)
		return -ENOMEM;
	sums[0] += violation->count;
	if (v->destinations->n_rows < ROWS_MAX)
		add_destination(v, violation);
	else
		v->rest += violation->count;
	return 0;
}

static int take_retraction(void *data, const struct me_past_violation *violation)
{
	struct violations *v = data;
	struct me_document *document = v->gather->document;
	struct me_cell *row;

	if (strcmp(violation->state, "retracted"))
		return 0;
	row = me_sheet_row(document, v->retractions);
	me_cell_number(&row[0], violation->last_ns);
	me_cell_text(document, &row[1], violation->event);
	me_cell_text(document, &row[2], violation->retracts);
	me_cell_text(document, &row[3], violation->reason);
	me_cell_text(document, &row[4], violation->dst);
	if (violation->port)
		me_cell_number(&row[5], violation->port);
	me_cell_text(document, &row[6], violation->name);
	me_cell_text(document, &row[7], origin_of(violation));
	me_cell_number(&row[8], violation->count);
	return 0;
}

/* --- From sums to rows -------------------------------------------------------------------------- */

static void fill_reasons(struct violations *v)
{
	struct me_document *document = v->gather->document;

	for (size_t i = 0; i < me_sums_count(v->by_reason); i++) {
		const struct me_sum *sum = me_sums_get(v->by_reason, i);
		struct me_cell *row = me_sheet_row(document, v->reasons);

		me_cell_text(document, &row[0], me_sums_word(v->by_reason, sum, 1));
		me_cell_text(document, &row[1], me_sums_word(v->by_reason, sum, 0));
		me_cell_number(&row[2], sum->values[CONFIRMED]);
		me_cell_number(&row[3], sum->values[RETRACTED]);
		me_cell_number(&row[4], sum->values[DENIED]);
		me_cell_number(&row[5], sum->values[SHADOWED]);
	}
	me_sheet_sort(v->reasons, 2);
}

/* What is counted, and of which no more is known, is a row as well. */
static void fill_origins(struct violations *v)
{
	struct me_document *document = v->gather->document;
	struct me_cell *row;

	for (size_t i = 0; i < me_sums_count(v->by_origin); i++) {
		const struct me_sum *sum = me_sums_get(v->by_origin, i);

		row = me_sheet_row(document, v->origins);
		me_cell_text(document, &row[0], me_sums_word(v->by_origin, sum, 1));
		me_cell_text(document, &row[1], me_sums_word(v->by_origin, sum, 0));
		me_cell_number(&row[2], sum->values[0]);
	}
	me_sheet_sort(v->origins, 2);
	if (!v->rest)
		return;
	row = me_sheet_row(document, v->destinations);
	me_cell_text(document, &row[0], "all others");
	me_cell_number(&row[8], v->rest);
}

static void fill_findings(struct violations *v)
{
	struct me_document *document = v->gather->document;

	for (size_t i = 0; i < me_sums_count(v->findings_by_kind); i++) {
		const struct me_sum *sum = me_sums_get(v->findings_by_kind, i);
		const char *kind = me_sums_word(v->findings_by_kind, sum, 0);
		struct me_cell *row = me_sheet_row(document, v->findings);

		me_cell_text(document, &row[0], kind);
		for (unsigned int k = 0; k < ME_FINDING_COUNT; k++)
			if (!strcmp(kind, me_finding_label(k)))
				me_cell_text(document, &row[1], me_finding_help(k));
		me_cell_number(&row[2], sum->values[0]);
	}
	me_sheet_sort(v->findings, 2);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void state_violations(struct violations *v)
{
	struct me_document *document = v->gather->document;
	bool whole = document->watched_ns == document->until_ns - document->since_ns;
	bool certain = whole && !v->lost && !v->unresolved;
	_cleanup_strbuf_ struct me_strbuf text = {0};

	if (v->denied)
		me_strbuf_addf(&text,
			       "%" PRIu64 " flow%s met no rule (violation%s); %" PRIu64
			       " attempt%s denied.",
			       v->confirmed, plural(v->confirmed), plural(v->confirmed), v->denied,
			       v->denied == 1 ? " was" : "s were");
	else if (v->confirmed)
		me_strbuf_addf(&text,
			       "%" PRIu64 " flow%s went out beside the policy (violation%s).",
			       v->confirmed, plural(v->confirmed), plural(v->confirmed));
	else if (certain)
		me_strbuf_adds(&text, "Nothing went out beside what the policy allows.");
	else
		me_strbuf_adds(&text, "Of what was seen nothing went out beside what the policy "
				      "allows; not everything was seen or judged.");
	me_document_state(document,
			  v->confirmed || v->denied ? ME_TONE_BAD
			  : certain                 ? ME_TONE_GOOD
						    : ME_TONE_UNSURE,
			  &text);
}

static void state_actions(struct violations *v)
{
	_cleanup_strbuf_ struct me_strbuf shadowed = {0}, refused = {0};

	if (v->shadowed) {
		me_strbuf_addf(&shadowed,
			       "%" PRIu64 " attempt%s would have been denied (mode: shadow).",
			       v->shadowed, plural(v->shadowed));
		me_document_state(v->gather->document, ME_TONE_UNSURE, &shadowed);
	}
	if (v->refused) {
		me_strbuf_addf(&refused, "%" PRIu64 " socket%s refused (refuse_sockets).",
			       v->refused, v->refused == 1 ? " was" : "s were");
		me_document_state(v->gather->document, ME_TONE_BAD, &refused);
	}
}

static void state_rest(struct violations *v)
{
	struct me_document *document = v->gather->document;
	_cleanup_strbuf_ struct me_strbuf unresolved = {0}, lost = {0}, findings = {0};

	if (v->unresolved) {
		me_strbuf_addf(&unresolved, "%" PRIu64 " flow%s could not be judged (unresolved).",
			       v->unresolved, plural(v->unresolved));
		me_document_state(document, ME_TONE_UNSURE, &unresolved);
	}
	if (v->lost) {
		me_strbuf_addf(&lost,
			       "%" PRIu64 " thing%s could not be seen or told in full; they are "
			       "listed as blind spots and losses.",
			       v->lost, plural(v->lost));
		me_document_state(document, ME_TONE_UNSURE, &lost);
	}
	if (v->findings_n) {
		me_strbuf_addf(&findings, "%" PRIu64 " finding%s beside the verdicts.",
			       v->findings_n, plural(v->findings_n));
		me_document_state(document, ME_TONE_UNSURE, &findings);
	}
}

static void make_sheets(struct violations *v)
{
	static const struct me_sheet_column reasons[] = {
		{"reason", "Reason", ME_SHEET_TEXT},
		{"service", "Service", ME_SHEET_TEXT},
		{"confirmed", "Violations", ME_SHEET_NUMBER},
		{"retracted", "Taken back", ME_SHEET_NUMBER},
		{"denied", "Denied", ME_SHEET_NUMBER},
		{"would_deny", "Would be denied", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column destinations[] = {
		{"reason", "Reason", ME_SHEET_TEXT},   {"dst", "Destination", ME_SHEET_TEXT},
		{"dport", "Port", ME_SHEET_NUMBER},    {"proto", "Protocol", ME_SHEET_TEXT},
		{"name", "Name", ME_SHEET_TEXT},       {"origin", "Origin", ME_SHEET_TEXT},
		{"service", "Service", ME_SHEET_TEXT}, {"vantage", "Vantage", ME_SHEET_TEXT},
		{"count", "Count", ME_SHEET_NUMBER},   {"first", "First", ME_SHEET_TIME},
		{"last", "Last", ME_SHEET_TIME},
	};
	static const struct me_sheet_column origins[] = {
		{"origin", "Origin", ME_SHEET_TEXT},
		{"vantage", "Vantage", ME_SHEET_TEXT},
		{"count", "Violations", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column retractions[] = {
		{"ts", "When", ME_SHEET_TIME},
		{"id", "Event", ME_SHEET_TEXT},
		{"retracts", "Takes back", ME_SHEET_TEXT},
		{"reason", "Reason", ME_SHEET_TEXT},
		{"dst", "Destination", ME_SHEET_TEXT},
		{"dport", "Port", ME_SHEET_NUMBER},
		{"name", "Name", ME_SHEET_TEXT},
		{"origin", "Origin", ME_SHEET_TEXT},
		{"count", "Count", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column findings[] = {
		{"kind", "Finding", ME_SHEET_TEXT},
		{"meaning", "What it is", ME_SHEET_TEXT},
		{"count", "Count", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column losses[] = {
		{"what", "What", ME_SHEET_TEXT},
		{"kind", "Kind", ME_SHEET_TEXT},
		{"count", "Count", ME_SHEET_NUMBER},
	};
	struct me_document *document = v->gather->document;
	const struct me_sheet shapes[] = {
		{.key = "violations_by_reason",
		 .title = "Violations by reason",
		 .none = "There was none.",
		 ME_COLUMNS(reasons)},
		{.key = "violations_by_destination",
		 .title = "Violations by destination",
		 .note = "Without a destination: counted, and no more is known of them.",
		 .none = "There was none.",
		 ME_COLUMNS(destinations)},
		{.key = "violations_by_origin",
		 .title = "Violations by origin",
		 .note = "A program of this machine, or a mail host.",
		 .none = "There was none.",
		 ME_COLUMNS(origins)},
		{.key = "retractions",
		 .title = "Violations that were taken back",
		 .note = "Told early, and a name allowed them after all; those that were never told "
			 "early are not among them.",
		 .none = "None was.",
		 ME_COLUMNS(retractions)},
		{.key = "findings",
		 .title = "Findings",
		 .none = "There was none.",
		 ME_COLUMNS(findings)},
		{.key = "losses",
		 .title = "Blind spots and losses",
		 .none = "There was none.",
		 ME_COLUMNS(losses)},
	};
	struct me_sheet **const places[] = {&v->reasons,     &v->destinations, &v->origins,
					    &v->retractions, &v->findings,     &v->losses};

	for (size_t i = 0; i < ME_ARRAY_SIZE(shapes); i++)
		*places[i] = me_document_sheet(document, &shapes[i]);
}

int me_gather_violations(struct me_gather *gather)
{
	_cleanup_sums_ struct me_sums *by_reason = me_sums_new(gather->document->texts);
	_cleanup_sums_ struct me_sums *by_origin = me_sums_new(gather->document->texts);
	_cleanup_sums_ struct me_sums *findings = me_sums_new(gather->document->texts);
	struct violations v = {.gather = gather,
			       .by_reason = by_reason,
			       .by_origin = by_origin,
			       .findings_by_kind = findings};
	int err = by_reason && by_origin && findings ? 0 : -ENOMEM;

	if (err)
		return err;
	make_sheets(&v);
	err = me_past_counts(gather->past, &gather->period, 0, ME_SERIES_COUNT, take_count, &v);
	if (!err)
		err = me_past_violation_groups(gather->past, &gather->period, take_group, &v);
	if (!err)
		err = me_past_violations(gather->past, &gather->period, take_retraction, &v);
	if (err)
		return err;
	fill_reasons(&v);
	fill_origins(&v);
	fill_findings(&v);
	state_violations(&v);
	state_actions(&v);
	state_rest(&v);
	return 0;
}
