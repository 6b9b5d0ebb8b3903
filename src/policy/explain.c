/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/ports.h"
#include "policy/registry.h"

struct question {
	const struct me_policy *policy;
	const struct me_environment *environment;
	const struct me_image *image;
	const struct me_query *query;
	enum me_addr_kind kind;
	const struct me_dest *dest;
	bool local;
};

const char *me_role_label(enum me_role role)
{
#define ME_PICK(constant, label) label,
	static const char *const labels[] = {ME_ROLE_LIST(ME_PICK)};
#undef ME_PICK

	return labels[role];
}

static bool covers_address(const struct question *q, const struct me_to *to)
{
	if (*q->query->name)
		return false;
	if (to->kind == ME_TO_ADDRESS)
		return me_addr_equal(&q->query->address, &to->address);
	return to->kind == ME_TO_PREFIX && me_addr_in(&q->query->address, &to->address, to->bits);
}

/* The destination of `rule` that covers the address with the strength of `like`, or NULL. */
static const struct me_to *find_address(const struct question *q, const struct me_rule *rule,
					const struct me_to *like)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		if (rule->to[i].bits == like->bits && covers_address(q, &rule->to[i]))
			return &rule->to[i];
	}
	return NULL;
}

static bool is_special(const struct question *q, enum me_to_kind kind)
{
	uint32_t flags = q->dest ? q->dest->flags : 0;

	if (*q->query->name)
		return false;
	return (kind == ME_TO_RESOLVERS && (flags & ME_DEST_RESOLVER)) ||
	       (kind == ME_TO_PROXY && (flags & ME_DEST_PROXY)) ||
	       (kind == ME_TO_PEERS && (flags & ME_DEST_PEER));
}

/* The destination through which the entry covers what is asked, whatever the ports; or NULL. */
static const struct me_to *find_covering(const struct question *q, uint32_t rank)
{
	const struct me_entry *entry = &q->image->entries[rank];
	const struct me_image_source *source = &q->image->sources[rank];
	const struct me_rule *rule = &q->policy->rules[source->rule];
	const struct me_to *to = &rule->to[source->to];
	bool covers = false;

	switch (entry->match) {
	case ME_MATCH_NAME:
	case ME_MATCH_WILDCARD:
	case ME_MATCH_SUBTREE:
		covers = me_image_name_covers(me_image_name(q->image, entry->endpoint),
					      q->query->name);
		break;
	case ME_MATCH_ADDRESS:
	case ME_MATCH_PREFIX:
		return find_address(q, rule, to);
	case ME_MATCH_KEYWORD:
		covers = is_special(q, to->kind);
		break;
	case ME_MATCH_ANY:
		covers = q->kind == ME_ADDR_GLOBAL;
		break;
	case ME_MATCH_LOCAL:
		covers = q->local;
		break;
	}
	return covers ? to : NULL;
}

/* Whether a wildcard has the name's end, but stands for another number of labels. */
static bool is_other_depth(const struct question *q, uint32_t rank)
{
	const struct me_entry *entry = &q->image->entries[rank];
	struct me_image_name below;
	const struct me_image_name *name;

	if (!*q->query->name || entry->match == ME_MATCH_NAME || entry->match > ME_MATCH_SUBTREE)
		return false;
	name = me_image_name(q->image, entry->endpoint);
	below = *name;
	below.match = ME_MATCH_SUBTREE;
	return me_image_name_covers(&below, q->query->name) ||
	       strcmp(q->query->name, name->name) == 0;
}

static bool has_port(const struct question *q, const struct me_rule *rule)
{
	return me_ports_have(rule->ports, rule->n_ports, q->query->proto, q->query->port);
}

static void add_other(struct me_explanation *explanation, enum me_role role,
		      const struct me_rule *rule, const struct me_to *to)
{
	if (explanation->n_others == ME_EXPLAIN_OTHERS_MAX)
		explanation->n_untold++;
	else
		explanation->others[explanation->n_others++] = (struct me_other){role, rule, to};
}

/* Entries of `role`, strongest first. `decides` is the rank of the entry that decides, or 0. */
static void add_entries(const struct question *q, struct me_explanation *explanation,
			enum me_role role, uint32_t decides)
{
	for (uint32_t rank = 1; rank < q->image->head->entries; rank++) {
		const struct me_image_source *source = &q->image->sources[rank];
		const struct me_rule *rule = &q->policy->rules[source->rule];
		const struct me_to *to = find_covering(q, rank);
		bool passed = q->local && q->image->entries[rank].match != ME_MATCH_LOCAL;
		bool port = has_port(q, rule), fits = false;

		if (rank == decides)
			continue;
		switch (role) {
		case ME_ROLE_WEAKER:
			fits = to && port && !passed;
			break;
		case ME_ROLE_PASSED:
			fits = to && port && passed;
			break;
		case ME_ROLE_PORTS:
			fits = to && !port && !passed;
			break;
		case ME_ROLE_DEPTH:
			fits = !to && port && is_other_depth(q, rank);
			break;
		case ME_ROLE_WAITED:
			fits = !to && port && q->image->entries[rank].match <= ME_MATCH_SUBTREE;
			break;
		default:
			break;
		}
		if (fits)
			add_other(explanation, role, rule, to ? to : &rule->to[source->to]);
	}
}

/* The same for a destination as it is written: a rule that is over has no entry. */
static bool would_cover(const struct question *q, const struct me_to *to)
{
	const struct me_image_name name = {
		.match = (uint8_t)(ME_MATCH_NAME + (to->kind - ME_TO_NAME)),
		.name = to->name,
	};

	if (to->name)
		return me_image_name_covers(&name, q->query->name);
	if (to->kind == ME_TO_ANY)
		return q->kind == ME_ADDR_GLOBAL && !q->local;
	return covers_address(q, to) || is_special(q, to->kind);
}

static void add_expired(const struct question *q, struct me_explanation *explanation)
{
	for (size_t i = 0; i < q->policy->n_rules; i++) {
		const struct me_rule *rule = &q->policy->rules[i];

		if (!me_rule_expired(rule, q->environment->now_epoch_ns) || !has_port(q, rule))
			continue;
		for (size_t k = 0; k < rule->n_to; k++) {
			if (would_cover(q, &rule->to[k]))
				add_other(explanation, ME_ROLE_EXPIRED, rule, &rule->to[k]);
		}
	}
}

/* Judges, and returns the rank of the entry that decides. 0 or -ENOMEM. */
static int judge(const struct question *q, struct me_explanation *explanation, uint32_t *ret_rank)
{
	_cleanup_free_ struct me_learned_endpoint *learned = NULL;
	const struct me_facts facts = {
		.dst = q->query->address,
		.dport = q->query->port,
		.proto = q->query->proto,
		.flags = explanation->own ? ME_FACT_OWN : 0,
	};
	size_t n = 0;

	learned = calloc(q->image->n_names + 1, sizeof(*learned));
	if (!learned)
		return -ENOMEM;
	for (size_t i = 0; i < q->image->n_names; i++) {
		const struct me_image_name *name = &q->image->names[i];

		if (me_image_name_covers(name, q->query->name))
			learned[n++] =
				(struct me_learned_endpoint){name->endpoint, ME_EVIDENCE_LEARNED};
	}
	me_image_judge_as(q->image, &facts, q->kind, q->dest, NULL, 0, &explanation->before);
	*ret_rank = me_image_judge_as(q->image, &facts, q->kind, q->dest, learned, n,
				      &explanation->judgement);
	return 0;
}

/* What stays on the link is nobody's attempt, and the judge is not asked. */
static bool is_link(const struct question *q)
{
	return q->kind == ME_ADDR_LINK && !q->local;
}

static const char *service_name(const struct me_registry *registry, uint32_t id)
{
	return me_registry_get(registry, ME_ID_SERVICE, id)->service;
}

static void describe(const struct question *q, const struct me_registry *registry, uint32_t rank,
		     struct me_explanation *explanation)
{
	const struct me_judgement *j = &explanation->judgement;

	explanation->service = service_name(registry, j->service);
	if (!rank)
		return;
	explanation->endpoint = me_registry_get(registry, ME_ID_ENDPOINT, j->endpoint)->text;
	explanation->rule = &q->policy->rules[q->image->sources[rank].rule];
	explanation->to = find_covering(q, rank);
}

static void add_others(const struct question *q, struct me_explanation *explanation, uint32_t rank)
{
	uint8_t verdict = explanation->judgement.verdict;

	add_entries(q, explanation, ME_ROLE_WEAKER, rank);
	add_entries(q, explanation, ME_ROLE_PASSED, rank);
	if (verdict == ME_VIOLATION || verdict == ME_PENDING) {
		add_entries(q, explanation, ME_ROLE_PORTS, rank);
		add_entries(q, explanation, ME_ROLE_DEPTH, rank);
		add_expired(q, explanation);
	}
	if (verdict == ME_PENDING && !*q->query->name)
		add_entries(q, explanation, ME_ROLE_WAITED, rank);
}

int me_explain(const struct me_policy *policy, const struct me_environment *environment,
	       const struct me_image *image, const struct me_registry *registry,
	       const struct me_query *query, bool own, struct me_explanation *ret_explanation)
{
	struct question q = {
		.policy = policy,
		.environment = environment,
		.image = image,
		.query = query,
		.kind = *query->name ? ME_ADDR_GLOBAL : me_addr_kind(&query->address),
		.dest = *query->name ? NULL : me_image_lookup(image, &query->address),
	};
	struct me_explanation explanation = {.query = *query, .own = own};
	uint32_t rank;
	int r;

	q.local = me_judge_is_local(q.kind, own ? ME_FACT_OWN : 0);
	if (is_link(&q)) {
		explanation.judgement.verdict = ME_LOCAL;
		explanation.judgement.service = ME_SERVICE_LINK;
		explanation.before = explanation.judgement;
		explanation.service = service_name(registry, ME_SERVICE_LINK);
		*ret_explanation = explanation;
		return 0;
	}
	r = judge(&q, &explanation, &rank);
	if (r < 0)
		return r;
	describe(&q, registry, rank, &explanation);
	add_others(&q, &explanation, rank);
	*ret_explanation = explanation;
	return 0;
}
