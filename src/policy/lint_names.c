/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A wildcard of a rule: "*.name" or "**.name". */
struct pattern {
	const struct me_rule *rule;
	const struct me_to *to;
};

static int compare_keys(const struct me_rule *rule, enum me_to_kind kind, const char *name,
			const struct pattern *pattern)
{
	if (rule != pattern->rule)
		return rule < pattern->rule ? -1 : 1;
	if (kind != pattern->to->kind)
		return kind < pattern->to->kind ? -1 : 1;
	return strcmp(name, pattern->to->name);
}

static int compare(const void *left, const void *right)
{
	const struct pattern *a = left;

	return compare_keys(a->rule, a->to->kind, a->to->name, right);
}

struct patterns {
	struct pattern *list; /* sorted */
	size_t n;
};

static const struct me_to *find(const struct patterns *patterns, const struct me_rule *rule,
				enum me_to_kind kind, const char *name)
{
	size_t from = 0, to = patterns->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare_keys(rule, kind, name, &patterns->list[middle]);

		if (!order)
			return patterns->list[middle].to;
		if (order > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* The name without its first label, or NULL. */
static const char *parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : NULL;
}

/* The wildcard of the same rule that covers everything that `to` does, or NULL. */
static const struct me_to *cover(const struct patterns *patterns, const struct me_rule *rule,
				 const struct me_to *to)
{
	const char *up = to->kind == ME_TO_WILDCARD ? to->name : parent(to->name);
	const struct me_to *found = NULL;

	if (to->kind == ME_TO_NAME && up)
		found = find(patterns, rule, ME_TO_WILDCARD, up);
	for (; up && !found; up = parent(up))
		found = find(patterns, rule, ME_TO_SUBTREE, up);
	return found;
}

/* A note: a name beside its wildcard has a row of its own on the board, which may be the purpose. */
static void lint_rule(struct me_linter *linter, const struct patterns *patterns,
		      const struct me_rule *rule)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		const struct me_to *to = &rule->to[i];
		const struct me_to *around = to->name ? cover(patterns, rule, to) : NULL;

		if (around)
			me_diagnostics_add(linter->diagnostics, ME_NOTE, &to->at, "redundant",
					   "`%s` lies inside `%s` at line %u of the same rule, and "
					   "is counted apart",
					   to->text, around->text, around->at.line);
	}
}

/* Counts the wildcards of the policy, and puts them into `list` unless NULL. */
static size_t gather(const struct me_policy *policy, struct pattern *list)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		for (size_t k = 0; k < rule->n_to; k++) {
			const struct me_to *to = &rule->to[k];

			if (to->kind != ME_TO_WILDCARD && to->kind != ME_TO_SUBTREE)
				continue;
			if (list)
				list[n] = (struct pattern){rule, to};
			n++;
		}
	}
	return n;
}

int me_lint_names(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	struct patterns patterns = {.n = gather(policy, NULL)};
	_cleanup_free_ struct pattern *list = calloc(patterns.n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	patterns.list = list;
	gather(policy, list);
	qsort(list, patterns.n, sizeof(*list), compare);
	for (size_t i = 0; patterns.n && i < policy->n_rules; i++)
		lint_rule(linter, &patterns, &policy->rules[i]);
	return 0;
}
