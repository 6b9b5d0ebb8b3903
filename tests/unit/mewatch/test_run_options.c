/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of `mewatch run`: what becomes of them, and which make no sense. */
#include "run.h"
#include "mewatch/run_options.h"

#define ARGUMENTS 32

static const char *words[ME_RUN_LISTS * ARGUMENTS];
static struct me_daemon_options got;

static int parse(int argc, char **argv)
{
	assert_in_range(argc, 1, ARGUMENTS - 1);
	return me_run_options(argc, argv, words, &got);
}

/* Runs it; what is said on `stream` has to contain `says`. */
static void expect(int code, int stream, const char *says, const char *const *arguments)
{
	_cleanup_free_ char *output = NULL;

	assert_int_equal(run(parse, arguments, stream, &output), code);
	if (!strstr(output, says))
		fail_msg("no `%s` in\n%s", says, output);
}

#define EXPECT(code, stream, says, ...)                                                            \
	expect(code, stream, says, (const char *const[]){"run", __VA_ARGS__, NULL})

static void what_is_not_said_has_its_default(void **state)
{
	(void)state;
	expect(-1, STDERR_FILENO, "", (const char *const[]){"run", NULL});
	assert_int_equal(got.n_cgroups + got.n_interfaces + got.n_hosts, 0);
	assert_null(got.policy);
	assert_null(got.api_listen);
	assert_string_equal(got.listen, ME_DEFAULT_LISTEN);
	assert_string_equal(got.socket, ME_DEFAULT_SOCKET);
	assert_string_equal(got.state, ME_DEFAULT_STATE);
	assert_string_equal(got.pins, ME_DEFAULT_PINS);
}

static void assert_list(const char *const *list, size_t n, const char *first, const char *last)
{
	assert_string_equal(list[0], first);
	assert_string_equal(list[n - 1], last);
}

static void lists_are_kept_apart_and_in_order(void **state)
{
	(void)state;
	EXPECT(-1, STDERR_FILENO, "", "--host", "192.0.2.10", "--cgroup=/a", "--interface", "lan0",
	       "--host=02:00:00:00:00:10", "--cgroup", "/b", "--interface=lan1", "-c", "site.yaml");
	assert_int_equal(got.n_cgroups, 2);
	assert_int_equal(got.n_interfaces, 2);
	assert_int_equal(got.n_hosts, 2);
	assert_list(got.cgroups, 2, "/a", "/b");
	assert_list(got.interfaces, 2, "lan0", "lan1");
	assert_list(got.hosts, 2, "192.0.2.10", "02:00:00:00:00:10");
	assert_string_equal(got.policy, "site.yaml");
}

/* Every argument may be of one list. */
static void there_is_room_for_all_of_them(void **state)
{
	const char *arguments[ARGUMENTS] = {"run", "--interface=lan0"};

	(void)state;
	for (int i = 2; i < ARGUMENTS - 1; i++)
		arguments[i] = "--host=192.0.2.1";
	expect(-1, STDERR_FILENO, "", arguments);
	assert_int_equal(got.n_hosts, ARGUMENTS - 3);
	assert_string_equal(got.interfaces[0], "lan0");
	assert_string_equal(got.hosts[got.n_hosts - 1], "192.0.2.1");
}

static void what_belongs_together_is_asked_for(void **state)
{
	(void)state;
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--interface without --host", "--interface", "lan0");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--interface without --host", "--cgroup", "/",
	       "--interface", "lan0");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--host without --interface", "--host", "192.0.2.1");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "`x`: no argument is expected", "--cgroup", "/", "x");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--hots", "--hots=192.0.2.1");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "requires an argument", "--host");
	EXPECT(-1, STDERR_FILENO, "", "--cgroup", "/");
	assert_int_equal(got.n_cgroups, 1);
}

static void denying(void **state)
{
	(void)state;
	EXPECT(-1, STDERR_FILENO, "", "--cgroup", "/");
	assert_false(got.enforce);
	EXPECT(-1, STDERR_FILENO, "", "--enforce");
	assert_true(got.enforce);
	assert_int_equal(got.enforce_ns, 0);
	EXPECT(-1, STDERR_FILENO, "", "--for=10m", "--enforce");
	assert_true(got.enforce);
	assert_int_equal(got.enforce_ns, 600000000000ull);
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--for without --enforce", "--for", "10m");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--for `10`: expected a duration", "--enforce",
	       "--for", "10");
	EXPECT(ME_EXIT_USAGE, STDERR_FILENO, "--for `0s`: expected", "--enforce", "--for", "0s");
}

static void help_names_them(void **state)
{
	(void)state;
	EXPECT(ME_EXIT_OK, STDOUT_FILENO, "\n      --interface IF ", "--help");
	EXPECT(ME_EXIT_OK, STDOUT_FILENO, "\n      --host ADDR ", "--help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(lists_are_kept_apart_and_in_order),
		cmocka_unit_test(there_is_room_for_all_of_them),
		cmocka_unit_test(what_belongs_together_is_asked_for),
		cmocka_unit_test(denying),
		cmocka_unit_test(help_names_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
