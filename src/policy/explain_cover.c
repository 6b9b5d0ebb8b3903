/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include "policy/explain_cover.h"
#include "policy/policy.h"

/* The name that a destination stands for, without `*.` or `**.`; NULL: it is none. */
static const char *name_of(const struct me_question *q, const struct me_to *to)
{
	return to->kind == ME_TO_PROXY ? q->policy->proxy.name : to->name;
}

/* Whether the name that is asked for ends in `suffix`, with at least one label more. */
static bool is_below(const struct me_question *q, const char *suffix)
{
	const char *name = q->query->name;
	size_t length = strlen(name), end = strlen(suffix);

	return length > end + 1 && name[length - end - 1] == '.' &&
	       strcmp(name + length - end, suffix) == 0;
}

static bool covers_name(const struct me_question *q, const struct me_to *to)
{
	const char *suffix = name_of(q, to), *name = q->query->name;

	if (!suffix)
		return false;
	if (to->kind != ME_TO_WILDCARD && to->kind != ME_TO_SUBTREE)
		return strcmp(name, suffix) == 0;
	return is_below(q, suffix) &&
	       (to->kind == ME_TO_SUBTREE || strcmp(strchr(name, '.') + 1, suffix) == 0);
}

static bool covers_address(const struct me_question *q, const struct me_to *to)
{
	if (*q->query->name)
		return false;
	if (to->kind == ME_TO_ADDRESS)
		return me_addr_equal(&q->query->address, &to->address);
	return to->kind == ME_TO_PREFIX && me_addr_in(&q->query->address, &to->address, to->bits);
}

/* The destination of `rule` that covers the address with the strength of `like`, or NULL. */
static const struct me_to *find_address(const struct me_question *q, const struct me_rule *rule,
					const struct me_to *like)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		if (rule->to[i].bits == like->bits && covers_address(q, &rule->to[i]))
			return &rule->to[i];
	}
	return NULL;
}

static bool is_special(const struct me_question *q, enum me_to_kind kind)
{
	uint32_t flags = q->dest ? q->dest->flags : 0;

	if (kind == ME_TO_RESOLVERS && me_judge_is_recursive(q->kind, q->flags))
		return true;
	if (*q->query->name)
		return false;
	return (kind == ME_TO_RESOLVERS && (flags & ME_DEST_RESOLVER)) ||
	       (kind == ME_TO_PROXY && (flags & ME_DEST_PROXY)) ||
	       (kind == ME_TO_PEERS && (flags & ME_DEST_PEER));
}

const struct me_to *me_question_covering(const struct me_question *q, uint32_t rank)
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
		covers = covers_name(q, to);
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

bool me_question_other_depth(const struct me_question *q, const struct me_to *to)
{
	if (to->kind != ME_TO_WILDCARD && to->kind != ME_TO_SUBTREE)
		return false;
	return is_below(q, to->name) || strcmp(q->query->name, to->name) == 0;
}

bool me_question_recursive(const struct me_question *q, const struct me_to *to)
{
	return to->kind == ME_TO_RESOLVERS && (q->image->head->flags & ME_HEAD_RECURSIVE) &&
	       q->kind == ME_ADDR_GLOBAL && !q->local;
}

bool me_question_would_cover(const struct me_question *q, const struct me_to *to)
{
	if (name_of(q, to))
		return covers_name(q, to);
	if (to->kind == ME_TO_ANY)
		return q->kind == ME_ADDR_GLOBAL && !q->local;
	return covers_address(q, to) || is_special(q, to->kind);
}
