/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch check`: exit codes, and what scripts read; the state that it reads. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include "run.h"
#include "base/strbuf.h"
#include "mewatch/image.h"
#include "mewatch/uses_file.h"
#include "policy/uses.h"

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
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;

	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &a, "check", "--nothing"), ME_EXIT_USAGE);
	assert_non_null(strstr(a, "usage: mewatch check"));
	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &b, "check", "file"), ME_EXIT_USAGE);
	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &c, "check", "--transit"), ME_EXIT_USAGE);
}

/* A state folder with what a daemon has written there. */
static void make_state(char *folder, const char *endpoints)
{
	char path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/endpoints", folder);
	assert_int_equal(me_file_write_atomic(path, endpoints, strlen(endpoints), 0600), 0);
}

static void remove_state(const char *folder)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/endpoints", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

static void check_knows_what_was_used(void **state)
{
	static const char site[] = "version: 1\nallow:\n"
				   "- {service: smtp, to: any, ports: tcp/25}\n"
				   "- {service: x, to: [a.example, b.example], ports: tcp/1}\n";
	static const char endpoints[] =
		"{\"service\":\"smtp\",\"endpoint\":\"any\",\"since\":1,\"attempt\":2,\"success\":0}\n"
		"this is no use\n"
		"{\"service\":\"x\",\"endpoint\":\"a.example\",\"since\":1,\"attempt\":2,"
		"\"success\":2,\"later\":[]}\n"
		"{\"service\":\"x\",\"endpoint\":\"b.example\",\"since\":1,\"attempt\":0,"
		"\"success\":0}\n";
	char path[] = "/tmp/mewatch-site-XXXXXX", folder[] = "/tmp/mewatch-state-XXXXXX", line[96];
	_cleanup_free_ char *output = NULL, *without = NULL, *errors = NULL, *json = NULL;
	int code, plain, warned, in_json;

	write_site(path, site);
	make_state(folder, endpoints);
	plain = RUN(me_cmd_check, STDOUT_FILENO, &without, "check", "-c", path);
	code = RUN(me_cmd_check, STDOUT_FILENO, &output, "check", "-c", path, "--state", folder);
	warned = RUN(me_cmd_check, STDERR_FILENO, &errors, "check", "-c", path, "--state", folder);
	in_json = RUN(me_cmd_check, STDOUT_FILENO, &json, "check", "--json", "-c", path, "--state",
		      folder);
	unlink(path);
	remove_state(folder);
	assert_int_equal(plain, ME_EXIT_OK);
	assert_null(strstr(without, "not used"));
	assert_int_equal(code, ME_EXIT_FINDINGS);
	snprintf(line, sizeof(line), "%s:4:32: finding: not used in the ", path);
	assert_non_null(strstr(output, line));
	assert_non_null(strstr(output, " since 1970-01-01: `b.example` of `x/a.example`\n"));
	assert_null(strstr(output, ": `x/a.example`"));
	assert_null(strstr(output, ": `smtp/any`"));
	assert_int_equal(warned, ME_EXIT_FINDINGS);
	assert_non_null(strstr(errors, ": 1 lines of `endpoints` were no use"));
	assert_int_equal(in_json, ME_EXIT_FINDINGS);
	assert_non_null(strstr(json, "\"kind\": \"never-used\""));
	assert_non_null(strstr(json, "\"kind\": \"not-in-state\""));
}

static void a_state_that_is_none_is_told(void **state)
{
	_cleanup_free_ char *output = NULL;

	assert_int_equal(RUN(me_cmd_check, STDERR_FILENO, &output, "check", "--state", "/proc/1"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(output, "--state /proc/1: `endpoints` cannot be read: "));
}

/* What is written is read again, in order, whatever was there before. */
static void uses_outlive_the_daemon(void **state)
{
	static const struct me_use some[] = {
		{"x", "*.example", 3, 4, 5, true, "timeout"},
		{"a\"b", "c\\d", 1, 0, 0, false, NULL},
		{"x", "any", UINT64_MAX / 4, 1, 0, true, NULL},
	};
	_cleanup_uses_ struct me_uses uses = {0}, again = {0}, none = {0};
	char folder[] = "/tmp/mewatch-state-XXXXXX";
	size_t damaged = 1;

	/* One line that is none, and one of a daemon that knew less. */
	make_state(folder, "{\n{\"service\": \"x\", \"endpoint\": \"any\", \"since\": 1, "
			   "\"attempt\": 0, \"success\": 0}\n");
	assert_int_equal(me_uses_read(folder, &none, &damaged), 0);
	assert_int_equal(damaged, 1);
	assert_int_equal(none.n, 1);
	assert_false(none.list[0].overdue);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(me_uses_add(&uses, &some[i]), 0);
	assert_int_equal(me_uses_write(folder, &uses), 0);
	assert_int_equal(me_uses_read(folder, &again, &damaged), 0);
	assert_int_equal(damaged, 0);
	assert_int_equal(again.n, 3);
	assert_string_equal(again.list[0].service, "a\"b");
	assert_string_equal(again.list[0].endpoint, "c\\d");
	for (size_t i = 0; i < 3; i++) {
		const struct me_use *use = me_uses_find(&again, some[i].service, some[i].endpoint);

		assert_non_null(use);
		assert_int_equal(use->since_ns, some[i].since_ns);
		assert_int_equal(use->attempt_ns, some[i].attempt_ns);
		assert_int_equal(use->success_ns, some[i].success_ns);
		assert_int_equal(use->overdue, some[i].overdue);
		assert_string_equal(use->failing ? use->failing : "",
				    some[i].failing ? some[i].failing : "");
	}
	remove_state(folder);
	assert_int_equal(me_uses_read(folder, &none, &damaged), -ENOENT);
	assert_int_equal(me_uses_write(folder, &uses), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_has_three_endings),
		cmocka_unit_test(check_compiles_as_well),
		cmocka_unit_test(check_speaks_json),
		cmocka_unit_test(usage_is_an_error),
		cmocka_unit_test(check_knows_what_was_used),
		cmocka_unit_test(a_state_that_is_none_is_told),
		cmocka_unit_test(uses_outlive_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
