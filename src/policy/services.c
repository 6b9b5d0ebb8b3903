/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

#define SHORT_WORD 5 /* bytes: shorter services are alike by nature ("ldap", "ntp", "nntp") */

static int compare(const void *left, const void *right)
{
	const struct me_rule *a = *(const struct me_rule *const *)left;
	const struct me_rule *b = *(const struct me_rule *const *)right;
	int order = strcmp(a->service, b->service);

	return order ? order : a < b ? -1 : a > b;
}

/*
 * The first rule of each service, in alphabetical order; `uses` says how many rules it has. More
 * services than can be counted are told by the compiler, and not compared here.
 */
static size_t group(const struct me_rule **sorted, size_t n, const char **services, size_t *uses)
{
	size_t groups = 0;

	for (size_t i = 0; i < n; i++) {
		if (groups && !strcmp(services[groups - 1], sorted[i]->service)) {
			uses[groups - 1]++;
			continue;
		}
		if (groups == ME_SERVICES_MAX)
			return 0;
		sorted[groups] = sorted[i];
		services[groups] = sorted[i]->service;
		uses[groups++] = 1;
	}
	return groups;
}

/* The spelling with more rules that `service` is one edit away from, or NULL. */
static const char *usual_spelling(const char *service, size_t used, const char *const *services,
				  const size_t *uses, size_t n)
{
	if (strlen(service) < SHORT_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (uses[i] >= used && strlen(services[i]) >= SHORT_WORD &&
		    me_text_distance(service, services[i]) == 1)
			return services[i];
	}
	return NULL;
}

int me_lint_services(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	_cleanup_free_ const struct me_rule **sorted = calloc(policy->n_rules + 1, sizeof(*sorted));
	const char *services[ME_SERVICES_MAX];
	size_t uses[ME_SERVICES_MAX], n;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++)
		sorted[i] = &policy->rules[i];
	qsort(sorted, policy->n_rules, sizeof(*sorted), compare);
	n = group(sorted, policy->n_rules, services, uses);
	for (size_t i = 0; i < n; i++) {
		const char *usual =
			uses[i] == 1 && !sorted[i]->from_profile
				? usual_spelling(services[i], uses[i], services, uses, n)
				: NULL;

		if (usual)
			me_lint_tell(linter, &sorted[i]->at, "service-spelling",
				     "service `%s` is used once; did you mean `%s`?", services[i],
				     usual);
	}
	return 0;
}
