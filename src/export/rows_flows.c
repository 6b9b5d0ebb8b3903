/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/rows.h"
#include "ledger/rate.h"
#include "ledger/requests.h"
#include "mewatch/mode.h"

/* constant, name, largest first */
#define FIELD_LIST(X)                                                                              \
	X(ID, "id", 0)                                                                             \
	X(STATE, "state", 0)                                                                       \
	X(VERDICT, "verdict", 0)                                                                   \
	X(ACTION, "action", 0)                                                                     \
	X(REASON, "reason", 0)                                                                     \
	X(EVIDENCE, "evidence", 0)                                                                 \
	X(SERVICE, "service", 0)                                                                   \
	X(RULE, "rule", 0)                                                                         \
	X(AT, "at", 0)                                                                             \
	X(POLICY, "policy", 1)                                                                     \
	X(ENDPOINT, "endpoint", 0)                                                                 \
	X(VANTAGE, "vantage", 0)                                                                   \
	X(DIRECTION, "direction", 0)                                                               \
	X(HOST, "host", 0)                                                                         \
	X(PROTO, "proto", 0)                                                                       \
	X(SRC, "src", 0)                                                                           \
	X(SPORT, "sport", 1)                                                                       \
	X(DST, "dst", 0)                                                                           \
	X(DPORT, "dport", 1)                                                                       \
	X(NAME, "name", 0)                                                                         \
	X(NAMES, "names", 0)                                                                       \
	X(SNI, "sni", 0)                                                                           \
	X(HTTP_HOST, "http_host", 0)                                                               \
	X(HTTP_PATH, "http_path", 0)                                                               \
	X(REQUEST, "request", 0)                                                                   \
	X(CLIENT, "client", 0)                                                                     \
	X(UPSTREAM, "upstream", 0)                                                                 \
	X(FIRST, "first", 1)                                                                       \
	X(LAST, "last", 1)                                                                         \
	X(BYTES_SENT, "bytes_sent", 1)                                                             \
	X(BYTES_RECEIVED, "bytes_received", 1)                                                     \
	X(PACKETS_SENT, "packets_sent", 1)                                                         \
	X(PACKETS_RECEIVED, "packets_received", 1)                                                 \
	X(SENT_PER_S, "sent_per_s", 1)                                                             \
	X(RECEIVED_PER_S, "received_per_s", 1)                                                     \
	X(OUTCOME, "outcome", 0)                                                                   \
	X(ANSWER, "answer", 0)                                                                     \
	X(PREEXISTING, "preexisting", 0)                                                           \
	X(PID, "pid", 1)                                                                           \
	X(EXE, "exe", 0)                                                                           \
	X(COMM, "comm", 0)                                                                         \
	X(UID, "uid", 1)                                                                           \
	X(CGROUP, "cgroup", 0)

#define PICK_CONSTANT(constant, name, descending) F_##constant,
#define PICK_NAME(constant, name, descending) name,
#define PICK_BIT(constant, name, descending) | (uint64_t)descending << F_##constant
enum { FIELD_LIST(PICK_CONSTANT) F_COUNT };
_Static_assert(F_COUNT <= 64, "a bit for each field");

static const char *const names[] = {FIELD_LIST(PICK_NAME)};

static struct me_value number_if(bool present, uint64_t number)
{
	return present ? me_value_number(number) : (struct me_value){0};
}

static struct me_value interned(const struct me_item *row, enum me_flow_text_id text)
{
	return me_value_text(me_ledger_text(row->ledger, row->flow->text[text]));
}

/* What only the host vantage knows. */
static struct me_value origin(const struct me_item *row, unsigned int field)
{
	const struct me_ledger_flow *flow = row->flow;

	if (flow->vantage != ME_HOST)
		return (struct me_value){0};
	switch (field) {
	case F_PID:
		return number_if(flow->tgid, flow->tgid);
	case F_UID:
		return number_if(flow->tgid, flow->uid);
	case F_COMM:
		return me_value_bytes(flow->comm, sizeof(flow->comm));
	case F_EXE:
		return interned(row, ME_TEXT_EXE);
	default:
		return interned(row, ME_TEXT_CGROUP);
	}
}

static struct me_value judgement(const struct me_item *row, unsigned int field)
{
	const struct me_names *n = me_ledger_names(row->ledger);
	const struct me_ledger_flow *flow = row->flow;

	switch (field) {
	case F_VERDICT:
		if (flow->direction == ME_DIRECTION_IN)
			return (struct me_value){0}; /* nobody judges what others open */
		return me_value_text(me_verdict_label(flow->state.verdict));
	case F_ACTION:
		return me_state_action(flow->state)
			       ? me_value_text(me_action_label(me_state_action(flow->state)))
			       : (struct me_value){0};
	case F_REASON:
		return flow->state.reason ? me_value_text(me_reason_label(flow->state.reason))
					  : (struct me_value){0};
	case F_EVIDENCE:
		return me_value_text(me_evidence_label(flow->state.evidence));
	case F_SERVICE:
		return me_value_text(n->service(n->data, flow->service));
	case F_RULE:
		return flow->rule ? me_value_text(n->rule(n->data, flow->rule))
				  : (struct me_value){0};
	case F_AT:
		return flow->rule ? me_value_text(n->place(n->data, flow->rule))
				  : (struct me_value){0};
	case F_ENDPOINT:
		return flow->endpoint ? me_value_text(n->endpoint(n->data, flow->endpoint))
				      : (struct me_value){0};
	default:
		return number_if(flow->generation, flow->generation);
	}
}

/* What went through the proxy: the client's flow tells its other half, and the proxy's the client. */
static struct me_value requested(const struct me_item *row, unsigned int field)
{
	const struct me_requests *requests = me_ledger_requests(row->ledger);
	const struct me_requested *own = me_requests_of(requests, row->flow->id);
	const struct me_requested *behind =
		own ? NULL : me_requests_behind(requests, row->flow->id);

	if (field == F_REQUEST && (own || behind))
		return me_value_text(own ? own->text : behind->text);
	if (field == F_UPSTREAM && own)
		return me_value_text(own->upstream_to);
	if (field == F_CLIENT && behind)
		return me_value_text(behind->client);
	return (struct me_value){0};
}

static struct me_value get(const void *item, unsigned int field)
{
	const struct me_item *row = item;
	const struct me_ledger_flow *flow = row->flow;

	switch (field) {
	case F_ID:
		return me_value_id(flow->id);
	case F_STATE:
		return me_value_text(flow->closed_ns ? "closed" : "open");
	case F_VANTAGE:
		return me_value_text(me_vantage_label(flow->vantage));
	case F_DIRECTION:
		return me_value_text(me_direction_label(flow->direction));
	case F_HOST:
		return flow->vantage == ME_HOST ? (struct me_value){0}
						: me_value_address(&flow->src);
	case F_PROTO:
		return me_value_proto(flow->proto);
	case F_SRC:
		return me_value_address(&flow->src);
	case F_SPORT:
		return number_if(flow->sport, flow->sport);
	case F_DST:
		return me_value_address(&flow->dst);
	case F_DPORT:
		return number_if(me_proto_has_ports(flow->proto), flow->dport);
	case F_NAME:
		return me_value_name(me_ledger_text(row->ledger, flow->text[ME_TEXT_NAME]));
	case F_NAMES:
		return me_value_names(me_ledger_text(row->ledger, flow->text[ME_TEXT_NAMES]));
	case F_SNI:
		return interned(row, ME_TEXT_SNI);
	case F_HTTP_HOST:
		return interned(row, ME_TEXT_HTTP_HOST);
	case F_HTTP_PATH:
		return interned(row, ME_TEXT_HTTP_PATH);
	case F_REQUEST:
	case F_CLIENT:
	case F_UPSTREAM:
		return requested(row, field);
	case F_FIRST:
		return me_value_time(me_ledger_epoch(row->ledger, flow->first_ns));
	case F_LAST:
		return me_value_time(me_ledger_epoch(row->ledger, flow->last_ns));
	case F_BYTES_SENT:
		return me_value_number(flow->bytes_sent);
	case F_BYTES_RECEIVED:
		return me_value_number(flow->bytes_received);
	case F_PACKETS_SENT:
		return me_value_number(flow->packets_sent);
	case F_PACKETS_RECEIVED:
		return me_value_number(flow->packets_received);
	case F_SENT_PER_S:
		return number_if(!flow->closed_ns, me_rate_unpack(flow->sent_per_s));
	case F_RECEIVED_PER_S:
		return number_if(!flow->closed_ns, me_rate_unpack(flow->received_per_s));
	case F_OUTCOME:
		return me_value_text(me_outcome_label(flow->outcome));
	case F_ANSWER:
		return me_value_answer(flow->answer);
	case F_PREEXISTING:
		return me_value_true(flow->flags & ME_FLOW_PREEXISTING);
	case F_PID:
	case F_EXE:
	case F_COMM:
	case F_UID:
	case F_CGROUP:
		return origin(row, field);
	default:
		return judgement(row, field);
	}
}

static bool next(const struct me_ledger *ledger, const void *items, size_t *cursor,
		 struct me_item *ret_row)
{
	(void)items;
	*ret_row = (struct me_item){.ledger = ledger, .flow = me_ledger_next_flow(ledger, cursor)};
	return ret_row->flow;
}

const struct me_rows me_rows_flows = {
	.path = "flows",
	.list = "flows",
	.fields = {names, F_COUNT, get},
	.sort = "last",
	.descending = 0 FIELD_LIST(PICK_BIT),
	.identified = true,
	.identity = F_ID,
	.grouped = true,
	.next = next,
};
