/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/answer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define TS "\"ts\":\"2027-01-01T00:00:01.500Z\""

static const char *const keys[] = {"id", "other"};

static int list(const char *body, struct me_rows **ret_rows)
{
	return me_answer_list(body, strlen(body), "flows", keys, 2, ret_rows);
}

static void a_list_becomes_rows(void **state)
{
	_cleanup_rows_ struct me_rows *rows = NULL;
	const struct me_row *row;

	assert_int_equal(list("{" TS ",\"total\":9,\"matched\":7,\"flows\":[{\"id\":\"a\",\"n\":12,"
			      "\"names\":[\"x\",\"y\"],\"outcomes\":{\"refused\":3},\"pre\":true,"
			      "\"real\":1.5,\"none\":null}]}",
			      &rows),
			 0);
	assert_int_equal(rows->ts_ns, 1798761601500000000);
	assert_int_equal(rows->total, 9);
	assert_int_equal(rows->matched, 7);
	assert_int_equal(rows->n, 1);
	row = &rows->rows[0];
	assert_true(me_row_number(row, "n") == 12);
	assert_string_equal(me_row_text(row, "n"), "12");
	assert_string_equal(me_row_text(row, "names"), "x, y");
	assert_true(me_row_number(row, "outcomes.refused") == 3);
	assert_string_equal(me_row_text(row, "pre"), "yes");
	assert_string_equal(me_row_text(row, "real"), "1.5");
	assert_string_equal(me_row_text(row, "none"), "");
}

static void keys_tell_rows_apart(void **state)
{
	_cleanup_rows_ struct me_rows *rows = NULL;

	assert_int_equal(list("{" TS ",\"flows\":[{\"id\":\"a\",\"other\":\"bc\"},"
			      "{\"id\":\"ab\",\"other\":\"c\"},{\"id\":\"a\"},{\"other\":\"a\"},"
			      "{\"id\":\"1:a \"}]}",
			      &rows),
			 0);
	for (size_t a = 0; a < rows->n; a++) {
		for (size_t b = 0; b < a; b++)
			assert_string_not_equal(rows->rows[a].key, rows->rows[b].key);
	}
}

static void anything_else_is_refused(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"null",
		"{}",
		"{" TS "}",
		"{\"flows\":[]}",
		"{" TS ",\"flows\":{}}",
		"{" TS ",\"flows\":[1]}",
		"{" TS ",\"flows\":[]} x",
		"{" TS ",\"flows\":[",
		"{\"ts\":1,\"flows\":[]}",
		"{" TS ",\"flows\":[{\"id\":\"a\\u0000b\"}]}",
		"{" TS ",\"flows\":[{\"id\":\"\xff\"}]}",
		"{" TS ",\"flows\":[{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}]}",
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(bodies); i++) {
		struct me_rows *rows = (void *)&keys;

		if (list(bodies[i], &rows) != -EBADMSG)
			fail_msg("accepted: %s", bodies[i]);
		assert_ptr_equal(rows, &keys);
	}
}

static void a_tree_becomes_a_row_a_leaf(void **state)
{
	static const char body[] = "{" TS ",\"pending\":5,\"policy\":{\"reloads\":{\"ok\":2}},"
				   "\"attached\":[{\"hook\":\"connect4\",\"ok\":true}],"
				   "\"problems\":[\"one\",\"two\"]}";
	_cleanup_rows_ struct me_rows *rows = NULL;
	const struct me_row *row;

	assert_int_equal(me_answer_tree(body, strlen(body), &rows), 0);
	assert_int_equal(rows->n, 6);
	row = me_rows_find(rows, "policy.reloads.ok", NULL);
	assert_string_equal(me_row_text(row, "section"), "policy");
	assert_string_equal(me_row_text(row, "item"), "reloads.ok");
	assert_true(me_row_number(row, "value") == 2);
	row = me_rows_find(rows, "attached.0", NULL);
	assert_string_equal(me_row_text(row, "hook"), "connect4");
	assert_string_equal(me_row_text(row, "ok"), "yes");
	assert_string_equal(me_row_text(me_rows_find(rows, "problems.1", NULL), "value"), "two");
	assert_true(me_row_number(me_rows_find(rows, "pending", NULL), "value") == 5);
}

static void errors_are_read(void **state)
{
	_cleanup_free_ char *error = me_answer_error("{\"error\":\"why\"}", 15);

	assert_string_equal(error, "why");
	assert_null(me_answer_error("{\"error\":1}", 11));
	assert_null(me_answer_error("<html>", 6));
	assert_null(me_answer_error("", 0));
}

static void json_is_given_back_in_ascii(void **state)
{
	static const char body[] = "{ \"b\": \"\xc2\x9b\x7f\", \"a\": 12345678901234 }";
	_cleanup_free_ char *json = me_answer_ascii(body, strlen(body));

	assert_string_equal(json, "{\"b\":\"\\u009B\x7f\",\"a\":12345678901234}");
	assert_null(me_answer_ascii("[1]", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_becomes_rows),
		cmocka_unit_test(keys_tell_rows_apart),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_tree_becomes_a_row_a_leaf),
		cmocka_unit_test(errors_are_read),
		cmocka_unit_test(json_is_given_back_in_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
