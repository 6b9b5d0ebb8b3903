/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
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

/* Whether two rules say the same of a destination, whether it is retired aside. */
static bool same(const struct me_rule *a, const struct me_rule *b)
{
	return a->passive == b->passive && a->mode == b->mode &&
	       a->private_space == b->private_space && a->expect_ns == b->expect_ns &&
	       a->until_ns == b->until_ns &&
	       me_ports_cover(a->ports, a->n_ports, b->ports, b->n_ports) &&
	       me_ports_cover(b->ports, b->n_ports, a->ports, a->n_ports);
}

/* What happened to a destination that both list. */
static enum me_profile_change_kind compare_rules(const struct me_rule *before,
						 const struct me_rule *after)
{
	if (!same(before, after) || (before->retired && !after->retired))
		return ME_PROFILE_OTHERWISE;
	return before->retired == after->retired ? ME_PROFILE_SAME : ME_PROFILE_RETIRED;
}

const char *me_profile_change_label(enum me_profile_change_kind kind)
{
	static const char *const label[] = {
		[ME_PROFILE_SAME] = "same",           [ME_PROFILE_MORE] = "more",
		[ME_PROFILE_LESS] = "less",           [ME_PROFILE_RETIRED] = "retired",
		[ME_PROFILE_OTHERWISE] = "otherwise",
	};

	return label[kind];
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
		struct me_profile_change change = {
			.kind = order < 0 ? ME_PROFILE_LESS : ME_PROFILE_MORE,
			.to = order < 0 ? old[i].to : new[j].to,
			.before = order <= 0 ? old[i].rule : NULL,
			.after = order >= 0 ? new[j].rule : NULL,
		};

		if (!order)
			change.kind = compare_rules(change.before, change.after);
		if (change.kind != ME_PROFILE_SAME)
			changes[n++] = change;
		i += order <= 0;
		j += order >= 0;
	}
	*ret_changes = changes;
	*ret_n = n;
	return 0;
}

/* "1d", "90m": in the largest unit that divides it. */
static void add_duration(struct me_strbuf *out, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = {
		{24 * 3600 * ME_NS_PER_S, "d"}, {3600 * ME_NS_PER_S, "h"},
		{60 * ME_NS_PER_S, "m"},        {ME_NS_PER_S, "s"},
		{ME_NS_PER_MS, "ms"},
	};
	size_t i = 0;

	while (i < ME_ARRAY_SIZE(units) - 1 && ns % units[i].ns)
		i++;
	me_strbuf_addf(out, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].unit);
}

static void add_until(struct me_strbuf *out, uint64_t until_ns)
{
	char day[ME_RFC3339_LEN];

	me_clock_rfc3339(until_ns - 1, day);
	me_strbuf_addf(out, ", until %.10s", day);
}

const char *me_profile_passive_label(enum me_rule_passive passive)
{
	static const char *const label[] = {
		[ME_PASSIVE_ANNOUNCED] = "announced",
		[ME_PASSIVE_DOCUMENTED] = "documented",
		[ME_PASSIVE_ANY] = "any",
	};

	return label[passive];
}

void me_profile_describe(const struct me_rule *rule, struct me_strbuf *out)
{
	char ports[ME_PORTS_LEN];

	for (size_t i = 0; i < rule->n_ports; i++) {
		me_ports_format(&rule->ports[i], ports);
		me_strbuf_addf(out, "%s%s", i ? ", " : "", ports);
	}
	if (me_profile_passive_label(rule->passive))
		me_strbuf_addf(out, ", passive %s", me_profile_passive_label(rule->passive));
	if (rule->private_space)
		me_strbuf_adds(out, ", private");
	if (rule->has_mode)
		me_strbuf_addf(out, ", %s", me_mode_label(rule->mode));
	if (rule->expect_ns) {
		me_strbuf_adds(out, ", every ");
		add_duration(out, rule->expect_ns);
	}
	if (rule->until_ns)
		add_until(out, rule->until_ns);
	if (rule->retired)
		me_strbuf_adds(out, ", retired");
}
