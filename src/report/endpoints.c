/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether what the policy lists works. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "base/strbuf.h"
#include "ledger/ledger.h"
#include "mewatch/types.h"
#include "report/gather.h"
#include "report/sums.h"

/* Of an endpoint: what was counted, and what held at the end. */
enum {
	ATTEMPTS,
	OUTCOMES, /* ME_OUTCOME_COUNT - 1 of them, from ME_OUTCOME_ESTABLISHED on */
	RESETS = OUTCOMES + ME_OUTCOME_COUNT - 1,
	ERRORS, /* answered with an error or an alert */
	DNS_FAILURES,
	SENT,
	RECEIVED,
	FAILED_NS, /* failing or overdue */
	SPAN,      /* 1 + the number of its last span */
};

_Static_assert(SPAN < ME_SUMS_WIDTH, "an endpoint's sums have room");

/* The last span of an endpoint in the period. */
struct last {
	const char *state, *failure;
	uint64_t since_ns, expect_ns;
};

struct endpoints {
	struct me_gather *gather;
	struct me_sheet *sheet, *states;
	struct me_sums *sums;
	struct last *last;
	size_t n, room;
	uint64_t listed, reached, failing, overdue, retired;
};

static unsigned int outcome_of(const char *label)
{
	unsigned int outcome = 1;

	while (outcome < ME_OUTCOME_COUNT && strcmp(label, me_outcome_label(outcome)))
		outcome++;
	return outcome;
}

static int take_count(void *data, const struct me_past_count *count)
{
	struct endpoints *endpoints = data;
	unsigned int place;
	uint64_t *sums;

	switch (count->series) {
	case ME_SERIES_ENDPOINT_ATTEMPTS:
		place = ATTEMPTS;
		break;
	case ME_SERIES_ENDPOINT_CONNECTIONS:
		place = outcome_of(count->kind);
		if (place == ME_OUTCOME_COUNT)
			return 0;
		place += OUTCOMES - 1;
		break;
	case ME_SERIES_ENDPOINT_RESETS:
		place = RESETS;
		break;
	case ME_SERIES_ENDPOINT_ANSWERS:
		place = ERRORS;
		break;
	case ME_SERIES_ENDPOINT_DNS_FAILURES:
		place = DNS_FAILURES;
		break;
	case ME_SERIES_ENDPOINT_BYTES:
		place = strcmp(count->kind, "sent") ? RECEIVED : SENT;
		break;
	default:
		return 0;
	}
	sums = me_sums_at(endpoints->sums, count->service, count->endpoint, NULL);
	if (!sums)
		return -ENOMEM;
	sums[place] += count->count;
	return 0;
}

static int keep_last(struct endpoints *endpoints, const struct me_past_span *span, uint64_t *place)
{
	struct me_document *document = endpoints->gather->document;

	if (!*place) {
		if (endpoints->n == endpoints->room) {
			size_t room = endpoints->room ? 2 * endpoints->room : 64;
			struct last *moved =
				reallocarray(endpoints->last, room, sizeof(*endpoints->last));

			if (!moved)
				return -ENOMEM;
			endpoints->last = moved;
			endpoints->room = room;
		}
		*place = ++endpoints->n;
	}
	endpoints->last[*place - 1] = (struct last){
		.state = me_document_text(document, span->state),
		.failure = me_document_text(document, span->detail),
		.since_ns = span->since_ns,
		.expect_ns = span->number,
	};
	return 0;
}

static bool is(const char *state, enum me_endpoint_state which)
{
	return !strcmp(state, me_endpoint_state_label(which));
}

static int take_span(void *data, const struct me_past_span *span)
{
	struct endpoints *endpoints = data;
	struct me_gather *gather = endpoints->gather;
	uint64_t since = span->since_ns, until = span->until_ns;
	uint64_t *sums = me_sums_at(endpoints->sums, span->object, span->subject, NULL);
	struct me_cell *row;

	if (!sums)
		return -ENOMEM;
	if (since < gather->period.since_ns)
		since = gather->period.since_ns;
	if (until > gather->period.until_ns || span->open)
		until = gather->period.until_ns;
	if (since < until) {
		row = me_sheet_row(gather->document, endpoints->states);
		me_cell_text(gather->document, &row[0], span->object);
		me_cell_text(gather->document, &row[1], span->subject);
		me_cell_text(gather->document, &row[2], span->state);
		me_cell_text(gather->document, &row[3], span->detail);
		me_cell_number(&row[4], since);
		me_cell_number(&row[5], until);
		me_cell_number(&row[6], until - since);
		if (is(span->state, ME_ENDPOINT_FAILING) || is(span->state, ME_ENDPOINT_OVERDUE))
			sums[FAILED_NS] += until - since;
	}
	return keep_last(endpoints, span, &sums[SPAN]);
}

static bool is_failure(unsigned int outcome)
{
	return outcome == ME_OUTCOME_REFUSED || outcome == ME_OUTCOME_TIMEOUT ||
	       outcome == ME_OUTCOME_UNREACHABLE || outcome == ME_OUTCOME_UNANSWERED;
}

static void count_state(struct endpoints *endpoints, const struct last *last, bool reached)
{
	if (!last || is(last->state, ME_ENDPOINT_GONE))
		return;
	if (is(last->state, ME_ENDPOINT_RETIRED)) {
		endpoints->retired += reached;
		return;
	}
	endpoints->listed++;
	endpoints->reached += reached;
	endpoints->failing += is(last->state, ME_ENDPOINT_FAILING);
	endpoints->overdue += is(last->state, ME_ENDPOINT_OVERDUE);
}

/* Columns of the sheet, after the outcomes. */
enum { STATE = 2, SINCE, HOW, EXPECT, TRIES, SUCCESS, FIRST_OUTCOME };

static void fill_row(struct endpoints *endpoints, const struct me_sum *sum)
{
	struct me_document *document = endpoints->gather->document;
	const struct last *last =
		sum->values[SPAN] ? &endpoints->last[sum->values[SPAN] - 1] : NULL;
	struct me_cell *row = me_sheet_row(document, endpoints->sheet);
	struct me_cell *rest = &row[FIRST_OUTCOME + ME_OUTCOME_COUNT - 1];
	uint64_t worked = sum->values[OUTCOMES + ME_OUTCOME_ESTABLISHED - 1] +
			  sum->values[OUTCOMES + ME_OUTCOME_ANSWERED - 1];
	uint64_t failed = 0;

	me_cell_text(document, &row[0], me_sums_word(endpoints->sums, sum, 1));
	me_cell_text(document, &row[1], me_sums_word(endpoints->sums, sum, 0));
	if (last) {
		me_cell_text(document, &row[STATE], last->state);
		me_cell_number(&row[SINCE], last->since_ns);
		me_cell_text(document, &row[HOW], last->failure);
		if (last->expect_ns)
			me_cell_number(&row[EXPECT], last->expect_ns);
	}
	me_cell_number(&row[TRIES], sum->values[ATTEMPTS]);
	for (unsigned int i = 1; i < ME_OUTCOME_COUNT; i++) {
		me_cell_number(&row[FIRST_OUTCOME + i - 1], sum->values[OUTCOMES + i - 1]);
		failed += is_failure(i) ? sum->values[OUTCOMES + i - 1] : 0;
	}
	me_cell_share(&row[SUCCESS], worked, worked + failed);
	for (unsigned int i = RESETS; i <= FAILED_NS; i++)
		me_cell_number(&rest[i - RESETS], sum->values[i]);
	count_state(endpoints, last, worked);
}

static void state(struct endpoints *endpoints)
{
	struct me_document *document = endpoints->gather->document;
	bool works = !endpoints->failing && !endpoints->overdue;
	_cleanup_strbuf_ struct me_strbuf text = {0}, retired = {0};

	me_strbuf_addf(
		&text,
		"Of %" PRIu64 " endpoints of the policy %" PRIu64
		" were reached; at the end %" PRIu64 " were failing and %" PRIu64 " overdue.",
		endpoints->listed, endpoints->reached, endpoints->failing, endpoints->overdue);
	me_document_state(document, works ? ME_TONE_GOOD : ME_TONE_BAD, &text);
	if (!endpoints->retired)
		return;
	me_strbuf_addf(&retired, "%" PRIu64 " endpoints were used that later lists dropped.",
		       endpoints->retired);
	me_document_state(document, ME_TONE_UNSURE, &retired);
}

static void make_sheets(struct endpoints *endpoints)
{
	static const struct me_sheet_column columns[] = {
		{"endpoint", "Endpoint", ME_SHEET_TEXT},
		{"service", "Service", ME_SHEET_TEXT},
		{"state", "State", ME_SHEET_TEXT},
		{"since", "Since", ME_SHEET_TIME},
		{"failure", "How", ME_SHEET_TEXT},
		{"expect_s", "Expected every", ME_SHEET_SECONDS},
		{"attempts", "Attempts", ME_SHEET_NUMBER},
		{"success", "Success", ME_SHEET_SHARE},
		{"established", "Established", ME_SHEET_NUMBER},
		{"refused", "Refused", ME_SHEET_NUMBER},
		{"timeout", "Timeout", ME_SHEET_NUMBER},
		{"unreachable", "Unreachable", ME_SHEET_NUMBER},
		{"aborted", "Aborted", ME_SHEET_NUMBER},
		{"answered", "Answered", ME_SHEET_NUMBER},
		{"unanswered", "Unanswered", ME_SHEET_NUMBER},
		{"resets", "Resets", ME_SHEET_NUMBER},
		{"errors", "Error answers", ME_SHEET_NUMBER},
		{"dns_failures", "DNS failures", ME_SHEET_NUMBER},
		{"bytes_sent", "Sent", ME_SHEET_BYTES},
		{"bytes_received", "Received", ME_SHEET_BYTES},
		{"failing_s", "Failing or overdue", ME_SHEET_SECONDS},
	};
	static const struct me_sheet_column states[] = {
		{"service", "Service", ME_SHEET_TEXT},   {"endpoint", "Endpoint", ME_SHEET_TEXT},
		{"state", "State", ME_SHEET_TEXT},       {"failure", "How", ME_SHEET_TEXT},
		{"since", "From", ME_SHEET_TIME},        {"until", "To", ME_SHEET_TIME},
		{"seconds", "Length", ME_SHEET_SECONDS},
	};
	struct me_document *document = endpoints->gather->document;

	_Static_assert(ME_ARRAY_SIZE(columns) ==
			       FIRST_OUTCOME + ME_OUTCOME_COUNT - 1 + FAILED_NS - RESETS + 1,
		       "a column for each outcome and sum");
	endpoints->sheet = me_document_sheet(
		document,
		&(struct me_sheet){.key = "endpoints",
				   .title = "Endpoints",
				   .note = "Success: of the attempts that worked or failed, those "
					   "that were established or answered.",
				   .none = "None is known.",
				   ME_COLUMNS(columns)});
	endpoints->states =
		me_document_sheet(document, &(struct me_sheet){.key = "endpoint_states",
							       .title = "States of endpoints",
							       .none = "None is known.",
							       ME_COLUMNS(states)});
}

int me_gather_endpoints(struct me_gather *gather)
{
	_cleanup_sums_ struct me_sums *sums = me_sums_new(gather->document->texts);
	struct endpoints endpoints = {.gather = gather, .sums = sums};
	int err;

	if (!sums)
		return -ENOMEM;
	make_sheets(&endpoints);
	err = me_past_spans(gather->past, &gather->period, ME_SPAN_ENDPOINT, take_span, &endpoints);
	if (!err)
		err = me_past_counts(gather->past, &gather->period, 0, ME_SERIES_COUNT, take_count,
				     &endpoints);
	for (size_t i = 0; !err && i < me_sums_count(sums); i++)
		fill_row(&endpoints, me_sums_get(sums, i));
	if (!err) {
		me_sheet_sort(endpoints.sheet, 0);
		me_sheet_sort(endpoints.sheet, 1);
		state(&endpoints);
	}
	free(endpoints.last);
	return err;
}
