/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_EXPLAIN_COVER_H
#define MEWATCH_POLICY_EXPLAIN_COVER_H

/* Which destinations of a policy have to do with what is asked, whatever the ports. */
#include "policy/explain.h"

struct me_rule;
struct me_to;

struct me_question {
	const struct me_policy *policy;
	const struct me_environment *environment;
	const struct me_image *image;
	const struct me_query *query;
	enum me_addr_kind kind;
	const struct me_dest *dest;
	bool local;
	uint8_t flags; /* of me_facts */
};

/* The destination through which the entry of this rank covers what is asked; or NULL. */
const struct me_to *me_question_covering(const struct me_question *q, uint32_t rank);

/* Whether the destination covers what is asked: also of a rule that is over, which has no entry. */
bool me_question_would_cover(const struct me_question *q, const struct me_to *to);

/* Whether it is a wildcard with the name's end that stands for another number of labels. */
bool me_question_other_depth(const struct me_question *q, const struct me_to *to);

/* Whether it is `resolvers` where a recursive one is configured, which may ask this server. */
bool me_question_recursive(const struct me_question *q, const struct me_to *to);

#endif
