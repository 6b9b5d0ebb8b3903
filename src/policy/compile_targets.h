/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_TARGETS_H
#define MEWATCH_POLICY_COMPILE_TARGETS_H

/* The addresses and prefixes that a policy means, whether a rule writes them or a keyword stands for them. */
#include "policy/compile_entries.h"

struct me_policy;
struct me_to;

struct me_targets {
	struct me_target *list;
	size_t count;
	size_t capacity;
	/* What the keywords stand for; borrowed from the policy, but for `resolvers`. */
	struct me_addr *resolvers; /* those that are asked themselves first, then upstream ones */
	size_t n_resolvers;
	size_t n_direct;
	const struct me_addr *peers;
	size_t n_peers;
	const struct me_addr *proxy; /* NULL: none, or a name */
};

/*
 * Begins with what is known without any rule: the special ranges, the configured resolvers, proxy
 * and peers, the well-known resolvers that speak DNS over HTTPS. 0 or -ENOMEM.
 */
int me_targets_start(struct me_targets *targets, const struct me_policy *policy,
		     const struct me_environment *environment);

/* Adds what `to` stands for, all named by `entry`. Nothing for names, `any` and `local`. 0 or -ENOMEM. */
int me_targets_add_to(struct me_targets *targets, const struct me_to *to, uint32_t entry);

/* Sorts by (address, bits, entry): a prefix comes right before what lies in it. */
void me_targets_sort(struct me_targets *targets);

void me_targets_free(struct me_targets *targets);

#endif
