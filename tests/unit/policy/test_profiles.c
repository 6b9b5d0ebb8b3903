/* SPDX-License-Identifier: GPL-2.0-only */
/* The vendor profiles against the documents that they were transcribed from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "policy/builtin.h"
#include "policy/ports.h"
#include "policy/profiles.h"
#include "yaml_text.h"

static struct me_policy *load_profile(const char *name)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;

	assert_int_equal(me_policy_load(NULL, name, &diagnostics, &policy), 0);
	assert_int_equal(diagnostics.count, 0);
	assert_null(policy->path);
	return policy;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `expected`: "service to ports[, retired]" of each destination, a line each, sorted. */
static void assert_profile(const char *name, const char *expected)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_profile(name);
	_cleanup_strbuf_ struct me_strbuf all = {0};
	char *lines[64];
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		for (size_t j = 0; j < policy->rules[i].n_to; j++) {
			struct me_strbuf line = {0};

			me_strbuf_addf(&line, "%s %s ", policy->rules[i].service,
				       policy->rules[i].to[j].text);
			me_profile_describe(&policy->rules[i], &line);
			assert_int_equal(line.err, 0);
			assert_true(n < ME_ARRAY_SIZE(lines));
			lines[n++] = line.data;
		}
	}
	qsort(lines, n, sizeof(*lines), compare);
	for (size_t i = 0; i < n; i++) {
		me_strbuf_addf(&all, "%s\n", lines[i]);
		free(lines[i]);
	}
	assert_string_equal(all.data, expected);
}

#define WEB " tcp/80, tcp/443"
#define BASE                                                                                       \
	"dns resolvers udp/53, tcp/53\n"                                                           \
	"ftp ftp.gfisoftware.com tcp/20, tcp/21\n"
#define PEERS "multi-server peers tcp/9095, tcp/9096\n"
#define DIRECTORY                                                                                  \
	"directory 10.0.0.0/8 tcp/389, tcp/636\n"                                                  \
	"directory 172.16.0.0/12 tcp/389, tcp/636\n"                                               \
	"directory 192.168.0.0/16 tcp/389, tcp/636\n"                                              \
	"directory fc00::/7 tcp/389, tcp/636\n"
/* The ten names of KBID002184, and where SpamRazer's updates come from. */
#define TEN(mailshell, spamcatcher)                                                                \
	"updates *.mailshell.net" WEB mailshell "\n"                                               \
	"updates *.rules.mailshell.net" WEB "\n"                                                   \
	"updates cdnpatches.gfi.com" WEB "\n"                                                      \
	"updates cdnupdate.gfi.com" WEB "\n"                                                       \
	"updates db11.spamcatcher.net" WEB spamcatcher "\n"                                        \
	"updates meupdate.gfi.com" WEB ", every 1d\n"                                              \
	"updates spamrazer.gfi.com" WEB "\n"                                                       \
	"updates support.gfi.com" WEB "\n"                                                         \
	"updates update.gfi.com" WEB "\n"                                                          \
	"updates update.gfisoftware.com" WEB "\n"

static void each_says_what_its_document_says(void **state)
{
	assert_profile("mailessentials-14",
		       BASE "remoting local tcp/8013, tcp/8015, tcp/8021\n" TEN("", ", every 1d"));
	assert_profile("mailessentials-14-sr1",
		       BASE "remoting local tcp/8013, tcp/8015, tcp/8021\n" TEN(", every 1d",
										", retired"));
	assert_profile("mailessentials-2014-r2",
		       BASE "remoting local tcp/9090, tcp/9091, tcp/8015\n" TEN(", every 1d",
										", retired"));
	assert_profile("mailessentials-2015",
		       BASE PEERS "remoting local tcp/9093, tcp/9091, tcp/8015\n" TEN(", every 1d",
										      ", retired"));
	assert_profile("mailessentials-21", DIRECTORY BASE PEERS
		       "remoting local tcp/9090, tcp/9091, tcp/8015, tcp/61000\n"
		       "updates *.mailshell.net" WEB "\n"
		       "updates *.rules.mailshell.net" WEB "\n"
		       "updates cdnpatches.gfi.com" WEB "\n"
		       "updates cdnupdate.gfi.com" WEB "\n"
		       "updates db11.spamcatcher.net" WEB ", retired\n"
		       "updates gfi-downloader-137146314.us-east-1.elb.amazonaws.com" WEB "\n"
		       "updates meupdate.gfi.com" WEB ", every 1d\n"
		       "updates spamrazer.gfi.com" WEB "\n"
		       "updates support.gfi.com" WEB "\n");
}

static const struct me_rule *rule_of(const struct me_policy *policy, const char *service,
				     const char *text)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		for (size_t j = 0; j < policy->rules[i].n_to; j++) {
			if (!strcmp(policy->rules[i].service, service) &&
			    !strcmp(policy->rules[i].to[j].text, text))
				return &policy->rules[i];
		}
	}
	return NULL;
}

static void the_default_is_the_union(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *all = load_profile(ME_POLICY_PROFILE_DEFAULT);

	for (size_t i = 0; i < me_n_builtin_profiles; i++) {
		_cleanup_(me_policy_freep) struct me_policy *one =
			load_profile(me_builtin_profiles[i].name);

		for (size_t j = 0; j < one->n_rules; j++) {
			const struct me_rule *rule = &one->rules[j];

			for (size_t k = 0; k < rule->n_to; k++) {
				const struct me_rule *same =
					rule_of(all, rule->service, rule->to[k].text);

				assert_non_null(same);
				assert_true(me_ports_cover(same->ports, same->n_ports, rule->ports,
							   rule->n_ports));
			}
		}
	}
	assert_true(rule_of(all, "updates", "update.gfi.com")->retired);
	assert_true(rule_of(all, "updates", "update.gfisoftware.com")->retired);
	assert_true(rule_of(all, "updates", "db11.spamcatcher.net")->retired);
	assert_false(rule_of(all, "updates", "meupdate.gfi.com")->retired);
}

static void each_entry_has_its_source(void **state)
{
	for (size_t i = 0; i < me_n_builtin_profiles; i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy =
			load_profile(me_builtin_profiles[i].name);

		assert_non_null(policy->title);
		assert_non_null(policy->source);
		assert_non_null(policy->date);
		for (size_t j = 0; j < policy->n_rules; j++) {
			assert_non_null(policy->rules[j].source);
			assert_true(policy->rules[j].from_profile);
			assert_string_equal(policy->rules[j].at.file, me_builtin_profiles[i].file);
			assert_true(policy->rules[j].at.line > 0);
		}
	}
	assert_int_equal(me_n_builtin_profiles, 6);
}

/* Lines of "KIND SERVICE DESTINATION", in order. */
static void assert_diff(const struct me_policy *before, const struct me_policy *after,
			const char *expected)
{
	_cleanup_free_ struct me_profile_change *changes = NULL;
	_cleanup_strbuf_ struct me_strbuf all = {0};
	size_t n = 0;

	assert_int_equal(me_profile_diff(before, after, &changes, &n), 0);
	for (size_t i = 0; i < n; i++) {
		const struct me_profile_change *change = &changes[i];

		assert_int_equal(!change->before, change->kind == ME_PROFILE_MORE);
		assert_int_equal(!change->after, change->kind == ME_PROFILE_LESS);
		me_strbuf_addf(&all, "%s %s %s\n", me_profile_change_label(change->kind),
			       (change->after ? change->after : change->before)->service,
			       change->to->text);
	}
	me_strbuf_adds(&all, "");
	assert_string_equal(all.data, expected);
}

static void differences_have_a_direction(void **state)
{
	static const struct {
		const char *before, *after, *forth, *back;
	} cases[] = {
		{"mailessentials-14", "mailessentials-14", "", ""},
		/* Where SpamRazer's updates come from, and are expected from. */
		{"mailessentials-14", "mailessentials-14-sr1",
		 "otherwise updates *.mailshell.net\notherwise updates db11.spamcatcher.net\n",
		 "otherwise updates *.mailshell.net\notherwise updates db11.spamcatcher.net\n"},
		{"mailessentials-14-sr1", "mailessentials-2014-r2", "otherwise remoting local\n",
		 "otherwise remoting local\n"},
		{"mailessentials-2014-r2", "mailessentials-2015",
		 "more multi-server peers\notherwise remoting local\n",
		 "less multi-server peers\notherwise remoting local\n"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *a = load_profile(cases[i].before);
		_cleanup_(me_policy_freep) struct me_policy *b = load_profile(cases[i].after);

		assert_diff(a, b, cases[i].forth);
		assert_diff(b, a, cases[i].back);
	}
}

/* A policy with one entry of its own, a.example, that says this. */
static struct me_policy *load_entry(const char *attributes)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};

	me_strbuf_addf(&text,
		       "version: 1\n"
		       "allow: [{service: x, to: [{entry: a.example, %s}], ports: tcp/21}]\n",
		       attributes);
	return load_good(text.data);
}

/* Everything that an entry says counts; that it is retired by itself is a kind of its own. */
static void each_attribute_is_a_difference(void **state)
{
	static const struct {
		const char *before, *after, *expected;
	} cases[] = {
		{"", "", ""},
		{"note: one", "note: two", ""},
		{"", "retired: true", "retired x a.example\n"},
		{"retired: true", "", "otherwise x a.example\n"},
		{"", "retired: true, private: true", "otherwise x a.example\n"},
		{"", "private: true", "otherwise x a.example\n"},
		{"", "expect: {every: 1h}", "otherwise x a.example\n"},
		{"expect: {every: 60m}", "expect: {every: 1h}", ""},
		{"", "until: 2030-01-01", "otherwise x a.example\n"},
		{"", "mode: enforce", "otherwise x a.example\n"},
		{"", "passive: any", "otherwise x a.example\n"},
		{"", "ports: [tcp/21, tcp/22]", "otherwise x a.example\n"},
		{"ports: [tcp/22, tcp/21]", "ports: [tcp/21, tcp/22]", ""},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *a = load_entry(cases[i].before);
		_cleanup_(me_policy_freep) struct me_policy *b = load_entry(cases[i].after);

		assert_diff(a, b, cases[i].expected);
	}
}

static void rules_are_described(void **state)
{
	static const struct {
		const char *attributes, *says;
	} cases[] = {
		{"expect: {every: 100ms}", "tcp/21, every 100ms"},
		{"expect: {every: 90s}", "tcp/21, every 90s"},
		{"expect: {every: 36h}", "tcp/21, every 36h"},
		{"expect: {every: 48h}, private: true", "tcp/21, private, every 2d"},
		{"mode: shadow, until: 2028-02-29", "tcp/21, shadow, until 2028-02-29"},
		{"ports: [tcp/20-21, icmp], passive: documented, retired: true",
		 "tcp/20-21, icmp, passive documented, retired"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy =
			load_entry(cases[i].attributes);
		_cleanup_strbuf_ struct me_strbuf says = {0};

		me_profile_describe(find_rule(policy, "x/a.example"), &says);
		assert_string_equal(says.data, cases[i].says);
	}
}

/* A site may expect something else of an entry, or nothing at all. */
static void a_site_expects_otherwise(void **state)
{
	static const char bad[] =
		"version: 1\nallow:\n"
		"  - {service: x, to: a.example, ports: tcp/1, expect: {every: nevr}}\n"
		"  - {service: x, to: a.example, ports: tcp/1, expect: never}\n"
		"  - {service: x, to: a.example, ports: tcp/1, expect: {every: [never]}}\n"
		"  - {service: x, to: a.example, ports: tcp/1, expect: {}}\n";
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\noverride:\n"
			  "  - {entry: meupdate.gfi.com, expect: {every: never}}\n"
			  "  - {entry: spamrazer.gfi.com, expect: {every: 6h}}\n");

	assert_int_equal(find_rule(policy, "updates/meupdate.gfi.com")->expect_ns, 0);
	assert_int_equal(find_rule(policy, "updates/spamrazer.gfi.com")->expect_ns,
			 6 * 3600 * ME_NS_PER_S);
	assert_errors(bad, strlen(bad),
		      "3:63 bad-duration\n4:55 wrong-type\n5:63 bad-duration\n6:55 missing-key\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_says_what_its_document_says),
		cmocka_unit_test(the_default_is_the_union),
		cmocka_unit_test(each_entry_has_its_source),
		cmocka_unit_test(differences_have_a_direction),
		cmocka_unit_test(each_attribute_is_a_difference),
		cmocka_unit_test(rules_are_described),
		cmocka_unit_test(a_site_expects_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
