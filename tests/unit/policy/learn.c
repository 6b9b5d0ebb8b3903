/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <linux/in6.h>
#include <cmocka.h>
#include "learn.h"

static bool is_name(const struct me_to *to)
{
	return to->kind == ME_TO_NAME || to->kind == ME_TO_WILDCARD || to->kind == ME_TO_SUBTREE;
}

static void add(struct learner *learner, const struct hand *hand, const struct me_rule *rule,
		const struct me_to *to)
{
	const struct me_to *meant = to->kind == ME_TO_PROXY ? &hand->policy.proxy : to;

	if (!is_name(meant))
		return;
	assert_in_range(learner->n, 0, ME_ARRAY_SIZE(learner->list) - 1);
	learner->list[learner->n].endpoint = hand_endpoint(hand, rule->service, to->text);
	learner->list[learner->n++].to = *meant;
}

void learner_start(struct learner *learner, const struct hand *hand)
{
	learner->n = 0;
	for (size_t i = 0; i < hand->policy.n_rules; i++) {
		const struct me_rule *rule = &hand->policy.rules[i];

		if (me_rule_expired(rule, hand->environment.now_epoch_ns))
			continue;
		for (size_t k = 0; k < rule->n_to; k++)
			add(learner, hand, rule, &rule->to[k]);
	}
}

size_t learner_learn(const struct learner *learner, const struct reference_name *names, size_t n,
		     struct me_learned_endpoint *learned, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < learner->n; k++) {
			if (!reference_covers(&learner->list[k].to, names[i].name))
				continue;
			assert_in_range(count, 0, room - 1);
			learned[count++] = (struct me_learned_endpoint){
				.endpoint = learner->list[k].endpoint,
				.evidence = (uint8_t)names[i].evidence,
			};
		}
	}
	return count;
}

const char *hand_text(const struct hand *hand, enum me_id_kind kind, uint32_t id)
{
	const struct me_id_entry *entry =
		id || kind == ME_ID_SERVICE ? me_registry_get(hand->registry, kind, id) : NULL;

	if (!entry)
		return "";
	return kind == ME_ID_SERVICE ? entry->service : entry->text;
}
