/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/explain.h"
#include "policy/explain_cover.h"
#include "policy/policy.h"
#include "policy/ports.h"
#include "policy/registry.h"

const char *me_role_label(enum me_role role)
{
#define ME_PICK(constant, label) label,
	static const char *const labels[] = {ME_ROLE_LIST(ME_PICK)};
#undef ME_PICK

	return labels[role];
}

static bool has_port(const struct me_question *q, const struct me_rule *rule)
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
static void add_entries(const struct me_question *q, struct me_explanation *explanation,
			enum me_role role, uint32_t decides)
{
	for (uint32_t rank = 1; rank < q->image->head->entries; rank++) {
		const struct me_image_source *source = &q->image->sources[rank];
		const struct me_rule *rule = &q->policy->rules[source->rule];
		const struct me_to *to = me_question_covering(q, rank);
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
			fits = !to && port && me_question_other_depth(q, &rule->to[source->to]);
			break;
		case ME_ROLE_RECURSIVE:
			fits = !to && port && me_question_recursive(q, &rule->to[source->to]);
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

static void add_expired(const struct me_question *q, struct me_explanation *explanation)
{
	for (size_t i = 0; i < q->policy->n_rules; i++) {
		const struct me_rule *rule = &q->policy->rules[i];

		if (!me_rule_expired(rule, q->environment->now_epoch_ns) || !has_port(q, rule))
			continue;
		for (size_t k = 0; k < rule->n_to; k++) {
			if (me_question_would_cover(q, &rule->to[k]))
				add_other(explanation, ME_ROLE_EXPIRED, rule, &rule->to[k]);
		}
	}
}

/* What an answer for the name would be learned for. -EINVAL: no message can carry the name. */
static int learn(const struct me_question *q,
		 struct me_learned_endpoint ret_learned[ME_NAME_ENDPOINTS], size_t *ret_n)
{
	struct me_named named = {0};
	struct me_name name;

	if (*q->query->name) {
		if (me_name_from_text(q->query->name, &name) < 0)
			return -EINVAL;
		me_image_names_find(q->image, &name, &named);
	}
	for (uint32_t i = 0; i < named.n; i++)
		ret_learned[i] =
			(struct me_learned_endpoint){named.endpoint[i], ME_EVIDENCE_LEARNED};
	*ret_n = named.n;
	return 0;
}

/* Judges, and returns the rank of the entry that decides. 0 or -EINVAL. */
static int judge(const struct me_question *q, struct me_explanation *explanation,
		 uint32_t *ret_rank)
{
	struct me_learned_endpoint learned[ME_NAME_ENDPOINTS];
	const struct me_facts facts = {
		.dst = q->query->address,
		.dport = q->query->port,
		.proto = q->query->proto,
		.flags = explanation->flags,
	};
	size_t n;
	int r = learn(q, learned, &n);

	if (r < 0)
		return r;
	me_image_judge_as(q->image, &facts, q->kind, q->dest, NULL, 0, &explanation->before);
	*ret_rank = me_image_judge_as(q->image, &facts, q->kind, q->dest, learned, n,
				      &explanation->judgement);
	return 0;
}

/* What stays on the link is nobody's attempt, and the judge is not asked. */
static bool is_link(const struct me_question *q)
{
	return q->kind == ME_ADDR_LINK && !q->local;
}

static const char *service_name(const struct me_registry *registry, uint32_t id)
{
	return me_registry_get(registry, ME_ID_SERVICE, id)->service;
}

static void describe(const struct me_question *q, const struct me_registry *registry, uint32_t rank,
		     struct me_explanation *explanation)
{
	const struct me_judgement *j = &explanation->judgement;

	explanation->service = service_name(registry, j->service);
	if (!rank)
		return;
	explanation->endpoint = me_registry_get(registry, ME_ID_ENDPOINT, j->endpoint)->text;
	explanation->rule = &q->policy->rules[q->image->sources[rank].rule];
	explanation->to = me_question_covering(q, rank);
}

static void add_others(const struct me_question *q, struct me_explanation *explanation,
		       uint32_t rank)
{
	uint8_t verdict = explanation->judgement.verdict;

	add_entries(q, explanation, ME_ROLE_WEAKER, rank);
	add_entries(q, explanation, ME_ROLE_PASSED, rank);
	if (verdict == ME_VIOLATION || verdict == ME_PENDING) {
		add_entries(q, explanation, ME_ROLE_PORTS, rank);
		add_entries(q, explanation, ME_ROLE_DEPTH, rank);
		add_entries(q, explanation, ME_ROLE_RECURSIVE, rank);
		add_expired(q, explanation);
	}
	if (verdict == ME_PENDING && !*q->query->name)
		add_entries(q, explanation, ME_ROLE_WAITED, rank);
}

int me_explain(const struct me_policy *policy, const struct me_environment *environment,
	       const struct me_image *image, const struct me_registry *registry,
	       const struct me_query *query, uint8_t flags, struct me_explanation *ret_explanation)
{
	struct me_question q = {
		.policy = policy,
		.environment = environment,
		.image = image,
		.query = query,
		.flags = flags,
		.kind = *query->name ? ME_ADDR_GLOBAL : me_addr_kind(&query->address),
		.dest = *query->name ? NULL : me_image_lookup(image, &query->address),
	};
	struct me_explanation explanation = {.query = *query, .flags = flags};
	uint32_t rank;
	int r;

	q.local = me_judge_is_local(q.kind, flags);
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
