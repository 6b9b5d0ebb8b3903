/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include "policy/ports.h"

#define COMPARE_MAX 256u /* rules with a mode that are compared, each with those before it */

/* The first of the rule's ports that both name, or NULL: the bounds of the ranges tell. */
static const struct me_ports *shared(const struct me_rule *rule, const struct me_rule *other,
				     uint16_t *ret_port)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct me_ports *a = &rule->ports[i];

		for (size_t k = 0; k < other->n_ports; k++) {
			const struct me_ports *b = &other->ports[k];

			if (a->proto != b->proto || a->low > b->high || b->low > a->high)
				continue;
			*ret_port = a->low > b->low ? a->low : b->low;
			return a;
		}
	}
	return NULL;
}

static void compare(struct me_linter *linter, const struct me_rule *rule,
		    const struct me_rule *before)
{
	const struct me_ports *ports;
	struct me_ports one;
	char text[ME_PORTS_LEN];
	uint16_t port;

	if (before->mode == rule->mode)
		return;
	ports = shared(rule, before, &port);
	if (!ports)
		return;
	one = (struct me_ports){ports->proto, port, port};
	me_ports_format(&one, text);
	me_lint_tell(linter, &rule->at, "mode-taken",
		     "`mode: %s` does not hold for %s: `%s` names it first, with `mode: %s`",
		     me_mode_label(rule->mode), text, before->slug, me_mode_label(before->mode));
}

void me_lint_modes(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	const struct me_rule *with[COMPARE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules && n < COMPARE_MAX; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (!rule->has_mode || me_rule_expired(rule, linter->now_epoch_ns))
			continue;
		for (size_t k = 0; k < n; k++)
			compare(linter, rule, with[k]);
		with[n++] = rule;
	}
}
