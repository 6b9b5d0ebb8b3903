/* SPDX-License-Identifier: GPL-2.0-only */
/* Site file and profile together: remove, override, order, profiles by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "yaml_text.h"

static bool lists(const struct me_policy *policy, const char *text)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		for (size_t j = 0; j < policy->rules[i].n_to; j++) {
			if (!strcmp(policy->rules[i].to[j].text, text))
				return true;
		}
	}
	return false;
}

static void removed_entries_are_gone(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(
		"version: 1\nprofile: mailessentials-2015\n"
		"remove: [update.gfi.com, \"*.Rules.mailshell.net\", ftp.gfisoftware.com]\n");

	assert_false(lists(policy, "update.gfi.com"));
	assert_false(lists(policy, "*.rules.mailshell.net"));
	assert_true(lists(policy, "*.mailshell.net"));
	assert_true(lists(policy, "update.gfisoftware.com"));
	/* A rule without a destination is none. */
	for (size_t i = 0; i < policy->n_rules; i++)
		assert_string_not_equal(policy->rules[i].service, "ftp");
}

static void overridden_entries_are_rules_of_their_own(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\nprofile: mailessentials-2015\n"
			  "override:\n"
			  "  - {entry: ftp.gfisoftware.com, passive: any}\n"
			  "  - {entry: meupdate.gfi.com, ports: tcp/80, expect: {every: 1d}}\n"
			  "  - {entry: db11.spamcatcher.net, retired: false}\n");
	const struct me_rule *ftp = find_rule(policy, "ftp/ftp.gfisoftware.com");
	const struct me_rule *meupdate = find_rule(policy, "updates/meupdate.gfi.com");
	const struct me_rule *others = find_rule(policy, "updates/product-and-engine-updates");

	assert_int_equal(ftp->passive, ME_PASSIVE_ANY);
	assert_int_equal(ftp->n_ports, 2);
	assert_true(ftp->from_profile);
	assert_string_equal(ftp->at.file, SITE);
	assert_int_equal(ftp->at.line, 4);
	assert_int_equal(meupdate->n_ports, 1);
	assert_int_equal(meupdate->ports[0].low, 80);
	assert_true(meupdate->expect_ns > 0);
	assert_string_equal(meupdate->source, others->source);
	assert_int_equal(others->expect_ns, 0);
	assert_int_equal(others->n_ports, 2);
	for (size_t i = 0; i < others->n_to; i++)
		assert_string_not_equal(others->to[i].text, "meupdate.gfi.com");
	assert_false(find_rule(policy, "updates/db11.spamcatcher.net")->retired);
}

static void an_override_of_the_ports_can_end_ftp(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\noverride: [{entry: ftp.gfisoftware.com, ports: tcp/990}]\n");

	assert_int_equal(find_rule(policy, "ftp/ftp.gfisoftware.com")->passive, ME_PASSIVE_NOT_FTP);
}

static void site_rules_come_first(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\nallow:\n"
			  "  - {service: b, to: any, ports: tcp/1}\n"
			  "  - {service: a, to: any, ports: tcp/2}\n");

	assert_string_equal(policy->rules[0].service, "b");
	assert_string_equal(policy->rules[1].service, "a");
	for (size_t i = 2; i < policy->n_rules; i++)
		assert_true(policy->rules[i].from_profile);
}

static void write_text(const char *path, const char *text)
{
	assert_int_equal(me_file_write_atomic(path, text, strlen(text), 0600), 0);
}

/* A folder with site.yaml and profile/own.yaml. */
struct folder {
	char path[64];
	char site[128];
	char profile[128];
	char profile_folder[96];
};

static void make_folder(struct folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/mewatch-merge-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->site, sizeof(folder->site), "%s/site.yaml", folder->path);
	snprintf(folder->profile_folder, sizeof(folder->profile_folder), "%s/profile",
		 folder->path);
	snprintf(folder->profile, sizeof(folder->profile), "%s/own.yaml", folder->profile_folder);
	assert_int_equal(mkdir(folder->profile_folder, 0700), 0);
}

static void remove_folder(const struct folder *folder)
{
	unlink(folder->site);
	unlink(folder->profile);
	rmdir(folder->profile_folder);
	assert_int_equal(rmdir(folder->path), 0);
}

static void a_profile_is_found_beside_the_site_file(void **state)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	struct folder folder;
	int err;

	make_folder(&folder);
	write_text(folder.site, "version: 1\nprofile: profile/own.yaml\nstrict_names: false\n");
	write_text(folder.profile,
		   "version: 1\ntitle: own\nstrict_names: true\nremoting: {ports: tcp/7}\n"
		   "allow: [{service: x, to: a.example, ports: tcp/1}]\n");
	err = me_policy_load(folder.site, NULL, &diagnostics, &policy);
	remove_folder(&folder);
	assert_int_equal(err, 0);
	assert_null(policy->shipped);
	assert_string_equal(policy->title, "own");
	assert_false(policy->strict_names);
	assert_string_equal(policy->rules[0].at.file, folder.profile);
	assert_true(policy->rules[0].from_profile);
	assert_int_equal(policy->n_rules, 2);
}

static void both_files_are_diagnosed(void **state)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;
	struct folder folder;
	int err;

	make_folder(&folder);
	write_text(folder.site, "version: 1\nprofile: profile/own.yaml\non_exit: kep\n");
	write_text(folder.profile, "version: 1\nprofile: x\nremove: [y]\noverride: []\nfoo: 1\n");
	err = me_policy_load(folder.site, NULL, &diagnostics, &policy);
	remove_folder(&folder);
	assert_int_equal(err, -EINVAL);
	assert_int_equal(diagnostics.errors, 5);
	me_diagnostics_sort(&diagnostics);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(diagnostics.list[i].at.file, folder.profile);
		assert_string_equal(diagnostics.list[i].kind, "not-in-profile");
		assert_int_equal(diagnostics.list[i].at.line, 2 + i);
	}
	assert_string_equal(diagnostics.list[3].kind, "unknown-key");
	assert_string_equal(diagnostics.list[4].at.file, folder.site);
}

static void a_profile_asked_for_wins(void **state)
{
	static const char text[] = "version: 1\nprofile: mailessentials-14\n";
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;

	assert_int_equal(me_policy_parse(SITE, text, strlen(text), "mailessentials-21",
					 &diagnostics, &policy),
			 0);
	assert_string_equal(policy->profile, "mailessentials-21");
	me_diagnostics_clear(&diagnostics);
	assert_int_equal(me_policy_load(NULL, "mailessentials-20", &diagnostics, &policy), -EINVAL);
	assert_string_equal(diagnostics.list[0].kind, "unknown-profile");
	assert_null(diagnostics.list[0].at.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_entries_are_gone),
		cmocka_unit_test(overridden_entries_are_rules_of_their_own),
		cmocka_unit_test(an_override_of_the_ports_can_end_ftp),
		cmocka_unit_test(site_rules_come_first),
		cmocka_unit_test(a_profile_is_found_beside_the_site_file),
		cmocka_unit_test(both_files_are_diagnosed),
		cmocka_unit_test(a_profile_asked_for_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
