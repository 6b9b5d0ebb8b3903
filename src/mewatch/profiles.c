/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "policy/builtin.h"
#include "policy/diagnostics.h"
#include "policy/profiles.h"

static const char usage[] = "usage: mewatch profiles [NAME | --diff A B]\n";

/* Loads a profile by itself; what is wrong with it is said. */
static int load(const char *name, struct me_policy **ret_policy)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	int err = me_policy_load(NULL, name, &diagnostics, ret_policy);

	for (size_t i = 0; i < diagnostics.count; i++) {
		const struct me_diagnostic *d = &diagnostics.list[i];

		if (d->at.line)
			me_log_error("%s:%u:%u: %s", d->at.file, d->at.line, d->at.column, d->text);
		else
			me_log_error("%s", d->text);
	}
	if (err == -ENOMEM)
		me_log_error("out of memory");
	return err;
}

static size_t destinations(const struct me_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		n += policy->rules[i].n_to;
	return n;
}

static int print_all(void)
{
	for (size_t i = 0; i < me_n_builtin_profiles; i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
		const char *name = me_builtin_profiles[i].name;

		if (load(name, &policy) < 0)
			return ME_EXIT_USAGE;
		printf("%-24s %s (%zu entries)%s\n", name, policy->title ? policy->title : "",
		       destinations(policy),
		       strcmp(name, ME_POLICY_PROFILE_DEFAULT) != 0 ? "" : ", the default");
	}
	return ME_EXIT_OK;
}

static void print_field(const char *name, const char *value)
{
	if (value)
		printf("  %-8s %s\n", name, value);
}

static int print_one(const char *name)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;

	if (load(name, &policy) < 0)
		return ME_EXIT_USAGE;
	printf("%s\n", name);
	print_field("title", policy->title);
	print_field("source", policy->source);
	print_field("date", policy->date);
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];
		_cleanup_strbuf_ struct me_strbuf what = {0};

		me_profile_describe(rule, &what);
		if (what.err) {
			me_log_error("out of memory");
			return ME_EXIT_USAGE;
		}
		printf("\n%s  %s\n", rule->slug, what.data);
		for (size_t j = 0; j < rule->n_to; j++)
			print_field("to", rule->to[j].text);
		print_field("note", rule->note);
		print_field("source", rule->source);
	}
	return ME_EXIT_OK;
}

static int print_change(const struct me_profile_change *change)
{
	const struct me_rule *either = change->after ? change->after : change->before;
	char sign = !change->before ? '+' : !change->after ? '-' : '~';
	_cleanup_strbuf_ struct me_strbuf what = {0};

	if (change->before)
		me_profile_describe(change->before, &what);
	if (change->before && change->after)
		me_strbuf_adds(&what, " -> ");
	if (change->after)
		me_profile_describe(change->after, &what);
	if (what.err)
		return what.err;
	printf("%c %-14s %s  %s\n", sign, either->service, change->to->text, what.data);
	return 0;
}

static int print_diff(const char *before, const char *after)
{
	_cleanup_(me_policy_freep) struct me_policy *old = NULL;
	_cleanup_(me_policy_freep) struct me_policy *new = NULL;
	_cleanup_free_ struct me_profile_change *changes = NULL;
	size_t n = 0;
	int err;

	if (load(before, &old) < 0 || load(after, &new) < 0)
		return ME_EXIT_USAGE;
	err = me_profile_diff(old, new, &changes, &n);
	for (size_t i = 0; !err && i < n; i++)
		err = print_change(&changes[i]);
	if (err) {
		me_log_error("out of memory");
		return ME_EXIT_USAGE;
	}
	return ME_EXIT_OK;
}

/* mewatch profiles: lists the vendor profiles, shows one, or says how two differ. */
int me_cmd_profiles(int argc, char **argv)
{
	static const struct option options[] = {
		{"diff", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool diff = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			diff = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	if (diff && argc - optind == 2)
		return print_diff(argv[optind], argv[optind + 1]);
	if (!diff && argc == optind)
		return print_all();
	if (!diff && argc - optind == 1)
		return print_one(argv[optind]);
	fputs(usage, stderr);
	return ME_EXIT_USAGE;
}
