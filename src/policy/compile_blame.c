/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/strbuf.h"
#include "policy/compile_blame.h"
#include "policy/diagnostics.h"

#define NAMED_MAX 3u

/* The rule with the largest share that is not 0 and comes after `before` in the order of shares. */
static const struct me_rule *next_largest(const struct me_policy *policy, const uint32_t *shares,
					  const struct me_rule *before)
{
	size_t best = policy->n_rules, last = before ? (size_t)(before - policy->rules) : 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		bool told = before &&
			    (shares[i] > shares[last] || (shares[i] == shares[last] && i <= last));

		if (shares[i] && !told && (best == policy->n_rules || shares[i] > shares[best]))
			best = i;
	}
	return best < policy->n_rules ? &policy->rules[best] : NULL;
}

void me_compile_blame(struct me_diagnostics *diagnostics, const struct me_policy *policy,
		      const uint32_t *shares, const char *unit, const char *kind,
		      const char *format, ...)
{
	const struct me_rule *first = next_largest(policy, shares, NULL), *rule = first;
	_cleanup_strbuf_ struct me_strbuf names = {0};
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (unsigned int i = 0; rule && i < NAMED_MAX; i++) {
		me_strbuf_addf(&names, "%s%s (%s:%u: %u %s)", i ? ", " : "; the most by ",
			       rule->slug, rule->at.file ? rule->at.file : "", rule->at.line,
			       shares[rule - policy->rules], unit);
		rule = next_largest(policy, shares, rule);
	}
	me_diagnostics_add(diagnostics, ME_ERROR, first ? &first->at : NULL, kind, "%s%s", text,
			   names.data ? names.data : "");
}
