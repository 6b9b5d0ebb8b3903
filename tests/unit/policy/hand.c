/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/in6.h>
#include <cmocka.h>
#include "base/inet.h"
#include "base/text.h"
#include "hand.h"
#include "policy/arena.h"

void hand_start(struct hand *hand)
{
	*hand = (struct hand){
		.arena = me_arena_new(),
		.registry = me_registry_new(),
	};
	assert_non_null(hand->arena);
	assert_non_null(hand->registry);
	hand->policy.resolvers.kind = ME_RESOLVERS_LIST;
}

void hand_free(struct hand *hand)
{
	me_image_free(&hand->image);
	me_diagnostics_clear(&hand->diagnostics);
	me_registry_free(&hand->registry);
	me_arena_free(&hand->arena);
}

static void *get(struct hand *hand, size_t count, size_t size)
{
	void *memory = me_arena_alloc(hand->arena, count, size);

	assert_non_null(memory);
	return memory;
}

static char *copy(struct hand *hand, const char *text)
{
	char *held = me_arena_copy(hand->arena, text, strlen(text));

	assert_non_null(held);
	return held;
}

/* Cuts the next word off *rest, or returns NULL. */
static char *word(char **rest)
{
	char *next;

	do {
		next = strsep(rest, " ");
	} while (next && !*next);
	return next;
}

static size_t count_words(const char *text)
{
	char *held = strdup(text), *rest = held;
	size_t n = 0;

	while (word(&rest))
		n++;
	free(held);
	return n;
}

static unsigned int number(const char *text)
{
	uint64_t value = 0;

	assert_true(me_text_parse_u64(text, 0, 65535, &value));
	return (unsigned int)value;
}

static struct me_to read_to(struct hand *hand, const char *text)
{
	static const struct {
		const char *word;
		enum me_to_kind kind;
	} words[] = {
		{"any", ME_TO_ANY},     {"local", ME_TO_LOCAL}, {"resolvers", ME_TO_RESOLVERS},
		{"proxy", ME_TO_PROXY}, {"peers", ME_TO_PEERS},
	};
	struct me_to to = {.text = copy(hand, text), .bits = 128, .at = {"hand.yaml", 1, 1}};
	char *bare = copy(hand, text), *slash = strchr(bare, '/');

	for (size_t i = 0; i < ME_ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			to.kind = words[i].kind;
			return to;
		}
	}
	if (slash)
		*slash = '\0';
	if (me_inet_parse(bare, to.address.byte) == 0) {
		to.kind = slash ? ME_TO_PREFIX : ME_TO_ADDRESS;
		if (slash)
			to.bits = number(slash + 1) + (me_addr_is_v4(&to.address) ? 96 : 0);
	} else if (strncmp(text, "**.", 3) == 0) {
		to.kind = ME_TO_SUBTREE;
		to.name = to.text + 3;
	} else if (strncmp(text, "*.", 2) == 0) {
		to.kind = ME_TO_WILDCARD;
		to.name = to.text + 2;
	} else {
		to.kind = ME_TO_NAME;
		to.name = to.text;
	}
	return to;
}

/* The protocol that a word before the slash names; `proto/N` has its number after it. */
static struct me_ports read_ports(char *text)
{
	char *after = text, *high;
	const char *proto = strsep(&after, "/");
	struct me_ports ports = {0};

	if (strcmp(proto, "icmp") == 0 || strcmp(proto, "icmp6") == 0) {
		ports.proto = strcmp(proto, "icmp") ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		return ports;
	}
	assert_non_null(after);
	if (strcmp(proto, "proto") == 0) {
		ports.proto = (uint8_t)number(after);
		return ports;
	}
	ports.proto = strcmp(proto, "tcp") == 0       ? IPPROTO_TCP
		      : strcmp(proto, "udp") == 0     ? IPPROTO_UDP
		      : strcmp(proto, "udplite") == 0 ? IPPROTO_UDPLITE
						      : IPPROTO_SCTP;
	if (strcmp(after, "*") == 0) {
		ports.high = 65535;
		return ports;
	}
	high = after;
	ports.low = (uint16_t)number(strsep(&high, "-"));
	ports.high = high ? (uint16_t)number(high) : ports.low;
	return ports;
}

static struct me_ports *read_all_ports(struct hand *hand, const char *text, size_t *ret_n)
{
	size_t n = count_words(text);
	struct me_ports *ports = get(hand, n + 1, sizeof(*ports));
	char *rest = copy(hand, text);

	for (size_t i = 0; i < n; i++)
		ports[i] = read_ports(word(&rest));
	*ret_n = n;
	return ports;
}

static struct me_addr *read_addresses(struct hand *hand, const char *text, size_t *ret_n)
{
	size_t n = count_words(text);
	struct me_addr *addresses = get(hand, n + 1, sizeof(*addresses));
	char *rest = copy(hand, text);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(me_inet_parse(word(&rest), addresses[i].byte), 0);
	*ret_n = n;
	return addresses;
}

struct me_to *hand_more(struct hand *hand, size_t n)
{
	struct me_rule *rule = &hand->policy.rules[hand->policy.n_rules - 1];
	struct me_to *grown = get(hand, rule->n_to + n, sizeof(*grown));

	if (rule->n_to)
		memcpy(grown, rule->to, rule->n_to * sizeof(*grown));
	rule->to = grown;
	rule->n_to += n;
	return grown + rule->n_to - n;
}

struct me_rule *hand_rule(struct hand *hand, const char *slug, const char *to, const char *ports)
{
	struct me_policy *policy = &hand->policy;
	size_t n = policy->n_rules, n_to = count_words(to);
	char *rest = copy(hand, to), *service = copy(hand, slug);
	struct me_rule *rule;
	struct me_to *more;

	/* Room doubles at powers of two. */
	if (!(n & (n - 1))) {
		struct me_rule *grown = get(hand, n ? 2 * n : 1, sizeof(*grown));

		if (n)
			memcpy(grown, policy->rules, n * sizeof(*grown));
		policy->rules = grown;
	}
	*strchrnul(service, '/') = '\0';
	rule = &policy->rules[policy->n_rules++];
	*rule = (struct me_rule){
		.service = service,
		.slug = copy(hand, slug),
		.at = {"hand.yaml", (unsigned int)n + 1, 3},
	};
	rule->ports = read_all_ports(hand, ports, &rule->n_ports);
	more = hand_more(hand, n_to);
	for (size_t i = 0; i < n_to; i++)
		more[i] = read_to(hand, word(&rest));
	return rule;
}

void hand_resolvers(struct hand *hand, const char *addresses)
{
	struct me_resolvers *resolvers = &hand->policy.resolvers;
	struct me_addr *list = read_addresses(hand, addresses, &resolvers->n_list);

	resolvers->list = get(hand, resolvers->n_list + 1, sizeof(*resolvers->list));
	for (size_t i = 0; i < resolvers->n_list; i++)
		resolvers->list[i].address = list[i];
}

void hand_upstream(struct hand *hand, const char *addresses)
{
	struct me_resolvers *resolvers = &hand->policy.resolvers;
	struct me_resolver *stub = &resolvers->list[resolvers->n_list - 1];

	stub->stub = true;
	stub->upstream = read_addresses(hand, addresses, &stub->n_upstream);
}

void hand_peers(struct hand *hand, const char *addresses)
{
	hand->policy.peers = read_addresses(hand, addresses, &hand->policy.n_peers);
}

void hand_proxy(struct hand *hand, const char *to)
{
	hand->policy.has_proxy = true;
	hand->policy.proxy = read_to(hand, to);
}

void hand_remoting(struct hand *hand, const char *ports)
{
	hand->policy.remoting = read_all_ports(hand, ports, &hand->policy.n_remoting);
}

int hand_compile(struct hand *hand)
{
	struct me_image *image = NULL;
	int r = me_compile(&hand->policy, &hand->environment, hand->registry, ++hand->generation,
			   &hand->diagnostics, &image);

	assert_true((r == 0) == (image != NULL));
	if (r == 0) {
		me_image_free(&hand->image);
		hand->image = image;
	}
	return r;
}

void hand_assert_refused(struct hand *hand, const char *kind, unsigned int line,
			 const char *const *parts)
{
	const struct me_diagnostic *told;

	assert_int_equal(hand_compile(hand), -EINVAL);
	assert_int_equal(hand->diagnostics.errors, 1);
	told = hand->diagnostics.list;
	assert_string_equal(told->kind, kind);
	assert_int_equal(told->at.line, line);
	for (size_t i = 0; parts[i]; i++) {
		if (!strstr(told->text, parts[i]))
			fail_msg("\"%s\" lacks \"%s\"", told->text, parts[i]);
	}
}

struct me_facts hand_facts(const char *text)
{
	char held[128], *slash;
	struct me_facts facts = {0};
	struct me_ports ports;
	char with_port[64];

	assert_in_range(snprintf(held, sizeof(held), "%s", text), 1, sizeof(held) - 1);
	slash = strrchr(held, '/');
	assert_non_null(slash);
	*slash++ = '\0';
	if (me_inet_parse_hostport(held, facts.dst.byte, &facts.dport) < 0)
		assert_int_equal(me_inet_parse(held, facts.dst.byte), 0);
	/* A number is a protocol without a name. */
	snprintf(with_port, sizeof(with_port), *slash <= '9' ? "proto/%s" : "%s/0", slash);
	ports = read_ports(with_port);
	facts.proto = ports.proto;
	return facts;
}

uint32_t hand_endpoint(const struct hand *hand, const char *service, const char *text)
{
	for (uint32_t id = 1; id < me_registry_count(hand->registry, ME_ID_ENDPOINT); id++) {
		const struct me_id_entry *entry =
			me_registry_get(hand->registry, ME_ID_ENDPOINT, id);

		if (strcmp(entry->service, service) == 0 && strcmp(entry->text, text) == 0)
			return id;
	}
	fail_msg("no endpoint %s of %s", text, service);
	return 0;
}

struct me_judgement hand_judge(const struct hand *hand, const struct me_facts *facts,
			       const struct me_learned_endpoint *learned, size_t n_learned)
{
	struct me_judgement judgement;

	memset(&judgement, 0xa5, sizeof(judgement));
	me_image_judge(hand->image, facts, learned, n_learned, &judgement);
	return judgement;
}
