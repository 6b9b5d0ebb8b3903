/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/hosts.h"

#define V4_HOST_BITS (96 + 16) /* shorter prefixes of mail hosts are over-broad */
#define V6_HOST_BITS 48

#define LINE_LEN 24

/* " at line 7"; nothing for an option of the command line. */
static const char *at_line(const struct me_place *at, char out[LINE_LEN])
{
	out[0] = '\0';
	if (at->line)
		snprintf(out, LINE_LEN, " at line %u", at->line);
	return out;
}

static bool is_wide(const struct me_watch_host *host)
{
	bool v4 = me_addr_is_v4(&host->address) && host->bits >= 96;

	return host->bits < (v4 ? V4_HOST_BITS : V6_HOST_BITS);
}

/* A host by itself: whether it is one, and not too many. */
static void lint_host(struct me_linter *linter, const struct me_watch_host *host)
{
	enum me_addr_kind kind = me_addr_kind(&host->address);
	char text[ME_HOST_LEN];

	if (host->is_mac)
		return;
	me_host_format(host, text);
	if (is_wide(host))
		me_lint_tell(linter, &host->at, "over-broad",
			     "`%s` takes in far more than mail hosts, expected %s or longer", text,
			     me_addr_is_v4(&host->address) && host->bits >= 96 ? "/16" : "/48");
	else if (kind != ME_ADDR_GLOBAL && kind != ME_ADDR_LINKLOCAL)
		me_lint_tell(linter, &host->at, "never-decides",
			     "no packet of a mail host comes from `%s`", text);
}

/* The nearest host around each one; `sorted` is as me_hosts_sort() has it. */
static void lint_nested(struct me_linter *linter, const struct me_watch_host **sorted, size_t n)
{
	const struct me_watch_host *around[129]; /* one of each length at the most */
	char line[LINE_LEN], text[ME_HOST_LEN], outer[ME_HOST_LEN];
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		me_host_format(sorted[i], text);
		if (i && me_host_same(sorted[i - 1], sorted[i])) {
			me_lint_tell(linter, &sorted[i]->at, "redundant", "`%s` is named already%s",
				     text, at_line(&sorted[i - 1]->at, line));
			continue;
		}
		while (depth && !me_host_in(sorted[i], around[depth - 1]))
			depth--;
		if (depth) {
			me_host_format(around[depth - 1], outer);
			me_diagnostics_add(linter->diagnostics, ME_NOTE, &sorted[i]->at,
					   "nested-host",
					   "`%s` lies inside `%s`%s, and is a mail host of its own",
					   text, outer, at_line(&around[depth - 1]->at, line));
		}
		if (!sorted[i]->is_mac)
			around[depth++] = sorted[i];
	}
}

/* The widest host of `sorted` that contains the address, or NULL: those do not overlap. */
static const struct me_watch_host *find(const struct me_watch_host **widest, size_t n,
					const struct me_addr *address)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(widest[middle]->address.byte, address->byte, 16) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (!from || !me_addr_in(address, &widest[from - 1]->address, widest[from - 1]->bits))
		return NULL;
	return widest[from - 1];
}

static void lint_resolver(struct me_linter *linter, const struct me_watch_host **widest, size_t n,
			  const struct me_addr *resolver)
{
	const struct me_watch_host *host = find(widest, n, resolver);
	char text[ME_INET_LEN];

	if (!host)
		return;
	me_inet_format(resolver->byte, text);
	me_diagnostics_add(linter->diagnostics, ME_NOTE, &host->at, "host-resolves",
			   "the resolver %s is a mail host too: what it sends is judged", text);
}

/* Resolvers that are mail hosts. The sorted hosts become the widest of them. */
static void lint_resolvers(struct me_linter *linter, const struct me_watch_host **sorted, size_t n)
{
	const struct me_resolvers *resolvers = &linter->policy->resolvers;
	size_t widest = 0;

	for (size_t i = 0; i < n && !sorted[i]->is_mac; i++) {
		if (!widest || !me_host_in(sorted[i], sorted[widest - 1]))
			sorted[widest++] = sorted[i];
	}
	for (size_t i = 0; i < resolvers->n_list; i++) {
		lint_resolver(linter, sorted, widest, &resolvers->list[i].address);
		for (size_t k = 0; k < resolvers->list[i].n_upstream; k++)
			lint_resolver(linter, sorted, widest, &resolvers->list[i].upstream[k]);
	}
}

static void lint_vantages(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;

	if (policy->n_hosts && !policy->n_interfaces)
		me_lint_tell(linter, &policy->hosts->at, "no-effect",
			     "`hosts:` without `interfaces:`: their packets are watched nowhere");
	if (policy->watch_at.file && policy->watch_whole)
		me_lint_tell(linter, &policy->watch_at, "empty-watch",
			     "neither `cgroups:` nor `interfaces:` has anything in it: this whole "
			     "machine is watched");
	if (policy->n_interfaces && policy->resolvers.kind == ME_RESOLVERS_SYSTEM)
		me_diagnostics_add(linter->diagnostics, ME_NOTE, &policy->interfaces_at[0],
				   "gateway-resolvers",
				   "`resolvers: system` is whom this gateway asks; name whom the "
				   "mail hosts ask, if that is somebody else");
}

int me_lint_watch(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	_cleanup_free_ const struct me_watch_host **sorted = NULL;
	int err = me_hosts_sort(policy, &sorted);

	if (err)
		return err;
	lint_vantages(linter);
	for (size_t i = 0; i < policy->n_hosts; i++)
		lint_host(linter, &policy->hosts[i]);
	lint_nested(linter, sorted, policy->n_hosts);
	lint_resolvers(linter, sorted, policy->n_hosts);
	return 0;
}
