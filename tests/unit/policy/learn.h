/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_POLICY_LEARN_H
#define MEWATCH_TEST_POLICY_LEARN_H

/* What names would be learned for, found by the rules of a policy: the image is not asked. */
#include "hand.h"
#include "reference.h"

/* The destinations of the rules in force that are names, and their endpoints. */
struct learner {
	struct {
		uint32_t endpoint;
		struct me_to to; /* of a proxy the name's */
	} list[128];
	size_t n;
};

/* To be called after hand_compile(): the endpoints have their ids then. */
void learner_start(struct learner *learner, const struct hand *hand);

/* The endpoints that the names belong to, with their evidence; `learned` has room for `room`. */
size_t learner_learn(const struct learner *learner, const struct reference_name *names, size_t n,
		     struct me_learned_endpoint *learned, size_t room);

/* The text of a stable id, "" for none; of a service its name. */
const char *hand_text(const struct hand *hand, enum me_id_kind kind, uint32_t id);

#endif
