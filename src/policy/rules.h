/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_RULES_H
#define MEWATCH_POLICY_RULES_H

/* `allow:` -> rules. */
#include <stdbool.h>
#include "policy/read.h"

/* A list of rules that grows; what the rules point to lives in the policy's arena. */
struct me_rules {
	struct me_rule *list;
	size_t n;
	size_t capacity;
};

void me_rules_clear(struct me_rules *rules);
#define _cleanup_rules_ _cleanup_(me_rules_clear)

/* Appends a copy. 0 or -ENOMEM. */
int me_rules_add(struct me_rules *rules, const struct me_rule *rule);

/*
 * Reads `allow:`. A mapping in `to:` ({entry: …, retired: true}) is a rule of its own, with the
 * service and the ports of the rule around it: so each entry can have its own attributes.
 */
void me_read_rules(struct me_reader *reader, const struct me_node *allow, struct me_rules *rules);

/*
 * Reads {entry: …, and any attribute of a rule}: the attributes given replace those of `rule`. What
 * is wrong is diagnosed, and `rule` is not to be used then.
 */
bool me_read_entry(struct me_reader *reader, const struct me_node *node, const char *what,
		   struct me_to *ret_entry, struct me_rule *rule);

/* The slug of a rule from its service and `what`, its name or its first destination. */
const char *me_rule_slug(struct me_reader *reader, const char *service, const char *what);

/* Makes equal slugs different: the second is called "smtp/any#2". 0 or -ENOMEM. */
int me_rules_name_apart(struct me_reader *reader, struct me_rule *rules, size_t n);

/* Whether a rule may say this is its service. */
bool me_rule_takes_service(const char *service);

#endif
