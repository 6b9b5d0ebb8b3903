/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "policy/suggest.h"
#include "tests/seed.h"

#define OFFENCES_MAX 12u

static struct me_offence offence(const char *dst, uint16_t port, enum me_reason reason,
				 const char *dns, const char *client)
{
	struct me_offence o = {
		.dport = port,
		.proto = IPPROTO_TCP,
		.reason = reason,
		.service = "unlisted",
		.first = "2026-11-01T00:00:00.000Z",
		.last = "2026-11-02T00:00:00.000Z",
		.count = 3,
	};

	assert_int_equal(me_inet_parse(dst, o.dst.byte), 0);
	if (dns)
		assert_true(me_suggest_name(&o, dns, ME_WITNESS_DNS));
	if (client)
		assert_true(me_suggest_name(&o, client, ME_WITNESS_CLIENT));
	return o;
}

/* A policy with what is printed for all suggestions but `left_out`. */
struct applied {
	struct me_diagnostics diagnostics;
	struct me_policy *policy;
	struct me_registry *registry;
	struct me_image *image;
	struct me_environment environment;
};

static void apply(const struct me_suggestions *s, const struct me_offence *offences, size_t n,
		  size_t left_out, struct applied *a)
{
	_cleanup_strbuf_ struct me_strbuf text = {0}, whole = {0};
	char *at;

	me_suggest_print(s, offences, n, &text);
	assert_int_equal(text.err, 0);
	me_strbuf_adds(&whole,
		       "version: 1\nallow:\n  - {service: keep, to: 192.0.2.250, ports: tcp/9}\n");
	at = strstr(text.data, "allow:\n");
	at = at ? at + 7 : text.data + text.len;
	for (size_t i = 0; *at; i++) {
		char *end = strstr(at, "  - service");

		assert_non_null(end);
		end = strstr(end, "\n  #");
		end = end ? end + 1 : text.data + text.len;
		if (i != left_out)
			me_strbuf_add(&whole, at, (size_t)(end - at));
		at = end;
	}
	*a = (struct applied){.registry = me_registry_new()};
	if (me_policy_parse("site.yaml", whole.data, whole.len, NULL, &a->diagnostics, &a->policy))
		fail_msg("%s in\n%s", a->diagnostics.list[0].text, whole.data);
	assert_int_equal(
		me_compile(a->policy, &a->environment, a->registry, 1, &a->diagnostics, &a->image),
		0);
}

static void applied_end(struct applied *a)
{
	me_image_free(&a->image);
	me_registry_free(&a->registry);
	me_policy_free(&a->policy);
	me_diagnostics_clear(&a->diagnostics);
}

/* `said`: the client said that name, so it is a rule for names that has to allow it. */
static bool explained(const struct applied *a, const char *text, bool said)
{
	struct me_explanation e;
	struct me_query query;
	const char *expected;

	assert_int_equal(me_query_parse(text, &query, &expected), 0);
	assert_int_equal(
		me_explain(a->policy, &a->environment, a->image, a->registry, &query, 0, &e), 0);
	return e.judgement.verdict == ME_ALLOWED &&
	       (!said || e.to->kind == ME_TO_NAME || e.to->kind == ME_TO_WILDCARD);
}

/* Whether explain allows it: by what the client said, else by its address or any name it has. */
static bool is_allowed(const struct applied *a, const struct me_offence *o)
{
	char text[ME_NAME_ROOM + 32], address[ME_INET_LEN];
	bool said = o->reason == ME_REASON_NAME_MISMATCH;

	for (size_t i = 0; i < o->n_names; i++)
		said |= (o->names[i].witnesses & ME_WITNESS_CLIENT) != 0;
	me_inet_format(o->dst.byte, address);
	snprintf(text, sizeof(text), me_addr_is_v4(&o->dst) ? "%s:%u/tcp" : "[%s]:%u/tcp", address,
		 o->dport);
	if (!said && explained(a, text, false))
		return true;
	for (size_t i = 0; i < o->n_names; i++) {
		if (said && !(o->names[i].witnesses & ME_WITNESS_CLIENT))
			continue;
		snprintf(text, sizeof(text), "%s:%u/tcp", o->names[i].name, o->dport);
		if (explained(a, text, said))
			return true;
	}
	return false;
}

/* Every offence that is not refused is allowed; and not without any one of the suggestions. */
static void check(const struct me_offence *offences, size_t n, bool any)
{
	struct me_suggestions s;

	assert_int_equal(me_suggest(offences, n, any, &s), 0);
	for (size_t out = 0; out <= s.n; out++) {
		struct applied a;
		size_t denied = 0;

		apply(&s, offences, n, out, &a);
		for (size_t i = 0; i < n; i++) {
			if (s.of[i] == ME_NOT_SUGGESTED)
				assert_true(me_suggest_refused(&offences[i]) ||
					    offences[i].reason == ME_REASON_NAME_MISMATCH);
			else
				denied += !is_allowed(&a, &offences[i]);
		}
		if (out == s.n)
			assert_int_equal(denied, 0);
		else
			assert_true(denied > 0);
		applied_end(&a);
	}
	for (size_t i = 0; i < s.n; i++)
		assert_true(any || s.list[i].kind != ME_SUGGEST_ANY);
	me_suggestions_free(&s);
}

static void says(const struct me_offence *offences, size_t n, bool any, const char *const *texts)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};
	struct me_suggestions s;

	assert_int_equal(me_suggest(offences, n, any, &s), 0);
	me_suggest_print(&s, offences, n, &out);
	for (; *texts; texts++) {
		bool absent = **texts == '!';

		if (!strstr(out.data, *texts + absent) != absent)
			fail_msg("`%s` in\n%s", *texts, out.data);
	}
	me_suggestions_free(&s);
	check(offences, n, any);
}

#define UNLISTED ME_REASON_UNLISTED_DESTINATION

static void test_kinds(void **state)
{
	const struct me_offence names[] = {
		offence("203.0.113.1", 443, UNLISTED, "a.example.com", "a.example.com"),
		offence("203.0.113.1", 80, UNLISTED, "a.example.com", NULL),
		offence("10.0.0.1", 390, UNLISTED, "dc.corp.example", NULL),
		offence("203.0.113.9", 22, UNLISTED, NULL, NULL),
	};
	const struct me_offence many[] = {
		offence("203.0.113.1", 443, UNLISTED, "a.cdn.example", NULL),
		offence("203.0.113.2", 443, UNLISTED, "b.cdn.example", NULL),
		offence("203.0.113.3", 8443, UNLISTED, "c.cdn.example", NULL),
	};
	const struct me_offence nameless[] = {
		offence("203.0.113.1", 25, UNLISTED, NULL, NULL),
		offence("203.0.113.2", 25, UNLISTED, NULL, NULL),
		offence("2001:db8::3", 25, UNLISTED, NULL, NULL),
		offence("203.0.113.4", 26, UNLISTED, NULL, NULL),
	};
	const struct me_offence never[] = {
		offence("203.0.113.1", 53, ME_REASON_WRONG_RESOLVER, NULL, NULL),
		offence("203.0.113.1", 9093, ME_REASON_REMOTING_OFF_HOST, NULL, NULL),
		offence("203.0.113.1", 4000, ME_REASON_FTP_UNANNOUNCED, "x.example", NULL),
		offence("203.0.113.1", 443, ME_REASON_NAME_MISMATCH, "listed.example", NULL),
	};
	const struct me_offence nowhere[] = {
		offence("203.0.113.1", 0, UNLISTED, "a.example", NULL)};
	struct me_offence strange[] = {offence("203.0.113.1", 9, UNLISTED, "a.example", NULL),
				       offence("203.0.113.2", 9, UNLISTED, "a.example", NULL)};
	const struct me_offence mismatch[] = {
		offence("203.0.113.1", 443, ME_REASON_NAME_MISMATCH, "listed.example", "b.example"),
	};

	says(names, 4, false,
	     (const char *const[]){
		     "to: \"a.example.com\"\n    ports: [tcp/443, tcp/80]",
		     "to: \"dc.corp.example\"\n    ports: [tcp/390]\n    private: true",
		     "single witness: the DNS alone", "to: \"203.0.113.9\"", "no name is known",
		     "3 times, 2026-11-01", NULL});
	says(many, 3, false,
	     (const char *const[]){"to: \"*.cdn.example\"\n    ports: [tcp/443, tcp/8443]",
				   "broad:", "!to: \"a.cdn", NULL});
	says(many, 2, false, (const char *const[]){"to: \"a.cdn", "to: \"b.cdn", "!*.", NULL});
	says(nameless, 4, false, (const char *const[]){"to: \"2001:db8::3\"", "!\"any\"", NULL});
	says(nameless, 4, true,
	     (const char *const[]){"to: \"any\"\n    ports: [tcp/25]", "to: \"203.0.113.4\"",
				   "!to: \"203.0.113.1\"", NULL});
	says(never, 4, true,
	     (const char *const[]){"!allow:", "# not suggested, because remoting", "resolvers:",
				   "`passive:`", "said no name", "# nothing to suggest", NULL});
	says(nowhere, 1, true,
	     (const char *const[]){"!allow:", "because there is no port 0", NULL});
	strange[0].service = "H`T\"";
	strange[1].service = "local";
	says(strange, 2, false, (const char *const[]){"service: \"suggested\"", "!`", NULL});
	says(mismatch, 1, false,
	     (const char *const[]){"to: \"b.example\"", "single witness: clients alone",
				   "shared address", NULL});
}

/* What is no name stays out, and with it whatever else it may say. */
static void test_texts(void **state)
{
	struct me_offence o = offence("203.0.113.1", 443, UNLISTED, NULL, NULL);
	static const char *const bad[] = {"",        "a",     "a..b",        ".a.b",  "a.b.",
					  "1.2.3.4", "a b.c", "a.b\nany: x", "a.b\"", "\\010.b",
					  "a.7",     "-a.b",  "a-.b",        "a.*.b"};

	for (size_t i = 0; i < ME_ARRAY_SIZE(bad); i++)
		assert_false(me_suggest_name(&o, bad[i], ME_WITNESS_DNS));
	assert_true(me_suggest_name(&o, "A.Example", ME_WITNESS_DNS));
	assert_true(me_suggest_name(&o, "a.example", ME_WITNESS_CLIENT));
	assert_int_equal(o.n_names, 1);
	assert_int_equal(o.names[0].witnesses, ME_WITNESS_DNS | ME_WITNESS_CLIENT);
}

static void test_random(void **state)
{
	static const char *const names[] = {"a.x.example", "b.x.example", "c.x.example",
					    "d.y.example", "e.z.example"};
	static const char *const addresses[] = {"203.0.113.1", "203.0.113.2", "2001:db8::1",
						"203.0.113.4", "203.0.113.5"};
	static const enum me_reason reasons[] = {UNLISTED, UNLISTED, ME_REASON_UNLISTED_PORT,
						 ME_REASON_NAME_MISMATCH, ME_REASON_WRONG_RESOLVER};

	uint64_t seed = me_seed();

	for (unsigned int round = 0; round < 300; round++) {
		struct me_offence offences[OFFENCES_MAX];
		size_t n = 1 + (size_t)(int)(me_seed_next(&seed) >> 33) % OFFENCES_MAX;

		for (size_t i = 0; i < n; i++) {
			offences[i] =
				offence(addresses[(int)(me_seed_next(&seed) >> 33) % 5],
					(uint16_t)(1 + (int)(me_seed_next(&seed) >> 33) % 4),
					reasons[(int)(me_seed_next(&seed) >> 33) % 5], NULL, NULL);
			for (int k = (int)(me_seed_next(&seed) >> 33) % 4; k > 0; k--)
				me_suggest_name(
					&offences[i], names[(int)(me_seed_next(&seed) >> 33) % 5],
					(int)(me_seed_next(&seed) >> 33) % 4 ? ME_WITNESS_DNS
									     : ME_WITNESS_CLIENT);
		}
		check(offences, n, (int)(me_seed_next(&seed) >> 33) % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
