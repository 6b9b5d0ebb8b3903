/* SPDX-License-Identifier: GPL-2.0-only */
/* What the linter finds, where, and what it lets pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/clock.h"
#include "policy/lint.h"
#include "yaml_text.h"

#define ALLOW "version: 1\nallow:\n  - {service: smtp, to: any, ports: tcp/25}\n"

struct odd {
	const char *rules; /* below ALLOW: from line 4 */
	const char *findings;
};

static void assert_all(const struct odd *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};

		me_strbuf_adds(&text, ALLOW);
		me_strbuf_adds(&text, cases[i].rules);
		assert_lint(text.data, 0, cases[i].findings, "");
	}
}

static void too_much(void **state)
{
	static const struct odd cases[] = {
		{"  - {service: x, to: any, ports: [tcp/1, \"tcp/*\"]}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: [tcp/1-65535]}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: [tcp/2-20]}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: [tcp/2-19, udp/1-52, udp/54-65535]}\n", ""},
		{"  - {service: x, to: any, ports: [icmp, proto/0]}\n", ""},
		{"  - {service: x, to: [0.0.0.0/0, 192.0.0.0/7], ports: tcp/1}\n",
		 "4:23 over-broad\n4:34 over-broad\n4:34 redundant\n"},
		{"  - {service: x, to: [\"::/0\"], ports: tcp/1}\n", "4:23 over-broad\n"},
		{"  - {service: x, to: [\"2000::/15\"], ports: tcp/1}\n", "4:23 over-broad\n"},
		{"  - {service: x, to: [20.0.0.0/8, \"2001::/16\", 10.0.0.0/8, \"fc00::/7\"], ports: "
		 "tcp/1}\n",
		 ""},
		{"  - {service: x, to: [\"**.com\", \"*.net\", \"**.example.org\"], ports: tcp/1}\n",
		 "4:23 over-broad\n4:33 over-broad\n"},
	};

	assert_all(cases, ME_ARRAY_SIZE(cases));
}

/* A port for everybody, which other rules have for their destinations alone. */
static void nothing_left(void **state)
{
	static const struct odd cases[] = {
		/* Names, resolvers and local ports of the profile; peers of the site. */
		{"  - {service: x, to: any, ports: [tcp/79, tcp/443]}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: [tcp/79-81, tcp/443]}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: [192.0.2.1, any], ports: udp/53}\n", "4:34 over-broad\n"},
		{"  - {service: x, to: any, ports: tcp/9090-9099}\n", "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: proto/50}\n"
		 "  - {service: y, to: peers, ports: proto/50}\npeers: 192.0.2.1\n",
		 "4:22 over-broad\n"},
		{"  - {service: x, to: any, ports: proto/50}\n"
		 "  - {service: y, to: a.example, ports: proto/51}\n",
		 ""},
		/* Its own destinations, addresses, another protocol, and what is over. */
		{"  - {service: x, to: [any, a.example], ports: tcp/26}\n", ""},
		{"  - {service: x, to: 192.0.2.25, ports: tcp/25}\n", ""},
		{"  - {service: x, to: any, ports: [udp/80, udplite/443]}\n", ""},
		/* Of a wider range something is left. */
		{"  - {service: x, to: a.example, ports: [tcp/1-1023, tcp/25-26]}\n", ""},
		{"  - {service: x, to: any, ports: tcp/26}\n"
		 "  - {service: y, to: a.example, ports: tcp/26, until: 1970-01-01}\n",
		 "5:5 expired\n"},
		{"  - {service: x, to: any, ports: tcp/443, until: 1970-01-01}\n", "4:5 expired\n"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};

		me_strbuf_adds(&text, ALLOW);
		me_strbuf_adds(&text, cases[i].rules);
		assert_lint(text.data, 7 * 24 * 3600 * ME_NS_PER_S, cases[i].findings, "");
	}
}

/* The rule that is made meaningless is named, and the port. */
static void nothing_left_says_of_whom(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good(ALLOW "  - {service: x, to: any, ports: tcp/70-90}\n");
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	const char *text = NULL;

	assert_int_equal(me_lint(policy, 0, &diagnostics), 0);
	for (size_t i = 0; i < diagnostics.count; i++)
		if (!strcmp(diagnostics.list[i].kind, "over-broad"))
			text = diagnostics.list[i].text;
	assert_non_null(text);
	assert_non_null(strstr(text, "`any` with tcp/80: "));
	assert_non_null(strstr(text, "`updates/product-and-engine-updates`"));
}

static void too_little(void **state)
{
	static const struct odd cases[] = {
		{"  - {service: x, to: [127.0.0.1, \"::1\", 127.0.0.0/8], ports: tcp/1}\n",
		 "4:23 never-decides\n4:23 redundant\n4:34 never-decides\n4:41 never-decides\n"},
		{"  - {service: x, to: [224.0.0.1, 255.255.255.255], ports: udp/1}\n",
		 "4:23 never-decides\n4:34 never-decides\n"},
		{"  - {service: x, to: 169.254.169.254, ports: tcp/80}\n", ""},
		{"  - {service: x, to: proxy, ports: tcp/1}\n", "4:22 no-proxy\n"},
		{"  - {service: x, to: proxy, ports: tcp/1}\nproxy: 192.0.2.1:1\n", ""},
		{"  - {service: x, to: peers, ports: tcp/1}\n", "4:22 no-peers\n"},
		{"  - {service: x, to: resolver, ports: udp/53}\n", "4:22 single-label\n"},
		{"  - {service: x, to: dc1, ports: udp/53}\n", "4:22 single-label\n"},
		{"  - {service: x, to: 192.0.2.1, ports: tcp/1, private: true}\n",
		 "4:5 no-effect\n"},
		{"  - {service: x, to: dc1.example, ports: tcp/1, private: true}\n", ""},
		{"  - {service: x, to: proxy, ports: tcp/1, private: true}\nproxy: p.example:1\n",
		 ""},
		{"  - {service: x, to: proxy, ports: tcp/1, private: true}\nproxy: 192.0.2.1:1\n",
		 "4:5 no-effect\n"},
		{"  - {service: x, to: a.example, ports: tcp/1, retired: true}\n", "4:5 retired\n"},
		{"  - {service: x, to: a.example, ports: tcp/1, retired: true, "
		 "expect: {every: 1h}}\n",
		 "4:5 retired\n4:5 no-effect\n"},
		{"watch: {cgroups: []}\n", "4:8 empty-watch\n"},
		{"watch: {cgroups: [/a]}\n", ""},
		{"resolvers: {recursive: {exe: /usr/sbin/unbound}}\n", ""},
		{"strict_names: true\nlimits: {learned: 100, grace: 1h, warmup: 1h}\n", ""},
		{"  - {service: x, to: 192.0.2.1, ports: tcp/1, mode: enforce}\n", ""},
		{"  - {service: x, to: 192.0.2.1, ports: [tcp/1-9, udp/1], mode: enforce}\n"
		 "  - {service: x, to: 192.0.2.2, ports: [udp/5, tcp/9-11], mode: monitor}\n"
		 "  - {service: x, to: 192.0.2.3, ports: tcp/5, mode: enforce}\n"
		 "  - {service: x, to: 192.0.2.4, ports: udp/9, mode: shadow}\n",
		 "5:5 mode-taken\n"},
	};

	assert_all(cases, ME_ARRAY_SIZE(cases));
}

static void the_same_twice(void **state)
{
	static const struct odd cases[] = {
		{"  - {service: x, to: [a.example, A.example.], ports: tcp/1}\n",
		 "4:34 redundant\n"},
		{"  - {service: x, to: a.example, ports: tcp/1-9}\n"
		 "  - {service: y, to: a.example, ports: [tcp/2, tcp/3-9]}\n",
		 "5:22 shadowed\n"},
		/* Other ports, another protocol, another kind of the same text. */
		{"  - {service: x, to: a.example, ports: tcp/1-9}\n"
		 "  - {service: y, to: a.example, ports: [tcp/2, tcp/10]}\n"
		 "  - {service: z, to: a.example, ports: udp/2}\n"
		 "  - {service: w, to: \"*.a.example\", ports: tcp/2}\n",
		 ""},
		{"  - {service: x, to: [10.0.0.0/8, 10.1.0.0/16, 10.1.2.3], ports: tcp/1}\n",
		 "4:35 redundant\n4:48 redundant\n"},
		{"  - {service: x, to: 10.0.0.0/8, ports: tcp/1}\n"
		 "  - {service: y, to: 10.1.2.3, ports: tcp/1}\n",
		 ""},
		{"  - {service: x, to: 10.1.2.3, ports: tcp/1}\n"
		 "  - {service: y, to: 10.1.2.3, ports: tcp/1}\n",
		 "5:22 shadowed\n"},
		{"  - {service: x, to: any, ports: tcp/25}\n", "4:22 shadowed\n"},
		/* What ends sooner does not make what stays redundant. */
		{"  - {service: x, to: a.example, ports: tcp/1, until: 2030-01-01}\n"
		 "  - {service: y, to: a.example, ports: tcp/1}\n",
		 ""},
		{"  - {service: x, to: a.example, ports: tcp/1, until: 2030-01-01}\n"
		 "  - {service: y, to: a.example, ports: tcp/1, until: 2029-01-01}\n",
		 "5:22 shadowed\n"},
	};

	assert_all(cases, ME_ARRAY_SIZE(cases));
}

static void services_spelled_alike(void **state)
{
	static const struct odd cases[] = {
		{"  - {service: update, to: a.example, ports: tcp/1}\n", "4:5 service-spelling\n"},
		{"  - {service: direct0ry, to: a.example, ports: tcp/1}\n",
		 "4:5 service-spelling\n"},
		/* Short words are alike by nature; a service used twice is meant. */
		{"  - {service: ldap, to: a.example, ports: tcp/1}\n"
		 "  - {service: ldaps, to: a.example, ports: tcp/2}\n",
		 ""},
		{"  - {service: update, to: a.example, ports: tcp/1}\n"
		 "  - {service: update, to: a.example, ports: tcp/2}\n",
		 ""},
	};

	assert_all(cases, ME_ARRAY_SIZE(cases));
}

static void the_time_of_until(void **state)
{
	static const char text[] =
		ALLOW "  - {service: x, to: a.example, ports: tcp/1, until: 2030-01-01}\n"
		      "  - {service: y, to: a.example, ports: tcp/1, until: 2029-01-01}\n";
	uint64_t now;

	assert_int_equal(me_clock_parse_date("2029-06-01", &now), 0);
	assert_lint(text, now, "5:5 expired\n", "");
	assert_int_equal(me_clock_parse_date("2031-01-01", &now), 0);
	/* An expired rule shadows nothing. */
	assert_lint(text, now, "4:5 expired\n5:5 expired\n", "");
}

/* What is watched in transit: the findings, then the notes. */
static void what_is_watched(void **state)
{
	static const struct {
		const char *watch, *findings, *notes;
	} cases[] = {
		{"watch: {interfaces: [lan0], hosts: [192.0.2.10]}\nresolvers: [192.0.2.53]\n", "",
		 ""},
		{"watch: {interfaces: [lan0], hosts: [192.0.2.10]}\n", "",
		 "4:22 gateway-resolvers\n"},
		{"watch: {cgroups: [/], hosts: [192.0.2.10, 192.0.2.11]}\n", "4:31 no-effect\n",
		 ""},
		{"watch: {hosts: [192.0.2.10]}\n", "4:8 empty-watch\n4:17 no-effect\n", ""},
		{"watch: {interfaces: [], hosts: []}\n", "4:8 empty-watch\n", ""},
#define WATCH(interfaces, hosts)                                                                     \
	"resolvers: [192.0.2.53, {stub: 127.0.0.53, upstream: [198.51.100.53, \"2001:db8::35\"]}]\n" \
	"watch: {interfaces: [" interfaces "], hosts: [" hosts "]}\n"
		/* The same host, however it is written. */
		{WATCH("a", "192.0.2.10, 192.0.2.11, 192.0.2.10/32"), "5:58 redundant\n", ""},
		{WATCH("a", "\"::ffff:192.0.2.10\", 192.0.2.10"), "5:55 redundant\n", ""},
		{WATCH("a", "{mac: \"02:00:00:00:00:1f\"}, \"02:00:00:00:00:1F\", "
			    "\"02:00:00:00:00:1e\""),
		 "5:62 redundant\n", ""},
		{WATCH("a", "10.1.0.0/16, 10.1.2.3, 10.1.2.0/24, 10.2.0.1"), "",
		 "5:47 nested-host\n5:57 nested-host\n"},
		{WATCH("a", "192.0.2.53"), "", "5:34 host-resolves\n"},
		{WATCH("a", "192.0.2.0/24, 192.0.2.53"), "",
		 "5:34 host-resolves\n5:48 nested-host\n"},
		{WATCH("a", "198.51.100.0/25, \"2001:db8::/64\", 192.0.2.54"), "",
		 "5:34 host-resolves\n5:51 host-resolves\n"},
		{WATCH("a", "10.0.0.0/15, 10.4.0.0/16, \"fd00::/47\", \"fd01::/48\", 0.0.0.0/0, "
			    "\"::/0\""),
		 "5:34 over-broad\n5:60 over-broad\n5:86 over-broad\n5:97 over-broad\n",
		 "5:34 nested-host\n5:47 nested-host\n5:60 nested-host\n5:73 nested-host\n"
		 "5:86 nested-host\n5:97 host-resolves\n5:97 host-resolves\n"
		 "5:97 host-resolves\n5:97 host-resolves\n"},
		{WATCH("a", "127.0.0.1, 224.0.0.5, \"::\", \"ff02::1\", \"fe80::7\""),
		 "5:34 never-decides\n5:45 never-decides\n5:56 never-decides\n"
		 "5:62 never-decides\n",
		 ""},
#undef WATCH
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};

		me_strbuf_adds(&text, ALLOW);
		me_strbuf_adds(&text, cases[i].watch);
		assert_lint(text.data, 0, cases[i].findings, cases[i].notes);
	}
}

static void notes(void **state)
{
	assert_lint("version: 1\n", 0, "", "0:0 no-mail\n");
	assert_lint(ALLOW "  - {service: ftp, to: a.example, ports: [tcp/20, tcp/21]}\n", 0, "",
		    "4:5 ftp-data-port\n");
	assert_lint(ALLOW "  - {service: ftp, to: a.example, ports: tcp/20-21}\n", 0, "",
		    "4:5 ftp-data-port\n");
	/* Without control it is a mistake; in a wide range nobody meant it. */
	assert_lint(ALLOW "  - {service: x, to: a.example, ports: [tcp/20]}\n", 0,
		    "4:5 ftp-data-port\n", "");
	assert_lint(ALLOW "  - {service: x, to: a.example, ports: [tcp/1-1023, udp/20]}\n", 0, "",
		    "");
}

/* Wildcards of the same rule make a name redundant, though it may be wanted on the board. */
static void names_inside_wildcards(void **state)
{
	static const struct {
		const char *to, *notes;
	} cases[] = {
		{"a.x.test, b.x.test, \"*.a.x.test\", \"**.b.x.test\"", ""},
		{"\"*.x.test\", a.x.test, b.a.x.test", "4:35 redundant\n"},
		{"a.x.test, \"**.x.test\", b.a.x.test, x.test", "4:23 redundant\n4:46 redundant\n"},
		/* As the vendor lists them: `*` is one label. */
		{"\"*.mailshell.net\", \"*.rules.mailshell.net\", rules.mailshell.net",
		 "4:67 redundant\n"},
		{"\"**.x.test\", \"*.x.test\", \"*.y.x.test\", \"**.y.x.test\"",
		 "4:36 redundant\n4:48 redundant\n4:62 redundant\n"},
		{"\"*.y.x.test\", \"**.y.x.test\", \"**.x.test\"",
		 "4:23 redundant\n4:37 redundant\n"},
		{"192.0.2.1, \"*.x.test\", a.x.test", "4:46 redundant\n"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};

		me_strbuf_addf(&text, "%s  - {service: x, to: [%s], ports: tcp/1}\n", ALLOW,
			       cases[i].to);
		assert_lint(text.data, 0, "", cases[i].notes);
	}
	/* Each rule for itself. */
	assert_lint(ALLOW "  - {service: x, to: \"*.example.org\", ports: tcp/1}\n"
			  "  - {service: y, to: a.example.org, ports: tcp/1}\n",
		    0, "", "");
}

/* What stands in a shipped profile cannot be helped by its user: no findings. */
static void shipped_profiles_have_notes_only(void **state)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	size_t retired = 0;

	assert_int_equal(me_policy_load(NULL, NULL, &diagnostics, &policy), 0);
	assert_int_equal(me_lint(policy, 0, &diagnostics), 0);
	assert_int_equal(diagnostics.findings, 0);
	for (size_t i = 0; i < diagnostics.count; i++)
		retired += !strcmp(diagnostics.list[i].kind, "retired");
	assert_int_equal(retired, 3);
}

/* An override is the site's own, so what is found in it is a finding. */
static void an_override_is_the_site_s(void **state)
{
	assert_lint(ALLOW "override: [{entry: meupdate.gfi.com, until: 2020-01-01}]\n",
		    2000000000ull * ME_NS_PER_S, "4:12 expired\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_much),
		cmocka_unit_test(nothing_left),
		cmocka_unit_test(nothing_left_says_of_whom),
		cmocka_unit_test(too_little),
		cmocka_unit_test(the_same_twice),
		cmocka_unit_test(services_spelled_alike),
		cmocka_unit_test(the_time_of_until),
		cmocka_unit_test(what_is_watched),
		cmocka_unit_test(notes),
		cmocka_unit_test(names_inside_wildcards),
		cmocka_unit_test(shipped_profiles_have_notes_only),
		cmocka_unit_test(an_override_is_the_site_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
