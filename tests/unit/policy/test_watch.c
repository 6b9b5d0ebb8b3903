/* SPDX-License-Identifier: GPL-2.0-only */
/* What is watched: by the policy, and by the command line in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "policy/hosts.h"
#include "policy/lint.h"
#include "yaml_text.h"

/* "cgroups /a | interfaces lan0 | hosts 192.0.2.10", and "whole" if nothing is named. */
static void assert_watched(const struct me_policy *policy, const char *expected)
{
	_cleanup_strbuf_ struct me_strbuf found = {0};
	char host[ME_HOST_LEN];

	me_strbuf_adds(&found, policy->watch_whole ? "whole | cgroups" : "cgroups");
	for (size_t i = 0; i < policy->n_cgroups; i++)
		me_strbuf_addf(&found, " %s", policy->cgroups[i]);
	me_strbuf_adds(&found, " | interfaces");
	for (size_t i = 0; i < policy->n_interfaces; i++)
		me_strbuf_addf(&found, " %s", policy->interfaces[i]);
	me_strbuf_adds(&found, " | hosts");
	for (size_t i = 0; i < policy->n_hosts; i++) {
		me_host_format(&policy->hosts[i], host);
		me_strbuf_addf(&found, " %s", host);
	}
	assert_string_equal(found.data, expected);
}

/* Who names neither control groups nor interfaces means the whole machine; nobody else does. */
static void the_policy_alone(void **state)
{
	static const struct {
		const char *watch, *watched;
	} cases[] = {
		{"", "whole | cgroups / | interfaces | hosts"},
		{"watch: {}\n", "whole | cgroups / | interfaces | hosts"},
		{"watch: {cgroups: []}\n", "whole | cgroups / | interfaces | hosts"},
		{"watch: {hosts: [192.0.2.1]}\n",
		 "whole | cgroups / | interfaces | hosts 192.0.2.1"},
		{"watch: {cgroups: [/]}\n", "cgroups / | interfaces | hosts"},
		{"watch: {cgroups: [/a, /b]}\n", "cgroups /a /b | interfaces | hosts"},
		{"watch: {interfaces: lan0, hosts: 192.0.2.1}\n",
		 "cgroups | interfaces lan0 | hosts 192.0.2.1"},
		{"watch: {cgroups: /a, interfaces: [lan0, lan1], hosts: 192.0.2.1}\n",
		 "cgroups /a | interfaces lan0 lan1 | hosts 192.0.2.1"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf text = {0};
		_cleanup_(me_policy_freep) struct me_policy *policy = NULL;

		me_strbuf_addf(&text, "version: 1\n%s", cases[i].watch);
		policy = load_good(text.data);
		assert_watched(policy, cases[i].watched);
	}
}

static void every_form_of_a_host(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(
		"version: 1\n"
		"watch:\n"
		"  interfaces: [lan0, lan.20]\n"
		"  hosts: [192.0.2.10, 192.0.2.16/28, 10.0.0.0/8, \"2001:DB8::10\",\n"
		"          \"2001:db8:1::/48\", \"::ffff:192.0.2.9\", 0.0.0.0/0, \"::/0\",\n"
		"          {mac: \"02:00:00:00:00:1F\"}, \"02:00:00:00:00:ab\"]\n");

	assert_watched(policy, "cgroups | interfaces lan0 lan.20 | hosts 192.0.2.10 192.0.2.16/28 "
			       "10.0.0.0/8 2001:db8::10 2001:db8:1::/48 192.0.2.9 0.0.0.0/0 ::/0 "
			       "02:00:00:00:00:1f 02:00:00:00:00:ab");
	assert_int_equal(policy->hosts[1].bits, 96 + 28);
	assert_false(policy->hosts[7].is_mac);
	assert_true(policy->hosts[8].is_mac);
	assert_true(policy->hosts[9].is_mac);
	assert_string_equal(policy->hosts[9].at.file, SITE);
	assert_int_equal(policy->hosts[9].at.line, 6);
	assert_int_equal(policy->hosts[9].at.column, 39);
	assert_int_equal(policy->interfaces_at[1].line, 3);
	assert_int_equal(policy->interfaces_at[1].column, 22);
}

static void an_interface_is_taken_once(void **state)
{
	static const char text[] = "version: 1\n"
				   "watch: {interfaces: [a, b, a, a], hosts: [192.0.2.10]}\n";
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_strbuf_ struct me_strbuf found = {0};

	assert_int_equal(me_policy_parse(SITE, text, strlen(text), NULL, &diagnostics, &policy), 0);
	assert_watched(policy, "cgroups | interfaces a b | hosts 192.0.2.10");
	list_diagnostics(&diagnostics, ME_FINDING, &found);
	assert_string_equal(found.data, "2:28 redundant\n2:31 redundant\n");
	assert_string_equal(diagnostics.list[0].text, "`a` is named already at line 2");
}

static void limits_are_told_once(void **state)
{
	_cleanup_strbuf_ struct me_strbuf interfaces = {0}, hosts = {0};

	me_strbuf_adds(&interfaces, "version: 1\nwatch:\n  hosts: 192.0.2.1\n  interfaces:\n");
	for (unsigned int i = 0; i < ME_POLICY_INTERFACES_MAX + 2; i++)
		me_strbuf_addf(&interfaces, "  - lan%u\n", i);
	me_strbuf_adds(&hosts, "version: 1\nwatch:\n  interfaces: lan0\n  hosts:\n");
	for (unsigned int i = 0; i < ME_POLICY_HOSTS_MAX + 2; i++)
		me_strbuf_addf(&hosts, "  - 10.0.%u.%u\n", i >> 8, i & 0xff);
	assert_errors(interfaces.data, interfaces.len, "261:5 limit\n");
	assert_errors(hosts.data, hosts.len, "4101:5 limit\n");
}

/* --- The command line --------------------------------------------------------------------------- */

#define POLICY                                                                                     \
	"version: 1\n"                                                                             \
	"resolvers: [192.0.2.53]\n"                                                                \
	"watch: {cgroups: [/a], interfaces: [lan0], hosts: [192.0.2.10]}\n"

#define WORDS(...)                                                                                 \
	(const char *const[]){__VA_ARGS__}, ME_ARRAY_SIZE(((const char *const[]){__VA_ARGS__}))
#define NONE NULL, 0

static void options_replace_all_of_it(void **state)
{
	const struct {
		struct me_watch_options options;
		const char *watched;
	} cases[] = {
		{{NONE, NONE, NONE}, "cgroups /a | interfaces lan0 | hosts 192.0.2.10"},
		{{WORDS("/b", "/c"), NONE, NONE}, "cgroups /b /c | interfaces | hosts"},
		{{NONE, WORDS("br0"), WORDS("2001:db8::/64", "02:00:00:00:00:10", "192.0.2.1")},
		 "cgroups | interfaces br0 | hosts 2001:db8::/64 02:00:00:00:00:10 192.0.2.1"},
		{{WORDS("/"), WORDS("br0", "br1"), WORDS("192.0.2.1")},
		 "cgroups / | interfaces br0 br1 | hosts 192.0.2.1"},
		/* For a capture file. */
		{{NONE, NONE, WORDS("192.0.2.1")},
		 "whole | cgroups / | interfaces | hosts 192.0.2.1"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = load_good(POLICY);
		_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};

		assert_int_equal(me_policy_watch(policy, &cases[i].options, &diagnostics), 0);
		assert_int_equal(diagnostics.count, 0);
		assert_watched(policy, cases[i].watched);
		assert_int_equal(policy->watch_at.file != NULL, i == 0);
	}
}

/* What is wrong with an option is said under its name. */
static void options_are_read_like_the_policy(void **state)
{
	const struct me_watch_options options = {
		WORDS("/a", "b", "/c/../d"), WORDS("lan0", "sixteen-bytes-xx", ""),
		WORDS("192.0.2.0/24", "192.0.2.1/24", "mail.example", "01:00:00:00:00:00",
		      "{mac: \"02:00:00:00:00:10\"}")};
	static const char *const expected[] = {
		"--cgroup: bad-path",      "--cgroup: bad-path",  "--interface: bad-interface",
		"--interface: wrong-type", "--host: host-bits",   "--host: bad-address",
		"--host: bad-mac",         "--host: bad-address",
	};
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(POLICY);
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};

	assert_int_equal(me_policy_watch(policy, &options, &diagnostics), -EINVAL);
	assert_int_equal(diagnostics.count, ME_ARRAY_SIZE(expected));
	for (size_t i = 0; i < diagnostics.count; i++) {
		const struct me_diagnostic *d = &diagnostics.list[i];
		char found[64];

		assert_int_equal(d->at.line, 0);
		snprintf(found, sizeof(found), "%s: %s", d->at.file, d->kind);
		assert_string_equal(found, expected[i]);
	}
}

/* The linter has no line to name. */
static void options_are_linted(void **state)
{
	const struct me_watch_options options = {NONE, WORDS("lan0", "lan0"),
						 WORDS("192.0.2.0/24", "192.0.2.7", "192.0.2.7")};
	static const char *const expected[] = {
		"`lan0` is named already",
		"`192.0.2.7` lies inside `192.0.2.0/24`, and is a mail host of its own",
		"`192.0.2.7` is named already",
		"the resolver 192.0.2.53 is a mail host too: what it sends is judged",
	};
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(POLICY);
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	size_t n = 0;

	assert_int_equal(me_policy_watch(policy, &options, &diagnostics), 0);
	assert_int_equal(me_lint(policy, 0, &diagnostics), 0);
	for (size_t i = 0; i < diagnostics.count; i++) {
		const struct me_diagnostic *d = &diagnostics.list[i];

		if (d->at.file && d->at.file[0] == '-')
			assert_string_equal(d->text, expected[n++]);
	}
	assert_int_equal(n, ME_ARRAY_SIZE(expected));
	assert_int_equal(diagnostics.findings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policy_alone),
		cmocka_unit_test(every_form_of_a_host),
		cmocka_unit_test(an_interface_is_taken_once),
		cmocka_unit_test(limits_are_told_once),
		cmocka_unit_test(options_replace_all_of_it),
		cmocka_unit_test(options_are_read_like_the_policy),
		cmocka_unit_test(options_are_linted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
