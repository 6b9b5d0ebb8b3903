/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch check` and `mewatch profiles`: exit codes, and what scripts read. */
#include <jansson.h>
#include "run.h"
#include "base/strbuf.h"
#include "mewatch/image.h"

static void check_has_three_endings(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"version: 1\n", ME_EXIT_OK, ": note: no rule allows tcp/25"},
		{"version: 1\nallow: [{service: smtp, to: peers, ports: tcp/25}]\n",
		 ME_EXIT_FINDINGS, ":2:29: finding: `peers` without"},
		{"version: 1\nprots: 1\non_exit: x\n", ME_EXIT_USAGE,
		 ":2:1: error: `prots` is no key"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		char path[] = "/tmp/mewatch-site-XXXXXX", line[128];
		_cleanup_free_ char *output = NULL;
		int code;

		write_site(path, cases[i].text);
		code = RUN(me_cmd_check, STDOUT_FILENO, &output, "check", "-c", path);
		unlink(path);
		snprintf(line, sizeof(line), "%s%s", path, cases[i].says);
		assert_int_equal(code, cases[i].code);
		assert_non_null(strstr(output, line));
		assert_null(strchr(output, '\x1b'));
	}
}

/* Well written, but more port classes than an image holds: the compiler knows, and check says so. */
static void check_compiles_as_well(void **state)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};
	char path[] = "/tmp/mewatch-site-XXXXXX";
	_cleanup_free_ char *output = NULL;
	int code;

	me_strbuf_adds(&text, "version: 1\nallow:\n");
	for (unsigned int port = 1; port <= ME_COLUMNS_MAX + 1; port++)
		me_strbuf_addf(&text, "- {service: x, to: a%u.example, ports: tcp/%u}\n", port,
			       port);
	assert_int_equal(text.err, 0);
	write_site(path, text.data);
	code = RUN(me_cmd_check, STDOUT_FILENO, &output, "check", "-c", path);
	unlink(path);
	assert_int_equal(code, ME_EXIT_USAGE);
	assert_non_null(strstr(output, ": error: "));
}

static void check_speaks_json(void **state)
{
	char path[] = "/tmp/mewatch-site-XXXXXX";
	_cleanup_free_ char *output = NULL;
	const char *severity, *kind, *file;
	int code, usable, line, column, errors;
	json_t *root;

	write_site(path, "version: 1\nprots: 1\n");
	code = RUN(me_cmd_check, STDOUT_FILENO, &output, "check", "--json", "-c", path);
	unlink(path);
	assert_int_equal(code, ME_EXIT_USAGE);
	root = json_loads(output, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_unpack(root, "{s:b, s:i, s:[{s:s, s:s, s:s, s:i, s:i}]}", "usable",
				     &usable, "errors", &errors, "diagnostics", "severity",
				     &severity, "kind", &kind, "file", &file, "line", &line,
				     "column", &column),
			 0);
	assert_false(usable);
	assert_int_equal(errors, 1);
	assert_string_equal(severity, "error");
	assert_string_equal(kind, "unknown-key");
	assert_string_equal(file, path);
	assert_int_equal(line, 2);
	assert_int_equal(column, 1);
	json_decref(root);
}

static void usage_is_an_error(void **state)
{
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL;

	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &a, "check", "--nothing"), ME_EXIT_USAGE);
	assert_non_null(strstr(a, "usage: mewatch check"));
	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &b, "check", "file"), ME_EXIT_USAGE);
	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &e, "check", "--transit"), ME_EXIT_USAGE);
	assert_int_equal(RUN(me_cmd_profiles, STDERR_FILENO, &c, "profiles", "--diff", "a"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(c, "usage: mewatch profiles"));
	assert_int_equal(RUN(me_cmd_profiles, STDERR_FILENO, &d, "profiles", "mailessential"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(d, "did you mean `mailessentials`?"));
}

static void profiles_are_shown(void **state)
{
	_cleanup_free_ char *all = NULL, *one = NULL, *diff = NULL;

	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &all, "profiles"), ME_EXIT_OK);
	assert_non_null(strstr(all, "mailessentials-14-sr1 "));
	assert_non_null(strstr(all, ", the default\n"));
	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &one, "profiles", "mailessentials-14"),
			 ME_EXIT_OK);
	assert_non_null(strstr(one, "ftp.gfisoftware.com\n"));
	assert_non_null(strstr(one, "source   KBID002184: FTP ports 20 and 21\n"));
	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &diff, "profiles", "--diff",
			     "mailessentials-14", "mailessentials-14-sr1"),
			 ME_EXIT_OK);
	assert_string_equal(diff, "~ updates        db11.spamcatcher.net  tcp/80, tcp/443 -> "
				  "tcp/80, tcp/443, retired\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_has_three_endings), cmocka_unit_test(check_compiles_as_well),
		cmocka_unit_test(check_speaks_json),       cmocka_unit_test(usage_is_an_error),
		cmocka_unit_test(profiles_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
