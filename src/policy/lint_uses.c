/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/uses.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/strbuf.h"
#include "policy/lint.h"

#define SPAN_LEN 32

/* "91 days", "30 hours", "5 minutes". */
static const char *span(uint64_t from_ns, uint64_t to_ns, char out[SPAN_LEN])
{
	uint64_t minutes = to_ns > from_ns ? (to_ns - from_ns) / (60 * ME_NS_PER_S) : 0;

	if (minutes >= 2 * 24 * 60)
		snprintf(out, SPAN_LEN, "%llu days", (unsigned long long)(minutes / (24 * 60)));
	else if (minutes >= 2 * 60)
		snprintf(out, SPAN_LEN, "%llu hours", (unsigned long long)(minutes / 60));
	else
		snprintf(out, SPAN_LEN, "%llu minutes", (unsigned long long)minutes);
	return out;
}

static bool is_address(const struct me_to *to)
{
	return to->kind == ME_TO_ADDRESS || to->kind == ME_TO_PREFIX;
}

/* Whether no flow can have it for its endpoint; what is odd about that is told elsewhere. */
static bool never_decides(const struct me_policy *policy, const struct me_to *to)
{
	switch (to->kind) {
	case ME_TO_LOCAL:
		return !policy->n_cgroups; /* in transit nothing is local */
	case ME_TO_PROXY:
		return !policy->has_proxy;
	case ME_TO_PEERS:
		return !policy->n_peers;
	default:
		return false;
	}
}

/* "`x/a.example`", or "`a.example` of `x/updates`" where that is not what the rule is called after. */
static void describe(const struct me_rule *rule, const struct me_to *to, struct me_strbuf *out)
{
	const char *called = strchr(rule->slug, '/');

	if (called && !strcmp(called + 1, to->text))
		me_strbuf_addf(out, "`%s`", rule->slug);
	else if (is_address(to))
		me_strbuf_addf(out, "the addresses of `%s`", rule->slug);
	else
		me_strbuf_addf(out, "`%s` of `%s`", to->text, rule->slug);
}

static void tell_unused(struct me_linter *linter, const struct me_rule *rule,
			const struct me_to *to, const struct me_use *use)
{
	const char *more = rule->retired ? ", which is retired: it can go (`remove:`)" : "";
	_cleanup_strbuf_ struct me_strbuf what = {0};
	char since[ME_RFC3339_LEN], long_for[SPAN_LEN];

	describe(rule, to, &what);
	me_clock_rfc3339(use->since_ns, since);
	span(use->since_ns, linter->now_epoch_ns, long_for);
	me_lint_tell(linter, &to->at, "never-used", "not used in the %s since %.10s: %s%s",
		     long_for, since, what.err ? "?" : what.data, more);
}

/* The use is the site's own doing, wherever the entry stands. */
static void tell_retired(struct me_linter *linter, const struct me_rule *rule,
			 const struct me_to *to, const struct me_use *use)
{
	_cleanup_strbuf_ struct me_strbuf what = {0};
	char last[ME_RFC3339_LEN];

	describe(rule, to, &what);
	me_clock_rfc3339(use->attempt_ns, last);
	me_diagnostics_add(linter->diagnostics, ME_FINDING, &to->at, "retired-used",
			   "retired, and used on %.10s: %s", last, what.err ? "?" : what.data);
}

/* Returns how many of its endpoints are not among the uses. */
static size_t lint_rule(struct me_linter *linter, const struct me_uses *uses,
			const struct me_rule *rule)
{
	bool addresses = false; /* all of a rule are one endpoint */
	size_t unknown = 0;

	for (size_t i = 0; i < rule->n_to; i++) {
		const struct me_to *to = &rule->to[i];
		const struct me_use *use;

		if ((is_address(to) && addresses) || never_decides(linter->policy, to))
			continue;
		addresses = addresses || is_address(to);
		use = me_uses_find(uses, rule->service, is_address(to) ? rule->slug : to->text);
		if (!use)
			unknown++;
		else if (!use->attempt_ns)
			tell_unused(linter, rule, to, use);
		else if (rule->retired)
			tell_retired(linter, rule, to, use);
	}
	return unknown;
}

static void tell_unknown(struct me_linter *linter, size_t unknown)
{
	const struct me_place whole = {.file = linter->policy->path};

	me_diagnostics_add(linter->diagnostics, ME_NOTE, &whole, "not-in-state",
			   "%zu entries were in no policy of the daemon yet: nothing is known of "
			   "their use",
			   unknown);
}

void me_lint_uses(const struct me_policy *policy, const struct me_uses *uses, uint64_t now_epoch_ns,
		  struct me_diagnostics *diagnostics)
{
	struct me_linter linter = {policy, now_epoch_ns, diagnostics};
	size_t unknown = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		if (!me_rule_expired(&policy->rules[i], now_epoch_ns))
			unknown += lint_rule(&linter, uses, &policy->rules[i]);
	if (unknown)
		tell_unknown(&linter, unknown);
}
