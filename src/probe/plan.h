/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_PLAN_H
#define MEWATCH_PROBE_PLAN_H

/*
 * What there is to probe: the policy's entries, each of their ports, and how. Pure; nothing is
 * resolved yet.
 */
#include <stddef.h>
#include <stdint.h>
#include "policy/policy.h"
#include "probe/outcome.h"

#define ME_PROBE_TARGETS_MAX 1024u /* of one run */
#define ME_PROBE_PORTS_MAX 16u     /* of a range; a wider one is not probed */

/* An entry at a port. Borrows from the policy, and from the plan. */
struct me_probe_target {
	const struct me_rule *rule;
	const struct me_to *to;
	const char
		*endpoint; /* as it is called everywhere: a name, a keyword, or the rule's slug */
	const char *name;  /* to be resolved; NULL: it is `address` */
	struct me_addr address;
	struct me_ports ports; /* one port unless it is not probed */
	enum me_probe_method method;
	const char *why_not; /* of ME_PROBE_BY_NONE; static */
};

struct me_probe_plan {
	struct me_probe_target *targets;
	size_t n;
	char **names; /* of the arguments, in lower case */
	size_t n_names;
};

/* Who stands behind `resolvers` here; borrowed. */
struct me_probe_servers {
	const struct me_addr *list;
	size_t n;
};

/*
 * All entries of `policy` that hold at `now_epoch_ns`, or those that the `arguments` mean: an endpoint
 * as it is called, or else a name or address that a wildcard, a prefix or the like covers, or else
 * an address that only `any` covers. What is listed twice for a port comes once, with the rule that decides.
 * 0; -ENOENT: nothing is listed for the argument *ret_unknown; -E2BIG (ME_PROBE_TARGETS_MAX); -ENOMEM.
 * Whatever it returns, the plan is to be freed.
 */
int me_probe_plan(const struct me_policy *policy, const struct me_probe_servers *resolvers,
		  uint64_t now_epoch_ns, const char *const *arguments, size_t n_arguments,
		  struct me_probe_plan *ret_plan, const char **ret_unknown);
void me_probe_plan_free(struct me_probe_plan *plan);

#endif
