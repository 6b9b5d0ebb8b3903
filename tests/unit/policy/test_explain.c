/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hand.h"
#include "policy/explain.h"
#include "yaml_text.h"

static void explain(const struct hand *hand, const char *text, uint8_t flags,
		    struct me_explanation *ret_explanation)
{
	const char *expected;
	struct me_query query;

	assert_int_equal(me_query_parse(text, &query, &expected), 0);
	assert_int_equal(me_explain(&hand->policy, &hand->environment, hand->image, hand->registry,
				    &query, flags, ret_explanation),
			 0);
}

/* The sentences that belong to an explanation, one a line: why, before, then the others. */
static void say(const struct me_explanation *e, const struct me_policy *policy,
		struct me_strbuf *out)
{
	me_explain_why(e, policy, out);
	me_strbuf_addc(out, '\n');
	if (*e->query.name) {
		me_explain_before(e, policy, out);
		me_strbuf_addc(out, '\n');
	}
	for (size_t i = 0; i < e->n_others; i++) {
		me_strbuf_addf(out, "%s %s: ", me_role_label(e->others[i].role),
			       e->others[i].rule->slug);
		me_explain_other(e, policy, &e->others[i], out);
		me_strbuf_addc(out, '\n');
	}
	assert_int_equal(out->err, 0);
}

struct line {
	const char *destination;
	uint8_t flags; /* of me_facts */
	enum me_verdict verdict;
	enum me_reason reason;
	const char *rule;    /* NULL: none */
	const char *says[4]; /* all of these are said, or not said where a `!` stands before */
};

static const struct line lines[] = {
	{"up.example.com:443/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "updates/names",
	 {"the name is listed", "waits up to 10 s",
	  "weaker updates/names: would allow it too, but "
	  "`*.example.com` comes after `up.example.com`"}},
	{"a.example.com:443/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "updates/names",
	 {"*.example.com stands for exactly one label more, here `a`", "!updates/deep"}},
	{"x.b.example.com:443/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "updates/deep",
	 {"**.b.example.com stands for one label more or several, here `x`",
	  "weaker updates/wide: would allow it too, but the suffix of **.example.com is shorter"}},
	{"up.example.com:80/tcp",
	 0,
	 ME_VIOLATION,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"other-ports updates/names: lists this destination for tcp/443, tcp/8000-8010 only"}},
	{"x.y.other.test:443/tcp",
	 0,
	 ME_PENDING,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"other-depth other/one: *.other.test stands for exactly one label more; "
	  "`**.other.test` would cover it"}},
	{"other.test:443/tcp",
	 0,
	 ME_PENDING,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"other-depth other/one: *.other.test does not cover other.test itself"}},
	{"up.example.com:25/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "smtp/any",
	 {"`any` is every global unicast address",
	  "allowed by a rule that does not need the name"}},
	{"10.1.2.3:389/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "lan/inner",
	 {"10.1.0.0/16 is the longest listed prefix",
	  "weaker lan/outer: would allow it too, but the prefix 10.0.0.0/8 is shorter than "
	  "10.1.0.0/16"}},
	{"10.1.2.3:25/tcp", 0, ME_ALLOWED, ME_REASON_NONE, "smtp/any", {"`any`", "!other-ports"}},
	{"10.1.2.3:80/tcp",
	 0,
	 ME_VIOLATION,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"other-ports lan/inner: lists this destination for tcp/389",
	  "other-ports lan/outer: lists this destination for tcp/389"}},
	{"192.0.2.60:8080/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "site/file",
	 {"the address is listed",
	  "weaker pro/file: would allow it too, but rules of the site come before those of the "
	  "profile",
	  "weaker site/later: would allow it too, but it comes later in the file"}},
	{"203.0.113.9:443/tcp",
	 0,
	 ME_PENDING,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"waits up to 10 s",
	  "waited-for updates/names: allows it once an answer for "
	  "up.example.com gave the address",
	  "an answer for a name that is *.example.com gave the address"}},
	{"192.0.2.99:8443/tcp",
	 0,
	 ME_VIOLATION,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"expired old/over: would allow it, but its `until` was over at 1970-01-01T00:00:00.000Z"}},
	{"192.0.2.53:53/udp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "dns/all",
	 {"one of the configured resolvers"}},
	{"203.0.113.9:53/udp",
	 0,
	 ME_VIOLATION,
	 ME_REASON_WRONG_RESOLVER,
	 NULL,
	 {"no rule allows it; wrong-resolver: DNS to a server that is not a configured resolver"}},
	{"192.0.2.3:3128/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "updates/proxy",
	 {"192.0.2.3 is the configured proxy"}},
	{"192.0.2.11:9095/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "sync/peers",
	 {"one of the configured peers"}},
	{"127.0.0.1:9093/tcp",
	 0,
	 ME_LOCAL,
	 ME_REASON_NONE,
	 "remoting/local",
	 {"the destination is loopback, which is local whatever the port; the rule gives the "
	  "service"}},
	{"10.1.2.3:389/tcp",
	 ME_FACT_OWN,
	 ME_LOCAL,
	 ME_REASON_NONE,
	 NULL,
	 {"an own address of this machine",
	  "passed-over lan/inner: 10.1.0.0/16 does not reach local destinations"}},
	/* On the wire nothing is local. */
	{"10.1.2.3:389/tcp",
	 ME_FACT_OWN | ME_FACT_WIRE,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "lan/inner",
	 {"10.1.0.0/16 is the longest listed prefix", "!passed-over"}},
	{"127.0.0.1:9093/tcp",
	 ME_FACT_WIRE,
	 ME_VIOLATION,
	 ME_REASON_UNLISTED_PORT,
	 NULL,
	 {"no rule allows it", "!remoting/local"}},
	{"224.0.0.1/2", ME_FACT_WIRE, ME_LOCAL, ME_REASON_NONE, NULL, {"do not leave the link"}},
	{"224.0.0.1/2", 0, ME_LOCAL, ME_REASON_NONE, NULL, {"do not leave the link", "!wide/net"}},
	{"gone.example.org:443/tcp",
	 0,
	 ME_ALLOWED,
	 ME_REASON_NONE,
	 "old/retired",
	 {"the name is listed; the entry is retired"}},
};

static void explained_policy(struct hand *hand)
{
	hand_start(hand);
	hand->policy.limits.pending_ns = 10000000000ull;
	hand->environment.now_epoch_ns = 1000;
	hand_resolvers(hand, "192.0.2.53");
	hand_peers(hand, "192.0.2.11");
	hand_proxy(hand, "192.0.2.3");
	hand_rule(hand, "dns/all", "resolvers", "udp/53");
	hand_rule(hand, "updates/names", "up.example.com *.example.com", "tcp/443 tcp/8000-8010");
	hand_rule(hand, "updates/deep", "**.b.example.com", "tcp/443");
	hand_rule(hand, "updates/wide", "**.example.com", "tcp/443");
	hand_rule(hand, "updates/proxy", "proxy", "tcp/3128");
	hand_rule(hand, "other/one", "*.other.test", "tcp/443");
	hand_rule(hand, "lan/outer", "10.0.0.0/8", "tcp/389");
	hand_rule(hand, "lan/inner", "10.1.0.0/16", "tcp/389");
	hand_rule(hand, "sync/peers", "peers", "tcp/9095");
	hand_rule(hand, "remoting/local", "local", "tcp/9093");
	hand_rule(hand, "smtp/any", "any", "tcp/25");
	hand_rule(hand, "wide/net", "0.0.0.0/0", "proto/2 tcp/2000");
	hand_rule(hand, "old/over", "192.0.2.99", "tcp/8443")->until_ns = 1000;
	hand_rule(hand, "old/retired", "gone.example.org", "tcp/443")->retired = true;
	hand_rule(hand, "pro/file", "192.0.2.60", "tcp/8080")->from_profile = true;
	hand_rule(hand, "site/file", "192.0.2.60", "tcp/8080");
	hand_rule(hand, "site/later", "192.0.2.60", "tcp/8080");
	assert_int_equal(hand_compile(hand), 0);
}

static void test_explain(void **state)
{
	struct hand hand;

	explained_policy(&hand);
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		const struct line *line = &lines[i];
		_cleanup_strbuf_ struct me_strbuf text = {0};
		struct me_explanation e;

		explain(&hand, line->destination, line->flags, &e);
		say(&e, &hand.policy, &text);
		if (e.judgement.verdict != line->verdict || e.judgement.reason != line->reason ||
		    !e.rule != !line->rule || (line->rule && strcmp(e.rule->slug, line->rule)))
			fail_msg("%s: %s %s by %s", line->destination,
				 me_verdict_label(e.judgement.verdict),
				 me_reason_label(e.judgement.reason),
				 e.rule ? e.rule->slug : "nobody");
		for (size_t k = 0; k < ME_ARRAY_SIZE(line->says) && line->says[k]; k++) {
			bool absent = *line->says[k] == '!';

			if (!strstr(text.data, line->says[k] + absent) != absent)
				fail_msg("%s: \"%s\" fails on:\n%s", line->destination,
					 line->says[k], text.data);
		}
	}
	hand_free(&hand);
}

/* What is told of a name is what the judge says with an answer, and without one. */
static void test_before(void **state)
{
	struct me_explanation e;
	struct hand hand;

	explained_policy(&hand);
	explain(&hand, "up.example.com:443", 0, &e);
	assert_int_equal(e.judgement.evidence, ME_EVIDENCE_LEARNED);
	assert_string_equal(e.endpoint, "up.example.com");
	assert_string_equal(e.service, "updates");
	assert_int_equal(e.before.verdict, ME_PENDING);
	assert_ptr_equal(e.to, &hand.policy.rules[1].to[0]);
	explain(&hand, "up.example.com:25", 0, &e);
	assert_memory_equal(&e.judgement, &e.before, sizeof(e.before));
	hand_free(&hand);
}

/* Who may ask any server is said where nobody else may. */
static void test_recursive(void **state)
{
	static const struct {
		const char *destination, *says;
	} cases[] = {
		{"203.0.113.9:53/udp",
		 "recursive dns/all: allows it for the recursive resolver alone: the program "
		 "/usr/sbin/\\x1bunbound"},
		{"ns.example:53/udp", "recursive dns/all"},
		{"203.0.113.9:54/udp", NULL},
		{"[fe80::1]:53/udp", NULL},
		{"127.0.0.1:53/udp", NULL},
	};
	_cleanup_strbuf_ struct me_strbuf by_cgroup = {0}, on_the_wire = {0};
	struct me_explanation e;
	struct hand hand;

	hand_start(&hand);
	hand.policy.resolvers.kind = ME_RESOLVERS_RECURSIVE;
	hand.policy.resolvers.recursive_exe = "/usr/sbin/\x1bunbound";
	hand_rule(&hand, "dns/all", "resolvers", "udp/53");
	assert_int_equal(hand_compile(&hand), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};
		const char *what = cases[i].destination;

		explain(&hand, what, 0, &e);
		say(&e, &hand.policy, &text);
		if (!strstr(text.data, cases[i].says ? cases[i].says : "recursive") !=
		    !cases[i].says)
			fail_msg("%s: %s", what, text.data);
	}
	for (size_t i = 0; i < 2; i++) {
		explain(&hand, cases[i].destination, ME_FACT_WIRE | ME_FACT_RECURSIVE, &e);
		say(&e, &hand.policy, &on_the_wire);
		assert_int_equal(e.judgement.verdict, ME_ALLOWED);
		assert_string_equal(e.rule->slug, "dns/all");
		assert_non_null(strstr(on_the_wire.data, "who walks the DNS itself may ask any"));
		assert_null(strstr(on_the_wire.data, "recursive dns/all"));
	}
	hand.policy.resolvers.recursive_exe = NULL;
	hand.policy.resolvers.recursive_cgroup = "/unbound.service";
	explain(&hand, "203.0.113.9:53/udp", 0, &e);
	say(&e, &hand.policy, &by_cgroup);
	assert_non_null(strstr(by_cgroup.data, "alone: cgroup /unbound.service"));
	hand_free(&hand);
}

/* A proxy that is a name is explained by its name. */
static void test_named_proxy(void **state)
{
	struct me_explanation e;
	struct hand hand;

	hand_start(&hand);
	hand_proxy(&hand, "proxy.example");
	hand_rule(&hand, "up/proxy", "proxy", "tcp/3128");
	assert_int_equal(hand_compile(&hand), 0);
	explain(&hand, "proxy.example:3128", 0, &e);
	assert_int_equal(e.judgement.verdict, ME_ALLOWED);
	assert_int_equal(e.judgement.evidence, ME_EVIDENCE_LEARNED);
	assert_string_equal(e.endpoint, "proxy");
	assert_int_equal(e.before.verdict, ME_PENDING);
	explain(&hand, "other.example:3128", 0, &e);
	assert_int_equal(e.judgement.verdict, ME_PENDING);
	hand.policy.rules[0].until_ns = 1;
	hand.environment.now_epoch_ns = 1;
	assert_int_equal(hand_compile(&hand), 0);
	explain(&hand, "proxy.example:3128", 0, &e);
	assert_int_equal(e.judgement.verdict, ME_VIOLATION);
	assert_int_equal(e.n_others, 1);
	assert_int_equal(e.others[0].role, ME_ROLE_EXPIRED);
	hand_free(&hand);
}

/* No more is listed than there is room for, and the rest is counted. */
static void test_many(void **state)
{
	struct me_explanation e;
	struct hand hand;

	hand_start(&hand);
	for (unsigned int i = 0; i < 30; i++)
		hand_rule(&hand, "a/b", "192.0.2.1", "tcp/80");
	assert_int_equal(hand_compile(&hand), 0);
	explain(&hand, "192.0.2.1:80", 0, &e);
	assert_int_equal(e.n_others, ME_EXPLAIN_OTHERS_MAX);
	assert_int_equal(e.n_untold, 29 - ME_EXPLAIN_OTHERS_MAX);
	hand_free(&hand);
}

/* From the text of a policy to the deciding rule with its place. */
static void test_from_text(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\n"
			  "profile: mailessentials-2015\n"
			  "resolvers: [192.0.2.53]\n"
			  "allow:\n"
			  "  - service: smtp\n"
			  "    name: outbound mail\n"
			  "    to: any\n"
			  "    ports: [tcp/25, tcp/587]\n");
	static const struct {
		const char *destination;
		enum me_verdict verdict;
		enum me_reason reason;
		const char *file; /* NULL: no rule */
	} cases[] = {
		{"meupdate.gfi.com:443/tcp", ME_ALLOWED, ME_REASON_NONE,
		 "mailessentials-2015.yaml"},
		{"rules.mailshell.net:80", ME_ALLOWED, ME_REASON_NONE, "mailessentials-2015.yaml"},
		{"a.b.mailshell.net:80", ME_PENDING, ME_REASON_UNLISTED_PORT, NULL},
		{"203.0.113.5:587", ME_ALLOWED, ME_REASON_NONE, SITE},
		{"192.0.2.53:53/udp", ME_ALLOWED, ME_REASON_NONE, "mailessentials-2015.yaml"},
		{"203.0.113.5:53/udp", ME_VIOLATION, ME_REASON_WRONG_RESOLVER, NULL},
		{"203.0.113.5:9093", ME_VIOLATION, ME_REASON_REMOTING_OFF_HOST, NULL},
		{"203.0.113.5:9095", ME_VIOLATION, ME_REASON_PEER_UNKNOWN, NULL},
		{"[2001:db8::1]:853", ME_VIOLATION, ME_REASON_ENCRYPTED_DNS, NULL},
		{"127.0.0.1:9093", ME_LOCAL, ME_REASON_NONE, "mailessentials-2015.yaml"},
		{"203.0.113.5/47", ME_VIOLATION, ME_REASON_UNLISTED_PROTOCOL, NULL},
	};
	struct me_environment environment = {.now_epoch_ns = 1};
	struct me_diagnostics diagnostics = {0};
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();
	_cleanup_(me_image_freep) struct me_image *image = NULL;

	assert_int_equal(me_compile(policy, &environment, registry, 1, &diagnostics, &image), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		const char *expected;
		struct me_explanation e;
		struct me_query query;

		assert_int_equal(me_query_parse(cases[i].destination, &query, &expected), 0);
		assert_int_equal(me_explain(policy, &environment, image, registry, &query, 0, &e),
				 0);
		if (e.judgement.verdict != cases[i].verdict ||
		    e.judgement.reason != cases[i].reason)
			fail_msg("%s: %s %s", cases[i].destination,
				 me_verdict_label(e.judgement.verdict),
				 me_reason_label(e.judgement.reason));
		assert_int_equal(!e.rule, !cases[i].file);
		if (e.rule)
			assert_non_null(strstr(e.rule->at.file, cases[i].file));
	}
	me_diagnostics_clear(&diagnostics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explain),   cmocka_unit_test(test_before),
		cmocka_unit_test(test_recursive), cmocka_unit_test(test_named_proxy),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
