/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/story.h"

#include <inttypes.h>
#include "ledger/requests.h"
#include "ledger/steps.h"

static struct me_value text_of(const struct me_ledger *ledger, const struct me_ledger_flow *flow,
			       enum me_flow_text_id text)
{
	return me_value_text(me_ledger_text(ledger, flow->text[text]));
}

static void tell_opening(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	struct me_strbuf *text =
		me_story_tell(story, me_ledger_epoch(ledger, flow->first_ns), ME_STORY_OPENED);

	me_strbuf_adds(text, flow->flags & ME_FLOW_PREEXISTING    ? "seen first, under way already"
			     : flow->direction == ME_DIRECTION_IN ? "by the other side"
								  : "");
	me_story_say_place(text, text->len ? ", to " : "to ", &flow->dst, flow->dport, flow->proto);
	if (flow->sport && me_proto_has_ports(flow->proto))
		me_story_say_place(text, " from ", &flow->src, flow->sport, flow->proto);
	else
		me_story_say(text, " from ", me_value_address(&flow->src));
	if (flow->vantage != ME_HOST)
		return;
	me_story_say(text, ", by ", me_value_bytes(flow->comm, sizeof(flow->comm)));
	if (flow->tgid)
		me_story_say(text, " ", me_value_number(flow->tgid));
	me_story_say(text, ", ", text_of(ledger, flow, ME_TEXT_EXE));
}

/* "allowed by RULE (FILE:LINE) as ENDPOINT: EVIDENCE, what that is; policy 3". */
static void say_judgement(struct me_strbuf *text, const struct me_ledger *ledger,
			  const struct me_ledger_flow *flow)
{
	const struct me_names *n = me_ledger_names(ledger);
	char id[ME_EVENT_ID_LEN];

	me_strbuf_adds(text, me_verdict_label(flow->state.verdict));
	if (flow->state.verdict == ME_VIOLATION) {
		me_strbuf_addf(text, ": %s, %s", me_reason_label(flow->state.reason),
			       me_reason_help(flow->state.reason));
		me_event_id(me_ledger_kept(ledger), flow->id, ME_STAGE_CONFIRMED, id);
		me_strbuf_addf(text, "; event %s", id);
	}
	if (flow->rule) {
		me_story_say(text, " by ", me_value_text(n->rule(n->data, flow->rule)));
		me_story_say(text, " at ", me_value_text(n->place(n->data, flow->rule)));
	}
	if (flow->endpoint)
		me_story_say(text, ", as ", me_value_text(n->endpoint(n->data, flow->endpoint)));
	if (flow->state.evidence)
		me_strbuf_addf(text, "; %s, %s", me_evidence_label(flow->state.evidence),
			       me_evidence_help(flow->state.evidence));
	if (flow->generation)
		me_strbuf_addf(text, "; policy %" PRIu32, flow->generation);
}

/* What was said at first of a flow that is not final at once. */
static void say_waiting(struct me_strbuf *text, const struct me_ledger *ledger, uint64_t flow,
			union me_state state)
{
	char id[ME_EVENT_ID_LEN];

	if (state.verdict == ME_PENDING && state.reason) {
		me_event_id(me_ledger_kept(ledger), flow, ME_STAGE_PROVISIONAL, id);
		me_strbuf_addf(text, "pending: %s, unless a name or a claim allows it; event %s",
			       me_reason_label(state.reason), id);
	} else {
		me_strbuf_adds(text, state.verdict == ME_PENDING
					     ? "pending: being judged"
					     : "allowed by a name, if what the client says agrees");
	}
}

static void tell_retraction(struct me_story *story, const struct me_ledger_flow *flow,
			    const struct me_step *settled)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	char id[ME_EVENT_ID_LEN];

	if (settled->before.verdict != ME_PENDING || !settled->before.reason ||
	    flow->state.verdict == ME_VIOLATION)
		return;
	me_event_id(me_ledger_kept(ledger), flow->id, ME_STAGE_RETRACTED, id);
	me_strbuf_addf(
		me_story_tell(story, me_ledger_epoch(ledger, settled->ts_ns), ME_STORY_RETRACTED),
		"event %s", id);
}

/* The verdict, or both where there was one before it. `settled` may be NULL: none is remembered. */
static void tell_verdicts(struct me_story *story, const struct me_ledger_flow *flow,
			  const struct me_step *settled)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	uint64_t first = me_ledger_epoch(ledger, flow->first_ns);
	struct me_strbuf *text;

	if (flow->direction == ME_DIRECTION_IN)
		return; /* nobody judges what others open */
	text = me_story_tell(story, first, ME_STORY_VERDICT);
	if (settled) {
		say_waiting(text, ledger, flow->id, settled->before);
		text = me_story_tell(story, me_ledger_epoch(ledger, settled->ts_ns),
				     ME_STORY_VERDICT);
	} else if (!me_state_is_final(flow->state)) {
		say_waiting(text, ledger, flow->id, flow->state);
		return;
	}
	say_judgement(text, ledger, flow);
	if (settled)
		tell_retraction(story, flow, settled);
}

static void tell_claim(struct me_story *story, const struct me_ledger_flow *flow, uint64_t ts_ns)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	struct me_strbuf *text =
		me_story_step(story, me_ledger_epoch(ledger, ts_ns), me_step_label(ME_STEP_CLAIM));

	me_story_say(text, "SNI ", text_of(ledger, flow, ME_TEXT_SNI));
	me_story_say(text, text->len ? ", Host " : "Host ",
		     text_of(ledger, flow, ME_TEXT_HTTP_HOST));
	me_story_say(text, ", path ", text_of(ledger, flow, ME_TEXT_HTTP_PATH));
}

/* Whether what its client said made the flow final. */
static bool is_by_claim(union me_state state)
{
	return state.verdict == ME_VIOLATION ? state.reason == ME_REASON_NAME_MISMATCH
					     : state.evidence == ME_EVIDENCE_VERIFIED ||
						       state.evidence == ME_EVIDENCE_CLAIMED;
}

/*
 * The steps of the flow; *ret_settled is the last one by which it became final: when that was is known
 * exactly where a claim decided, else as soon as it was read.
 */
static bool tell_steps(struct me_story *story, const struct me_ledger_flow *flow,
		       struct me_step *ret_settled)
{
	uint64_t claimed_ns = 0;
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_steps *steps = me_ledger_flow_steps(ledger);
	struct me_step step;
	bool settled = false;

	for (uint64_t cursor = 0; me_steps_next(steps, flow->id, &cursor, &step);) {
		if (step.kind == ME_STEP_CLAIM) {
			tell_claim(story, flow, step.ts_ns);
			claimed_ns = step.ts_ns;
		} else if (step.kind == ME_STEP_FINDING) {
			me_strbuf_addf(me_story_step(story, me_ledger_epoch(ledger, step.ts_ns),
						     me_step_label(ME_STEP_FINDING)),
				       "%s: %s", me_finding_label(step.what),
				       me_finding_help(step.what));
		} else if (step.kind == ME_STEP_SETTLED) {
			*ret_settled = step;
			settled = true;
		}
	}
	if (settled && claimed_ns && claimed_ns < ret_settled->ts_ns && is_by_claim(flow->state))
		ret_settled->ts_ns = claimed_ns;
	return settled;
}

/* Both halves of what went through the proxy. */
static void tell_request(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_requests *requests = me_ledger_requests(ledger);
	const struct me_requested *own = me_requests_of(requests, flow->id);
	const struct me_requested *behind = own ? NULL : me_requests_behind(requests, flow->id);
	const struct me_requested *request = own ? own : behind;
	const struct me_ledger_flow *upstream;
	struct me_strbuf *text;

	if (!request)
		return;
	text = me_story_tell(story, me_ledger_epoch(ledger, request->ts_ns), ME_STORY_REQUEST);
	me_story_say(text, "", me_value_text(request->text));
	if (behind) {
		me_story_say(text, ", for ", me_value_text(behind->client));
		me_story_about_flow(story, behind->flow);
		return;
	}
	upstream = own->upstream ? me_ledger_find(ledger, own->upstream) : NULL;
	if (!upstream)
		return;
	text = me_story_tell(story, me_ledger_epoch(ledger, upstream->first_ns), ME_STORY_UPSTREAM);
	me_story_say(text, "the proxy opened a flow to ", me_value_text(own->upstream_to));
	me_story_about_flow(story, upstream->id);
}

static bool is_ftp_data(const struct me_ledger_flow *flow)
{
	return flow->state.evidence == ME_EVIDENCE_ANNOUNCED ||
	       flow->state.evidence == ME_EVIDENCE_CONTROL_ONLY ||
	       flow->state.evidence == ME_EVIDENCE_DOCUMENTED;
}

/* The control connection of the same client to the same server that was there when it began. */
static void tell_control(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	const struct me_ledger_flow *best = NULL, *other;

	for (size_t cursor = 0;
	     is_ftp_data(flow) && (other = me_ledger_next_flow(ledger, &cursor));) {
		if (!(other->flags & ME_FLOW_FTP) || is_ftp_data(other) || other->id == flow->id ||
		    other->vantage != flow->vantage || !me_addr_equal(&other->dst, &flow->dst) ||
		    !me_addr_equal(&other->src, &flow->src) || other->tgid != flow->tgid ||
		    other->first_ns > flow->first_ns ||
		    (other->closed_ns && other->closed_ns < flow->first_ns))
			continue;
		if (!best || other->first_ns > best->first_ns)
			best = other;
	}
	if (!best)
		return;
	me_story_say_place(
		me_story_tell(story, me_ledger_epoch(ledger, best->first_ns), ME_STORY_CONTROL),
		"its FTP control connection, to ", &best->dst, best->dport, best->proto);
	me_story_about_flow(story, best->id);
}

static void tell_end(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_ledger *ledger = me_story_ledger(story);
	uint64_t end = flow->closed_ns ? flow->closed_ns : flow->last_ns;
	struct me_strbuf *text = me_story_tell(story, me_ledger_epoch(ledger, end),
					       flow->closed_ns ? ME_STORY_CLOSED : ME_STORY_LAST);

	me_strbuf_addf(text, "%s, %s", me_outcome_label(flow->outcome),
		       me_outcome_help(flow->outcome));
	if (flow->flags & ME_FLOW_RESET)
		me_strbuf_adds(text, ", then reset");
	me_story_say(text, "; answered first ", me_value_answer(flow->answer));
	me_strbuf_addf(text, "; %" PRIu64 " bytes sent, %" PRIu64 " received", flow->bytes_sent,
		       flow->bytes_received);
}

void me_story_of_flow(struct me_story *story, const struct me_ledger_flow *flow)
{
	const struct me_policy_status *policy = &me_story_status(story)->policy;
	const struct me_ledger *ledger = me_story_ledger(story);
	uint64_t first = me_ledger_epoch(ledger, flow->first_ns);
	uint64_t closed = me_ledger_epoch(ledger, flow->closed_ns);
	struct me_step settled;
	bool waited;

	me_story_answers(story, &flow->dst, NULL, flow->closed_ns);
	tell_control(story, flow);
	tell_opening(story, flow);
	tell_request(story, flow);
	waited = tell_steps(story, flow, &settled);
	tell_verdicts(story, flow, waited ? &settled : NULL);
	if (policy->loaded_ns > first && (!closed || policy->loaded_ns < closed))
		me_strbuf_addf(me_story_tell(story, policy->loaded_ns, ME_STORY_RELOAD),
			       "policy %" PRIu32 " is in force", policy->generation);
	tell_end(story, flow);
}
