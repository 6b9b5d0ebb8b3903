/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/ports.h"

#define COMPARE_MAX 16u /* stronger rules of one destination that each rule is compared with */

/* A destination of a rule; the rules are in the order of their strength. */
struct use {
	const struct me_rule *rule;
	const struct me_to *to;
};

static int compare_addresses(const struct me_to *a, const struct me_to *b)
{
	int order = memcmp(a->address.byte, b->address.byte, sizeof(a->address.byte));

	return order ? order : a->bits < b->bits ? -1 : a->bits > b->bits;
}

static bool is_address(const struct me_to *to)
{
	return to->kind == ME_TO_ADDRESS || to->kind == ME_TO_PREFIX;
}

/* Addresses and prefixes first, the wider before what lies in it; then the rest by text. */
static int compare_destinations(const struct me_to *a, const struct me_to *b)
{
	if (is_address(a) != is_address(b))
		return is_address(a) ? -1 : 1;
	return is_address(a) ? compare_addresses(a, b) : strcmp(a->text, b->text);
}

static int compare(const void *left, const void *right)
{
	const struct use *a = left, *b = right;
	int order = compare_destinations(a->to, b->to);

	if (!order)
		order = a->rule < b->rule ? -1 : a->rule > b->rule;
	return order ? order : a->to < b->to ? -1 : a->to > b->to;
}

static bool contains(const struct me_to *prefix, const struct me_to *to)
{
	unsigned int bytes = prefix->bits / 8, bits = prefix->bits % 8;

	if (!is_address(to) || to->bits < prefix->bits ||
	    memcmp(prefix->address.byte, to->address.byte, bytes) != 0)
		return false;
	return !bits || !((prefix->address.byte[bytes] ^ to->address.byte[bytes]) >> (8 - bits));
}

/* Whether `weaker` adds nothing to `stronger`, as long as it holds. */
static bool covers(const struct me_linter *linter, const struct me_rule *stronger,
		   const struct me_rule *weaker)
{
	if (stronger == weaker)
		return true;
	if (me_rule_expired(stronger, linter->now_epoch_ns) ||
	    (stronger->until_ns && (!weaker->until_ns || weaker->until_ns > stronger->until_ns)))
		return false;
	return me_ports_cover(stronger->ports, stronger->n_ports, weaker->ports, weaker->n_ports);
}

static void tell_covered(struct me_linter *linter, const struct use *stronger,
			 const struct use *use)
{
	const struct me_place *by = &stronger->to->at;

	if (stronger->rule == use->rule)
		me_lint_tell(linter, &use->to->at, "redundant",
			     "`%s` a second time in `%s`, first at line %u", use->to->text,
			     use->rule->slug, by->line);
	else
		me_lint_tell(linter, &use->to->at, "shadowed",
			     "`%s` of `%s` never decides: `%s` at %s:%u has its ports already",
			     use->to->text, use->rule->slug, stronger->rule->slug,
			     by->file ? by->file : "?", by->line);
}

/* `uses[0 … n)` are of the same destination. */
static void lint_same(struct me_linter *linter, const struct use *uses, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (me_rule_expired(uses[i].rule, linter->now_epoch_ns))
			continue; /* told already */
		for (size_t j = 0; j < i && j < COMPARE_MAX; j++) {
			if (!covers(linter, uses[j].rule, uses[i].rule))
				continue;
			tell_covered(linter, &uses[j], &uses[i]);
			break;
		}
	}
}

/* The nearest prefix of the same rule around each destination; `uses` are sorted. */
static void lint_inside(struct me_linter *linter, const struct use *uses, size_t n)
{
	const struct use *around[129]; /* nested prefixes: one of each length at the most */
	size_t depth = 0;

	for (size_t i = 0; i < n && is_address(uses[i].to); i++) {
		while (depth && !contains(around[depth - 1]->to, uses[i].to))
			depth--;
		if (depth && !compare_destinations(around[depth - 1]->to, uses[i].to))
			continue;
		for (size_t j = depth; j > 0; j--) {
			if (around[j - 1]->rule != uses[i].rule)
				continue;
			me_lint_tell(linter, &uses[i].to->at, "redundant",
				     "`%s` lies inside `%s` at line %u of the same rule",
				     uses[i].to->text, around[j - 1]->to->text,
				     around[j - 1]->to->at.line);
			break;
		}
		around[depth++] = &uses[i];
	}
}

int me_lint_overlap(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;
	_cleanup_free_ struct use *uses = NULL;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		n += policy->rules[i].n_to;
	uses = calloc(n + 1, sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < policy->n_rules; i++) {
		for (size_t j = 0; j < policy->rules[i].n_to; j++)
			uses[n++] = (struct use){&policy->rules[i], &policy->rules[i].to[j]};
	}
	qsort(uses, n, sizeof(*uses), compare);
	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		while (end < n && !compare_destinations(uses[i].to, uses[end].to))
			end++;
		lint_same(linter, uses + i, end - i);
	}
	lint_inside(linter, uses, n);
	return 0;
}
