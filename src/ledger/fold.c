/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows as they come: what is kept of each, and what its end says of its endpoint. */
#include "ledger/internal.h"

#include <string.h>
#include "base/clock.h"
#include "ledger/endpoints.h"
#include "ledger/flows.h"
#include "ledger/groups.h"
#include "ledger/intern.h"
#include "ledger/rate.h"
#include "ledger/steps.h"

static void set_text(struct me_ledger *ledger, uint32_t *id, const char *text)
{
	const char *known = me_intern_text(ledger->intern, *id);
	uint32_t fresh;

	if (!text || (known && !strcmp(known, text)))
		return;
	fresh = me_intern_get(ledger->intern, text);
	me_intern_put(ledger->intern, *id);
	*id = fresh;
}

/* Who and where: it never changes, so it is read when the flow is new. */
static void set_identity(struct me_ledger *ledger, struct me_ledger_flow *flow,
			 const struct me_flow_key *key, const struct me_flow *from)
{
	const struct me_names *names = ledger->names;

	flow->first_ns = from->first_ns;
	flow->dst = key->peer;
	flow->dport = key->port;
	flow->proto = key->proto;
	flow->vantage = key->vantage;
	if (key->vantage != ME_HOST) {
		flow->src = key->opener.address;
		return;
	}
	memcpy(flow->comm, from->origin.comm, sizeof(flow->comm));
	flow->tgid = from->origin.proc.tgid;
	flow->uid = from->origin.uid;
	if (from->origin.proc.tgid)
		set_text(ledger, &flow->text[ME_TEXT_EXE],
			 names->exe(names->data, &from->origin.proc));
	if (from->origin.cgroup)
		set_text(ledger, &flow->text[ME_TEXT_CGROUP],
			 names->cgroup(names->data, from->origin.cgroup));
}

/* Growth a second, rounded. */
static uint16_t rate_of(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	double rate = now > before ? (double)(now - before) * ME_NS_PER_S / (double)elapsed_ns : 0;

	return me_rate_pack((uint64_t)(rate + 0.5));
}

/* Of a flow that was read before: twice at one moment says nothing. */
static void set_rates(struct me_ledger_flow *flow, const struct me_flow *from, uint64_t now_ns)
{
	if (now_ns <= flow->seen_ns)
		return;
	flow->sent_per_s = rate_of(from->bytes_sent, flow->bytes_sent, now_ns - flow->seen_ns);
	flow->received_per_s =
		rate_of(from->bytes_received, flow->bytes_received, now_ns - flow->seen_ns);
}

static void set_progress(struct me_ledger_flow *flow, const struct me_flow_key *key,
			 const struct me_flow *from)
{
	flow->last_ns = from->last_ns;
	flow->bytes_sent = from->bytes_sent;
	flow->bytes_received = from->bytes_received;
	flow->packets_sent = from->packets_sent;
	flow->packets_received = from->packets_received;
	if (key->vantage == ME_HOST)
		flow->src = from->src;
	flow->sport = key->sport ? key->sport : from->sport;
	flow->flags = from->flags;
	flow->outcome = from->outcome;
	flow->answer = from->answer;
	flow->direction = from->direction;
}

static void set_judgement(struct me_ledger_flow *flow, const struct me_flow *from)
{
	flow->state = from->state;
	flow->generation = from->generation;
	flow->endpoint = from->endpoint;
	flow->rule = from->rule;
	flow->service = from->service;
}

/* Whether it is told as a violation that may still be none. A flow that is held never was. */
static bool is_provisional(union me_state state)
{
	return state.verdict == ME_PENDING && state.reason != ME_REASON_NONE;
}

/* Flows under way at start and those that the other side opened are no attempts. */
static bool is_attempt(const struct me_flow *flow)
{
	return !(flow->flags & ME_FLOW_PREEXISTING) && flow->direction == ME_DIRECTION_OUT;
}

/* What the client said, when it is new. */
static void note_claim(struct me_ledger *ledger, const struct me_ledger_flow *flow,
		       const struct me_flow_text *text)
{
	bool known = flow->text[ME_TEXT_SNI] || flow->text[ME_TEXT_HTTP_HOST];

	if (!known && (text->text[ME_TEXT_SNI] || text->text[ME_TEXT_HTTP_HOST]))
		me_steps_add(ledger->flow_steps,
			     (struct me_step){.ts_ns = text->ts_ns ? text->ts_ns : ledger->now_ns,
					      .owner = flow->id,
					      .kind = ME_STEP_CLAIM});
}

/*
 * Moves the flow to its new verdict and its groups with it. The flow table and the ring tell the
 * same story in either order, so a final verdict stays. It is as of `ts_ns`.
 */
static int judge(struct me_ledger *ledger, struct me_ledger_flow *flow, bool is_new,
		 const struct me_flow *from, uint64_t ts_ns)
{
	bool counted = is_attempt(from);
	bool was_provisional = !is_new && is_provisional(flow->state);

	if (!is_new && me_state_is_final(flow->state))
		return 0;
	if (was_provisional && !me_state_is_final(from->state))
		return 0;
	if (!is_new && me_state_is_final(from->state))
		me_steps_add(ledger->flow_steps, (struct me_step){.ts_ns = ts_ns,
								  .owner = flow->id,
								  .kind = ME_STEP_SETTLED,
								  .before = flow->state});
	if (was_provisional && counted)
		me_groups_take(ledger->groups, flow, ME_STAGE_PROVISIONAL);
	set_judgement(flow, from);
	if (!counted)
		return 0;
	if (is_provisional(flow->state))
		return me_groups_add(ledger->groups, flow, ME_STAGE_PROVISIONAL);
	if (flow->state.verdict == ME_VIOLATION)
		return me_groups_add(ledger->groups, flow, ME_STAGE_CONFIRMED);
	return 0;
}

/* What an allowed flow got for an engine is an update of it. Only a flow's first request is known. */
static void note_engine(struct me_ledger *ledger, const struct me_ledger_flow *flow)
{
	const char *path = me_intern_text(ledger->intern, flow->text[ME_TEXT_HTTP_PATH]);
	enum me_engine engine;

	if (!path || !flow->endpoint || flow->state.verdict != ME_ALLOWED ||
	    !me_answer_succeeded(flow->answer))
		return;
	engine = me_engine_of_path(path);
	if (engine < ME_ENGINE_COUNT && flow->last_ns > ledger->kept->engine_ns[engine])
		ledger->kept->engine_ns[engine] = flow->last_ns;
}

/*
 * What a flow that is over says of its endpoint beyond the counts of the kernel: what it was allowed by,
 * and failures that only the flow as a whole shows.
 */
static void weigh(struct me_ledger *ledger, struct me_ledger_flow *flow)
{
	struct me_endpoint_kept *kept = me_endpoints_kept(ledger->endpoints, flow->endpoint);

	flow->weighed = true;
	if (!kept || flow->state.verdict != ME_ALLOWED)
		return;
	if (flow->state.evidence < ME_EVIDENCE_COUNT)
		kept->evidence[flow->state.evidence]++;
	kept->unreachable +=
		flow->outcome == ME_OUTCOME_UNREACHABLE && (flow->flags & ME_FLOW_SENT);
	kept->unheard += flow->outcome == ME_OUTCOME_ESTABLISHED && (flow->flags & ME_FLOW_RESET) &&
			 !flow->bytes_received;
}

/*
 * Whether the flow has gone on since it was seen last. A record may be read after the table, which knows
 * more; their times do not tell, as those of packets are coarse.
 */
static bool is_news(const struct me_ledger_flow *known, const struct me_flow *flow)
{
	if (flow->last_ns != known->last_ns)
		return flow->last_ns > known->last_ns;
	return flow->packets_sent + flow->packets_received >=
	       known->packets_sent + known->packets_received;
}

/* Takes in a flow as it was at `ts_ns`. */
static int fold(struct me_ledger *ledger, const struct me_flow_key *key, const struct me_flow *flow,
		const struct me_flow_text *text, uint64_t ts_ns)
{
	struct me_ledger_flow *known;
	int r = me_flows_put(ledger->flows, flow->id, &known);
	bool is_new = r == 0;

	if (r < 0)
		return r;
	if (is_new)
		set_identity(ledger, known, key, flow);
	if (text)
		note_claim(ledger, known, text);
	for (unsigned int i = 0; text && i < ME_TEXT_GIVEN; i++)
		set_text(ledger, &known->text[i], text->text[i]);
	if (!is_new)
		set_rates(known, flow, ledger->now_ns);
	if (is_new || is_news(known, flow))
		set_progress(known, key, flow);
	r = judge(ledger, known, is_new, flow, ts_ns);
	note_engine(ledger, known);
	me_flows_seen(ledger->flows, known, ledger->now_ns);
	if (flow->flags & ME_FLOW_CLOSED)
		me_flows_close(ledger->flows, known,
			       flow->closed_ns ? flow->closed_ns : ledger->now_ns);
	if (known->closed_ns && !known->weighed && me_state_is_final(known->state) &&
	    is_attempt(flow))
		weigh(ledger, known);
	return r;
}

int me_ledger_flow(struct me_ledger *ledger, const struct me_flow_key *key,
		   const struct me_flow *flow, const struct me_flow_text *text)
{
	return fold(ledger, key, flow, text, ledger->now_ns);
}

uint64_t me_ledger_engine(const struct me_ledger *ledger, enum me_engine engine)
{
	return ledger->kept->engine_ns[engine];
}

int me_ledger_record(struct me_ledger *ledger, const struct me_record *record)
{
	switch (record->kind) {
	case ME_RECORD_VIOLATION:
	case ME_RECORD_PENDING:
	case ME_RECORD_RESOLVED:
		return fold(ledger, &record->key, &record->flow, NULL, record->ts_ns);
	default:
		return 0;
	}
}

int me_ledger_preexisting(struct me_ledger *ledger, const struct me_flow_key *key,
			  const struct me_flow *flow)
{
	if (key->vantage < ME_VANTAGE_KERNEL_COUNT && flow->state.verdict < ME_VERDICT_COUNT)
		ledger->kept->preexisting[key->vantage][flow->state.verdict]++;
	return me_ledger_flow(ledger, key, flow, NULL);
}
