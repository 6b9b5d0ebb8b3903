/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch profiles`: what it shows, how it compares, and its exit codes. */
#include <jansson.h>
#include <stdlib.h>
#include "run.h"

/* A profile of one's own; the caller removes it. */
static void write_profile(char *path, const char *text)
{
	int fd = mkstemps(path, 5);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void profiles_are_shown(void **state)
{
	_cleanup_free_ char *all = NULL, *one = NULL;

	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &all, "profiles"), ME_EXIT_OK);
	assert_non_null(strstr(all, "mailessentials-14-sr1 "));
	assert_non_null(strstr(all, ", the default\n"));
	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &one, "profiles", "mailessentials-14"),
			 ME_EXIT_OK);
	assert_non_null(strstr(one, "ftp.gfisoftware.com\n"));
	assert_non_null(strstr(one, "source   KBID002184: FTP ports 20 and 21\n"));
}

static void profiles_are_compared(void **state)
{
	_cleanup_free_ char *diff = NULL, *none = NULL, *unreadable = NULL;
	static const char expected[] =
		"~ updates        *.mailshell.net       tcp/80, tcp/443 -> tcp/80, tcp/443, every "
		"1d\n"
		"~ updates        db11.spamcatcher.net  tcp/80, tcp/443, every 1d -> tcp/80, "
		"tcp/443, retired\n"
		"mailessentials-14 -> mailessentials-14-sr1: 0 more, 0 less, 0 retired, 2 "
		"otherwise\n";

	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &diff, "profiles", "--diff",
			     "mailessentials-14", "mailessentials-14-sr1"),
			 ME_EXIT_FINDINGS);
	assert_string_equal(diff, expected);
	assert_int_equal(RUN(me_cmd_profiles, STDOUT_FILENO, &none, "profiles", "--diff",
			     "mailessentials-14", "mailessentials-14"),
			 ME_EXIT_OK);
	assert_string_equal(none, "");
	assert_int_equal(RUN(me_cmd_profiles, STDERR_FILENO, &unreadable, "profiles", "--diff",
			     "mailessentials-14", "/nonexistent.yaml"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(unreadable, "cannot read `/nonexistent.yaml`"));
}

/* Each kind of change, in text and in JSON; paths as well as names. */
static void profiles_of_ones_own_are_compared(void **state)
{
	char a[] = "/tmp/mewatch-a-XXXXXX.yaml", b[] = "/tmp/mewatch-b-XXXXXX.yaml";
	_cleanup_free_ char *diff = NULL, *json = NULL;
	const char *change, *service, *to, *rule, *at;
	int equal, retired, every, code;
	json_t *root, *before, *after;
	char line[128];

	write_profile(a, "version: 1\nallow: [{service: x, to: [a.example, b.example, c.example], "
			 "ports: tcp/1}]\n");
	write_profile(b,
		      "version: 1\nallow:\n- {service: x, to: [{entry: b.example, retired: true}, "
		      "{entry: c.example, expect: {every: 2h}}], ports: tcp/1}\n"
		      "- {service: y, to: d.example, ports: [udp/2, icmp]}\n");
	code = RUN(me_cmd_profiles, STDOUT_FILENO, &diff, "profiles", "--diff", a, b);
	assert_int_equal(code, ME_EXIT_FINDINGS);
	snprintf(line, sizeof(line), "%s -> %s: 1 more, 1 less, 1 retired, 1 otherwise\n", a, b);
	assert_memory_equal(diff,
			    "- x              a.example  tcp/1\n"
			    "x x              b.example  tcp/1, retired\n"
			    "~ x              c.example  tcp/1 -> tcp/1, every 2h\n"
			    "+ y              d.example  udp/2, icmp\n",
			    strlen(diff) - strlen(line));
	assert_string_equal(diff + strlen(diff) - strlen(line), line);

	code = RUN(me_cmd_profiles, STDOUT_FILENO, &json, "profiles", "--json", "--diff", a, b);
	unlink(a);
	unlink(b);
	assert_int_equal(code, ME_EXIT_FINDINGS);
	root = json_loads(json, 0, NULL);
	assert_int_equal(json_unpack(root, "{s:b}", "equal", &equal), 0);
	assert_false(equal);
	assert_int_equal(json_array_size(json_object_get(root, "changes")), 4);
	assert_int_equal(json_unpack(json_array_get(json_object_get(root, "changes"), 2),
				     "{s:s, s:s, s:s, s:o, s:o}", "change", &change, "service",
				     &service, "to", &to, "before", &before, "after", &after),
			 0);
	assert_string_equal(change, "otherwise");
	assert_string_equal(service, "x");
	assert_string_equal(to, "c.example");
	assert_null(json_object_get(before, "expect_s"));
	assert_int_equal(json_unpack(after, "{s:s, s:s, s:b, s:i}", "rule", &rule, "at", &at,
				     "retired", &retired, "expect_s", &every),
			 0);
	assert_string_equal(rule, "x/c.example");
	snprintf(line, sizeof(line), "%s:3", b);
	assert_string_equal(at, line);
	assert_false(retired);
	assert_int_equal(every, 7200);
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(root, "changes"), 0), "after")));
	json_decref(root);
}

static void usage_is_an_error(void **state)
{
	_cleanup_free_ char *one = NULL, *json = NULL, *unknown = NULL;

	assert_int_equal(
		RUN(me_cmd_profiles, STDERR_FILENO, &one, "profiles", "--diff", "mailessentials"),
		ME_EXIT_USAGE);
	assert_non_null(strstr(one, "usage: mewatch profiles"));
	assert_int_equal(RUN(me_cmd_profiles, STDERR_FILENO, &json, "profiles", "--json"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(json, "usage: mewatch profiles"));
	assert_int_equal(RUN(me_cmd_profiles, STDERR_FILENO, &unknown, "profiles", "mailessential"),
			 ME_EXIT_USAGE);
	assert_non_null(strstr(unknown, "did you mean `mailessentials`?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_are_shown),
		cmocka_unit_test(profiles_are_compared),
		cmocka_unit_test(profiles_of_ones_own_are_compared),
		cmocka_unit_test(usage_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
