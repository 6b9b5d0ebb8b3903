/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/ports.h"

/* Port slots (mewatch/image.h), both included. */
struct range {
	uint32_t first, last;
};

static struct range slots(const struct me_ports *ports)
{
	return (struct range){me_slot(ports->proto, ports->low),
			      me_slot(ports->proto, ports->high)};
}

static bool has_any(const struct me_rule *rule)
{
	for (size_t i = 0; i < rule->n_to; i++)
		if (rule->to[i].kind == ME_TO_ANY)
			return true;
	return false;
}

/* Whether the rule means that its ports are for these destinations and nobody else. */
static bool restricts(const struct me_linter *linter, const struct me_rule *rule)
{
	if (me_rule_expired(rule, linter->now_epoch_ns) || has_any(rule))
		return false;
	for (size_t i = 0; i < rule->n_to; i++)
		if (rule->to[i].kind != ME_TO_ADDRESS && rule->to[i].kind != ME_TO_PREFIX)
			return true;
	return false;
}

/* Of the ranges that such rules have from each slot on, the end of the one that ends first. */
static uint32_t *find_ends(const struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	uint32_t *ends = malloc(ME_SLOT_COUNT * sizeof(*ends));

	if (!ends)
		return NULL;
	memset(ends, 0xff, ME_SLOT_COUNT * sizeof(*ends)); /* none */
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];
		size_t n = restricts(linter, rule) ? rule->n_ports : 0;

		for (size_t k = 0; k < n; k++) {
			struct range range = slots(&rule->ports[k]);

			if (range.last < ends[range.first])
				ends[range.first] = range.last;
		}
	}
	for (uint32_t slot = ME_SLOT_COUNT - 1; slot-- > 0;)
		if (ends[slot + 1] < ends[slot])
			ends[slot] = ends[slot + 1];
	return ends;
}

/* The first range inside of `around` that a rule has for its own, and that rule. */
static const struct me_ports *find_inside(const struct me_linter *linter, struct range around,
					  const struct me_rule **ret_rule)
{
	const struct me_policy *policy = linter->policy;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];
		size_t n = restricts(linter, rule) ? rule->n_ports : 0;

		for (size_t k = 0; k < n; k++) {
			struct range range = slots(&rule->ports[k]);

			if (range.first < around.first || range.last > around.last)
				continue;
			*ret_rule = rule;
			return &rule->ports[k];
		}
	}
	return NULL;
}

static void tell(struct me_linter *linter, const struct me_rule *rule, struct range range)
{
	const struct me_rule *other = NULL;
	const struct me_ports *ports = NULL;
	char text[ME_PORTS_LEN];
	size_t i = 0;

	while (rule->to[i].kind != ME_TO_ANY)
		i++;
	if (!me_diagnostics_full(linter->diagnostics))
		ports = find_inside(linter, range, &other);
	if (ports)
		me_ports_format(ports, text);
	me_lint_tell(linter, &rule->to[i].at, "over-broad",
		     "`any` with %s: `%s` has that for its destinations alone",
		     ports ? text : "these ports", ports ? other->slug : "another rule");
}

static void lint_rule(struct me_linter *linter, const struct me_rule *rule, const uint32_t *ends)
{
	for (size_t k = 0; k < rule->n_ports; k++) {
		struct range range = slots(&rule->ports[k]);

		if (ends[range.first] > range.last)
			continue;
		tell(linter, rule, range);
		return;
	}
}

int me_lint_any(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	_cleanup_free_ uint32_t *ends = NULL;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (!has_any(rule) || me_rule_expired(rule, linter->now_epoch_ns) ||
		    me_lint_every_port(rule))
			continue;
		if (!ends)
			ends = find_ends(linter);
		if (!ends)
			return -ENOMEM;
		lint_rule(linter, rule, ends);
	}
	return 0;
}
