/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/notices.h"
#include "ledger/told.h"

/* What the next aggregate of a cell will say besides the count. */
struct tally {
	uint32_t singles; /* tried in this window */
	uint64_t first_ns, last_ns;
	uint64_t bytes_sent, bytes_received;
	uint64_t packets_sent, packets_received;
};

struct me_events {
	struct me_ledger *ledger;
	struct me_kept *kept;
	struct me_event_sink sink;
	struct me_notices *notices;
	struct me_table *open; /* flow id -> told cell of its provisional event */
	uint64_t started_ns;
	uint64_t window_ns; /* when the present window began; 0: none yet */
	struct tally tally[ME_TOLD_COUNT];
};

ME_DEFINE_CLEANUP(struct me_events *, me_events_free)

const char *me_event_label(enum me_event_kind kind)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_EVENT_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	return text[kind];
}

/* Writes `event` and moves `cell` on by its count. False: it is not out, an aggregate will carry it. */
static bool tell(struct me_events *events, const struct me_event *event, uint32_t cell,
		 uint64_t count, uint64_t record, uint64_t part)
{
	struct me_kept *kept = events->kept;
	struct me_event_mark mark;

	events->sink.mark(events->sink.data, &mark);
	me_told_begin(kept, cell, kept->told[cell] + count, record, part, &mark, event->id);
	if (events->sink.write(events->sink.data, event) < 0) {
		me_told_abandon(kept);
		kept->events_lost_file++;
		return false;
	}
	me_told_commit(kept);
	return true;
}

static void tell_aggregate(struct me_events *events, uint32_t cell, uint64_t count, const char *id)
{
	struct tally *tally = &events->tally[cell];
	uint32_t stage = cell % ME_STAGE_COUNT;
	uint32_t reason = cell / ME_STAGE_COUNT % ME_REASON_COUNT;
	uint32_t service = cell / ME_STAGE_COUNT / ME_REASON_COUNT % ME_SERVICES_MAX;
	uint64_t now = me_ledger_now(events->ledger);
	uint64_t first = tally->first_ns ? tally->first_ns : events->window_ns;
	struct me_event event = {
		.kind = ME_EVENT_AGGREGATE,
		.id = id,
		.ts_ns = me_ledger_epoch(events->ledger, now),
		.state = me_stage_label(stage),
		.has_count = true,
		.count = count,
		.first_ns = me_ledger_epoch(events->ledger, first ? first : now),
		.last_ns = me_ledger_epoch(events->ledger, tally->last_ns ? tally->last_ns : now),
		.finding = -1,
		.has_cell = true,
		.vantage = (uint8_t)(cell / ME_STAGE_COUNT / ME_REASON_COUNT / ME_SERVICES_MAX),
		.service = (uint16_t)service,
		.reason = (uint8_t)reason,
		.bytes_sent = tally->bytes_sent,
		.bytes_received = tally->bytes_received,
		.packets_sent = tally->packets_sent,
		.packets_received = tally->packets_received,
	};

	if (tell(events, &event, cell, count, 0, 0))
		*tally = (struct tally){.singles = tally->singles};
}

/* Settles what a kill interrupted. */
static void recover(struct me_events *events)
{
	struct me_kept *kept = events->kept;
	struct me_told_intent intent = kept->intent;
	int r;

	if (!intent.open)
		return;
	intent.id[sizeof(intent.id) - 1] = '\0';
	r = events->sink.check(events->sink.data, &intent.mark, intent.id);
	if (r > 0) {
		me_told_commit(kept);
		return;
	}
	me_told_abandon(kept);
	/* A record comes again by itself; an aggregate is repeated as it was, so that it is the same. */
	if (r < 0 && !intent.record && intent.cell < ME_TOLD_COUNT &&
	    intent.value > kept->told[intent.cell])
		tell_aggregate(events, (uint32_t)intent.cell,
			       intent.value - kept->told[intent.cell], intent.id);
}

int me_events_new(struct me_ledger *ledger, const struct me_event_sink *sink,
		  struct me_events **ret_events)
{
	_cleanup_(me_events_freep) struct me_events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->ledger = ledger;
	events->kept = me_ledger_kept(ledger);
	events->sink = *sink;
	events->started_ns = me_ledger_now(ledger);
	events->open = me_table_new(sizeof(uint64_t), sizeof(uint32_t), ME_EVENTS_OPEN_MAX);
	events->notices = me_notices_new(ledger, &events->sink);
	if (!events->open || !events->notices)
		return -ENOMEM;
	recover(events);
	*ret_events = me_steal_ptr(&events);
	return 0;
}

void me_events_free(struct me_events **events)
{
	if (!*events)
		return;
	me_table_free(&(*events)->open);
	me_notices_free(&(*events)->notices);
	free(*events);
	*events = NULL;
}

/* The violation is left to the next aggregate. */
static void add_to_tally(struct tally *tally, const struct me_record *record)
{
	if (!tally->first_ns || record->ts_ns < tally->first_ns)
		tally->first_ns = record->ts_ns;
	if (record->ts_ns > tally->last_ns)
		tally->last_ns = record->ts_ns;
	tally->bytes_sent += record->flow.bytes_sent;
	tally->bytes_received += record->flow.bytes_received;
	tally->packets_sent += record->flow.packets_sent;
	tally->packets_received += record->flow.packets_received;
}

static uint32_t cell_of(const struct me_record *record, enum me_stage stage)
{
	return me_told_cell(record->key.vantage, record->flow.service, record->flow.state.reason,
			    stage);
}

/* Whether the record's fields index what they should: a damaged one is passed over. */
static bool is_sound(const struct me_record *record)
{
	return record->key.vantage < ME_VANTAGE_KERNEL_COUNT &&
	       record->flow.service < ME_SERVICES_MAX &&
	       record->flow.state.reason < ME_REASON_COUNT;
}

/*
 * Tells one violation at one stage, within the budget of its cell unless `always`. True if it is
 * out, now or before a restart. A `count` of 0 leaves the counting to an aggregate.
 */
static bool tell_single(struct me_events *events, const struct me_record *record, uint32_t cell,
			uint64_t part, uint64_t count, bool always)
{
	enum me_stage stage = cell % ME_STAGE_COUNT;
	bool retraction = stage == ME_STAGE_RETRACTED;
	struct tally *tally = &events->tally[cell];
	struct me_flow flow = record->flow;
	char id[ME_EVENT_ID_LEN], provisional[ME_EVENT_ID_LEN];
	struct me_event event = {
		.kind = retraction ? ME_EVENT_RETRACTION : ME_EVENT_VIOLATION,
		.id = id,
		.ts_ns = me_ledger_epoch(events->ledger, record->ts_ns),
		.state = me_stage_label(stage),
		.retracts = retraction ? provisional : NULL,
		.has_count = !count,
		.first_ns = me_ledger_epoch(events->ledger, record->flow.first_ns),
		.last_ns = me_ledger_epoch(events->ledger, record->flow.last_ns),
		.finding = -1,
		.key = &record->key,
		.flow = &flow,
	};

	if (me_told_done(events->kept, record->id, part))
		return true;
	if (!always && tally->singles >= ME_EVENTS_BUDGET) {
		add_to_tally(tally, record);
		return false;
	}
	tally->singles++;
	me_event_id(events->kept, flow.id, stage, id);
	me_event_id(events->kept, flow.id, ME_STAGE_PROVISIONAL, provisional);
	if (retraction) {
		flow.state.reason = (uint8_t)(cell / ME_STAGE_COUNT % ME_REASON_COUNT);
		flow.service =
			(uint16_t)(cell / ME_STAGE_COUNT / ME_REASON_COUNT % ME_SERVICES_MAX);
	}
	if (tell(events, &event, cell, count, record->id, part))
		return true;
	add_to_tally(tally, record);
	return false;
}

static void on_pending(struct me_events *events, const struct me_record *record)
{
	uint32_t cell = cell_of(record, ME_STAGE_PROVISIONAL);
	void *value;

	/* Only what can be remembered is told by itself: its end has to name it. */
	if (me_table_put(events->open, &record->flow.id, &value) < 0) {
		add_to_tally(&events->tally[cell], record);
		return;
	}
	*(uint32_t *)value = cell;
	if (!tell_single(events, record, cell, 1, 1, false))
		me_table_remove(events->open, &record->flow.id);
}

/*
 * The end of a provisional violation that was told by itself is told by itself as well. One that may
 * have been told before a restart is retracted by name, but in which cell it was is not known any
 * more, so that an aggregate counts it.
 */
static void on_resolved(struct me_events *events, const struct me_record *record)
{
	const uint32_t *told = me_table_get(events->open, &record->flow.id);
	uint32_t confirmed = cell_of(record, ME_STAGE_CONFIRMED);
	bool is_violation = record->flow.state.verdict == ME_VIOLATION;
	bool is_old = !told && record->flow.first_ns < events->started_ns;
	uint32_t provisional = told ? *told : cell_of(record, ME_STAGE_PROVISIONAL);
	uint32_t retracted = provisional - ME_STAGE_PROVISIONAL + ME_STAGE_RETRACTED;
	bool shed = !is_violation || provisional != cell_of(record, ME_STAGE_PROVISIONAL);

	if (shed && told)
		tell_single(events, record, retracted, 1, 1, true);
	else if (shed && is_old)
		tell_single(events, record, retracted, 1, 0, true);
	if (is_violation)
		tell_single(events, record, confirmed, 2, 1, told != NULL);
	me_table_remove(events->open, &record->flow.id);
}

void me_events_record(struct me_events *events, const struct me_record *record)
{
	if (me_told_finished(events->kept, record->id))
		return;
	if (record->kind == ME_RECORD_SOCKET)
		me_notices_socket(events->notices, record);
	else if (!is_sound(record))
		;
	else if (record->kind == ME_RECORD_FINDING)
		me_notices_flow(events->notices, record);
	else if (record->kind == ME_RECORD_VIOLATION)
		tell_single(events, record, cell_of(record, ME_STAGE_CONFIRMED), 1, 1, false);
	else if (record->kind == ME_RECORD_PENDING)
		on_pending(events, record);
	else if (record->kind == ME_RECORD_RESOLVED)
		on_resolved(events, record);
	me_told_finish(events->kept, record->id);
}

static void tick_cell(struct me_events *events, const uint64_t *cells, uint32_t vantage,
		      uint32_t service, uint32_t reason, enum me_stage stage)
{
	uint32_t cell = me_told_cell(vantage, service, reason, stage);
	uint64_t counted = me_cells_events(cells, vantage, service, reason, stage);
	uint64_t told = events->kept->told[cell];
	char id[ME_EVENT_ID_LEN];

	events->tally[cell].singles = 0;
	if (counted <= told)
		return;
	snprintf(id, sizeof(id), "%08" PRIx64 "-a%x-%" PRIx64, events->kept->epoch, cell, counted);
	tell_aggregate(events, cell, counted - told, id);
}

void me_events_tick(struct me_events *events, bool flush)
{
	const uint64_t *cells = me_ledger_cells(events->ledger);
	uint64_t now = me_ledger_now(events->ledger);

	me_notices_endpoints(events->notices);
	if (!flush && events->window_ns && now - events->window_ns < ME_EVENTS_WINDOW_NS)
		return;
	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
			for (uint32_t reason = 0; reason < ME_REASON_COUNT; reason++)
				for (unsigned int stage = 0; stage < ME_STAGE_COUNT; stage++)
					tick_cell(events, cells, vantage, service, reason, stage);
	me_notices_tick(events->notices);
	events->window_ns = now;
}

void me_events_expect_dns(struct me_events *events, bool expected)
{
	me_notices_expect_dns(events->notices, expected);
}

void me_events_finding(struct me_events *events, const struct me_finding_report *finding)
{
	me_notices_finding(events->notices, finding);
}

void me_events_notice(struct me_events *events, enum me_event_kind kind, const char *state,
		      uint32_t generation, const char *detail)
{
	me_notices_tell(events->notices, kind, state, generation, detail);
}
