/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch probe`, as far as it contacts nobody: usage, and what is not probed. */
#include <jansson.h>
#include "run.h"

static const char site[] = "version: 1\n"
			   "profile: mailessentials-14\n"
			   "allow:\n"
			   "- {service: tree, to: \"*.wild.example\", ports: [tcp/443, udp/443]}\n";

static void usage_is_an_error(void **state)
{
	static const struct {
		const char *arguments[3];
		const char *says;
	} cases[] = {
		{{"--nothing"}, "usage: mewatch probe"},
		{{"--timeout", "5"}, "`5`: expected a time"},
		{{"--timeout", "99ms"}, "`99ms`: expected a time"},
		{{"--timeout", "61s"}, "`61s`: expected a time"},
		{{"--profile", "mailessential"}, "did you mean `mailessentials`?"},
		{{"-c", "/nonexistent/policy.yaml"}, "/nonexistent/policy.yaml"},
		{{"unlisted.example"}, "`unlisted.example`: the policy lists no such endpoint"},
		{{"x\x1b[31m"}, "`x\\x1b[31m`: the policy"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *errors = NULL;

		assert_int_equal(RUN(me_cmd_probe, STDERR_FILENO, &errors, "probe",
				     cases[i].arguments[0], cases[i].arguments[1]),
				 ME_EXIT_USAGE);
		if (!strstr(errors, cases[i].says))
			fail_msg("%s", errors);
	}
}

static void what_is_not_probed(void **state)
{
	char path[] = "/tmp/mewatch-site-XXXXXX";
	_cleanup_free_ char *table = NULL, *json = NULL;
	int works, fails, not_probed, port;
	const char *endpoint, *target, *why;
	json_t *root;

	write_site(path, site);
	assert_int_equal(RUN(me_cmd_probe, STDOUT_FILENO, &table, "probe", "-c", path,
			     "*.wild.example", "*.mailshell.net"),
			 ME_EXIT_OK);
	assert_string_equal(
		table, "not probed:\n"
		       "  *.wild.example: tcp/443 udp/443: a wildcard cannot be probed itself: "
		       "name one that it covers\n"
		       "  *.mailshell.net: tcp/80 tcp/443: a wildcard cannot be probed itself: "
		       "name one that it covers\n"
		       "0 work, 0 do not, 4 not probed\n");
	assert_int_equal(RUN(me_cmd_probe, STDOUT_FILENO, &json, "probe", "--json", "-c", path,
			     "*.wild.example"),
			 ME_EXIT_OK);
	unlink(path);
	root = json_loads(json, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_unpack(root, "{s:i, s:i, s:i, s:[{s:s, s:s, s:i, s:s}, {}]}", "works",
				     &works, "fails", &fails, "not_probed", &not_probed, "targets",
				     "endpoint", &endpoint, "state", &target, "port", &port,
				     "why_not", &why),
			 0);
	assert_int_equal(works, 0);
	assert_int_equal(fails, 0);
	assert_int_equal(not_probed, 2);
	assert_string_equal(endpoint, "*.wild.example");
	assert_string_equal(target, "not-probed");
	assert_int_equal(port, 443);
	assert_non_null(strstr(why, "a wildcard"));
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_is_an_error),
		cmocka_unit_test(what_is_not_probed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
