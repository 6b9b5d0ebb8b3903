/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch selftest`: its table, the same as JSON, and that whatever it declares can be done. */
#include "run.h"
#include <jansson.h>
#include <stdlib.h>
#include "mewatch/selftest.h"
#include "selftest/trick.h"

/* The printing functions as if they were commands, with these rows. */
static struct me_path_row rows[2];

static int print_table(int argc, char **argv)
{
	for (size_t i = 0; i < 2; i++)
		me_selftest_print_row(&rows[i]);
	return me_selftest_print_sums(rows, 2);
}

static int print_json(int argc, char **argv)
{
	return me_selftest_print_json(rows, 2);
}

static void fill(void)
{
	for (int i = 0; i < 2; i++) {
		rows[i] = (struct me_path_row){.path = &me_paths[i]};
		for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
			rows[i].seen[v].sight = me_paths[i].sight[v];
	}
	rows[1].seen[ME_TRANSIT] = (struct me_seen){ME_SIGHT_OTHER, "odd\x1b[2J"};
}

static void a_line_that_is_otherwise_is_marked(void **state)
{
	_cleanup_free_ char *output = NULL;
	char line[160];

	fill();
	assert_int_equal(RUN(print_table, STDOUT_FILENO, &output, "table"), 0);
	snprintf(line, sizeof(line), "\n! %-22s ", me_paths[1].name);
	assert_non_null(strstr(output, line));
	snprintf(line, sizeof(line), "\n  %-22s ", me_paths[0].name);
	assert_non_null(strstr(output, line));
	snprintf(line, sizeof(line), "\n    transit: expected: %s; found: otherwise; odd\\x1b[2J\n",
		 me_sight_label(me_paths[1].sight[ME_TRANSIT]));
	assert_non_null(strstr(output, line));
	assert_non_null(
		strstr(output, "\n2 paths: 1 as declared, 1 otherwise, 0 not on this kernel\n"));
}

static void json_says_the_same(void **state)
{
	_cleanup_free_ char *output = NULL;
	json_t *root, *paths;

	fill();
	assert_int_equal(RUN(print_json, STDOUT_FILENO, &output, "json"), 0);
	root = json_loads(output, 0, NULL);
	assert_non_null(root);
	paths = json_object_get(root, "paths");
	assert_int_equal(json_array_size(paths), 2);
	assert_true(json_is_true(json_object_get(
		json_object_get(json_array_get(paths, 0), "transit"), "as_declared")));
	assert_true(json_is_false(json_object_get(
		json_object_get(json_array_get(paths, 1), "transit"), "as_declared")));
	assert_int_equal(json_integer_value(json_object_get(root, "as_declared")), 1);
	assert_int_equal(json_integer_value(json_object_get(root, "otherwise")), 1);
	json_decref(root);
}

static void all_that_is_declared_can_be_done(void **state)
{
	for (size_t i = 0; i < ME_PATH_COUNT; i++)
		assert_true(me_paths[i].run ? !!me_traffic_find(NULL, me_paths[i].run)
					    : !!me_trick_find(me_paths[i].name));
	assert_null(me_trick_find("nonsense"));
	assert_null(me_traffic_find(NULL, "nonsense"));
}

static void options(void **state)
{
	_cleanup_free_ char *list = NULL, *wrong = NULL, *json = NULL;
	json_t *root;

	assert_int_equal(RUN(me_cmd_selftest, STDOUT_FILENO, &list, "selftest", "--list"), 0);
	assert_non_null(strstr(list, "\n  packet-bypass "));
	assert_int_equal(RUN(me_cmd_selftest, STDOUT_FILENO, &json, "selftest", "--list", "--json"),
			 0);
	root = json_loads(json, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "paths")), ME_PATH_COUNT);
	json_decref(root);
	assert_int_equal(RUN(me_cmd_selftest, STDERR_FILENO, &wrong, "selftest", "nonsense"), 2);
	assert_non_null(strstr(wrong, "no path `nonsense`, expected one of"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_is_otherwise_is_marked),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(all_that_is_declared_can_be_done),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
