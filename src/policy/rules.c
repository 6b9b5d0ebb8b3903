/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "policy/endpoint.h"
#include "policy/ports.h"

#define NAME_MAX_BYTES 128u
#define NS_PER_DAY (24 * 3600 * ME_NS_PER_S)

/* The keys that rules, entries of `to:` and overrides have in common come first. */
enum key {
	KEY_PORTS,
	KEY_PRIVATE,
	KEY_MODE,
	KEY_EXPECT,
	KEY_UNTIL,
	KEY_RETIRED,
	KEY_PASSIVE,
	KEY_NOTE,
	KEY_SOURCE,
	KEY_ENTRY, /* of entries and overrides */
	ENTRY_KEYS,
	KEY_SERVICE = KEY_ENTRY, /* of rules, and what follows */
	KEY_NAME,
	KEY_TO,
	RULE_KEYS,
};

#define ATTRIBUTES                                                                                 \
	"ports", "private", "mode", "expect", "until", "retired", "passive", "note", "source"

static const char *const entry_keys[] = {ATTRIBUTES, "entry"};
static const char *const rule_keys[] = {ATTRIBUTES, "service", "name", "to"};

void me_rules_clear(struct me_rules *rules)
{
	free(rules->list);
	*rules = (struct me_rules){0};
}

int me_rules_add(struct me_rules *rules, const struct me_rule *rule)
{
	if (rules->n == rules->capacity) {
		size_t capacity = rules->capacity ? rules->capacity * 2 : 32;
		struct me_rule *list = reallocarray(rules->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		rules->list = list;
		rules->capacity = capacity;
	}
	rules->list[rules->n++] = *rule;
	return 0;
}

bool me_rule_expired(const struct me_rule *rule, uint64_t now_epoch_ns)
{
	return rule->until_ns && now_epoch_ns >= rule->until_ns;
}

const struct me_rule *me_policy_mode_rule(const struct me_policy *policy, uint64_t now_epoch_ns,
					  uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (rule->has_mode && !me_rule_expired(rule, now_epoch_ns) &&
		    me_ports_have(rule->ports, rule->n_ports, proto, port))
			return rule;
	}
	return NULL;
}

static void read_expect(struct me_reader *reader, const struct me_node *node, struct me_rule *rule)
{
	static const char *const keys[] = {"every"};
	const struct me_node *every;

	if (!me_read_map(reader, node, "`expect`", keys, 1, &every))
		return;
	if (!every)
		me_read_missing(reader, node, "every", "a duration such as `1h`");
	else if (every->kind == ME_NODE_SCALAR && !strcmp(every->text, "never"))
		rule->expect_ns = 0; /* whatever the profile says */
	else
		me_read_duration(reader, every, "100ms", "400d", &rule->expect_ns);
}

static void read_until(struct me_reader *reader, const struct me_node *node, struct me_rule *rule)
{
	uint64_t day;

	if (!node)
		return;
	if (node->kind != ME_NODE_SCALAR || me_clock_parse_date(node->text, &day) < 0)
		me_read_unexpected(reader, node, "bad-date",
				   "the last day on which it holds, such as `2027-03-31`");
	else
		rule->until_ns = day + NS_PER_DAY;
}

/* Whether FTP control is what the ports are for: tcp/21 by itself, not as one of a wide range. */
static bool lists_ftp(const struct me_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct me_ports *p = &rule->ports[i];

		if (p->proto == IPPROTO_TCP && p->high == 21 && p->low >= 20)
			return true;
	}
	return false;
}

static void read_passive(struct me_reader *reader, const struct me_node *node, struct me_rule *rule)
{
	static const char *const words[] = {"announced", "documented", "any"};
	size_t word;

	if (me_read_word(reader, node, words, ME_ARRAY_SIZE(words), &word))
		rule->passive = ME_PASSIVE_ANNOUNCED + (enum me_rule_passive)word;
	else if (rule->passive <= ME_PASSIVE_DEFAULT)
		rule->passive = lists_ftp(rule) ? ME_PASSIVE_DEFAULT : ME_PASSIVE_NOT_FTP;
}

/* Reads what the values say; whatever is not there stays as `rule` has it. */
static void read_attributes(struct me_reader *reader, const struct me_node **values,
			    struct me_rule *rule)
{
	me_read_ports(reader, values[KEY_PORTS], &rule->ports, &rule->n_ports);
	me_read_bool(reader, values[KEY_PRIVATE], &rule->private_space);
	if (me_read_mode(reader, values[KEY_MODE], &rule->mode))
		rule->has_mode = true;
	read_expect(reader, values[KEY_EXPECT], rule);
	read_until(reader, values[KEY_UNTIL], rule);
	me_read_bool(reader, values[KEY_RETIRED], &rule->retired);
	read_passive(reader, values[KEY_PASSIVE], rule);
	me_read_text(reader, values[KEY_NOTE], "a text", ME_POLICY_TEXT_MAX, &rule->note);
	me_read_text(reader, values[KEY_SOURCE], "a text: the document and its date",
		     ME_POLICY_TEXT_MAX, &rule->source);
}

bool me_read_entry(struct me_reader *reader, const struct me_node *node, const char *what,
		   struct me_to *ret_entry, struct me_rule *rule)
{
	size_t errors = reader->diagnostics->errors;
	const struct me_node *values[ENTRY_KEYS];

	if (!me_read_map(reader, node, what, entry_keys, ENTRY_KEYS, values))
		return false;
	if (!values[KEY_ENTRY])
		me_read_missing(reader, node, "entry", "a destination");
	me_read_to(reader, values[KEY_ENTRY], ret_entry);
	read_attributes(reader, values, rule);
	return reader->diagnostics->errors == errors;
}

static void add_rule(struct me_reader *reader, const struct me_node *node, struct me_rules *rules,
		     const struct me_rule *rule)
{
	if (me_read_within(reader, node, &reader->rules, ME_POLICY_RULES_MAX, "rules") &&
	    me_rules_add(rules, rule) < 0)
		reader->no_memory = true;
}

/* The plain destinations of `to:` in one array, which is the rule's. */
static void read_plain(struct me_reader *reader, const struct me_node *node, struct me_rule *rule)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;

	rule->to = me_read_alloc(reader, items.left, sizeof(*rule->to));
	if (!rule->to)
		return;
	while ((item = me_items_next(&items))) {
		if (item->kind != ME_NODE_MAP && me_read_to(reader, item, &rule->to[rule->n_to]))
			rule->n_to++;
	}
}

static void read_with_attributes(struct me_reader *reader, const struct me_node *item,
				 const struct me_rule *around, struct me_rules *rules)
{
	struct me_rule rule = *around;

	rule.name = NULL;
	rule.at = me_read_place(reader, item);
	rule.n_to = 1;
	rule.to = me_read_alloc(reader, 1, sizeof(*rule.to));
	if (!rule.to || !me_read_entry(reader, item, "an entry of `to`", rule.to, &rule))
		return;
	rule.slug = me_rule_slug(reader, rule.service, rule.to->text);
	add_rule(reader, item, rules, &rule);
}

static void read_destinations(struct me_reader *reader, const struct me_node *node,
			      struct me_rule *rule, struct me_rules *rules)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;

	if (!items.left) {
		me_read_unexpected(reader, node, "wrong-type", "at least one destination");
		return;
	}
	read_plain(reader, node, rule);
	if (rule->n_to) {
		rule->slug = me_rule_slug(reader, rule->service,
					  rule->name ? rule->name : rule->to->text);
		add_rule(reader, node, rules, rule);
	}
	while ((item = me_items_next(&items))) {
		if (item->kind == ME_NODE_MAP)
			read_with_attributes(reader, item, rule, rules);
	}
}

static bool is_label(const char *text, size_t length)
{
	return length && length <= ME_POLICY_LABEL_MAX && !strchr("-_.", text[0]) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

static bool is_reserved(const char *service)
{
	static const char *const reserved[] = {"unlisted", "local", "link"};

	for (size_t i = 0; i < ME_ARRAY_SIZE(reserved); i++)
		if (!strcmp(service, reserved[i]))
			return true;
	return false;
}

bool me_rule_takes_service(const char *service)
{
	return is_label(service, strlen(service)) && !is_reserved(service);
}

static void read_service(struct me_reader *reader, const struct me_node *node, struct me_rule *rule)
{
	static const char expected[] = "lower-case letters, digits, `-`, `_` and `.`, at most 63, "
				       "with a letter or digit first";

	rule->service = "?"; /* until it is known: rules with errors are read on, and not used */
	if (!node)
		return;
	if (node->kind != ME_NODE_SCALAR || !is_label(node->text, node->count)) {
		me_read_unexpected(reader, node, "bad-service", expected);
		return;
	}
	if (is_reserved(node->text))
		me_read_unexpected(reader, node, "bad-service",
				   "a service that is not one of the program's own");
	me_read_text(reader, node, expected, ME_POLICY_LABEL_MAX, &rule->service);
}

static void read_rule(struct me_reader *reader, const struct me_node *node, struct me_rules *rules)
{
	struct me_rule rule = {
		.from_profile = reader->profile,
		.at = me_read_place(reader, node),
	};
	const struct me_node *values[RULE_KEYS];

	if (!me_read_map(reader, node, "an entry of `allow`", rule_keys, RULE_KEYS, values))
		return;
	if (!values[KEY_SERVICE])
		me_read_missing(reader, node, "service", "a service such as `smtp`");
	if (!values[KEY_TO])
		me_read_missing(reader, node, "to", "a destination, or a list of them");
	if (!values[KEY_PORTS])
		me_read_missing(reader, node, "ports", "ports such as `[tcp/443]`");
	read_service(reader, values[KEY_SERVICE], &rule);
	me_read_text(reader, values[KEY_NAME], "a text", NAME_MAX_BYTES, &rule.name);
	read_attributes(reader, values, &rule);
	if (values[KEY_TO])
		read_destinations(reader, values[KEY_TO], &rule, rules);
}

void me_read_rules(struct me_reader *reader, const struct me_node *allow, struct me_rules *rules)
{
	struct me_items items = me_read_items(allow);
	const struct me_node *item;

	if (allow && allow->kind != ME_NODE_LIST) {
		me_read_unexpected(reader, allow, "wrong-type", "a list of rules (`- service: …`)");
		return;
	}
	while ((item = me_items_next(&items)) && !reader->no_memory)
		read_rule(reader, item, rules);
}
