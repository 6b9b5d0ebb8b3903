/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "policy/compile_blame.h"
#include "policy/compile_entries.h"
#include "policy/compile_targets.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

#define AT_LEN 4096

/* An entry before it has a rank. */
struct draft {
	struct me_entry entry;
	struct me_image_source source;
	uint32_t weight; /* among entries of one match the heavier is stronger */
	uint32_t number; /* in the order of creation: what targets name until ranks are known */
	bool from_profile;
};

struct work {
	const struct me_policy *policy;
	struct me_registry *registry;
	struct me_diagnostics *diagnostics;
	struct draft *drafts; /* [0] is unused */
	uint32_t n_drafts;
	struct me_targets targets;
};

/* The order of precedence. No two entries are equal: (rule, to) differ. */
static int compare_drafts(const void *left, const void *right)
{
	const struct draft *a = left, *b = right;

	if (a->entry.match != b->entry.match)
		return a->entry.match < b->entry.match ? -1 : 1;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	if (a->from_profile != b->from_profile)
		return a->from_profile ? 1 : -1;
	if (a->source.rule != b->source.rule)
		return a->source.rule < b->source.rule ? -1 : 1;
	return a->source.to < b->source.to ? -1 : a->source.to > b->source.to;
}

static enum me_match match_of(const struct me_policy *policy, const struct me_to *to)
{
	switch (to->kind) {
	case ME_TO_NAME:
		return ME_MATCH_NAME;
	case ME_TO_WILDCARD:
		return ME_MATCH_WILDCARD;
	case ME_TO_SUBTREE:
		return ME_MATCH_SUBTREE;
	case ME_TO_ADDRESS:
		return ME_MATCH_ADDRESS;
	case ME_TO_PREFIX:
		return to->bits == 128 ? ME_MATCH_ADDRESS : ME_MATCH_PREFIX;
	case ME_TO_PROXY:
		return policy->proxy.kind == ME_TO_NAME ? ME_MATCH_NAME : ME_MATCH_KEYWORD;
	case ME_TO_RESOLVERS:
	case ME_TO_PEERS:
		return ME_MATCH_KEYWORD;
	case ME_TO_ANY:
		return ME_MATCH_ANY;
	case ME_TO_LOCAL:
		break;
	}
	return ME_MATCH_LOCAL;
}

static uint32_t weight_of(enum me_match match, const struct me_to *to)
{
	if (match == ME_MATCH_SUBTREE)
		return (uint32_t)strlen(to->name);
	return match == ME_MATCH_PREFIX ? to->bits : 0;
}

/* Which data connections belong to an FTP rule (DESIGN, "The policy"). */
static uint8_t ftp_flags(enum me_rule_passive passive)
{
	switch (passive) {
	case ME_PASSIVE_DEFAULT:
		return ME_ENTRY_ANNOUNCED | ME_ENTRY_DOCUMENTED;
	case ME_PASSIVE_ANNOUNCED:
		return ME_ENTRY_ANNOUNCED;
	case ME_PASSIVE_DOCUMENTED:
		return ME_ENTRY_DOCUMENTED;
	case ME_PASSIVE_ANY:
		return ME_ENTRY_ANNOUNCED | ME_ENTRY_ANY_DATA;
	default:
		return 0;
	}
}

static uint8_t flags_of(const struct me_rule *rule)
{
	return (rule->retired ? ME_ENTRY_RETIRED : 0) |
	       (rule->private_space ? ME_ENTRY_PRIVATE : 0) | ftp_flags(rule->passive);
}

/* Diagnoses that endpoint ids have run out, naming the rules with the most endpoints. */
static int no_endpoint(const struct work *work)
{
	_cleanup_free_ uint32_t *shares = calloc(work->policy->n_rules, sizeof(*shares));

	if (!shares)
		return -ENOMEM;
	for (uint32_t i = 1; i < work->n_drafts; i++)
		shares[work->drafts[i].source.rule]++;
	me_compile_blame(work->diagnostics, work->policy, shares, "endpoints", "too-many-endpoints",
			 "more than %u endpoints since the start of the counts",
			 ME_ENDPOINTS_MAX - 1);
	return -EINVAL;
}

/* The stable ids of a rule, into `ret_entry`. */
static int identify_rule(struct work *work, const struct me_rule *rule, struct me_entry *ret_entry)
{
	char at[AT_LEN];
	uint32_t service, id;
	int r = me_registry_id(work->registry, ME_ID_SERVICE, rule->service, "", &service);

	if (r == -ENOSPC) {
		me_diagnostics_add(work->diagnostics, ME_ERROR, &rule->at, "too-many-services",
				   "service `%s` of rule %s is one more than the %u services that "
				   "can be counted apart",
				   rule->service, rule->slug, ME_SERVICES_MAX - ME_SERVICE_FIRST);
		return -EINVAL;
	}
	if (r == 0)
		r = me_registry_id(work->registry, ME_ID_RULE, rule->service, rule->slug, &id);
	if (r == -ENOSPC) {
		me_diagnostics_add(work->diagnostics, ME_ERROR, &rule->at, "too-many-rules",
				   "rule %s is one more than the %u rules that can be told apart",
				   rule->slug, ME_RULE_IDS_MAX - 1);
		return -EINVAL;
	}
	if (r < 0)
		return r;
	snprintf(at, sizeof(at), "%s:%u", rule->at.file ? rule->at.file : "", rule->at.line);
	r = me_registry_note(work->registry, id, at);
	if (r < 0)
		return r;
	*ret_entry = (struct me_entry){
		.rule = id,
		.service = (uint16_t)service,
		.flags = flags_of(rule),
	};
	return 0;
}

static int add_draft(struct work *work, const struct me_entry *of_rule, uint32_t rule_index,
		     uint32_t to_index, enum me_match match)
{
	const struct me_rule *rule = &work->policy->rules[rule_index];
	const struct me_to *to = &rule->to[to_index];
	bool by_address = match == ME_MATCH_ADDRESS || match == ME_MATCH_PREFIX;
	struct draft *draft = &work->drafts[work->n_drafts];
	uint32_t endpoint;
	int r = me_registry_id(work->registry, ME_ID_ENDPOINT, rule->service,
			       by_address ? rule->slug : to->text, &endpoint);

	if (r < 0)
		return r == -ENOSPC ? no_endpoint(work) : r;
	*draft = (struct draft){
		.entry = *of_rule,
		.source = {.rule = rule_index, .to = to_index},
		.weight = weight_of(match, to),
		.number = work->n_drafts++,
		.from_profile = rule->from_profile,
	};
	draft->entry.endpoint = endpoint;
	draft->entry.match = match;
	if (to->kind == ME_TO_PROXY)
		draft->entry.flags |= ME_ENTRY_PROXY;
	return 0;
}

static int add_rule(struct work *work, uint32_t rule_index)
{
	const struct me_rule *rule = &work->policy->rules[rule_index];
	uint32_t of_bits[129] = {0}; /* the entry of addresses (128) or prefixes of this length */
	struct me_entry of_rule;
	int r = identify_rule(work, rule, &of_rule);

	for (uint32_t i = 0; r == 0 && i < rule->n_to; i++) {
		const struct me_to *to = &rule->to[i];
		enum me_match match = match_of(work->policy, to);
		uint32_t alone = 0, *number = &alone;

		if (match == ME_MATCH_ADDRESS)
			number = &of_bits[128];
		else if (match == ME_MATCH_PREFIX)
			number = &of_bits[to->bits];
		if (!*number) {
			*number = work->n_drafts;
			r = add_draft(work, &of_rule, rule_index, i, match);
		}
		if (r == 0)
			r = me_targets_add_to(&work->targets, to, *number);
	}
	return r;
}

/* Sorts the drafts into ranks, and lets the targets name these. */
static int rank(struct work *work, struct me_entries *entries)
{
	_cleanup_free_ uint32_t *rank_of = calloc(work->n_drafts, sizeof(*rank_of));

	entries->list = calloc(work->n_drafts, sizeof(*entries->list));
	entries->sources = calloc(work->n_drafts, sizeof(*entries->sources));
	if (!rank_of || !entries->list || !entries->sources)
		return -ENOMEM;
	qsort(work->drafts + 1, work->n_drafts - 1, sizeof(*work->drafts), compare_drafts);
	for (uint32_t i = 1; i < work->n_drafts; i++) {
		rank_of[work->drafts[i].number] = i;
		entries->list[i] = work->drafts[i].entry;
		entries->sources[i] = work->drafts[i].source;
	}
	entries->count = work->n_drafts;
	for (size_t i = 0; i < work->targets.count; i++)
		work->targets.list[i].entry = rank_of[work->targets.list[i].entry];
	me_targets_sort(&work->targets);
	entries->targets = me_steal_ptr(&work->targets.list);
	entries->n_targets = work->targets.count;
	return 0;
}

static int build(struct work *work, const struct me_environment *environment,
		 struct me_entries *entries)
{
	const struct me_policy *policy = work->policy;
	size_t most = 1;
	int r = me_targets_start(&work->targets, policy, environment);

	for (size_t i = 0; i < policy->n_rules; i++)
		most += policy->rules[i].n_to;
	work->n_drafts = 1;
	work->drafts = calloc(most, sizeof(*work->drafts));
	if (!work->drafts)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < policy->n_rules; i++) {
		if (!me_rule_expired(&policy->rules[i], environment->now_epoch_ns))
			r = add_rule(work, i);
	}
	return r < 0 ? r : rank(work, entries);
}

int me_compile_entries(const struct me_policy *policy, const struct me_environment *environment,
		       struct me_registry *registry, struct me_diagnostics *diagnostics,
		       struct me_entries *ret_entries)
{
	struct work work = {
		.policy = policy,
		.registry = registry,
		.diagnostics = diagnostics,
	};
	int r = build(&work, environment, ret_entries);

	me_targets_free(&work.targets);
	free(work.drafts);
	return r;
}

void me_entries_free(struct me_entries *entries)
{
	free(entries->list);
	free(entries->sources);
	free(entries->targets);
	*entries = (struct me_entries){0};
}
