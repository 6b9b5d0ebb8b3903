/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/profiles_diff.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "mewatch/command.h"
#include "policy/ports.h"
#include "policy/profiles.h"

#define SHOWN 512     /* bytes of a path in the output */
#define WIDTH_MAX 32u /* of the column of destinations; longer ones stand out */

static const char signs[] = {
	[ME_PROFILE_SAME] = '=',    [ME_PROFILE_MORE] = '+',      [ME_PROFILE_LESS] = '-',
	[ME_PROFILE_RETIRED] = 'x', [ME_PROFILE_OTHERWISE] = '~',
};

static const char *shown(const char *text, char out[SHOWN])
{
	me_text_escape(out, SHOWN, text, strlen(text));
	return out;
}

/* How wide the column of destinations is. */
static int width(const struct me_profile_change *changes, size_t n)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(changes[i].to->text);

		if (length > widest)
			widest = length < WIDTH_MAX ? length : WIDTH_MAX;
	}
	return (int)widest;
}

static int print_change(const struct me_profile_change *change, int wide)
{
	const struct me_rule *either = change->after ? change->after : change->before;
	_cleanup_strbuf_ struct me_strbuf what = {0};

	if (change->kind == ME_PROFILE_OTHERWISE) {
		me_profile_describe(change->before, &what);
		me_strbuf_adds(&what, " -> ");
	}
	me_profile_describe(either, &what);
	if (what.err)
		return what.err;
	printf("%c %-14s %-*s  %s\n", signs[change->kind], either->service, wide, change->to->text,
	       what.data);
	return 0;
}

static size_t count(const struct me_profile_change *changes, size_t n,
		    enum me_profile_change_kind kind)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += changes[i].kind == kind;
	return sum;
}

static int print_text(const struct me_policy *before, const struct me_policy *after,
		      const struct me_profile_change *changes, size_t n)
{
	int err = 0, wide = width(changes, n);
	char a[SHOWN], b[SHOWN];

	for (size_t i = 0; !err && i < n; i++)
		err = print_change(&changes[i], wide);
	if (err || !n)
		return err;
	printf("%s -> %s: ", shown(before->profile, a), shown(after->profile, b));
	for (enum me_profile_change_kind kind = ME_PROFILE_MORE; kind <= ME_PROFILE_OTHERWISE;
	     kind++)
		printf("%s%zu %s", kind == ME_PROFILE_MORE ? "" : ", ", count(changes, n, kind),
		       me_profile_change_label(kind));
	putchar('\n');
	return 0;
}

static json_t *ports_json(const struct me_rule *rule)
{
	json_t *list = json_array();
	char ports[ME_PORTS_LEN];

	for (size_t i = 0; i < rule->n_ports; i++) {
		me_ports_format(&rule->ports[i], ports);
		json_array_append_new(list, json_string(ports));
	}
	return list;
}

static json_t *rule_json(const struct me_rule *rule)
{
	char file[SHOWN], at[SHOWN + 16];

	if (!rule)
		return json_null();
	snprintf(at, sizeof(at), "%s:%u", shown(rule->at.file ? rule->at.file : "?", file),
		 rule->at.line);
	return json_pack(
		"{s:s, s:s, s:o, s:b, s:b, s:s*, s:o*}", "rule", rule->slug, "at", at, "ports",
		ports_json(rule), "retired", rule->retired, "private", rule->private_space,
		"passive", me_profile_passive_label(rule->passive), "expect_s",
		rule->expect_ns ? json_integer((json_int_t)(rule->expect_ns / ME_NS_PER_S)) : NULL);
}

static json_t *change_json(const struct me_profile_change *change)
{
	const struct me_rule *either = change->after ? change->after : change->before;

	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "change",
			 me_profile_change_label(change->kind), "service", either->service, "to",
			 change->to->text, "before", rule_json(change->before), "after",
			 rule_json(change->after));
}

static int print_json(const struct me_policy *before, const struct me_policy *after,
		      const struct me_profile_change *changes, size_t n)
{
	json_t *list = json_array(), *root;
	char a[SHOWN], b[SHOWN];
	int err = 0;

	for (size_t i = 0; i < n; i++)
		err |= json_array_append_new(list, change_json(&changes[i]));
	root = json_pack("{s:s, s:s, s:b, s:o}", "before", shown(before->profile, a), "after",
			 shown(after->profile, b), "equal", !n, "changes", list);
	if (!err)
		err = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	if (err)
		return -EIO;
	putchar('\n');
	return 0;
}

int me_profiles_print_diff(const struct me_policy *before, const struct me_policy *after, bool json)
{
	_cleanup_free_ struct me_profile_change *changes = NULL;
	size_t n = 0;
	int err = me_profile_diff(before, after, &changes, &n);

	if (!err)
		err = json ? print_json(before, after, changes, n)
			   : print_text(before, after, changes, n);
	if (err) {
		me_log_error("cannot tell the difference: %s", strerror(-err));
		return ME_EXIT_USAGE;
	}
	return n ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}
