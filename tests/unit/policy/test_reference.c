/* SPDX-License-Identifier: GPL-2.0-only */
/* The judge on an image, and what it finds for names, against the second judge: random policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "learn.h"
#include "../../seed.h"

#define NAMES 3

static uint32_t below(uint64_t *random, uint32_t bound)
{
	return (uint32_t)(me_seed_next(random) % bound);
}

#define PICK(random, list) ((list)[below((random), ME_ARRAY_SIZE(list))])

static const char *const addresses[] = {
	"192.0.2.1",
	"192.0.2.2",
	"192.0.2.3",
	"192.0.2.130",
	"198.51.100.7",
	"10.0.0.1",
	"10.0.0.2",
	"10.9.8.7",
	"2001:db8::1",
	"2001:db8::2",
	"2001:db8:1::1",
	"fd00::1",
	"1.1.1.1",
	"2620:fe::fe",
	"127.0.0.1",
	"127.255.255.255",
	"::1",
	"::",
	"0.0.0.0",
	"0.1.2.3",
	"169.254.169.254",
	"169.253.255.1",
	"fe80::1",
	"febf::1",
	"fec0::1",
	"223.255.255.255",
	"224.0.1.1",
	"240.0.0.1",
	"255.255.255.0",
	"ff05::1",
	"::2",
	"64:ff9b::1",
};
static const unsigned int v4_bits[] = {0, 1, 3, 4, 8, 16, 24, 25, 31, 32};
static const unsigned int v6_bits[] = {0, 1, 3, 8, 10, 32, 48, 64, 80, 96, 127, 128};
static const char *const hosts[] = {
	"example.com",       "a.example.com", "b.example.com", "x.a.example.com",
	"y.x.a.example.com", "a.test",        "b.a.test",      "xexample.com",
};
static const char *const bases[] = {"example.com", "a.example.com", "test", "a.test"};
static const char *const keywords[] = {"any", "local", "resolvers", "proxy", "peers"};
static const char *const ports[] = {
	"tcp/443", "tcp/80",   "tcp/53",    "udp/53",  "udp/443",   "tcp/853",   "tcp/440-450",
	"tcp/*",   "udp/*",    "udp/1-500", "icmp",    "icmp6",     "proto/47",  "sctp/5",
	"sctp/*",  "tcp/9093", "tcp/0",     "tcp/442", "udplite/*", "tcp/65535", "tcp/9000-9100",
};
static const uint8_t protos[] = {6, 6, 6, 6, 17, 17, 1, 58, 47, 132, 136, 0, 255};
static const uint16_t dports[] = {443, 443, 80, 53, 853, 441, 9093, 9095, 5, 0, 65535, 1000};
static const char *const services[] = {"updates", "lan", "mail"};

static struct me_addr parse(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

/* A prefix around one of the addresses, host bits cleared, as text. */
static void random_prefix(uint64_t *random, char *out, size_t size)
{
	struct me_addr address = parse(PICK(random, addresses));
	bool v4 = me_addr_is_v4(&address);
	unsigned int bits = v4 ? PICK(random, v4_bits) : PICK(random, v6_bits);
	char text[ME_INET_LEN];

	for (unsigned int i = bits + (v4 ? 96 : 0); i < 128; i++)
		address.byte[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	/* ::ffff:0:0 is written as IPv4 also where it came about otherwise. */
	v4 = me_addr_is_v4(&address);
	if (v4 && bits > 32)
		bits = 32;
	me_inet_format(address.byte, text);
	snprintf(out, size, "%s/%u", text, bits);
}

static void random_to(uint64_t *random, char *out, size_t size)
{
	switch (below(random, 8)) {
	case 0:
	case 1:
		snprintf(out, size, "%s", PICK(random, addresses));
		break;
	case 2:
	case 3:
		random_prefix(random, out, size);
		break;
	case 4:
		snprintf(out, size, "%s", PICK(random, hosts));
		break;
	case 5:
		snprintf(out, size, "*.%s", PICK(random, bases));
		break;
	case 6:
		snprintf(out, size, "**.%s", PICK(random, bases));
		break;
	default:
		snprintf(out, size, "%s", PICK(random, keywords));
	}
}

static void random_rule(struct hand *hand, uint64_t *random, unsigned int i)
{
	char to[400] = "", port[200] = "", slug[64], one[64];
	struct me_rule *rule;

	for (unsigned int n = 1 + below(random, 4); n; n--) {
		random_to(random, one, sizeof(one));
		snprintf(to + strlen(to), sizeof(to) - strlen(to), " %s", one);
	}
	for (unsigned int n = 1 + below(random, 3); n; n--)
		snprintf(port + strlen(port), sizeof(port) - strlen(port), " %s",
			 PICK(random, ports));
	snprintf(slug, sizeof(slug), "%s/%u", PICK(random, services), i);
	rule = hand_rule(hand, slug, to, port);
	rule->from_profile = below(random, 2);
	rule->retired = below(random, 4) == 0;
	rule->until_ns = below(random, 6) ? 0 : 900 + below(random, 3) * 100;
}

static void random_resolvers(struct hand *hand, uint64_t *random)
{
	switch (below(random, 4)) {
	case 0:
		hand->policy.resolvers.kind = ME_RESOLVERS_RECURSIVE;
		hand->policy.resolvers.recursive_exe = "/usr/sbin/unbound";
		break;
	case 1:
		hand_resolvers(hand, "192.0.2.2 2001:db8::2");
		break;
	case 2:
		hand_resolvers(hand, "10.0.0.1 127.0.0.1");
		hand_upstream(hand, "192.0.2.2 2001:db8::2 10.0.0.1");
		break;
	}
}

static void random_policy(struct hand *hand, uint64_t *random)
{
	hand_start(hand);
	hand->environment.now_epoch_ns = 1000;
	random_resolvers(hand, random);
	hand->policy.strict_names = below(random, 3) == 0;
	if (below(random, 2))
		hand_peers(hand, "10.0.0.2 1.1.1.1");
	if (below(random, 2))
		hand_remoting(hand, "tcp/9093 udp/9000-9100");
	if (below(random, 3))
		hand_proxy(hand, below(random, 2) ? "192.0.2.3" : "b.example.com");
	for (unsigned int i = 0, n = below(random, 14); i < n; i++)
		random_rule(hand, random, i);
	assert_int_equal(hand_compile(hand), 0);
}

static struct me_facts random_facts(uint64_t *random)
{
	struct me_facts facts = {
		.dst = parse(PICK(random, addresses)),
		.proto = PICK(random, protos),
	};

	if (below(random, 3) == 0)
		facts.dst.byte[15 - below(random, 4)] ^= 1u << below(random, 8);
	if (below(random, 20) == 0)
		facts.dst.byte[below(random, 12)] ^= 1u << below(random, 8);
	if (me_proto_has_ports(facts.proto))
		facts.dport = PICK(random, dports);
	if (below(random, 8) == 0)
		facts.flags |= ME_FACT_OWN;
	if (below(random, 30) == 0)
		facts.flags |= ME_FACT_UNPARSABLE;
	if (below(random, 30) == 0)
		facts.flags |= ME_FACT_OWN_UNKNOWN;
	if (below(random, 4) == 0)
		facts.flags |= ME_FACT_RECURSIVE;
	if (below(random, 3) == 0)
		facts.flags |= ME_FACT_WIRE;
	return facts;
}

/* The order in which the endpoints of an address are held means nothing. */
static void shuffle(uint64_t *random, struct me_learned_endpoint *learned, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = below(random, (uint32_t)i);
		struct me_learned_endpoint held = learned[i - 1];

		learned[i - 1] = learned[other];
		learned[other] = held;
	}
}

static bool agree(const struct hand *hand, const struct me_judgement *got,
		  const struct reference_verdict *want)
{
	return got->verdict == want->verdict && got->reason == want->reason &&
	       got->evidence == want->evidence &&
	       strcmp(hand_text(hand, ME_ID_RULE, got->rule), want->rule ? want->rule->slug : "") ==
		       0 &&
	       strcmp(hand_text(hand, ME_ID_ENDPOINT, got->endpoint),
		      want->endpoint ? want->endpoint : "") == 0 &&
	       strcmp(hand_text(hand, ME_ID_SERVICE, got->service), want->service) == 0 &&
	       !(got->flags & ME_ENTRY_RETIRED) == !(want->rule && want->rule->retired);
}

static void compare(const struct hand *hand, const struct me_facts *facts,
		    const struct reference_name *names, size_t n_names,
		    const struct me_learned_endpoint *learned, size_t n, unsigned int policy)
{
	struct reference_verdict want = reference_judge(
		&hand->policy, hand->environment.now_epoch_ns, facts, names, n_names);
	struct me_judgement got = hand_judge(hand, facts, learned, n);
	char dst[ME_INET_LEN];

	if (agree(hand, &got, &want))
		return;
	me_inet_format(facts->dst.byte, dst);
	fail_msg(
		"policy %u, %s port %u proto %u flags %u: %s %s %s rule %s endpoint %s service %s, "
		"expected %s %s %s rule %s endpoint %s service %s",
		policy, dst, facts->dport, facts->proto, facts->flags,
		me_verdict_label(got.verdict), me_reason_label(got.reason),
		me_evidence_label(got.evidence), hand_text(hand, ME_ID_RULE, got.rule),
		hand_text(hand, ME_ID_ENDPOINT, got.endpoint),
		hand_text(hand, ME_ID_SERVICE, got.service), me_verdict_label(want.verdict),
		me_reason_label(want.reason), me_evidence_label(want.evidence),
		want.rule ? want.rule->slug : "", want.endpoint ? want.endpoint : "", want.service);
}

static size_t random_names(uint64_t *random, struct reference_name names[NAMES])
{
	static const enum me_evidence evidence[] = {
		ME_EVIDENCE_NONE,  ME_EVIDENCE_LEARNED, ME_EVIDENCE_VERIFIED,
		ME_EVIDENCE_STALE, ME_EVIDENCE_CLAIMED,
	};
	size_t n = below(random, NAMES + 1);

	for (size_t i = 0; i < n; i++)
		names[i] = (struct reference_name){
			.name = PICK(random, hosts),
			.evidence = PICK(random, evidence),
		};
	return n;
}

static void test_reference(void **state)
{
	uint64_t random = me_seed();

	(void)state;
	for (unsigned int policy = 0; policy < 400; policy++) {
		struct learner learner;
		struct hand hand;

		random_policy(&hand, &random);
		learner_start(&learner, &hand);
		for (unsigned int i = 0; i < 2000; i++) {
			struct me_learned_endpoint learned[NAMES * ME_ARRAY_SIZE(learner.list)];
			struct me_facts facts = random_facts(&random);
			struct reference_name names[NAMES];
			size_t n_names = random_names(&random, names);
			size_t n = learner_learn(&learner, names, n_names, learned,
						 ME_ARRAY_SIZE(learned));

			shuffle(&random, learned, n);
			compare(&hand, &facts, names, n_names, learned, n, policy);
		}
		hand_free(&hand);
	}
}

/* A name of one to four labels out of few, so that they meet. */
static void random_name(uint64_t *random, char *out, size_t size)
{
	static const char *const labels[] = {"a", "b", "aa", "com"};

	*out = '\0';
	for (unsigned int n = 1 + below(random, 4); n; n--)
		snprintf(out + strlen(out), size - strlen(out), "%s%s", *out ? "." : "",
			 labels[below(random, ME_ARRAY_SIZE(labels))]);
}

static void random_rules(struct hand *hand, uint64_t *random)
{
	static const char *const wild[] = {"", "*.", "**."};
	char to[128], name[64], slug[16];

	for (unsigned int i = 0, n = 1 + below(random, 20); i < n; i++) {
		random_name(random, name, sizeof(name));
		snprintf(to, sizeof(to), "%s%s", wild[below(random, ME_ARRAY_SIZE(wild))], name);
		snprintf(slug, sizeof(slug), "s%u/%u", below(random, 2), i);
		hand_rule(hand, slug, to, "tcp/80");
	}
}

static bool has(const struct me_named *named, uint32_t endpoint)
{
	for (uint32_t i = 0; i < named->n; i++) {
		if (named->endpoint[i] == endpoint)
			return true;
	}
	return false;
}

static void test_names(void **state)
{
	uint64_t random = me_seed();

	(void)state;
	for (unsigned int policy = 0; policy < 300; policy++) {
		struct learner learner;
		struct hand hand;
		char text[64];

		hand_start(&hand);
		random_rules(&hand, &random);
		assert_int_equal(hand_compile(&hand), 0);
		learner_start(&learner, &hand);
		for (unsigned int i = 0; i < 300; i++) {
			struct me_name name;
			struct me_named named;
			unsigned int wrong = 0;

			random_name(&random, text, sizeof(text));
			assert_int_equal(me_name_from_text(text, &name), 0);
			me_image_names_find(hand.image, &name, &named);
			for (size_t k = 0; k < learner.n && !named.crowded; k++)
				wrong += has(&named, learner.list[k].endpoint) !=
					 reference_covers(&learner.list[k].to, text);
			if (wrong)
				fail_msg("policy %u, %s: %u endpoints are wrong", policy, text,
					 wrong);
		}
		hand_free(&hand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
