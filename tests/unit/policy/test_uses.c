/* SPDX-License-Identifier: GPL-2.0-only */
/* When endpoints were used, and what the linter makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "policy/uses.h"
#include "yaml_text.h"

#define DAY (24 * 3600 * ME_NS_PER_S)
#define SINCE (20000 * DAY)     /* 2024-10-04 */
#define NOW (SINCE + 91 * DAY)  /* 2025-01-03 */
#define USED (SINCE + 30 * DAY) /* 2024-11-03 */

static void add(struct me_uses *uses, const char *service, const char *endpoint, uint64_t attempt)
{
	const struct me_use use = {service, endpoint, SINCE, attempt, attempt, false, NULL};

	assert_int_equal(me_uses_add(uses, &use), 0);
}

/* A profile with nothing in it, so that all there is stands in SITE. */
static char profile[] = "/tmp/mewatch-profile-XXXXXX.yaml";

static int write_profile(void **state)
{
	int fd = mkstemps(profile, 5);

	return fd < 0 || dprintf(fd, "version: 1\n") < 0 || close(fd);
}

static int remove_profile(void **state)
{
	return unlink(profile);
}

static struct me_policy *load(const char *text)
{
	_cleanup_strbuf_ struct me_strbuf whole = {0};

	me_strbuf_addf(&whole, "version: 1\nprofile: %s\n%s", profile, text);
	return load_good(whole.data);
}

/*
 * Lints without what me_lint() says; "LINE:COLUMN KIND", findings and then notes. The text is that of
 * SITE from line 3 on.
 */
static void assert_uses(const char *text, struct me_uses *uses, uint64_t now, const char *findings,
			const char *notes)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load(text);
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_strbuf_ struct me_strbuf found = {0}, noted = {0};

	me_uses_sort(uses);
	me_lint_uses(policy, uses, now, &diagnostics);
	list_diagnostics(&diagnostics, ME_FINDING, &found);
	assert_string_equal(found.data, findings);
	list_diagnostics(&diagnostics, ME_NOTE, &noted);
	assert_string_equal(noted.data, notes);
}

static void unused_entries_are_named(void **state)
{
	static const char text[] =
		"allow:\n"
		"  - {service: a, to: [a.example, \"*.b.example\", any], ports: tcp/1}\n"
		/* Addresses of a rule are one endpoint, which is called after the rule. */
		"  - {service: a, name: two, to: [192.0.2.0/24, c.example, 192.0.2.7], ports: tcp/2}\n"
		"  - {service: b, to: a.example, ports: tcp/1}\n";
	_cleanup_uses_ struct me_uses uses = {0};

	add(&uses, "a", "a.example", USED);
	add(&uses, "a", "*.b.example", 0);
	add(&uses, "a", "any", 0);
	add(&uses, "a", "a/two", 0);
	add(&uses, "a", "c.example", USED);
	add(&uses, "b", "a.example", 0);
	add(&uses, "b", "gone.example", 0);
	assert_uses(text, &uses, NOW,
		    "4:34 never-used\n4:49 never-used\n5:34 never-used\n6:22 never-used\n", "");
}

static void what_cannot_be_used_is_not_named(void **state)
{
	static const char text[] =
		"watch: {interfaces: [lan0], hosts: [192.0.2.10]}\n"
		"allow:\n"
		"  - {service: a, to: [local, peers, proxy], ports: tcp/1}\n"
		"  - {service: b, to: b.example, ports: tcp/1, until: 2024-12-31}\n";
	static const char watched[] = "peers: 192.0.2.11\nproxy: 192.0.2.1:3128\n"
				      "allow:\n"
				      "  - {service: a, to: [local, peers, proxy], ports: tcp/1}\n";
	_cleanup_uses_ struct me_uses uses = {0};

	add(&uses, "a", "local", 0);
	add(&uses, "a", "peers", 0);
	add(&uses, "a", "proxy", 0);
	add(&uses, "b", "b.example", 0);
	assert_uses(text, &uses, NOW, "", "");
	assert_uses(text, &uses, SINCE, "6:22 never-used\n", "");
	assert_uses(watched, &uses, NOW, "6:23 never-used\n6:30 never-used\n6:37 never-used\n", "");
}

/* Nothing is said of what no daemon had in its policy, but that it is so. */
static void the_unknown_is_counted(void **state)
{
	static const char text[] = "allow:\n"
				   "  - {service: a, to: [a.example, b.example, 192.0.2.1, "
				   "192.0.2.2], ports: tcp/1}\n";
	_cleanup_uses_ struct me_uses uses = {0};

	assert_uses(text, &uses, NOW, "", "0:0 not-in-state\n");
	add(&uses, "b", "a.example", 0);
	assert_uses(text, &uses, NOW, "", "0:0 not-in-state\n");
	add(&uses, "a", "a.example", USED);
	add(&uses, "a", "b.example", USED);
	add(&uses, "a", "a/a.example", USED);
	assert_uses(text, &uses, NOW, "", "");
}

static const char *text_of(const struct me_diagnostics *diagnostics, const char *kind,
			   enum me_severity severity, const char *part)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];

		if (!strcmp(d->kind, kind) && d->severity == severity && strstr(d->text, part))
			return d->text;
	}
	fail_msg("no `%s` about `%s`", kind, part);
	return NULL;
}

/* In a shipped profile they are notes, but that something retired is used is the site's doing. */
static void a_profile_that_is_used(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good("version: 1\n");
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_uses_ struct me_uses uses = {0};

	add(&uses, "updates", "meupdate.gfi.com", USED);
	add(&uses, "updates", "spamrazer.gfi.com", 0);
	add(&uses, "updates", "update.gfi.com", 0);
	add(&uses, "updates", "db11.spamcatcher.net", USED);
	add(&uses, "directory", "directory/ldap", 0);
	me_uses_sort(&uses);
	me_lint_uses(policy, &uses, NOW, &diagnostics);
	assert_int_equal(diagnostics.findings, 1);
	assert_string_equal(text_of(&diagnostics, "retired-used", ME_FINDING, "db11"),
			    "retired, and used on 2024-11-03: `updates/db11.spamcatcher.net`");
	assert_string_equal(text_of(&diagnostics, "never-used", ME_NOTE, "spamrazer"),
			    "not used in the 91 days since 2024-10-04: `spamrazer.gfi.com` of "
			    "`updates/product-and-engine-updates`");
	assert_string_equal(text_of(&diagnostics, "never-used", ME_NOTE, "/update.gfi.com"),
			    "not used in the 91 days since 2024-10-04: `updates/update.gfi.com`, "
			    "which is retired: it can go (`remove:`)");
	assert_string_equal(text_of(&diagnostics, "never-used", ME_NOTE, "directory"),
			    "not used in the 91 days since 2024-10-04: the addresses of "
			    "`directory/ldap`");
	text_of(&diagnostics, "not-in-state", ME_NOTE, "entries");
	assert_int_equal(diagnostics.count, 5);
}

static void spans_have_their_unit(void **state)
{
	static const struct {
		uint64_t ns;
		const char *says;
	} cases[] = {
		{0, "in the 0 minutes"},
		{119 * 60 * ME_NS_PER_S, "in the 119 minutes"},
		{120 * 60 * ME_NS_PER_S, "in the 2 hours"},
		{2 * DAY - 1, "in the 47 hours"},
		{2 * DAY, "in the 2 days"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = load_good("version: 1\n");
		_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
		_cleanup_uses_ struct me_uses uses = {0};

		add(&uses, "updates", "meupdate.gfi.com", 0);
		me_lint_uses(policy, &uses, SINCE + cases[i].ns, &diagnostics);
		text_of(&diagnostics, "never-used", ME_NOTE, cases[i].says);
	}
}

static void uses_are_found_and_merged(void **state)
{
	_cleanup_uses_ struct me_uses uses = {0}, older = {0};
	const struct me_use *use;

	for (unsigned int i = 0; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%u.example", (i * 37) % 200);
		add(&uses, i % 2 ? "odd" : "even", name, 0);
	}
	me_uses_sort(&uses);
	assert_null(me_uses_find(&uses, "even", "n37.example"));
	assert_non_null(me_uses_find(&uses, "odd", "n37.example"));
	assert_null(me_uses_find(&older, "odd", "n37.example"));

	add(&older, "odd", "n37.example", USED);
	older.list[0].since_ns = 1;
	older.list[0].success_ns = 2;
	me_uses_merge(&uses, &older);
	use = me_uses_find(&uses, "odd", "n37.example");
	assert_int_equal(use->since_ns, 1);
	assert_int_equal(use->attempt_ns, USED);
	assert_int_equal(use->success_ns, 2);
	/* What is known now is later. */
	older.list[0].since_ns = NOW;
	older.list[0].attempt_ns = USED - 1;
	older.list[0].success_ns = 1;
	me_uses_merge(&uses, &older);
	assert_int_equal(use->since_ns, 1);
	assert_int_equal(use->attempt_ns, USED);
	assert_int_equal(use->success_ns, 2);
	assert_int_equal(me_uses_find(&uses, "even", "n0.example")->attempt_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unused_entries_are_named),
		cmocka_unit_test(what_cannot_be_used_is_not_named),
		cmocka_unit_test(the_unknown_is_counted),
		cmocka_unit_test(a_profile_that_is_used),
		cmocka_unit_test(spans_have_their_unit),
		cmocka_unit_test(uses_are_found_and_merged),
	};

	return cmocka_run_group_tests(tests, write_profile, remove_profile);
}
