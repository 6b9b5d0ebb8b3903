/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "probe/route.h"

struct me_lookup *me_probe_lookups(const struct me_probe *probe, const char *name)
{
	for (size_t i = 0; i < probe->n_lookups; i++) {
		struct me_lookup *lookup = &probe->lookups[i];

		if (lookup->server == ME_LOOKUP_ANY_SERVER && !strcmp(lookup->name, name))
			return lookup;
	}
	return NULL;
}

int me_probe_server(const struct me_probe *probe, const struct me_addr *address)
{
	for (size_t i = 0; i < probe->resolvers->n && i < ME_LOOKUP_SERVERS_MAX; i++)
		if (me_addr_equal(&probe->resolvers->list[i], address))
			return (int)i;
	return -1;
}

static struct me_probe_row *add_row(struct me_probe *probe, const struct me_probe_target *target)
{
	size_t n = probe->n_rows;

	if (!(n & (n - 1))) { /* grows at powers of two */
		void *rows = realloc(probe->rows, (n ? 2 * n : 1) * sizeof(*probe->rows));

		if (!rows)
			return NULL;
		probe->rows = rows;
	}
	probe->rows[n] = (struct me_probe_row){.target = target};
	probe->n_rows++;
	return &probe->rows[n];
}

static int add_outcome(struct me_probe *probe, const struct me_probe_target *target,
		       const char *record, enum me_probe_outcome outcome, const char *detail)
{
	struct me_probe_row *row = add_row(probe, target);

	if (!row)
		return -ENOMEM;
	row->record = record;
	row->dial.outcome = outcome;
	snprintf(row->dial.detail, sizeof(row->dial.detail), "%s", detail);
	return 0;
}

/* An address of a target: to be dialled, unless that may not be, or cannot. */
static int add_address(struct me_probe *probe, const struct me_probe_target *target,
		       const char *record, const char *canonical, const struct me_addr *address)
{
	struct me_probe_row *row = add_row(probe, target);
	const char *why = "";

	if (!row)
		return -ENOMEM;
	row->record = record;
	row->canonical = canonical;
	row->has_address = true;
	row->dial.name = target->name;
	row->dial.address = *address;
	row->dial.port = target->ports.low;
	if (!me_gate_allows(probe->gate, target->name, address, target->ports.proto,
			    target->ports.low, &why))
		row->dial.outcome = ME_PROBE_UNLISTED;
	else if (!me_route_exists(address))
		row->dial.outcome = ME_PROBE_NO_ROUTE;
	else
		row->dial.method = target->method;
	snprintf(row->dial.detail, sizeof(row->dial.detail), "%s", why);
	return 0;
}

static const char *explain_no_answer(const struct me_probe *probe, enum me_probe_outcome outcome)
{
	return outcome == ME_PROBE_NO_ANSWER && !probe->resolvers->n
		       ? "no resolver that the policy allows is known"
		       : "";
}

static int add_answer(struct me_probe *probe, const struct me_probe_target *target,
		      const struct me_lookup *lookup)
{
	const char *record = lookup->type == ME_DNS_A ? "A" : "AAAA";
	char more[ME_DIAL_DETAIL_MAX];
	int err = 0;

	for (size_t i = 0; !err && i < lookup->n; i++)
		err = add_address(probe, target, record, lookup->canonical, &lookup->address[i]);
	if (!err && lookup->more) {
		snprintf(more, sizeof(more), "%zu more addresses", lookup->more);
		err = add_outcome(probe, target, record, ME_PROBE_NOT_PROBED, more);
	}
	return err;
}

/* A question that gave no address. */
static int add_failure(struct me_probe *probe, const struct me_probe_target *target,
		       const struct me_lookup *lookup, const char *record)
{
	int err = add_outcome(probe, target, record, lookup->outcome,
			      explain_no_answer(probe, lookup->outcome));

	if (!err)
		probe->rows[probe->n_rows - 1].dial.ms = lookup->ms;
	return err;
}

static int add_name(struct me_probe *probe, const struct me_probe_target *target)
{
	const struct me_lookup *a = me_probe_lookups(probe, target->name), *aaaa = a + 1;
	int err = 0;

	/* The same of both is said once; that there is none of one kind is nothing to be told. */
	if (a->outcome == aaaa->outcome && a->outcome != ME_PROBE_OK)
		return add_failure(probe, target, a, "A, AAAA");
	for (const struct me_lookup *lookup = a; !err && lookup <= aaaa; lookup++) {
		if (lookup->outcome == ME_PROBE_OK)
			err = add_answer(probe, target, lookup);
		else if (lookup->outcome != ME_PROBE_NO_ADDRESS)
			err = add_failure(probe, target, lookup,
					  lookup->type == ME_DNS_A ? "A" : "AAAA");
	}
	return err;
}

/* What a resolver answers is not the matter, as long as it does. */
static int add_server(struct me_probe *probe, const struct me_probe_target *target)
{
	int server = me_probe_server(probe, &target->address);
	struct me_probe_row *row = add_row(probe, target);

	if (!row)
		return -ENOMEM;
	row->has_address = true;
	row->dial.address = target->address;
	row->dial.outcome = ME_PROBE_NOT_PROBED;
	if (server < 0)
		snprintf(row->dial.detail, sizeof(row->dial.detail),
			 "more resolvers than are asked");
	for (size_t i = 0; i < probe->n_lookups; i++) {
		const struct me_lookup *lookup = &probe->lookups[i];
		bool answered = lookup->outcome == ME_PROBE_NXDOMAIN ||
				lookup->outcome == ME_PROBE_NO_ADDRESS;

		if (server < 0 || lookup->server != server)
			continue;
		row->dial.outcome = answered ? ME_PROBE_OK : lookup->outcome;
		row->dial.ms = lookup->ms;
	}
	return 0;
}

bool me_probe_is_proxied(const struct me_probe *probe, const struct me_probe_target *target)
{
	return probe->policy->has_proxy && target->name && target->to->kind != ME_TO_PROXY &&
	       (target->method == ME_PROBE_BY_TLS || target->method == ME_PROBE_BY_HTTP);
}

static int add_proxied(struct me_probe *probe, const struct me_probe_target *target)
{
	struct me_probe_row *row = add_row(probe, target);

	if (!row)
		return -ENOMEM;
	row->dial.name = target->name;
	row->dial.port = target->ports.low;
	row->dial.proxy = probe->proxy;
	if (*probe->proxy) {
		row->dial.method = target->method;
	} else {
		row->dial.outcome = ME_PROBE_PROXY;
		snprintf(row->dial.detail, sizeof(row->dial.detail), "the proxy has no address");
	}
	return 0;
}

int me_probe_add_rows(struct me_probe *probe, const struct me_probe_target *target)
{
	int err;

	if (target->method == ME_PROBE_BY_NONE)
		return add_outcome(probe, target, NULL, ME_PROBE_NOT_PROBED, target->why_not);
	if (target->method == ME_PROBE_BY_DNS)
		return add_server(probe, target);
	err = target->name ? add_name(probe, target)
			   : add_address(probe, target, NULL, NULL, &target->address);
	if (!err && me_probe_is_proxied(probe, target))
		err = add_proxied(probe, target);
	return err;
}
