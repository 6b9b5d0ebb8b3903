/* SPDX-License-Identifier: GPL-2.0-only */
/* The proxy: what it is asked for, which of its flows that became, and who goes past it. */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/strbuf.h"
#include "ledger/answers.h"
#include "ledger/requests.h"
#include "mewatch/daemon.h"
#include "mewatch/surroundings.h"
#include "policy/compile.h"
#include "policy/policy.h"

/* Names of one address by which a request is looked for. */
#define NAMES_TRIED 64u

/* --- A request ------------------------------------------------------------------------------------ */

/*
 * Whether the list has the host and port that are asked for, as `mewatch explain` would say; and the
 * endpoint. A name's address is the proxy's to find.
 */
static bool is_listed(const struct me_daemon *daemon, const struct me_requested *requested,
		      bool named, uint32_t *ret_endpoint)
{
	struct me_learned_endpoint known[ME_NAME_ENDPOINTS];
	struct me_facts facts = {
		.dport = requested->port, .proto = IPPROTO_TCP, .flags = ME_FACT_WIRE};
	struct me_named endpoints = {};
	struct me_judgement judged;
	struct me_name name;

	if (!named && me_inet_parse(requested->host, facts.dst.byte))
		return false;
	if (named && me_name_from_text(requested->host, &name))
		return false;
	if (named) {
		me_image_names_find(daemon->image, &name, &endpoints);
		for (uint32_t i = 0; i < endpoints.n; i++)
			known[i] = (struct me_learned_endpoint){endpoints.endpoint[i],
								ME_EVIDENCE_VERIFIED};
		me_image_judge_as(daemon->image, &facts, ME_ADDR_GLOBAL, NULL, known, endpoints.n,
				  &judged);
	} else {
		me_image_judge(daemon->image, &facts, known,
			       me_daemon_learned(daemon, &facts.dst, known), &judged);
	}
	if (judged.verdict != ME_ALLOWED)
		return false;
	*ret_endpoint = judged.endpoint;
	return true;
}

/* As what a kernel program finds: once, also over a kill. The record of the bytes is its own. */
static void tell_unlisted(struct me_daemon *daemon, const struct me_payload *head,
			  const struct me_flow *flow)
{
	const struct me_record record = {.id = head->id,
					 .ts_ns = head->ts_ns,
					 .kind = ME_RECORD_FINDING,
					 .what = ME_FINDING_PROXY_UNLISTED,
					 .key = head->key,
					 .flow = *flow};

	me_events_record(daemon->events, &record);
}

void me_daemon_request(struct me_daemon *daemon, const struct me_payload *head,
		       const struct me_flow *flow, const struct me_request *request)
{
	bool host = head->key.vantage == ME_HOST, listed;
	_cleanup_strbuf_ struct me_strbuf text = {};
	struct me_requested requested = {.flow = flow->id,
					 .ts_ns = head->ts_ns,
					 .proxy = head->key.peer,
					 .host = request->host,
					 .port = request->port};
	char address[ME_INET_LEN];
	struct me_addr literal;

	/* An address has one spelling from here on. */
	if (!request->named && !me_inet_parse(request->host, literal.byte)) {
		me_inet_format(literal.byte, address);
		requested.host = address;
	}
	me_requests_place(host ? &flow->src : &head->key.opener.address,
			  host ? flow->sport : head->key.sport, requested.client);
	me_requests_text(request, &text);
	requested.text = text.data;
	listed = is_listed(daemon, &requested, request->named, &requested.asked_endpoint);
	if (text.err || me_requests_put(me_ledger_requests(daemon->ledger), &requested))
		me_log_warning("a request to the proxy cannot be remembered: out of memory");
	if (!listed)
		tell_unlisted(daemon, head, flow);
}

void me_daemon_proxied(struct me_daemon *daemon, const struct me_flow *flow)
{
	const struct me_requested *requested =
		flow->flags & ME_FLOW_PROXY
			? me_requests_of(me_ledger_requests(daemon->ledger), flow->id)
			: NULL;

	if (!requested || !requested->asked_endpoint)
		return;
	me_ledger_proxied(daemon->ledger, requested->asked_endpoint, requested->ts_ns, false);
	if (me_answer_succeeded(flow->answer))
		me_ledger_proxied(daemon->ledger, requested->asked_endpoint, flow->last_ns, true);
}

/* --- The proxy's own flows ------------------------------------------------------------------------ */

static bool is_own(const struct me_daemon *daemon, const struct me_flow *flow,
		   const struct me_addr *address)
{
	return me_surroundings_facts(daemon->surroundings, flow->origin.netns, address) &
	       ME_FACT_OWN;
}

/* Whether the flow may be one that a proxy of this machine opened, and is of nobody's request yet. */
static bool is_upstream(const struct me_daemon *daemon, const struct me_flow_key *key,
			const struct me_flow *flow)
{
	const struct me_requests *requests = me_ledger_requests(daemon->ledger);

	return daemon->policy->has_proxy && key->vantage == ME_HOST && key->proto == IPPROTO_TCP &&
	       flow->direction == ME_DIRECTION_OUT && !(flow->flags & ME_FLOW_PROXY) &&
	       me_requests_count(requests) && !me_requests_behind(requests, flow->id);
}

/* Whether the request for that host became this flow; then they are linked. */
static bool link_by(struct me_daemon *daemon, const struct me_flow_key *key,
		    const struct me_flow *flow, const char *host)
{
	struct me_requests *requests = me_ledger_requests(daemon->ledger);
	const struct me_requested *requested =
		me_requests_waiting(requests, host, key->port, flow->first_ns);
	char to[ME_REQUESTS_PLACE_LEN];

	if (!requested || !is_own(daemon, flow, &requested->proxy))
		return false;
	me_requests_place(&key->peer, key->port, to);
	return !me_requests_link(requests, requested, flow->id, to);
}

void me_daemon_upstream(struct me_daemon *daemon, const struct me_flow_key *key,
			const struct me_flow *flow, const char *claimed)
{
	const struct me_answers *answers = me_ledger_answers(daemon->ledger);
	const struct me_answer *answer;
	char address[ME_INET_LEN];
	size_t cursor = 0;

	if (!is_upstream(daemon, key, flow))
		return;
	me_inet_format(key->peer.byte, address);
	if (link_by(daemon, key, flow, address) || (claimed && link_by(daemon, key, flow, claimed)))
		return;
	for (size_t n = 0; n < NAMES_TRIED; n++) {
		answer = me_answers_of_address(answers, &key->peer, &cursor);
		if (!answer || link_by(daemon, key, flow, answer->name))
			return;
	}
}

bool me_daemon_upstream_waits(const struct me_daemon *daemon, const struct me_flow_key *key,
			      const struct me_flow *flow)
{
	return flow->closed_ns >= daemon->drained_ns &&
	       daemon->now_ns < flow->closed_ns + ME_REQUESTS_WAIT_NS &&
	       is_upstream(daemon, key, flow);
}

/* --- Who goes past it ----------------------------------------------------------------------------- */

/* Whether the proxy has that address: the one it is given by, or that its name was answered with. */
static bool is_proxy(const struct me_daemon *daemon, const struct me_addr *address)
{
	const struct me_to *proxy = &daemon->policy->proxy;
	const struct me_answer *answer;
	size_t cursor = 0;

	if (proxy->kind != ME_TO_NAME)
		return !memcmp(address, &proxy->address, sizeof(*address));
	while ((answer = me_answers_of_name(me_ledger_answers(daemon->ledger), proxy->name,
					    &cursor)))
		if (!memcmp(address, &answer->address, sizeof(*address)))
			return true;
	return false;
}

/* Whether the proxy runs where the flow was opened: then the flow may be its own. */
static bool is_proxy_here(const struct me_daemon *daemon, const struct me_flow *flow)
{
	const struct me_to *proxy = &daemon->policy->proxy;
	const struct me_answer *answer;
	size_t cursor = 0;

	if (proxy->kind != ME_TO_NAME)
		return is_own(daemon, flow, &proxy->address);
	while ((answer = me_answers_of_name(me_ledger_answers(daemon->ledger), proxy->name,
					    &cursor)))
		if (is_own(daemon, flow, &answer->address))
			return true;
	return false;
}

bool me_daemon_is_bypass(const struct me_daemon *daemon, const struct me_flow_key *key,
			 const struct me_flow *flow, const struct me_judgement *judged)
{
	bool by_name =
		me_evidence_waits(judged->evidence) || judged->evidence == ME_EVIDENCE_VERIFIED;

	if (!daemon->policy->has_proxy || judged->verdict != ME_ALLOWED || !by_name ||
	    (judged->flags & ME_ENTRY_PROXY) || key->proto != IPPROTO_TCP ||
	    (key->port != 80 && key->port != 443))
		return false;
	return key->vantage == ME_HOST ? !is_proxy_here(daemon, flow)
				       : !is_proxy(daemon, &key->opener.address);
}
