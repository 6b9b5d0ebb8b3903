/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/options.h"

#include <errno.h>
#include "metop/keys.h"
#include "metop/query.h"
#include "metop/source.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int parse(const char *line, struct me_options *options, struct me_strbuf *problem)
{
	static char words[512]; /* the options keep pointing into it */
	char *rest = words, *argv[16] = {(char *)"metop"};
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word; (word = strsep(&rest, " ")) && argc < 15;) {
		if (*word)
			argv[argc++] = word;
	}
	return me_options_parse(argc, argv, options, problem);
}

static void defaults(void **state)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	struct me_options options;

	assert_int_equal(parse("", &options, &problem), 0);
	assert_int_equal(options.mode, ME_MODE_LIVE);
	assert_string_equal(options.source.socket, "/run/mewatch/mewatch.sock");
	assert_null(options.source.url);
	assert_int_equal(options.view, ME_VIEW_ENDPOINTS);
	assert_false(options.views);
	assert_string_equal(options.filter, "");
	assert_false(options.sorts);
	assert_int_equal(options.limit, ME_QUERY_LIMIT);
	assert_int_equal(options.interval_ns, 0);
	/* What is printed once stays what it was. */
	assert_int_equal(parse("--once", &options, &problem), 0);
	assert_int_equal(options.view, ME_VIEW_FLOWS);
	assert_int_equal(parse("--sort bytes_sent --json", &options, &problem), 0);
	assert_int_equal(options.view, ME_VIEW_FLOWS);
}

/* The command line goes before what was kept. */
static void what_is_said_holds(void **state)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	struct me_settings settings;
	struct me_options options;

	me_settings_default(&settings);
	settings.view = ME_VIEW_DNS;
	settings.interval_ns = 5;
	assert_int_equal(parse("", &options, &problem), 0);
	me_options_apply(&options, &settings);
	assert_int_equal(settings.view, ME_VIEW_DNS);
	assert_int_equal(settings.interval_ns, 5);
	assert_int_equal(parse("--interval 2s --view flows --sort sent", &options, &problem), 0);
	me_options_apply(&options, &settings);
	assert_int_equal(settings.view, ME_VIEW_FLOWS);
	assert_int_equal(settings.interval_ns, 2000000000);
	assert_int_equal(settings.order[ME_VIEW_FLOWS][0].column,
			 me_view_column(&me_views[ME_VIEW_FLOWS], "SENT"));
	/* A column without a view is one of the first screen. */
	assert_int_equal(parse("--sort rule:desc", &options, &problem), 0);
	me_options_apply(&options, &settings);
	assert_int_equal(settings.view, ME_VIEW_ENDPOINTS);
	assert_true(settings.order[ME_VIEW_ENDPOINTS][0].desc);
}

static void everything_said(void **state)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	struct me_options options;

	assert_int_equal(parse("--url http://[::1]:9816 --view viol --sort count:asc --filter "
			       "port:53 --limit 7 --interval 500ms --json --once",
			       &options, &problem),
			 0);
	assert_int_equal(options.mode, ME_MODE_JSON);
	assert_string_equal(options.source.url, "http://[::1]:9816");
	assert_null(options.source.socket);
	assert_int_equal(options.view, ME_VIEW_VIOLATIONS);
	assert_true(options.sorts);
	assert_false(options.order.desc);
	assert_int_equal(options.order.column,
			 me_view_column(&me_views[ME_VIEW_VIOLATIONS], "COUNT"));
	assert_int_equal(options.limit, 7);
	assert_int_equal(options.interval_ns, 500000000);
}

static void the_order_of_options_does_not_matter(void **state)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	struct me_options options;

	assert_int_equal(parse("--sort count --view violations", &options, &problem), 0);
	assert_true(options.order.desc);
	assert_int_equal(parse("--sort /s --view violations", &options, &problem), 0);
	/* One look has no rates. */
	assert_int_equal(parse("--sort /s --view violations --once", &options, &problem), -EINVAL);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"--onec", "--once"},
		{"--limit", "needs a value"},
		{"--once=5", "takes no value"},
		{"--limit x", "1 to 100000"},
		{"--limit 0", "1 to 100000"},
		{"--interval 99ms", "100ms to 1h"},
		{"--view x", "endpoints flows violations dns health"},
		{"--view flows --sort id", "verdict name dst"},
		{"--sort last:up", ":asc"},
		{"--socket a --url http://b", "one of both"},
		{"more", "'more'"},
		{"-x", "-x"},
		{"--view health --sort item", "health has an order of its own"},
		{"--view dns --sort /s", "dns has an order of its own"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf problem = {0};
		struct me_options options = {.limit = 4711};

		assert_int_equal(parse(cases[i].line, &options, &problem), -EINVAL);
		assert_non_null(problem.data);
		if (!strstr(problem.data, cases[i].says))
			fail_msg("%s: says '%s'", cases[i].line, problem.data);
		assert_int_equal(options.limit, 4711);
	}
}

static void a_key_means_one_thing(void **state)
{
	for (size_t i = 0; i < me_n_bindings; i++) {
		for (size_t k = 0; k < ME_KEYS_OF_ACTION && me_bindings[i].keys[k]; k++) {
			char name[ME_KEY_NAME_LEN];

			assert_int_equal(me_key_action(me_bindings[i].keys[k]),
					 me_bindings[i].action);
			me_key_name(me_bindings[i].keys[k], name);
			for (const char *c = name; *c; c++)
				assert_in_range(*c, '!', '~');
		}
		assert_true(strlen(me_bindings[i].what) > 3);
	}
	assert_int_equal(me_key_action('Z'), ME_ACTION_NONE);
}

static void the_help_names_every_key_and_column(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	me_options_help(out);
	fclose(out);
	for (size_t i = 0; i < me_n_bindings; i++)
		assert_non_null(strstr(text, me_bindings[i].what));
	for (size_t v = 0; v < ME_VIEWS; v++) {
		for (size_t i = 0; i < me_views[v].n_columns; i++)
			assert_non_null(strstr(text, me_views[v].columns[i].help));
		for (size_t p = 0; p < me_views[v].n_parts; p++) {
			const struct me_part *part = &me_views[v].parts[p];

			for (size_t i = 0; i < part->n_columns; i++)
				assert_non_null(strstr(text, part->columns[i].help));
		}
	}
}

static void trouble_says_what_and_what_to_do(void **state)
{
	static const struct me_source here = {.socket = "/nowhere/sock"},
				      there = {.url = "http://192.0.2.1:9816"};
	static const struct {
		const struct me_source *source;
		int error;
		const char *what, *remedy;
	} cases[] = {
		{&here, ENOENT, "not running: no socket /nowhere/sock", "mewatch run"},
		{&here, ECONNREFUSED, "nobody listens on /nowhere/sock", "mewatch run"},
		{&here, EACCES, "permission denied on /nowhere/sock", "cannot be entered"},
		{&here, EPROTOTYPE, "Protocol wrong type", "is it mewatch"},
		{&here, 0, "the detail", "is it mewatch"},
		{&there, ECONNREFUSED, "no answer from http://192.0.2.1:9816: the detail",
		 "--api-listen"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_trouble trouble = {0};

		me_trouble_explain(&trouble, cases[i].source, cases[i].error, "the detail");
		if (!strstr(trouble.what.data, cases[i].what))
			fail_msg("says '%s'", trouble.what.data);
		if (!strstr(trouble.remedy.data, cases[i].remedy))
			fail_msg("says '%s'", trouble.remedy.data);
		me_trouble_free(&trouble);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(what_is_said_holds),
		cmocka_unit_test(everything_said),
		cmocka_unit_test(the_order_of_options_does_not_matter),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_key_means_one_thing),
		cmocka_unit_test(the_help_names_every_key_and_column),
		cmocka_unit_test(trouble_says_what_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
