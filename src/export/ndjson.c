/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/ndjson.h"

#include "export/json.h"
#include "ledger/requests.h"
#include "mewatch/mode.h"

static void set_time(struct me_json *json, const char *key, const struct me_ledger *ledger,
		     uint64_t monotonic_ns)
{
	me_json_set(json, key, me_value_time(me_ledger_epoch(ledger, monotonic_ns)));
}

static void set_number_if(struct me_json *json, const char *key, bool present, uint64_t number)
{
	if (present)
		me_json_set_number(json, key, number);
}

static void set_origin(struct me_json *json, const struct me_names *names,
		       const struct me_origin *origin)
{
	if (!origin->proc.tgid)
		return;
	me_json_set_number(json, "pid", origin->proc.tgid);
	me_json_set_text(json, "exe", names->exe(names->data, &origin->proc));
	me_json_set(json, "comm", me_value_bytes(origin->comm, sizeof(origin->comm)));
	me_json_set_number(json, "uid", origin->uid);
	if (origin->cgroup)
		me_json_set_text(json, "cgroup", names->cgroup(names->data, origin->cgroup));
}

static void set_endpoint(struct me_json *json, const struct me_names *names, uint32_t endpoint)
{
	if (!endpoint)
		return;
	me_json_set_text(json, "service", names->endpoint_service(names->data, endpoint));
	me_json_set_text(json, "endpoint", names->endpoint(names->data, endpoint));
}

static void set_judgement(struct me_json *json, const struct me_names *names,
			  const struct me_flow *flow)
{
	enum me_action action = me_state_action(flow->state);

	me_json_set_text(json, "verdict", me_verdict_label(flow->state.verdict));
	if (action != ME_ACTION_NONE)
		me_json_set_text(json, "action", me_action_label(action));
	if (flow->state.reason)
		me_json_set_text(json, "reason", me_reason_label(flow->state.reason));
	me_json_set_text(json, "service", names->service(names->data, flow->service));
	if (flow->rule) {
		me_json_set_text(json, "rule", names->rule(names->data, flow->rule));
		me_json_set_text(json, "at", names->place(names->data, flow->rule));
	}
	set_number_if(json, "policy", flow->generation, flow->generation);
	if (flow->endpoint)
		me_json_set_text(json, "endpoint", names->endpoint(names->data, flow->endpoint));
	me_json_set_text(json, "evidence", me_evidence_label(flow->state.evidence));
}

/* What was learned about the flow: the names of its peer, and what its client said. */
static void set_texts(struct me_json *json, const struct me_ledger *ledger, uint64_t id)
{
	const struct me_ledger_flow *known = me_ledger_find(ledger, id);
	const char *text[ME_TEXT_GIVEN];

	if (!known)
		return;
	for (unsigned int i = 0; i < ME_TEXT_GIVEN; i++)
		text[i] = me_ledger_text(ledger, known->text[i]);
	me_json_set(json, "name", me_value_name(text[ME_TEXT_NAME]));
	me_json_set(json, "names", me_value_names(text[ME_TEXT_NAMES]));
	me_json_set_text(json, "sni", text[ME_TEXT_SNI]);
	me_json_set_text(json, "http_host", text[ME_TEXT_HTTP_HOST]);
	me_json_set_text(json, "http_path", text[ME_TEXT_HTTP_PATH]);
}

/* The other half of what went through the proxy. */
static void set_request(struct me_json *json, const struct me_ledger *ledger, uint64_t id)
{
	const struct me_requests *requests = me_ledger_requests(ledger);
	const struct me_requested *own = me_requests_of(requests, id);
	const struct me_requested *behind = own ? NULL : me_requests_behind(requests, id);

	if (own || behind)
		me_json_set_text(json, "request", own ? own->text : behind->text);
	if (own)
		me_json_set_text(json, "upstream", own->upstream_to);
	if (behind)
		me_json_set_text(json, "client", behind->client);
}

static void set_flow(struct me_json *json, const struct me_ledger *ledger,
		     const struct me_event *event)
{
	const struct me_flow_key *key = event->key;
	const struct me_flow *flow = event->flow;
	bool is_host = key->vantage == ME_HOST;
	uint16_t sport = key->sport ? key->sport : flow->sport;

	set_judgement(json, me_ledger_names(ledger), flow);
	me_json_set_text(json, "vantage", me_vantage_label(key->vantage));
	me_json_set_text(json, "direction", me_direction_label(flow->direction));
	if (!is_host)
		me_json_set(json, "host", me_value_address(&key->opener.address));
	me_json_set(json, "proto", me_value_proto(key->proto));
	me_json_set(json, "src", me_value_address(is_host ? &flow->src : &key->opener.address));
	set_number_if(json, "sport", sport, sport);
	me_json_set(json, "dst", me_value_address(&key->peer));
	set_number_if(json, "dport", me_proto_has_ports(key->proto), key->port);
	if (!event->has_count) {
		set_time(json, "first", ledger, flow->first_ns);
		set_time(json, "last", ledger, flow->last_ns);
	}
	me_json_set_number(json, "bytes_sent", flow->bytes_sent);
	me_json_set_number(json, "bytes_received", flow->bytes_received);
	me_json_set_number(json, "packets_sent", flow->packets_sent);
	me_json_set_number(json, "packets_received", flow->packets_received);
	if (flow->outcome)
		me_json_set_text(json, "outcome", me_outcome_label(flow->outcome));
	me_json_set(json, "answer", me_value_answer(flow->answer));
	set_texts(json, ledger, flow->id);
	set_request(json, ledger, flow->id);
}

/* A socket that listens, on :: too: it has no peer and says nothing. */
static void set_listener(struct me_json *json, const struct me_event *event)
{
	me_json_set_text(json, "vantage", me_vantage_label(event->key->vantage));
	me_json_set(json, "proto", me_value_proto(event->key->proto));
	me_json_set(json, "src",
		    (struct me_value){.kind = ME_VALUE_ADDRESS, .address = &event->flow->src});
	me_json_set_number(json, "sport", event->flow->sport);
}

static void set_cell(struct me_json *json, const struct me_names *names,
		     const struct me_event *event)
{
	me_json_set_text(json, "verdict", me_verdict_label(ME_VIOLATION));
	if (event->reason)
		me_json_set_text(json, "reason", me_reason_label(event->reason));
	me_json_set_text(json, "service", names->service(names->data, event->service));
	me_json_set_text(json, "vantage", me_vantage_label(event->vantage));
	me_json_set_number(json, "bytes_sent", event->bytes_sent);
	me_json_set_number(json, "bytes_received", event->bytes_received);
	me_json_set_number(json, "packets_sent", event->packets_sent);
	me_json_set_number(json, "packets_received", event->packets_received);
}

int me_ndjson_format(const struct me_event *event, const struct me_ledger *ledger,
		     struct me_strbuf *out)
{
	const struct me_names *names = me_ledger_names(ledger);
	_cleanup_json_ struct me_json *json = me_json_object();
	int r;

	me_json_set(json, "ts", me_value_time(event->ts_ns));
	me_json_set_text(json, "id", event->id);
	me_json_set_text(json, "event", me_event_label(event->kind));
	if (event->finding >= 0)
		me_json_set_text(json, "kind", me_finding_label((unsigned int)event->finding));
	me_json_set_text(json, "state", event->state);
	me_json_set_text(json, "retracts", event->retracts);
	if (event->has_count) {
		me_json_set_number(json, "count", event->count);
		me_json_set(json, "first", me_value_time(event->first_ns));
		me_json_set(json, "last", me_value_time(event->last_ns));
	}
	if (event->finding == ME_FINDING_FOREIGN_LISTENER)
		set_listener(json, event);
	else if (event->key && event->flow)
		set_flow(json, ledger, event);
	if (event->has_cell)
		set_cell(json, names, event);
	set_endpoint(json, names, event->endpoint);
	me_json_set_text(json, "outcome", event->outcome);
	if (event->flow && (!event->key || event->key->vantage == ME_HOST))
		set_origin(json, names, &event->flow->origin);
	set_number_if(json, "policy", event->generation, event->generation);
	me_json_set_safe(json, "detail", event->detail);
	r = me_json_write(json, out);
	me_strbuf_addc(out, '\n');
	return r < 0 ? r : out->err;
}
