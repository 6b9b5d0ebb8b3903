/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "learn.h"

/* One policy that has a case for every reason and every step of precedence. */
static void table_policy(struct hand *hand)
{
	hand_start(hand);
	hand_resolvers(hand, "192.0.2.53 2001:db8::53");
	hand_peers(hand, "192.0.2.11 2001:db8::11");
	hand_proxy(hand, "192.0.2.3");
	hand_remoting(hand, "tcp/9093 tcp/9096");
	hand->environment.now_epoch_ns = 1000;

	hand_rule(hand, "dns/resolvers", "resolvers", "udp/53 tcp/53");
	hand_rule(hand, "updates/names", "up.example.com *.example.com **.example.com", "tcp/443");
	hand_rule(hand, "updates/deep", "**.b.example.com", "tcp/443");
	hand_rule(hand, "updates/proxy", "proxy", "tcp/3128");
	hand_rule(hand, "lan/first", "10.0.0.0/8", "tcp/389 tcp/443 tcp/25");
	hand_rule(hand, "lan/second", "10.1.0.0/16 10.1.0.0/24 10.1.0.7 2001:db8:1::/48",
		  "tcp/389");
	hand_rule(hand, "lan/same", "10.1.0.7", "tcp/389 tcp/636");
	hand_rule(hand, "ping/lan", "10.0.0.0/8", "icmp");
	hand_rule(hand, "tunnel/gre", "192.0.2.47", "proto/47");
	hand_rule(hand, "sync/peers", "peers", "tcp/9095-9096");
	hand_rule(hand, "remoting/local", "local", "tcp/9093 tcp/9096");
	hand_rule(hand, "wide/net", "0.0.0.0/0 ::/0", "tcp/2000");
	hand_rule(hand, "smtp/any", "any", "tcp/25 tcp/587");
	hand_rule(hand, "old/over", "192.0.2.99", "tcp/443")->until_ns = 1000;
	hand_rule(hand, "old/not-yet", "192.0.2.98", "tcp/443")->until_ns = 1001;
	hand_rule(hand, "pro/file", "192.0.2.60", "tcp/8080")->from_profile = true;
	hand_rule(hand, "site/file", "192.0.2.60", "tcp/8080");
	assert_int_equal(hand_compile(hand), 0);
}

struct line {
	const char *what;
	const char
		*names; /* of the destination; "~" before a stale one, "?" claimed, "!" verified */
	unsigned int flags;
	enum me_verdict verdict;
	enum me_reason reason;
	const char *rule; /* NULL: none */
	const char *endpoint;
	const char *service;
	enum me_evidence evidence;
};

#define V(reason) ME_VIOLATION, ME_REASON_##reason, NULL, NULL
#define P(reason) ME_PENDING, ME_REASON_##reason, NULL, NULL
#define A(rule, endpoint) ME_ALLOWED, ME_REASON_NONE, rule, endpoint
#define L(rule, endpoint) ME_LOCAL, ME_REASON_NONE, rule, endpoint
#define NAMED(evidence) "updates", ME_EVIDENCE_##evidence
#define NO ME_EVIDENCE_NONE
#define LISTED ME_EVIDENCE_LISTED

/* clang-format off */
static const struct line lines[] = {
	/* Reasons, the first that fits. */
	{"203.0.113.1:1/tcp", "", ME_FACT_UNPARSABLE, V(UNPARSABLE), "unlisted", NO},
	{"127.0.0.1:1/tcp", "", ME_FACT_UNPARSABLE, V(UNPARSABLE), "unlisted", NO},
	{"203.0.113.1:1/sctp", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1:53/sctp", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1/50", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"2001:db8::9/icmp6", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1:53/udp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"203.0.113.1:53/tcp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"10.0.0.1:53/udp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"203.0.113.1:853/tcp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:853/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:443/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:443/tcp", "", 0, P(ENCRYPTED_DNS), "updates", NO},
	{"1.1.1.1:443/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"2606:4700:4700::1111:443/tcp", "", 0, P(ENCRYPTED_DNS), "updates", NO},
	{"1.1.1.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:9095/tcp", "", 0, V(PEER_UNKNOWN), "sync", NO},
	{"203.0.113.1:9096/tcp", "", 0, V(PEER_UNKNOWN), "sync", NO},
	{"203.0.113.1:9093/tcp", "", 0, V(REMOTING_OFF_HOST), "remoting", NO},
	{"10.0.0.1:9093/tcp", "", 0, V(REMOTING_OFF_HOST), "remoting", NO},
	{"203.0.113.1:443/udp", "", 0, V(QUIC), "unlisted", NO},
	{"203.0.113.1:443/udp", "up.example.com", 0, V(QUIC), "unlisted", NO},
	{"10.0.0.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"192.0.2.47:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:80/tcp", "up.example.com", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO}, /* `any` has other ports */
	{"169.254.169.254:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO}, /* in 0.0.0.0/0 */
	{"203.0.113.1/icmp", "", 0, V(UNLISTED_PORT), "ping", NO},

	/* Pending: nothing allows it, and names exist for its port. */
	{"203.0.113.1:443/tcp", "", 0, P(UNLISTED_PORT), "updates", NO},
	{"203.0.113.1:443/tcp", "other.test", 0, P(UNLISTED_PORT), "updates", NO},
	{"192.0.2.99:443/tcp", "", 0, P(UNLISTED_PORT), "updates", NO}, /* its rule is over */
	{"203.0.113.1:80/tcp", "", ME_FACT_OWN_UNKNOWN, P(UNLISTED_PORT), "unlisted", NO},

	/* Names: exact, one label, several; the longer suffix; none covers the apex. */
	{"203.0.113.1:443/tcp", "up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "a.example.com", 0, A("updates/names", "*.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "x.a.example.com", 0, A("updates/names", "**.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "x.b.example.com", 0, A("updates/deep", "**.b.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "b.example.com", 0, A("updates/names", "*.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "example.com", 0, P(UNLISTED_PORT), "updates", NO},
	{"203.0.113.1:443/tcp", "a.example.com ~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "~up.example.com up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:25/tcp", "up.example.com", 0, A("smtp/any", "any"), "smtp", LISTED},

	/* Of two pieces of evidence for one name the stronger; a stronger name with the weaker one. */
	{"203.0.113.1:443/tcp", "?up.example.com", 0, A("updates/names", "up.example.com"), NAMED(CLAIMED)},
	{"203.0.113.1:443/tcp", "?up.example.com ~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "~up.example.com ?up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "up.example.com !up.example.com", 0, A("updates/names", "up.example.com"), NAMED(VERIFIED)},
	{"203.0.113.1:443/tcp", "!up.example.com ~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(VERIFIED)},
	{"203.0.113.1:443/tcp", "?up.example.com !a.example.com", 0, A("updates/names", "up.example.com"), NAMED(CLAIMED)},
	{"203.0.113.1:443/tcp", "!a.example.com ?up.example.com", 0, A("updates/names", "up.example.com"), NAMED(CLAIMED)},

	/* A name is stronger than an address, an address than a prefix, a long one than a short one. */
	{"10.0.0.1:443/tcp", "up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"10.0.0.1:443/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"10.1.0.7:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.1.0.7:636/tcp", "", 0, A("lan/same", "lan/same"), "lan", LISTED},
	{"10.1.0.7:443/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"10.1.0.8:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.1.9.9:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.2.0.1:389/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"2001:db8:1::77:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"2001:db8:2::77:389/tcp", "", 0, V(UNLISTED_PORT), "lan", NO},
	{"10.0.0.1/icmp", "", 0, A("ping/lan", "ping/lan"), "ping", LISTED},
	{"192.0.2.47/47", "", 0, A("tunnel/gre", "tunnel/gre"), "tunnel", LISTED},
	{"192.0.2.98:443/tcp", "", 0, A("old/not-yet", "old/not-yet"), "old", LISTED},
	{"192.0.2.60:8080/tcp", "", 0, A("site/file", "site/file"), "site", LISTED},
	{"10.1.0.7:25/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED}, /* before `any` */

	/* Keywords. */
	{"192.0.2.53:53/udp", "", 0, A("dns/resolvers", "resolvers"), "dns", LISTED},
	{"2001:db8::53:53/tcp", "", 0, A("dns/resolvers", "resolvers"), "dns", LISTED},
	{"192.0.2.3:3128/tcp", "", 0, A("updates/proxy", "proxy"), "updates", LISTED},
	{"192.0.2.4:3128/tcp", "", 0, V(UNLISTED_PORT), "updates", NO},
	{"192.0.2.11:9095/tcp", "", 0, A("sync/peers", "peers"), "sync", LISTED},
	{"2001:db8::11:9096/tcp", "", 0, A("sync/peers", "peers"), "sync", LISTED},

	/* `any` is global unicast, inside a listed prefix too; a prefix reaches further. */
	{"203.0.113.1:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"2001:db8::1:587/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"192.168.0.1:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"192.0.2.53:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"169.254.1.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"fe80::1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"239.1.1.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"0.0.0.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"169.254.1.1:2000/tcp", "", 0, A("wide/net", "wide/net"), "wide", LISTED},
	{"fe80::1:2000/tcp", "", 0, A("wide/net", "wide/net"), "wide", LISTED},

	/* Local, with or without a rule; a name or an address rule does not reach it. */
	{"127.0.0.1:80/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"::1:53/udp", "", 0, L(NULL, NULL), "local", NO},
	{"127.3.2.1:9093/tcp", "", 0, L("remoting/local", "local"), "remoting", LISTED},
	{"::1:9096/tcp", "", 0, L("remoting/local", "local"), "remoting", LISTED},
	{"127.0.0.1:2000/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"127.0.0.1:25/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"10.0.0.1:443/tcp", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"10.0.0.1:443/tcp", "up.example.com", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"203.0.113.1:9093/tcp", "", ME_FACT_OWN, L("remoting/local", "local"), "remoting", LISTED},
	{"203.0.113.1:853/tcp", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"203.0.113.1/50", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},

	/* On the wire nothing is: own addresses are like any, and loopback is nowhere. */
	{"10.0.0.1:443/tcp", "", ME_FACT_OWN | ME_FACT_WIRE, A("lan/first", "lan/first"), "lan", LISTED},
	{"203.0.113.1:9093/tcp", "", ME_FACT_OWN | ME_FACT_WIRE, V(REMOTING_OFF_HOST), "remoting", NO},
	{"203.0.113.1:443/tcp", "?up.example.com", ME_FACT_OWN | ME_FACT_WIRE, A("updates/names", "up.example.com"), NAMED(CLAIMED)},
	{"127.0.0.1:9093/tcp", "", ME_FACT_WIRE, V(REMOTING_OFF_HOST), "remoting", NO},
	{"::1:53/udp", "", ME_FACT_WIRE, V(WRONG_RESOLVER), "dns", NO},
	{"127.0.0.1:25/tcp", "", ME_FACT_WIRE, V(UNLISTED_PORT), "lan", NO}, /* `any` is global */
	{"127.0.0.1:2000/tcp", "", ME_FACT_WIRE, A("wide/net", "wide/net"), "wide", LISTED},
	{"192.0.2.53:53/udp", "", ME_FACT_WIRE, A("dns/resolvers", "resolvers"), "dns", LISTED},
};
/* clang-format on */

/* "a ~b" as names; returns how many. The text is cut up. */
static size_t read_names(char *text, struct reference_name *names)
{
	static const char marks[] = "~?!";
	static const enum me_evidence evidence[] = {ME_EVIDENCE_STALE, ME_EVIDENCE_CLAIMED,
						    ME_EVIDENCE_VERIFIED};
	size_t n = 0;

	for (char *name; (name = strsep(&text, " "));) {
		const char *mark = *name ? strchr(marks, *name) : NULL;

		if (*name)
			names[n++] = (struct reference_name){
				.name = name + (mark != NULL),
				.evidence = mark ? evidence[mark - marks] : ME_EVIDENCE_LEARNED,
			};
	}
	return n;
}

/* Facts of "ADDRESS:PORT/PROTO", where an IPv6 address goes without brackets. */
static struct me_facts line_facts(const char *what)
{
	const char *colon = strrchr(what, ':'), *slash = strrchr(what, '/');
	char held[96];

	if (colon && strchr(what, ':') != colon && strstr(what, "icmp") == NULL) {
		snprintf(held, sizeof(held), "[%.*s]%s", (int)(colon - what), what, colon);
		return hand_facts(held);
	}
	assert_non_null(slash);
	return hand_facts(what);
}

/* Judges what a line says, and fails the test if the judgement is another. */
static void assert_line(const struct hand *hand, const struct line *line)
{
	struct me_facts facts = line_facts(line->what);
	struct me_learned_endpoint learned[16];
	struct reference_name names[4];
	struct learner learner;
	struct me_judgement j;
	char held[64];
	size_t n;

	learner_start(&learner, hand);
	snprintf(held, sizeof(held), "%s", line->names);
	n = read_names(held, names);
	n = learner_learn(&learner, names, n, learned, ME_ARRAY_SIZE(learned));
	facts.flags = (uint8_t)line->flags;
	j = hand_judge(hand, &facts, learned, n);
	if (j.verdict != line->verdict || j.reason != line->reason ||
	    j.evidence != line->evidence ||
	    strcmp(hand_text(hand, ME_ID_RULE, j.rule), line->rule ? line->rule : "") ||
	    strcmp(hand_text(hand, ME_ID_ENDPOINT, j.endpoint),
		   line->endpoint ? line->endpoint : "") ||
	    strcmp(hand_text(hand, ME_ID_SERVICE, j.service), line->service))
		fail_msg("%s (%s): %s %s, rule %s, endpoint %s, service %s, %s", line->what,
			 line->names, me_verdict_label(j.verdict), me_reason_label(j.reason),
			 hand_text(hand, ME_ID_RULE, j.rule),
			 hand_text(hand, ME_ID_ENDPOINT, j.endpoint),
			 hand_text(hand, ME_ID_SERVICE, j.service), me_evidence_label(j.evidence));
}

static void test_table(void **state)
{
	struct hand hand;

	(void)state;
	table_policy(&hand);
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++)
		assert_line(&hand, &lines[i]);
	hand_free(&hand);
}

/* Under `strict_names` a claim alone allows nothing; what an answer gave is allowed as before. */
static void test_strict(void **state)
{
	/* clang-format off */
	static const struct line strict[] = {
		{"203.0.113.1:443/tcp", "?up.example.com", 0, P(UNLISTED_PORT), "updates", NO},
		{"203.0.113.1:443/tcp", "!up.example.com", 0, A("updates/names", "up.example.com"), NAMED(VERIFIED)},
		{"203.0.113.1:443/tcp", "?up.example.com ~a.example.com", 0, A("updates/names", "*.example.com"), NAMED(STALE)},
		{"203.0.113.1:443/tcp", "?up.example.com ~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
		{"10.0.0.1:443/tcp", "?up.example.com", 0, A("lan/first", "lan/first"), "lan", LISTED},
	};
	/* clang-format on */
	struct hand hand;

	(void)state;
	table_policy(&hand);
	hand.policy.strict_names = true;
	assert_int_equal(hand_compile(&hand), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(strict); i++)
		assert_line(&hand, &strict[i]);
	hand_free(&hand);
}

/* The recursive resolver may ask any global address, at the ports of `to: resolvers`; others none. */
static void test_recursive(void **state)
{
	/* clang-format off */
	static const struct line asked[] = {
		{"203.0.113.1:53/udp", "", ME_FACT_RECURSIVE, A("dns/resolvers", "resolvers"), "dns", LISTED},
		{"2001:db8::9:53/tcp", "", ME_FACT_RECURSIVE, A("dns/resolvers", "resolvers"), "dns", LISTED},
		{"10.9.9.9:53/udp", "", ME_FACT_RECURSIVE, A("dns/resolvers", "resolvers"), "dns", LISTED},
		{"203.0.113.1:53/udp", "", 0, V(WRONG_RESOLVER), "lan", NO},
		{"203.0.113.1:54/udp", "", ME_FACT_RECURSIVE, V(UNLISTED_DESTINATION), "unlisted", NO},
		{"203.0.113.1:80/tcp", "up.test", ME_FACT_RECURSIVE, A("up/a", "up.test"), "up", ME_EVIDENCE_LEARNED},
		{"203.0.113.1:80/tcp", "", ME_FACT_RECURSIVE, P(UNLISTED_DESTINATION), "up", NO},
		{"fe80::1:53/udp", "", ME_FACT_RECURSIVE, V(WRONG_RESOLVER), "lan", NO},
		{"127.0.0.1:53/udp", "", ME_FACT_RECURSIVE, L(NULL, NULL), "local", NO},
		{"203.0.113.1:53/udp", "", ME_FACT_RECURSIVE | ME_FACT_OWN, L(NULL, NULL), "local", NO},
		/* An address rule is stronger. */
		{"192.0.2.7:53/udp", "", ME_FACT_RECURSIVE, A("lan/a", "lan/a"), "lan", LISTED},
	};
	/* clang-format on */
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand.policy.resolvers.kind = ME_RESOLVERS_RECURSIVE;
	hand.policy.resolvers.recursive_exe = "/usr/sbin/unbound";
	hand_rule(&hand, "dns/resolvers", "resolvers", "udp/53 tcp/53");
	hand_rule(&hand, "lan/a", "192.0.2.7", "udp/53");
	hand_rule(&hand, "up/a", "up.test", "tcp/80");
	assert_int_equal(hand_compile(&hand), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(asked); i++)
		assert_line(&hand, &asked[i]);
	hand_free(&hand);
}

/* Without `any` and without the wide prefixes a stranger is an unlisted destination. */
static void test_stranger(void **state)
{
	struct me_facts facts = hand_facts("203.0.113.1:80/tcp");
	struct me_facts linklocal = hand_facts("169.254.169.254:80/tcp");
	struct hand hand;
	struct me_judgement j;

	(void)state;
	hand_start(&hand);
	hand_rule(&hand, "a/a", "192.0.2.1", "tcp/80");
	assert_int_equal(hand_compile(&hand), 0);
	j = hand_judge(&hand, &facts, NULL, 0);
	assert_int_equal(j.verdict, ME_VIOLATION);
	assert_int_equal(j.reason, ME_REASON_UNLISTED_DESTINATION);
	assert_string_equal(hand_text(&hand, ME_ID_SERVICE, j.service), "a");
	j = hand_judge(&hand, &linklocal, NULL, 0);
	assert_int_equal(j.reason, ME_REASON_UNLISTED_DESTINATION);
	hand_free(&hand);
}

/* Ids that are no name of this image count for nothing, not even as a listed destination. */
static void test_unknown_learned(void **state)
{
	const struct me_learned_endpoint unknown[] = {
		{12345, ME_EVIDENCE_LEARNED}, {UINT32_MAX, ME_EVIDENCE_LEARNED}, {0}};
	struct me_facts facts = hand_facts("203.0.113.1:80/tcp");
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand_rule(&hand, "a/a", "up.example.com", "tcp/443");
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, unknown, ME_ARRAY_SIZE(unknown)).reason,
			 ME_REASON_UNLISTED_DESTINATION);
	hand_free(&hand);
}

/* Only an answer puts the address on the list. A claim does not, nor what has run out. */
static void test_listed_by_answers(void **state)
{
	static const enum me_evidence lists[ME_EVIDENCE_COUNT] = {
		[ME_EVIDENCE_LEARNED] = 1, [ME_EVIDENCE_VERIFIED] = 1, [ME_EVIDENCE_STALE] = 1};
	struct me_facts facts = hand_facts("203.0.113.1:80/tcp");
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand_rule(&hand, "a/a", "up.example.com", "tcp/443");
	assert_int_equal(hand_compile(&hand), 0);
	for (unsigned int i = 0; i <= ME_EVIDENCE_CLAIMED; i++) {
		const struct me_learned_endpoint learned = {
			hand_endpoint(&hand, "a", "up.example.com"), (uint8_t)i};

		if (i != ME_EVIDENCE_LISTED)
			assert_int_equal(hand_judge(&hand, &facts, &learned, 1).reason,
					 lists[i] ? ME_REASON_UNLISTED_PORT
						  : ME_REASON_UNLISTED_DESTINATION);
	}
	hand_free(&hand);
}

static void test_entry_flags(void **state)
{
	struct me_facts facts = hand_facts("192.0.2.1:21/tcp");
	struct me_rule *rule;
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand_proxy(&hand, "192.0.2.3");
	hand_rule(&hand, "updates/proxy", "proxy", "tcp/3128");
	rule = hand_rule(&hand, "ftp/a", "192.0.2.1", "tcp/21");
	rule->retired = rule->private_space = true;
	rule->passive = ME_PASSIVE_DEFAULT;
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, NULL, 0).flags,
			 ME_ENTRY_RETIRED | ME_ENTRY_PRIVATE | ME_ENTRY_ANNOUNCED |
				 ME_ENTRY_DOCUMENTED);
	rule->retired = rule->private_space = false;
	rule->passive = ME_PASSIVE_NOT_FTP;
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, NULL, 0).flags, 0);
	facts = hand_facts("192.0.2.3:3128/tcp");
	assert_int_equal(hand_judge(&hand, &facts, NULL, 0).flags, ME_ENTRY_PROXY);
	hand_free(&hand);
}

/* A rule with a mode, for the ports; and what violations of these have. */
static void test_modes(void **state)
{
	static const struct {
		const char *to;
		uint8_t mode;
	} row[] = {
		{"198.51.100.9:1/tcp", ME_MODE_SHADOW},
		{"198.51.100.9:80/tcp", ME_MODE_OWN | ME_MODE_ENFORCE},
		{"198.51.100.9:81/tcp", ME_MODE_OWN | ME_MODE_ENFORCE}, /* the first one holds */
		{"198.51.100.9:82/tcp", ME_MODE_OWN | ME_MODE_MONITOR},
		{"198.51.100.9:80/udp", ME_MODE_SHADOW},
		{"198.51.100.9:443/tcp", ME_MODE_SHADOW}, /* its mode is over */
		{"198.51.100.9/icmp", ME_MODE_OWN | ME_MODE_ENFORCE},
	};
	struct me_rule *rule;
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand.policy.mode = ME_MODE_SHADOW;
	hand_rule(&hand, "all/any", "192.0.2.1", "tcp/1-1000 udp/1-1000");
	rule = hand_rule(&hand, "web/a", "192.0.2.1", "tcp/80-81 icmp");
	rule->has_mode = true;
	rule->mode = ME_MODE_ENFORCE;
	rule = hand_rule(&hand, "web/b", "192.0.2.2", "tcp/80-82");
	rule->has_mode = true;
	rule = hand_rule(&hand, "old/c", "192.0.2.3", "tcp/443");
	rule->has_mode = true;
	rule->until_ns = 1;
	hand.environment.now_epoch_ns = 2;
	assert_int_equal(hand_compile(&hand), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		struct me_facts facts = hand_facts(row[i].to);
		struct me_judgement j = hand_judge(&hand, &facts, NULL, 0);
		const struct me_rule *by =
			me_policy_mode_rule(&hand.policy, 2, facts.proto, facts.dport);

		if (j.verdict != ME_VIOLATION || j.mode != row[i].mode)
			fail_msg("%s: verdict %u, mode %u", row[i].to, j.verdict, j.mode);
		assert_int_equal(by ? ME_MODE_OWN | by->mode : ME_MODE_SHADOW, row[i].mode);
	}
	hand_free(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_recursive),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_unknown_learned),
		cmocka_unit_test(test_listed_by_answers),
		cmocka_unit_test(test_entry_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
