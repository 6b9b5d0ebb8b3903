/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "probe/route.h"
#include "probe/rows.h"

#define DNS_NS 2 /* RFC 1035, section 3.2.2 */

/* --- Questions ---------------------------------------------------------------------------------- */

static void ask_for(struct me_probe *probe, const char *name)
{
	static const uint16_t types[] = {ME_DNS_A, ME_DNS_AAAA};

	if (me_probe_lookups(probe, name))
		return;
	for (size_t i = 0; i < ME_ARRAY_SIZE(types); i++)
		probe->lookups[probe->n_lookups++] = (struct me_lookup){
			.name = name, .type = types[i], .server = ME_LOOKUP_ANY_SERVER};
}

/* Whether a server answers at all is seen by a question that it gets anyway. */
static void ask_server(struct me_probe *probe, const struct me_probe_target *target)
{
	int server = me_probe_server(probe, &target->address);
	bool named = probe->n_lookups > 0 && probe->lookups[0].server == ME_LOOKUP_ANY_SERVER;

	if (server >= 0)
		probe->lookups[probe->n_lookups++] =
			(struct me_lookup){.name = named ? probe->lookups[0].name : ".",
					   .type = named ? ME_DNS_A : DNS_NS,
					   .server = server};
}

static int resolve(struct me_probe *probe)
{
	const struct me_probe_plan *plan = probe->plan;
	size_t n_servers = probe->resolvers->n;

	probe->lookups = calloc(2 * plan->n + 2, sizeof(*probe->lookups));
	if (!probe->lookups)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n; i++) {
		const struct me_probe_target *target = &plan->targets[i];

		if (target->method && target->name)
			ask_for(probe, target->name);
		if (me_probe_is_proxied(probe, target) && probe->policy->proxy.name)
			ask_for(probe, probe->policy->proxy.name);
	}
	for (size_t i = 0; i < plan->n; i++)
		if (plan->targets[i].method == ME_PROBE_BY_DNS)
			ask_server(probe, &plan->targets[i]);
	if (n_servers && probe->n_lookups)
		return me_resolve(probe->resolvers->list,
				  n_servers < ME_LOOKUP_SERVERS_MAX ? n_servers
								    : ME_LOOKUP_SERVERS_MAX,
				  probe->lookups, probe->n_lookups, probe->timeout_ns);
	for (size_t i = 0; i < probe->n_lookups; i++)
		probe->lookups[i].outcome = ME_PROBE_NO_ANSWER;
	return 0;
}

/* --- The proxy ---------------------------------------------------------------------------------- */

static bool use_proxy(struct me_probe *probe, const struct me_addr *address)
{
	const struct me_policy *policy = probe->policy;
	char text[ME_INET_LEN];
	const char *why;

	if (!me_gate_allows(probe->gate, policy->proxy.name, address, IPPROTO_TCP,
			    policy->proxy_port, &why) ||
	    !me_route_exists(address))
		return false;
	me_inet_format(address->byte, text);
	snprintf(probe->proxy, sizeof(probe->proxy), me_addr_is_v4(address) ? "%s:%u" : "[%s]:%u",
		 text, policy->proxy_port);
	return true;
}

/* The first address that may be contacted is taken for all; its own row tells of each. */
static void choose_proxy(struct me_probe *probe)
{
	const struct me_policy *policy = probe->policy;
	const struct me_lookup *lookup;

	if (!policy->has_proxy)
		return;
	if (!policy->proxy.name) {
		use_proxy(probe, &policy->proxy.address);
		return;
	}
	lookup = me_probe_lookups(probe, policy->proxy.name);
	for (size_t k = 0; lookup && k < 2; k++)
		for (size_t i = 0; i < lookup[k].n; i++)
			if (use_proxy(probe, &lookup[k].address[i]))
				return;
}

/* --- All of it ---------------------------------------------------------------------------------- */

static int dial_rows(struct me_probe *probe)
{
	_cleanup_free_ struct me_dial **dials = calloc(probe->n_rows + 1, sizeof(*dials));
	size_t n = 0;

	if (!dials)
		return -ENOMEM;
	for (size_t i = 0; i < probe->n_rows; i++)
		if (probe->rows[i].dial.method)
			dials[n++] = &probe->rows[i].dial;
	return n ? me_dial_all(dials, n, probe->timeout_ns) : 0;
}

enum me_probe_state me_probe_state(const struct me_probe_row *rows, size_t n_rows, size_t first,
				   size_t *ret_next)
{
	size_t next = first, works = 0, not_probed = 0, counted = 0;
	bool bad = false, proxied = false;

	for (; next < n_rows && rows[next].target == rows[first].target; next++)
		proxied |= rows[next].dial.proxy != NULL;
	for (size_t i = first; i < next; i++) {
		enum me_probe_outcome outcome = rows[i].dial.outcome;

		if (!rows[i].dial.proxy && proxied)
			continue;
		counted++;
		works += outcome == ME_PROBE_OK;
		not_probed += outcome == ME_PROBE_NOT_PROBED;
		bad |= me_probe_is_bad(outcome);
	}
	*ret_next = next;
	if (not_probed == counted)
		return ME_PROBE_UNKNOWN;
	return works && !bad ? ME_PROBE_WORKS : ME_PROBE_FAILS;
}

int me_probe_run(struct me_probe *probe)
{
	int err = resolve(probe);

	if (err)
		return err;
	choose_proxy(probe);
	for (size_t i = 0; !err && i < probe->plan->n; i++)
		err = me_probe_add_rows(probe, &probe->plan->targets[i]);
	if (!err)
		err = dial_rows(probe);
	for (size_t i = 0; !err && i < probe->n_rows;)
		probe->states[me_probe_state(probe->rows, probe->n_rows, i, &i)]++;
	return err;
}

void me_probe_free(struct me_probe *probe)
{
	me_lookups_free(probe->lookups, probe->n_lookups);
	free(probe->lookups);
	free(probe->rows);
}
