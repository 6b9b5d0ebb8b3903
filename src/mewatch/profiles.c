/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "mewatch/profiles_diff.h"
#include "policy/builtin.h"
#include "policy/diagnostics.h"
#include "policy/profiles.h"

static const char usage[] =
	"usage: mewatch profiles [NAME | --diff A B [--json]]\n"
	"NAME, A and B are names of the list, or paths. Exit of --diff 0: the same entries; 1: others;\n"
	"2: one of them cannot be read.\n";

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

static int diff(const char *before, const char *after, bool json)
{
	_cleanup_(me_policy_freep) struct me_policy *old = NULL;
	_cleanup_(me_policy_freep) struct me_policy *new = NULL;

	if (load(before, &old) < 0 || load(after, &new) < 0)
		return ME_EXIT_USAGE;
	return me_profiles_print_diff(old, new, json);
}

/* mewatch profiles: lists the vendor profiles, shows one, or says how two differ. */
int me_cmd_profiles(int argc, char **argv)
{
	static const struct option options[] = {
		{"diff", no_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool two = false, json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			two = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	if (two && argc - optind == 2)
		return diff(argv[optind], argv[optind + 1], json);
	if (!two && !json && argc == optind)
		return print_all();
	if (!two && !json && argc - optind == 1)
		return print_one(argv[optind]);
	fputs(usage, stderr);
	return ME_EXIT_USAGE;
}
