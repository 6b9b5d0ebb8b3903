/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_POLICY_REFERENCE_H
#define MEWATCH_TEST_POLICY_REFERENCE_H

/*
 * A second judge, as plain as the specification: it walks the rules one by one. It shares no code
 * with the compiler, the image or me_judge().
 */
#include "mewatch/judge.h"
#include "policy/policy.h"

/* A name of the destination, and what speaks for it. */
struct reference_name {
	const char *name;
	enum me_evidence evidence; /* VERIFIED, LEARNED, STALE, CLAIMED or NONE */
};

struct reference_verdict {
	enum me_verdict verdict;
	enum me_reason reason;
	enum me_evidence evidence;
	const char *service;
	const struct me_rule *rule; /* NULL: none */
	const char *endpoint;       /* NULL: none */
};

struct reference_verdict reference_judge(const struct me_policy *policy, uint64_t now_epoch_ns,
					 const struct me_facts *facts,
					 const struct reference_name *names, size_t n_names);

/* Whether a rule's destination that is a name covers `name`. */
bool reference_covers(const struct me_to *to, const char *name);

#endif
