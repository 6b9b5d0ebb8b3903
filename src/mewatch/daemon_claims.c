/* SPDX-License-Identifier: GPL-2.0-only */
/* The second witness: what a client says in its first payload settles a flow that is not final. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/strbuf.h"
#include "ledger/answers.h"
#include "ledger/witness.h"
#include "mewatch/daemon.h"
#include "policy/compile.h"

/* What the client said goes with the flow. */
static void keep_claim(struct me_daemon *daemon, const struct me_payload *head,
		       const struct me_flow *flow, const struct me_claim *claim)
{
	const struct me_flow_key *key = &head->key;
	struct me_flow_text text = {.ts_ns = head->ts_ns};
	bool tls = key->port == 443 && !(flow->flags & ME_FLOW_PROXY);

	if (claim->name_length)
		text.text[tls ? ME_TEXT_SNI : ME_TEXT_HTTP_HOST] = claim->name;
	if (claim->path_length)
		text.text[ME_TEXT_HTTP_PATH] = claim->path;
	me_ledger_flow(daemon->ledger, key, flow, &text);
}

static void tell_ech(struct me_daemon *daemon, const struct me_flow_key *key,
		     const struct me_flow *flow)
{
	char name[24];
	struct me_finding_report report = {.kind = ME_FINDING_ECH,
					   .key = name,
					   .detail = me_finding_help(ME_FINDING_ECH),
					   .ts_ns = daemon->now_ns,
					   .count = 1,
					   .flow_key = key,
					   .flow = flow};

	snprintf(name, sizeof(name), "%016" PRIx64, (uint64_t)flow->id);
	me_events_finding(daemon->events, &report);
}

/* The endpoints of the name that was claimed: VERIFIED where answers gave them this address too. */
static uint32_t claimed_endpoints(const struct me_daemon *daemon, const struct me_claim *claim,
				  const struct me_learned_endpoint *learned, uint32_t n_learned,
				  struct me_learned_endpoint ret_claimed[ME_NAME_ENDPOINTS])
{
	struct me_named named;
	struct me_name name;

	if (me_name_from_text(claim->name, &name))
		return 0;
	me_image_names_find(daemon->image, &name, &named);
	for (uint32_t i = 0; i < named.n; i++) {
		ret_claimed[i] = (struct me_learned_endpoint){.endpoint = named.endpoint[i],
							      .evidence = ME_EVIDENCE_CLAIMED};
		for (uint32_t k = 0; k < n_learned; k++)
			if (learned[k].endpoint == named.endpoint[i] &&
			    learned[k].evidence != ME_EVIDENCE_CLAIMED)
				ret_claimed[i].evidence = ME_EVIDENCE_VERIFIED;
	}
	return named.n;
}

/* The verdict on a flow whose client named its peer. */
static void settle_claim(struct me_daemon *daemon, const struct me_flow_key *key,
			 const struct me_flow *flow, const struct me_claim *claim)
{
	struct me_learned_endpoint learned[ME_NAME_ENDPOINTS], claimed[ME_NAME_ENDPOINTS];
	uint32_t n = me_daemon_learned(daemon, &key->peer, learned);
	struct me_judgement by_answers, by_claim;
	struct me_facts facts;

	me_daemon_facts(daemon, key, flow, &facts);
	me_image_judge(daemon->image, &facts, learned, n, &by_answers);
	n = claimed_endpoints(daemon, claim, learned, n, claimed);
	me_image_judge(daemon->image, &facts, claimed, n, &by_claim);
	if (by_claim.verdict == ME_PENDING || by_claim.verdict == ME_VIOLATION) {
		bool under_name =
			by_answers.verdict == ME_ALLOWED || (flow->state.flags & ME_STATE_HELD);

		/* Addresses of a namespace that is not known yet may be own ones. */
		if (facts.flags & ME_FACT_OWN_UNKNOWN)
			return;
		by_claim.verdict = ME_VIOLATION;
		by_claim.reason = under_name ? ME_REASON_NAME_MISMATCH : by_answers.reason;
	}
	me_daemon_settle(daemon, key, flow, &by_claim);
}

bool me_daemon_claim(struct me_daemon *daemon, const struct me_payload *head, const uint8_t *bytes)
{
	enum me_claim_kind kind;
	struct me_judgement judged;
	struct me_request request;
	struct me_claim claim;
	struct me_flow flow;

	/* The round may have begun before the flow did. */
	if (head->ts_ns > daemon->now_ns)
		daemon->now_ns = head->ts_ns;
	kind = me_witness_put(daemon->witness, head, bytes, &claim, &request);
	if (kind == ME_CLAIM_MORE || !me_kernel_flow_get(daemon->kernel, &head->key, &flow))
		return kind == ME_CLAIM_MORE;
	keep_claim(daemon, head, &flow, &claim);
	if (request.kind != ME_REQUEST_NONE)
		me_daemon_request(daemon, head, &flow, &request);
	else
		me_daemon_upstream(daemon, &head->key, &flow,
				   claim.name_length ? claim.name : NULL);
	if (me_state_is_final(flow.state) || (flow.flags & ME_FLOW_UNHEARD))
		return false;
	if (claim.ech)
		tell_ech(daemon, &head->key, &flow);
	if (claim.kind == ME_CLAIM_NAME && !claim.ech) {
		settle_claim(daemon, &head->key, &flow, &claim);
		return false;
	}
	/* Nobody was named: what answers gave stands, and what is pending waits on for them. */
	me_daemon_judge(daemon, &head->key, &flow, &judged);
	if ((flow.state.flags & ME_STATE_HELD) && judged.verdict == ME_ALLOWED)
		me_daemon_settle(daemon, &head->key, &flow, &judged);
	return false;
}

/* --- The names of a flow's peer ----------------------------------------------------------------- */
