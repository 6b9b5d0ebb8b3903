/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/offences.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "export/value.h"
#include "export/views.h"
#include "gen/version.h"
#include "mewatch/ask.h"

#define ROWS_MAX "1000" /* the violations with the highest counts, and the latest flows */

static int ask(const char *socket, const char *path, json_t **ret_answer)
{
	_cleanup_strbuf_ struct me_strbuf body = {0};
	int err = me_ask(socket, path, &body);

	if (err)
		return err;
	*ret_answer = json_loadb(body.data ? body.data : "", body.len, 0, NULL);
	return *ret_answer ? 0 : -EPROTO;
}

/* A text of the row that may stand in a comment; "" if it has none. */
static const char *plain(json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	for (const char *c = text; c && *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
			return "";
	}
	return text ? text : "";
}

static bool read_proto(json_t *row, uint8_t *ret_proto)
{
	const char *text = plain(row, "proto");

	for (unsigned int proto = 0; proto <= UINT8_MAX; proto++) {
		char label[ME_VALUE_LEN];

		me_value_proto_name((uint8_t)proto, label);
		if (strcmp(label, text))
			continue;
		*ret_proto = (uint8_t)proto;
		return true;
	}
	return false;
}

/* Where it went: what violations and flows have in common. */
static bool read_where(json_t *row, struct me_offence *offence)
{
	json_int_t port = json_integer_value(json_object_get(row, "dport"));

	offence->dport = (uint16_t)port;
	return port >= 0 && port <= 65535 && read_proto(row, &offence->proto) &&
	       !me_inet_parse(plain(row, "dst"), offence->dst.byte);
}

static bool same_where(const struct me_offence *a, const struct me_offence *b)
{
	return a->proto == b->proto && a->dport == b->dport && me_addr_equal(&a->dst, &b->dst);
}

static bool read_reason(json_t *row, enum me_reason *ret_reason)
{
	for (unsigned int reason = 1; reason < ME_REASON_COUNT; reason++) {
		if (!strcmp(me_reason_label(reason), plain(row, "reason"))) {
			*ret_reason = reason;
			return true;
		}
	}
	return false;
}

static bool read_violation(json_t *row, struct me_offence *ret_offence)
{
	struct me_offence offence = {
		.service = plain(row, "service"),
		.first = plain(row, "first"),
		.last = plain(row, "last"),
		.count = (uint64_t)json_integer_value(json_object_get(row, "count")),
	};

	if (strcmp(plain(row, "state"), "confirmed") || !read_where(row, &offence) ||
	    !read_reason(row, &offence.reason))
		return false;
	me_suggest_name(&offence, plain(row, "name"), ME_WITNESS_DNS);
	*ret_offence = offence;
	return true;
}

/* The names that the flows of an offence had. */
static void add_names(struct me_offence *offence, json_t *flow)
{
	json_t *name;
	size_t i;

	me_suggest_name(offence, plain(flow, "sni"), ME_WITNESS_CLIENT);
	me_suggest_name(offence, plain(flow, "http_host"), ME_WITNESS_CLIENT);
	me_suggest_name(offence, plain(flow, "name"), ME_WITNESS_DNS);
	json_array_foreach(json_object_get(flow, "names"), i, name) {
		if (json_is_string(name))
			me_suggest_name(offence, json_string_value(name), ME_WITNESS_DNS);
	}
}

static void read_flows(struct me_offences *offences)
{
	json_t *flow;
	size_t at;

	json_array_foreach(json_object_get(offences->flows, "flows"), at, flow) {
		struct me_offence where = {0};
		enum me_reason reason;

		if (!read_where(flow, &where) || !read_reason(flow, &reason))
			continue;
		for (size_t i = 0; i < offences->n; i++) {
			if (offences->list[i].reason == reason &&
			    same_where(&offences->list[i], &where))
				add_names(&offences->list[i], flow);
		}
	}
}

/* Origins do not matter to rules: rows that differ in them alone are one. */
static void add_offence(struct me_offences *offences, const struct me_offence *offence)
{
	for (size_t i = 0; i < offences->n; i++) {
		struct me_offence *known = &offences->list[i];

		if (known->reason != offence->reason || !same_where(known, offence))
			continue;
		known->count += offence->count;
		if (strcmp(offence->first, known->first) < 0)
			known->first = offence->first;
		if (strcmp(offence->last, known->last) > 0)
			known->last = offence->last;
		for (size_t j = 0; j < offence->n_names; j++)
			me_suggest_name(known, offence->names[j].name, offence->names[j].witnesses);
		return;
	}
	offences->list[offences->n++] = *offence;
}

/* Reads the two answers. */
static int read_answers(struct me_offences *offences)
{
	json_t *rows = json_object_get(offences->violations, "violations"), *row;
	size_t i;

	offences->list = calloc(json_array_size(rows) + 1, sizeof(*offences->list));
	if (!offences->list)
		return -ENOMEM;
	json_array_foreach(rows, i, row) {
		struct me_offence offence;

		if (read_violation(row, &offence))
			add_offence(offences, &offence);
	}
	read_flows(offences);
	return 0;
}

int me_offences_ask(const char *socket, struct me_offences *ret_offences)
{
	_cleanup_(me_offences_free) struct me_offences offences = {0};
	int err = ask(socket,
		      "/v1/violations?sort=count&desc=1&filter=state:confirmed&limit=" ROWS_MAX,
		      &offences.violations);

	if (!err)
		err = ask(socket, "/v1/flows?filter=verdict:violation&limit=" ROWS_MAX,
			  &offences.flows);
	if (!err)
		err = read_answers(&offences);
	if (err)
		return err;
	*ret_offences = offences;
	offences = (struct me_offences){0};
	return 0;
}

/* What the daemon of that ledger would answer. */
static int view(const struct me_ledger *ledger, const struct me_rows *rows,
		const struct me_query *query, json_t **ret_answer)
{
	_cleanup_strbuf_ struct me_strbuf body = {0}, error = {0};
	const struct me_status status = {.version = ME_VERSION};
	int err = me_view_list(rows, ledger, &status, query, &body, &error);

	if (err)
		return err;
	*ret_answer = json_loadb(body.data, body.len, 0, NULL);
	return *ret_answer ? 0 : -ENOMEM;
}

int me_offences_of(const struct me_ledger *ledger, struct me_offences *ret_offences)
{
	const struct me_query violations = {
		.sort = "count", .desc = "1", .filter = "state:confirmed", .limit = ROWS_MAX};
	const struct me_query flows = {.filter = "verdict:violation", .limit = ROWS_MAX};
	_cleanup_(me_offences_free) struct me_offences offences = {0};
	int err = view(ledger, &me_rows_violations, &violations, &offences.violations);

	if (!err)
		err = view(ledger, &me_rows_flows, &flows, &offences.flows);
	if (!err)
		err = read_answers(&offences);
	if (err)
		return err;
	*ret_offences = offences;
	offences = (struct me_offences){0};
	return 0;
}

void me_offences_free(struct me_offences *offences)
{
	free(offences->list);
	json_decref(offences->violations);
	json_decref(offences->flows);
	*offences = (struct me_offences){0};
}
