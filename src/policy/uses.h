/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_USES_H
#define MEWATCH_POLICY_USES_H

/*
 * When the endpoints of a policy were used: what the daemon keeps in its state folder, and the linter
 * holds against a policy. Times are since the epoch.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct me_diagnostics;
struct me_policy;

/* Service and endpoint are those of the registry (policy/registry.h); they are owned by the list. */
struct me_use {
	const char *service;
	const char *endpoint;
	uint64_t since_ns;   /* from when on it was in the policy of a daemon */
	uint64_t attempt_ns; /* the last one; 0: none since then */
	uint64_t success_ns; /* the last one; 0: none since then */
	bool overdue;        /* when it was written down */
	const char *failing; /* how, then; NULL: it was not. Owned by the list */
};

struct me_uses {
	struct me_use *list;
	size_t n;
	size_t capacity;
};

/* Adds one, with copies of its texts. 0 or -ENOMEM. */
int me_uses_add(struct me_uses *uses, const struct me_use *use);

/* Orders them by service and endpoint, as me_uses_find() and me_uses_merge() want them. */
void me_uses_sort(struct me_uses *uses);

/* The one with this name, or NULL. */
const struct me_use *me_uses_find(const struct me_uses *uses, const char *service,
				  const char *endpoint);

/* Takes over from `older`, for those that are in both, since when, and times that are not known now. */
void me_uses_merge(struct me_uses *uses, const struct me_uses *older);

/* Releases what the list holds; it may be used again. */
void me_uses_clear(struct me_uses *uses);
#define _cleanup_uses_ _cleanup_(me_uses_clear)

/*
 * Adds what the use of the endpoints says of `policy`: entries that were never used, and retired ones
 * that were. `uses` are sorted.
 */
void me_lint_uses(const struct me_policy *policy, const struct me_uses *uses, uint64_t now_epoch_ns,
		  struct me_diagnostics *diagnostics);

#endif
