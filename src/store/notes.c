/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/notes.h"

#include "base/inet.h"
#include "ledger/told.h"

/* As the ledger has it: flows under way at start, and those that the other side opened, are no attempts. */
static bool is_attempt(const struct me_flow *flow)
{
	return !(flow->flags & ME_FLOW_PREEXISTING) && flow->direction == ME_DIRECTION_OUT;
}

static bool is_sound(const struct me_record *record)
{
	return record->key.vantage < ME_VANTAGE_KERNEL_COUNT &&
	       record->flow.service < ME_SERVICES_MAX &&
	       record->flow.state.reason < ME_REASON_COUNT;
}

void me_notes_record(const struct me_ledger *ledger, const struct me_record *record,
		     struct me_details *details)
{
	const struct me_detail detail = {
		.stage = ME_STAGE_CONFIRMED, .key = &record->key, .flow = &record->flow};

	if (record->kind != ME_RECORD_VIOLATION && record->kind != ME_RECORD_RESOLVED)
		return;
	/* One that the daemon before has dealt with comes once more. */
	if (me_told_finished(me_ledger_kept(ledger), record->id))
		return;
	if (!is_sound(record) || record->flow.state.verdict != ME_VIOLATION ||
	    !is_attempt(&record->flow))
		return;
	me_details_add(details, ledger, &detail);
}

void me_notes_retraction(const struct me_ledger *ledger, const struct me_event *event,
			 struct me_details *details)
{
	const struct me_detail detail = {
		.stage = ME_STAGE_RETRACTED,
		.key = event->key,
		.flow = event->flow,
		.uncounted = event->has_count && !event->count,
	};

	me_details_add(details, ledger, &detail);
}

bool me_notes_is_kept(const struct me_event *event)
{
	return event->kind != ME_EVENT_VIOLATION && event->kind != ME_EVENT_AGGREGATE &&
	       event->kind != ME_EVENT_RETRACTION;
}

static void note_origin(const struct me_names *names, const struct me_flow *flow,
			struct me_batch *batch, struct me_batch_event *row)
{
	if (flow->origin.proc.tgid)
		row->exe = me_batch_put(batch, names->exe(names->data, &flow->origin.proc));
}

static void note_flow(const struct me_ledger *ledger, const struct me_event *event,
		      struct me_batch *batch, struct me_batch_event *row)
{
	const struct me_names *names = me_ledger_names(ledger);
	const struct me_flow_key *key = event->key;
	const struct me_ledger_flow *known = me_ledger_find(ledger, event->flow->id);
	char text[ME_INET_LEN];

	row->vantage = me_batch_put(batch, me_vantage_label(key->vantage));
	row->service = me_batch_put(batch, names->service(names->data, event->flow->service));
	row->proto = key->proto;
	row->port = key->port;
	me_inet_format(key->peer.byte, text);
	row->dst = me_batch_put(batch, text);
	if (key->vantage != ME_HOST) {
		me_inet_format(key->opener.address.byte, text);
		row->host = me_batch_put(batch, text);
	}
	if (known)
		row->name = me_batch_put(batch, me_ledger_text(ledger, known->text[ME_TEXT_NAME]));
	if (event->flow->endpoint)
		row->endpoint =
			me_batch_put(batch, names->endpoint(names->data, event->flow->endpoint));
}

void me_notes_event(const struct me_ledger *ledger, const struct me_event *event,
		    struct me_batch *batch)
{
	const struct me_names *names = me_ledger_names(ledger);
	struct me_batch_event *row = me_batch_event(batch);
	/* A socket that listens has no peer. */
	bool has_peer = event->key && event->flow && event->finding != ME_FINDING_FOREIGN_LISTENER;

	row->ts_ns = event->ts_ns;
	row->id = me_batch_put(batch, event->id);
	row->type = me_batch_put(batch, me_event_label(event->kind));
	if (event->finding >= 0)
		row->kind = me_batch_put(batch, me_finding_label((unsigned int)event->finding));
	row->state = me_batch_put(batch, event->state);
	row->outcome = me_batch_put(batch, event->outcome);
	row->detail = me_batch_put(batch, event->detail);
	row->count = event->has_count ? event->count : 1;
	if (has_peer)
		note_flow(ledger, event, batch, row);
	if (event->flow && (!event->key || event->key->vantage == ME_HOST))
		note_origin(names, event->flow, batch, row);
	if (!event->endpoint)
		return;
	row->service = me_batch_put(batch, names->endpoint_service(names->data, event->endpoint));
	row->endpoint = me_batch_put(batch, names->endpoint(names->data, event->endpoint));
}
