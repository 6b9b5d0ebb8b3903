/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/tree_group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "export/views.h"
#include "ledger/rate.h"

static const char *const by_names[ME_TREE_BY_COUNT] = {"origin", "endpoint"};

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int invalid_unfold(const struct me_query *query, struct me_strbuf *error)
{
	return me_view_invalid(error, "unfold", query->unfold,
			       "ids of at most 256 groups with commas between, or all first for "
			       "all but those");
}

static int read_folds(const struct me_query *query, struct me_tree_folds *folds,
		      struct me_strbuf *error)
{
	const char *at = query->unfold ? query->unfold : "";

	folds->all = !strncmp(at, "all", 3) && (!at[3] || at[3] == ',');
	at += folds->all ? 3 : 0;
	at += *at == ',';
	while (*at) {
		char *end;

		if (folds->n == ME_TREE_FOLDS_MAX || strspn(at, "0123456789abcdef") != 16)
			return invalid_unfold(query, error);
		folds->named[folds->n++] = strtoull(at, &end, 16);
		if (*end && (*end != ',' || !end[1]))
			return invalid_unfold(query, error);
		at = end + (*end == ',');
	}
	qsort(folds->named, folds->n, sizeof(folds->named[0]), compare_ids);
	return 0;
}

int me_tree_read(const struct me_query *query, enum me_tree_by *ret_by,
		 struct me_tree_folds *ret_folds, struct me_strbuf *error)
{
	for (enum me_tree_by by = 0; by < ME_TREE_BY_COUNT; by++) {
		if (strcmp(query->group, by_names[by]))
			continue;
		*ret_by = by;
		return read_folds(query, ret_folds, error);
	}
	return me_view_invalid(error, "group", query->group, "origin or endpoint");
}

struct me_tree_key me_tree_key(enum me_tree_by by, const struct me_ledger_flow *flow)
{
	struct me_tree_key key = {0};

	if (by == ME_TREE_BY_ENDPOINT) {
		key.endpoint = flow->endpoint;
		key.service = flow->service;
	} else if (flow->vantage != ME_HOST) {
		key.host = flow->src;
	} else {
		key.exe = flow->text[ME_TEXT_EXE];
		if (!key.exe)
			memcpy(key.comm, flow->comm, sizeof(key.comm));
	}
	return key;
}

/* What stands for the group: the program, the host, or the entry of the policy. */
static struct me_value label(const struct me_tree_group *group, enum me_tree_by by)
{
	const struct me_ledger *ledger = group->first.row.ledger;
	const struct me_names *n = me_ledger_names(ledger);
	const struct me_tree_key *key = &group->key;

	if (by == ME_TREE_BY_ENDPOINT)
		return key->endpoint ? me_value_text(n->endpoint(n->data, key->endpoint))
				     : (struct me_value){0};
	if (key->exe)
		return me_value_text(me_ledger_text(ledger, key->exe));
	if (*key->comm)
		return me_value_bytes(key->comm, sizeof(key->comm));
	return me_value_address(&key->host);
}

/* By what it says and not by numbers of this run: it is the same after a restart. */
static uint64_t id_of(const struct me_tree_group *group, enum me_tree_by by)
{
	const struct me_names *n = me_ledger_names(group->first.row.ledger);
	const uint64_t seed[2] = {by, group->key.exe != 0};
	const struct me_value value = label(group, by);
	const char *service =
		by == ME_TREE_BY_ENDPOINT ? n->service(n->data, group->key.service) : NULL;
	char buffer[ME_VALUE_LEN];
	size_t len = 0;
	const char *text = me_value_show(&value, buffer, &len);
	uint64_t hash[2] = {me_hash(seed, text ? text : "", len)};

	if (service)
		hash[1] = me_hash(seed, service, strlen(service));
	return me_hash(seed, hash, sizeof(hash));
}

static bool is_named(const struct me_tree_folds *folds, uint64_t id)
{
	return bsearch(&id, folds->named, folds->n, sizeof(id), compare_ids);
}

void me_tree_group_begin(struct me_tree_group *group, enum me_tree_by by,
			 const struct me_tree_key *key, const struct me_ledger *ledger,
			 const struct me_tree_folds *folds)
{
	*group = (struct me_tree_group){.key = *key, .first.row.ledger = ledger};
	group->id = id_of(group, by);
	group->unfolded = is_named(folds, group->id) != folds->all;
}

void me_tree_group_add(struct me_tree_group *group, const struct me_pick *pick, bool descending)
{
	const struct me_ledger_flow *flow = pick->row.flow;

	if (!group->flows || me_pick_compare(descending, pick, &group->first) < 0)
		group->first = *pick;
	if (pick->key.kind == ME_VALUE_NUMBER)
		group->sum += pick->key.number;
	if (!group->flows || flow->first_ns < group->first_ns)
		group->first_ns = flow->first_ns;
	if (flow->last_ns > group->last_ns)
		group->last_ns = flow->last_ns;
	group->flows++;
	group->open += !flow->closed_ns;
	if (flow->direction != ME_DIRECTION_IN && flow->state.verdict < ME_VERDICT_COUNT)
		group->verdicts[flow->state.verdict]++;
	group->bytes_sent += flow->bytes_sent;
	group->bytes_received += flow->bytes_received;
	group->packets_sent += flow->packets_sent;
	group->packets_received += flow->packets_received;
	if (flow->closed_ns)
		return;
	group->sent_per_s += me_rate_unpack(flow->sent_per_s);
	group->received_per_s += me_rate_unpack(flow->received_per_s);
}

/* The worst of its verdicts; NULL: none is judged. */
static const char *worst(const struct me_tree_group *group)
{
	static const enum me_verdict order[] = {ME_VIOLATION, ME_PENDING, ME_UNRESOLVED, ME_ALLOWED,
						ME_LOCAL};

	for (size_t i = 0; i < ME_ARRAY_SIZE(order); i++)
		if (group->verdicts[order[i]])
			return me_verdict_label(order[i]);
	return NULL;
}

void me_tree_group_rank(struct me_tree_group *group, enum me_tree_by by, const char *field,
			size_t order)
{
	static const char *const sums[] = {"bytes_sent",       "bytes_received", "packets_sent",
					   "packets_received", "sent_per_s",     "received_per_s"};

	group->first.order = order;
	for (size_t i = 0; i < ME_ARRAY_SIZE(sums); i++)
		if (!strcmp(field, sums[i]))
			group->first.key = me_value_number(group->sum);
	if (!strcmp(field, "verdict"))
		group->first.key = me_value_text(worst(group));
	/* An address has no order among texts: hosts stay in that of their first flow. */
	if (!strcmp(field, "name") && label(group, by).kind != ME_VALUE_ADDRESS)
		group->first.key = label(group, by);
}

void me_tree_group_id(const struct me_tree_group *group, char out[17])
{
	snprintf(out, 17, "%016" PRIx64, group->id);
}

static void set_sums(struct me_json *object, const struct me_tree_group *group)
{
	const struct me_ledger *ledger = group->first.row.ledger;

	me_json_set_number(object, "flows", group->flows);
	me_json_set_number(object, "open", group->open);
	me_json_set_number(object, "violations", group->verdicts[ME_VIOLATION]);
	me_json_set_number(object, "pending", group->verdicts[ME_PENDING]);
	me_json_set(object, "first", me_value_time(me_ledger_epoch(ledger, group->first_ns)));
	me_json_set(object, "last", me_value_time(me_ledger_epoch(ledger, group->last_ns)));
	me_json_set_number(object, "bytes_sent", group->bytes_sent);
	me_json_set_number(object, "bytes_received", group->bytes_received);
	me_json_set_number(object, "packets_sent", group->packets_sent);
	me_json_set_number(object, "packets_received", group->packets_received);
	me_json_set_number(object, "sent_per_s", group->sent_per_s);
	me_json_set_number(object, "received_per_s", group->received_per_s);
}

int me_tree_group_write(const struct me_tree_group *group, enum me_tree_by by,
			struct me_strbuf *out)
{
	const struct me_names *n = me_ledger_names(group->first.row.ledger);
	_cleanup_json_ struct me_json *object = me_json_object();
	const char *name = by == ME_TREE_BY_ENDPOINT ? "endpoint"
			   : group->key.exe          ? "exe"
			   : *group->key.comm        ? "comm"
						     : "host";
	char id[17];

	me_tree_group_id(group, id);
	me_json_set_text(object, "group", id);
	me_json_set_text(object, "by", by_names[by]);
	me_json_set_bool(object, "unfolded", group->unfolded);
	me_json_set(object, "verdict", me_value_text(worst(group)));
	me_json_set(object, name, label(group, by));
	if (by == ME_TREE_BY_ENDPOINT)
		me_json_set(object, "service",
			    me_value_text(n->service(n->data, group->key.service)));
	set_sums(object, group);
	return me_json_write(object, out);
}
