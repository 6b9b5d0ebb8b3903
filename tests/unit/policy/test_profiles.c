/* SPDX-License-Identifier: GPL-2.0-only */
/* The vendor profiles against the documents that they were transcribed from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
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

#define BASE                                                                                       \
	"dns resolvers udp/53, tcp/53\n"                                                           \
	"ftp ftp.gfisoftware.com tcp/20, tcp/21\n"
#define PEERS "multi-server peers tcp/9095, tcp/9096\n"
#define DIRECTORY                                                                                  \
	"directory 10.0.0.0/8 tcp/389, tcp/636\n"                                                  \
	"directory 172.16.0.0/12 tcp/389, tcp/636\n"                                               \
	"directory 192.168.0.0/16 tcp/389, tcp/636\n"                                              \
	"directory fc00::/7 tcp/389, tcp/636\n"
/* The ten names of KBID002184. */
#define TEN(spamcatcher)                                                                           \
	"updates *.mailshell.net tcp/80, tcp/443\n"                                                \
	"updates *.rules.mailshell.net tcp/80, tcp/443\n"                                          \
	"updates cdnpatches.gfi.com tcp/80, tcp/443\n"                                             \
	"updates cdnupdate.gfi.com tcp/80, tcp/443\n"                                              \
	"updates db11.spamcatcher.net tcp/80, tcp/443" spamcatcher "\n"                            \
	"updates meupdate.gfi.com tcp/80, tcp/443\n"                                               \
	"updates spamrazer.gfi.com tcp/80, tcp/443\n"                                              \
	"updates support.gfi.com tcp/80, tcp/443\n"                                                \
	"updates update.gfi.com tcp/80, tcp/443\n"                                                 \
	"updates update.gfisoftware.com tcp/80, tcp/443\n"

static void each_says_what_its_document_says(void **state)
{
	assert_profile("mailessentials-14",
		       BASE "remoting local tcp/8013, tcp/8015, tcp/8021\n" TEN(""));
	assert_profile("mailessentials-14-sr1",
		       BASE "remoting local tcp/8013, tcp/8015, tcp/8021\n" TEN(", retired"));
	assert_profile("mailessentials-2014-r2",
		       BASE "remoting local tcp/9090, tcp/9091, tcp/8015\n" TEN(", retired"));
	assert_profile("mailessentials-2015",
		       BASE PEERS "remoting local tcp/9093, tcp/9091, tcp/8015\n" TEN(", retired"));
	assert_profile(
		"mailessentials-21", DIRECTORY BASE PEERS
		"remoting local tcp/9090, tcp/9091, tcp/8015, tcp/61000\n"
		"updates *.mailshell.net tcp/80, tcp/443\n"
		"updates *.rules.mailshell.net tcp/80, tcp/443\n"
		"updates cdnpatches.gfi.com tcp/80, tcp/443\n"
		"updates cdnupdate.gfi.com tcp/80, tcp/443\n"
		"updates db11.spamcatcher.net tcp/80, tcp/443, retired\n"
		"updates gfi-downloader-137146314.us-east-1.elb.amazonaws.com tcp/80, tcp/443\n"
		"updates meupdate.gfi.com tcp/80, tcp/443\n"
		"updates spamrazer.gfi.com tcp/80, tcp/443\n"
		"updates support.gfi.com tcp/80, tcp/443\n");
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

static void differences_have_a_direction(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *old = load_profile("mailessentials-2014-r2");
	_cleanup_(me_policy_freep) struct me_policy *new = load_profile("mailessentials-2015");
	_cleanup_free_ struct me_profile_change *forth = NULL, *back = NULL, *none = NULL;
	size_t n = 0;

	assert_int_equal(me_profile_diff(old, new, &forth, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(forth[0].to->text, "peers");
	assert_null(forth[0].before);
	assert_non_null(forth[0].after);
	assert_string_equal(forth[1].to->text, "local");
	assert_true(me_ports_have(forth[1].before->ports, forth[1].before->n_ports, 6, 9090));
	assert_true(me_ports_have(forth[1].after->ports, forth[1].after->n_ports, 6, 9093));
	assert_int_equal(me_profile_diff(new, old, &back, &n), 0);
	assert_int_equal(n, 2);
	assert_non_null(back[0].before);
	assert_null(back[0].after);
	assert_int_equal(me_profile_diff(new, new, &none, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_says_what_its_document_says),
		cmocka_unit_test(the_default_is_the_union),
		cmocka_unit_test(each_entry_has_its_source),
		cmocka_unit_test(differences_have_a_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
