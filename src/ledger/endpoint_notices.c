/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/endpoint_notices.h"

#include <stdio.h>
#include "ledger/steps.h"

#define TOLD (ME_ENDPOINT_TOLD_OVERDUE | ME_ENDPOINT_TOLD_FAILING)

/* Keeps the compiler from moving a store across. */
static void in_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void commit(struct me_ledger *ledger)
{
	struct me_endpoint_intent *intent = &me_ledger_kept(ledger)->endpoint_intent;
	struct me_endpoint_kept *kept = me_ledger_endpoint_kept(ledger, intent->endpoint);

	if (kept)
		kept->flags = (kept->flags & ~TOLD) | (intent->flags & TOLD);
	in_order();
	intent->open = 0;
	in_order();
}

static void begin(struct me_endpoint_intent *intent, uint32_t endpoint, uint32_t flags,
		  const char *id)
{
	intent->endpoint = endpoint;
	intent->flags = flags;
	snprintf(intent->id, sizeof(intent->id), "%s", id);
	in_order();
	intent->open = 1;
	in_order();
}

static void tell(struct me_ledger *ledger, const struct me_event_sink *sink,
		 const struct me_endpoint *endpoint, enum me_event_kind kind, uint32_t flags)
{
	struct me_kept *kept = me_ledger_kept(ledger);
	char id[ME_EVENT_ID_LEN];
	struct me_event event = {
		.kind = kind,
		.id = id,
		.ts_ns = me_ledger_epoch(ledger, me_ledger_now(ledger)),
		.finding = -1,
		.endpoint = endpoint->id,
	};

	if (kind != ME_EVENT_RECOVERED && endpoint->failing)
		event.outcome = me_failure_label(endpoint->kept->failure);
	if (kind == ME_EVENT_RECOVERED && endpoint->state != ME_ENDPOINT_GOOD)
		event.detail = "the policy no longer expects it to work";
	me_steps_add(me_ledger_endpoint_steps(ledger),
		     (struct me_step){
			     .ts_ns = me_ledger_now(ledger),
			     .owner = endpoint->id,
			     .kind = kind == ME_EVENT_OVERDUE   ? ME_STEP_OVERDUE
				     : kind == ME_EVENT_FAILING ? ME_STEP_FAILING
								: ME_STEP_RECOVERED,
			     .what = endpoint->failing ? endpoint->kept->failure : ME_FAILURE_NONE,
		     });
	me_event_next_id(kept, id);
	sink->mark(sink->data, &kept->endpoint_intent.mark);
	begin(&kept->endpoint_intent, endpoint->id, flags, id);
	if (sink->write(sink->data, &event) < 0)
		kept->events_lost_file++;
	commit(ledger);
}

void me_endpoint_notices_recover(struct me_ledger *ledger, const struct me_event_sink *sink)
{
	struct me_endpoint_intent *intent = &me_ledger_kept(ledger)->endpoint_intent;

	if (!intent->open)
		return;
	intent->id[sizeof(intent->id) - 1] = '\0';
	if (sink->check(sink->data, &intent->mark, intent->id) > 0)
		commit(ledger);
	intent->open = 0;
}

void me_endpoint_notices(struct me_ledger *ledger, const struct me_event_sink *sink)
{
	struct me_endpoint endpoint;

	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);) {
		bool overdue = endpoint.state == ME_ENDPOINT_OVERDUE;
		const uint32_t *flags = &endpoint.kept->flags;

		if (endpoint.failing && !(*flags & ME_ENDPOINT_TOLD_FAILING))
			tell(ledger, sink, &endpoint, ME_EVENT_FAILING,
			     *flags | ME_ENDPOINT_TOLD_FAILING);
		if (overdue && !(*flags & ME_ENDPOINT_TOLD_OVERDUE))
			tell(ledger, sink, &endpoint, ME_EVENT_OVERDUE,
			     *flags | ME_ENDPOINT_TOLD_OVERDUE);
		if ((*flags & TOLD) && !overdue && !endpoint.failing)
			tell(ledger, sink, &endpoint, ME_EVENT_RECOVERED, 0);
	}
}
