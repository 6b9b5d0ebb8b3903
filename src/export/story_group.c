/* SPDX-License-Identifier: GPL-2.0-only */
/* The stories of what has many flows: endpoints, and groups of violations. */
#include "export/story.h"

#include <inttypes.h>
#include "base/clock.h"
#include "ledger/steps.h"

/* The latest of the flows that belong to one thing, in no order. */
struct latest {
	const struct me_ledger_flow *flow[ME_STORY_FLOWS];
	size_t n;
};

static void offer(struct latest *latest, const struct me_ledger_flow *flow)
{
	size_t oldest = 0;

	if (latest->n < ME_STORY_FLOWS) {
		latest->flow[latest->n++] = flow;
		return;
	}
	for (size_t i = 1; i < ME_STORY_FLOWS; i++)
		if (latest->flow[i]->first_ns < latest->flow[oldest]->first_ns)
			oldest = i;
	if (flow->first_ns > latest->flow[oldest]->first_ns)
		latest->flow[oldest] = flow;
}

static void tell_flow(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	struct me_strbuf *text =
		me_story_tell(story, me_ledger_epoch(ledger, flow->first_ns), ME_STORY_FLOW);

	me_strbuf_adds(text, me_verdict_label(flow->state.verdict));
	if (flow->vantage == ME_HOST) {
		me_story_say(text, ", ", me_value_bytes(flow->comm, sizeof(flow->comm)));
		if (flow->tgid)
			me_story_say(text, " ", me_value_number(flow->tgid));
	} else {
		me_story_say(text, ", ", me_value_address(&flow->src));
	}
	me_story_say_place(text, " to ", &flow->dst, flow->dport, flow->proto);
	me_story_say(text, ", SNI ",
		     me_value_text(me_ledger_text(ledger, flow->text[ME_TEXT_SNI])));
	me_story_say(text, ", Host ",
		     me_value_text(me_ledger_text(ledger, flow->text[ME_TEXT_HTTP_HOST])));
	if (flow->outcome)
		me_strbuf_addf(text, ", %s", me_outcome_label(flow->outcome));
	me_story_say(text, ", ", me_value_answer(flow->answer));
	me_strbuf_addf(text, ", %" PRIu64 " bytes sent, %" PRIu64 " received", flow->bytes_sent,
		       flow->bytes_received);
	me_story_about_flow(story, flow->id);
}

static void tell_latest(struct me_story *story, const struct latest *latest)
{
	for (size_t i = 0; i < latest->n; i++)
		tell_flow(story, latest->flow[i]);
}

/* What was told of the endpoint, and found about it. */
static void tell_notices(struct me_story *story, uint32_t endpoint)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_steps *steps = me_ledger_endpoint_steps(ledger);
	struct me_step step;

	for (uint64_t cursor = 0; me_steps_next(steps, endpoint, &cursor, &step);) {
		struct me_strbuf *text = me_story_step(story, me_ledger_epoch(ledger, step.ts_ns),
						       me_step_label(step.kind));

		if (step.kind == ME_STEP_FINDING)
			me_strbuf_addf(text, "%s: %s", me_finding_label(step.what),
				       me_finding_help(step.what));
		else if (step.kind == ME_STEP_RECOVERED)
			me_strbuf_adds(text, "it was told that it works again");
		else
			me_strbuf_addf(text, "it was told%s%s", step.what ? ": " : "",
				       step.what ? me_failure_label(step.what) : "");
	}
}

/* Its last success, what failed after it, and when that is too long. */
static void tell_state(struct me_story *story, const struct me_endpoint *endpoint)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_endpoint_kept *kept = endpoint->kept;
	bool proxied = kept->proxied_ns && kept->proxied_ns == kept->success_ns;

	me_strbuf_adds(
		me_story_tell(story, me_ledger_last_success(ledger, endpoint), ME_STORY_WORKED),
		proxied            ? "the last time, through the proxy"
		: kept->success_ns ? "the last time"
				   : "the last time, before this attachment");
	/* 1 is: at some time before this attachment. */
	if (endpoint->failing && kept->failed_ns > 1)
		me_strbuf_addf(me_story_tell(story, me_ledger_epoch(ledger, kept->failed_ns),
					     ME_STORY_FAILED),
			       "for the first time since it worked; now it fails with: %s",
			       me_failure_label(kept->failure));
	if (endpoint->due_ns)
		me_strbuf_addf(me_story_tell(story, me_ledger_epoch(ledger, endpoint->due_ns),
					     ME_STORY_DUE),
			       "the policy expects it to work every %" PRIu64 " s",
			       (uint64_t)(endpoint->expect_ns / ME_NS_PER_S));
}

void me_story_of_endpoint(struct me_story *story, const struct me_endpoint *endpoint)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_names *n = me_ledger_names(ledger);
	const struct me_ledger_flow *flow;
	struct latest latest = {0};
	struct me_strbuf *text;

	text = me_story_tell(story, me_ledger_epoch(ledger, endpoint->kept->since_ns),
			     ME_STORY_LISTED);
	if (endpoint->rule) {
		me_story_say(text, "by ", me_value_text(n->rule(n->data, endpoint->rule)));
		me_story_say(text, " at ", me_value_text(n->place(n->data, endpoint->rule)));
	}
	me_story_answers(story, NULL, n->endpoint(n->data, endpoint->id), 0);
	for (size_t cursor = 0; (flow = me_ledger_next_flow(ledger, &cursor));)
		if (flow->endpoint == endpoint->id)
			offer(&latest, flow);
	tell_latest(story, &latest);
	tell_state(story, endpoint);
	tell_notices(story, endpoint->id);
}

void me_story_of_group(struct me_story *story, const struct me_group *group)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_ledger_flow *flow;
	struct latest latest = {0};

	me_story_answers(story, &group->key.dst, NULL, 0);
	me_strbuf_addf(
		me_story_tell(story, me_ledger_epoch(ledger, group->first_ns), ME_STORY_FIRST),
		"%s: %s; %" PRIu64 " in all", me_reason_label(group->key.reason),
		me_reason_help(group->key.reason), group->count);
	for (size_t cursor = 0; (flow = me_ledger_next_flow(ledger, &cursor));)
		if (me_group_holds(group, flow))
			offer(&latest, flow);
	tell_latest(story, &latest);
}
