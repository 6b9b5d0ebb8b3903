/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/rows.h"

#include <errno.h>
#include "base/clock.h"
#include "ledger/minutes.h"

/* constant, name, largest first */
#define FIELD_LIST(X)                                                                              \
	X(ENDPOINT, "endpoint", 0)                                                                 \
	X(SERVICE, "service", 0)                                                                   \
	X(RULE, "rule", 0)                                                                         \
	X(AT, "at", 0)                                                                             \
	X(STATE, "state", 0)                                                                       \
	X(ATTEMPTS, "attempts", 1)                                                                 \
	X(SUCCEEDED, "succeeded", 1)                                                               \
	X(FAILED, "failed", 1)                                                                     \
	X(RESETS, "resets", 1)                                                                     \
	X(HTTP_ERRORS, "http_errors", 1)                                                           \
	X(TLS_ALERTS, "tls_alerts", 1)                                                             \
	X(BYTES_SENT, "bytes_sent", 1)                                                             \
	X(BYTES_RECEIVED, "bytes_received", 1)                                                     \
	X(LAST_ATTEMPT, "last_attempt", 1)                                                         \
	X(LAST_SUCCESS, "last_success", 1)                                                         \
	X(EXPECT_S, "expect_s", 1)                                                                 \
	X(DUE, "due", 0)                                                                           \
	X(FAILURE, "failure", 0)                                                                   \
	X(FAILING_SINCE, "failing_since", 1)                                                       \
	X(PER_MINUTE, "per_minute", 1)                                                             \
	X(PER_HOUR, "per_hour", 1)

#define PICK_CONSTANT(constant, name, descending) F_##constant,
#define PICK_NAME(constant, name, descending) name,
#define PICK_BIT(constant, name, descending) | (uint64_t)descending << F_##constant
enum { FIELD_LIST(PICK_CONSTANT) F_COUNT };

static const char *const names[] = {FIELD_LIST(PICK_NAME)};

/* Attempts in `n` minutes, the last one `back` minutes ago. */
static uint64_t minutes(const struct me_endpoint *endpoint, uint64_t back, uint64_t n)
{
	uint64_t sum = 0;

	for (uint64_t i = back; endpoint->minutes && i < back + n; i++)
		sum += me_minutes_at(endpoint->minutes, endpoint->minute, i);
	return sum;
}

static const enum me_outcome succeeded[] = {ME_OUTCOME_ESTABLISHED, ME_OUTCOME_ANSWERED};
static const enum me_outcome failed[] = {ME_OUTCOME_REFUSED, ME_OUTCOME_TIMEOUT,
					 ME_OUTCOME_UNREACHABLE, ME_OUTCOME_UNANSWERED};

/* Attempts that ended in one of the ways. */
static uint64_t ended(const struct me_endpoint *endpoint, const enum me_outcome *ways, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += endpoint->counts.outcome[ways[i]];
	return sum;
}

static struct me_value get(const void *item, unsigned int field)
{
	const struct me_item *row = item;
	const struct me_endpoint *endpoint = row->endpoint;
	const struct me_names *n = me_ledger_names(row->ledger);
	const struct me_value none = {0};

	switch (field) {
	case F_ENDPOINT:
		return me_value_text(n->endpoint(n->data, endpoint->id));
	case F_SERVICE:
		return me_value_text(n->endpoint_service(n->data, endpoint->id));
	case F_RULE:
		return endpoint->rule ? me_value_text(n->rule(n->data, endpoint->rule)) : none;
	case F_AT:
		return endpoint->rule ? me_value_text(n->place(n->data, endpoint->rule)) : none;
	case F_STATE:
		return me_value_text(me_endpoint_state_label(endpoint->state));
	case F_ATTEMPTS:
		return me_value_number(endpoint->counts.attempts);
	case F_SUCCEEDED:
		return me_value_number(ended(endpoint, succeeded, ME_ARRAY_SIZE(succeeded)));
	case F_FAILED:
		return me_value_number(ended(endpoint, failed, ME_ARRAY_SIZE(failed)));
	case F_RESETS:
		return me_value_number(endpoint->counts.resets);
	case F_HTTP_ERRORS:
		return me_value_number(endpoint->counts.http_errors);
	case F_TLS_ALERTS:
		return me_value_number(endpoint->counts.tls_alerts);
	case F_BYTES_SENT:
		return me_value_number(endpoint->counts.bytes_sent);
	case F_BYTES_RECEIVED:
		return me_value_number(endpoint->counts.bytes_received);
	case F_LAST_ATTEMPT:
		return me_value_time(me_ledger_last_attempt(row->ledger, endpoint));
	case F_LAST_SUCCESS:
		return me_value_time(me_ledger_last_success(row->ledger, endpoint));
	case F_EXPECT_S:
		return endpoint->expect_ns ? me_value_number(endpoint->expect_ns / ME_NS_PER_S)
					   : none;
	case F_DUE:
		return me_value_time(me_ledger_epoch(row->ledger, endpoint->due_ns));
	case F_FAILURE:
		return endpoint->failing ? me_value_text(me_failure_label(endpoint->kept->failure))
					 : none;
	case F_FAILING_SINCE:
		return endpoint->failing ? me_value_time(me_ledger_epoch(row->ledger,
									 endpoint->kept->failed_ns))
					 : none;
	case F_PER_MINUTE:
		return me_value_number(minutes(endpoint, 1, 1));
	default:
		return me_value_number(minutes(endpoint, 0, ME_MINUTES));
	}
}

struct items {
	size_t count;
	struct me_endpoint list[];
};

static int open_items(const struct me_ledger *ledger, const struct me_query *query,
		      struct me_strbuf *error, void **ret_items)
{
	struct me_endpoint endpoint;
	struct items *items;
	size_t n = 0;

	(void)query;
	(void)error;
	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);)
		n++;
	items = malloc(sizeof(*items) + n * sizeof(items->list[0]));
	if (!items)
		return -ENOMEM;
	items->count = 0;
	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);)
		items->list[items->count++] = endpoint;
	*ret_items = items;
	return 0;
}

static bool next(const struct me_ledger *ledger, const void *items, size_t *cursor,
		 struct me_item *ret_row)
{
	const struct items *all = items;

	if (*cursor == all->count)
		return false;
	*ret_row = (struct me_item){.ledger = ledger, .endpoint = &all->list[(*cursor)++]};
	return true;
}

/* Attempts in each of the last minutes, the present one last. Without any there is no list. */
static void set_trend(struct me_json *object, const struct me_endpoint *endpoint)
{
	_cleanup_json_ struct me_json *trend = NULL;

	if (!minutes(endpoint, 0, ME_MINUTES))
		return;
	trend = me_json_array();
	for (uint64_t back = ME_MINUTES; back--;)
		me_json_append_number(trend, minutes(endpoint, back, 1));
	me_json_set_child(object, "trend", &trend);
}

static void set_evidence(struct me_json *object, const struct me_endpoint *endpoint)
{
	_cleanup_json_ struct me_json *evidence = me_json_object();

	for (unsigned int i = 0; i < ME_EVIDENCE_COUNT; i++)
		if (endpoint->kept->evidence[i])
			me_json_set_number(evidence, me_evidence_label(i),
					   endpoint->kept->evidence[i]);
	me_json_set_child(object, "evidence", &evidence);
}

static void more_of_row(const struct me_item *row, struct me_json *object)
{
	_cleanup_json_ struct me_json *outcomes = me_json_object();
	_cleanup_json_ struct me_json *failures = me_json_object();

	for (unsigned int i = ME_OUTCOME_NONE + 1; i < ME_OUTCOME_COUNT; i++)
		me_json_set_number(outcomes, me_outcome_label(i), row->endpoint->counts.outcome[i]);
	me_json_set_child(object, "outcomes", &outcomes);
	for (unsigned int i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		me_json_set_number(failures, me_dns_failure_label(i),
				   row->endpoint->counts.dns_failures[i]);
	me_json_set_child(object, "dns_failures", &failures);
	set_evidence(object, row->endpoint);
	set_trend(object, row->endpoint);
}

/* The engines that were updated since attach. */
static void more_of_list(const struct me_ledger *ledger, const struct me_query *query,
			 struct me_json *object)
{
	_cleanup_json_ struct me_json *engines = me_json_array();

	(void)query;
	for (enum me_engine i = 0; i < ME_ENGINE_COUNT; i++) {
		_cleanup_json_ struct me_json *engine = NULL;

		if (!me_ledger_engine(ledger, i))
			continue;
		engine = me_json_object();
		me_json_set_text(engine, "engine", me_engine_label(i));
		me_json_set(engine, "last_update",
			    me_value_time(me_ledger_epoch(ledger, me_ledger_engine(ledger, i))));
		me_json_append(engines, &engine);
	}
	me_json_set_child(object, "engines", &engines);
}

const struct me_rows me_rows_endpoints = {
	.path = "endpoints",
	.list = "endpoints",
	.fields = {names, F_COUNT, get},
	.sort = "service",
	.descending = 0 FIELD_LIST(PICK_BIT),
	.open = open_items,
	.next = next,
	.more_of_row = more_of_row,
	.more_of_list = more_of_list,
};
