/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/ports.h"

/* A destination and the rule that lists it. */
struct listed {
	const struct me_to *to;
	const struct me_rule *rule;
};

static int compare_keys(const struct listed *a, const struct listed *b)
{
	int order = strcmp(a->rule->service, b->rule->service);

	return order ? order : strcmp(a->to->text, b->to->text);
}

static int compare(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;
	int order = compare_keys(a, b);

	return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* All destinations of a policy in order; the caller frees the list. */
static struct listed *list(const struct me_policy *policy, size_t *ret_n)
{
	struct listed *all;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		n += policy->rules[i].n_to;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return NULL;
	n = 0;
	for (size_t i = 0; i < policy->n_rules; i++) {
		for (size_t j = 0; j < policy->rules[i].n_to; j++)
			all[n++] = (struct listed){&policy->rules[i].to[j], &policy->rules[i]};
	}
	qsort(all, n, sizeof(*all), compare);
	*ret_n = n;
	return all;
}

static bool same(const struct me_rule *a, const struct me_rule *b)
{
	return a->retired == b->retired && a->passive == b->passive &&
	       me_ports_cover(a->ports, a->n_ports, b->ports, b->n_ports) &&
	       me_ports_cover(b->ports, b->n_ports, a->ports, a->n_ports);
}

int me_profile_diff(const struct me_policy *before, const struct me_policy *after,
		    struct me_profile_change **ret_changes, size_t *ret_n)
{
	size_t n_old = 0, n_new = 0, n = 0, i = 0, j = 0;
	_cleanup_free_ struct listed *old = list(before, &n_old);
	_cleanup_free_ struct listed *new = list(after, &n_new);
	struct me_profile_change *changes = calloc(n_old + n_new + 1, sizeof(*changes));

	if (!old || !new || !changes) {
		free(changes);
		return -ENOMEM;
	}
	while (i < n_old || j < n_new) {
		int order = i == n_old ? 1 : j == n_new ? -1 : compare_keys(&old[i], &new[j]);

		if (order < 0) {
			changes[n++] = (struct me_profile_change){old[i].to, old[i].rule, NULL};
		} else if (order > 0) {
			changes[n++] = (struct me_profile_change){new[j].to, NULL, new[j].rule};
		} else if (!same(old[i].rule, new[j].rule)) {
			changes[n++] =
				(struct me_profile_change){new[j].to, old[i].rule, new[j].rule};
		}
		i += order <= 0;
		j += order >= 0;
	}
	*ret_changes = changes;
	*ret_n = n;
	return 0;
}

void me_profile_describe(const struct me_rule *rule, struct me_strbuf *out)
{
	static const char *const passive[] = {
		[ME_PASSIVE_ANNOUNCED] = "announced",
		[ME_PASSIVE_DOCUMENTED] = "documented",
		[ME_PASSIVE_ANY] = "any",
	};
	char ports[ME_PORTS_LEN];

	for (size_t i = 0; i < rule->n_ports; i++) {
		me_ports_format(&rule->ports[i], ports);
		me_strbuf_addf(out, "%s%s", i ? ", " : "", ports);
	}
	if (rule->passive >= ME_PASSIVE_ANNOUNCED)
		me_strbuf_addf(out, ", passive %s", passive[rule->passive]);
	if (rule->retired)
		me_strbuf_adds(out, ", retired");
}
