/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "metop/detail.h"

static const char answer[] =
	"{\"ts\":\"2027-01-15T08:16:40.000Z\",\"version\":\"1\",\"flow\":{\"id\":\"1f\"},\"total\":7,\"matched\":7,"
	"\"steps\":["
	"{\"ts\":\"2027-01-14T23:59:59.100Z\",\"step\":\"answer\",\"text\":\"a.example is 192.0.2.1\"},"
	"{\"ts\":\"2027-01-15T08:16:39.000Z\",\"step\":\"opened\",\"text\":\"to 192.0.2.1:443/tcp\"},"
	"{\"ts\":\"2027-01-15T08:16:39.000Z\",\"step\":\"verdict\",\"text\":\"pending: quic\"},"
	"{\"ts\":\"2027-01-15T08:16:39.500Z\",\"step\":\"verdict\",\"text\":\"allowed by x\"},"
	"{\"ts\":\"2027-01-15T08:16:39.600Z\",\"step\":\"request\",\"text\":\"GET /\",\"flow\":\"2e\"},"
	"{\"ts\":\"2027-01-15T08:16:39.700Z\",\"step\":\"failing\",\"text\":\"it was told\"},"
	"{\"ts\":\"soon\",\"step\":\"later\",\"text\":\"violation\"}]}";

static const struct {
	const char *name, *text, *state;
} lines[] = {
	{"01-14 23:59  answer", "  a.example is 192.0.2.1", ""},
	{"08:16:39.000 opened", "  to 192.0.2.1:443/tcp", ""},
	{"08:16:39.000 verdict", "? pending: quic", "pending"},
	{"08:16:39.500 verdict", "+ allowed by x", "allowed"},
	{"08:16:39.600 request", "  GET /, flow 2e", ""},
	{"08:16:39.700 failing", "! it was told", "failing"},
	{"             later", "  violation", ""},
};

static void test_take(void **state)
{
	struct me_story story = {0};
	const struct me_rows *held;

	(void)state;
	assert_int_equal(me_story_ask(&story, "/v1/flows/1f"), 0);
	assert_null(story.lines);
	assert_int_equal(me_story_take(&story, answer, strlen(answer)), 0);
	assert_int_equal(story.lines->n, ME_ARRAY_SIZE(lines));
	for (size_t i = 0; i < story.lines->n; i++) {
		const struct me_field *fields = story.lines->rows[i].fields;

		assert_string_equal(fields[ME_STORY_TEXT].name, lines[i].name);
		assert_string_equal(fields[ME_STORY_TEXT].text, lines[i].text);
		assert_string_equal(fields[ME_STORY_STATE].text, lines[i].state);
	}
	/* What is no answer changes nothing; the same path neither, and another one all. */
	held = story.lines;
	assert_int_equal(me_story_take(&story, "{}", 2), -EBADMSG);
	assert_int_equal(me_story_ask(&story, "/v1/flows/1f"), 0);
	assert_ptr_equal(story.lines, held);
	assert_int_equal(me_story_ask(&story, "/v1/flows/2e"), 0);
	assert_null(story.lines);
	me_story_clear(&story);
	me_story_clear(&story);
}

static void path_is(enum me_view_id view, const struct me_row *row, const char *wanted)
{
	_cleanup_strbuf_ struct me_strbuf path = {0};

	me_story_path(&me_views[view], row, &path);
	assert_string_equal(path.data ? path.data : "", wanted);
}

static void test_path(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	(void)state;
	me_rows_begin(rows);
	me_rows_add_text(rows, "id", "1f-c");
	me_rows_add_text(rows, "service", "mail/x");
	path_is(ME_VIEW_FLOWS, &rows->rows[0], "/v1/flows/1f-c");
	path_is(ME_VIEW_VIOLATIONS, &rows->rows[0], "/v1/violations/1f-c");
	path_is(ME_VIEW_ENDPOINTS, &rows->rows[0], "");
	path_is(ME_VIEW_HEALTH, &rows->rows[0], "");
	path_is(ME_VIEW_FLOWS, NULL, "");
	me_rows_add_text(rows, "endpoint", "*.a b");
	path_is(ME_VIEW_ENDPOINTS, &rows->rows[0], "/v1/endpoints/mail%2Fx/%2A.a%20b");
	rows->rows[0].heading = true;
	path_is(ME_VIEW_FLOWS, &rows->rows[0], "");
}

/* The story first, a line each, folded where it must; then the row. Nothing beyond the edge. */
static void test_lay_out(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	struct me_story story = {0};

	(void)state;
	me_rows_begin(rows);
	me_rows_add_text(rows, "verdict", "allowed");
	me_rows_add_text(rows, "id", "1f");
	assert_int_equal(me_story_take(&story, answer, strlen(answer)), 0);
	for (size_t columns = 1; columns < 200; columns++) {
		_cleanup_detail_ struct me_detail detail = {0};
		size_t last = 0;

		assert_int_equal(me_detail_lay_out(story.lines, &rows->rows[0], columns, &detail),
				 0);
		for (size_t i = 0; i < detail.n; i++) {
			const struct me_detail_item *item = &detail.items[i];

			assert_true(item->line >= last);
			last = item->line;
			assert_true(item->column < columns);
		}
		assert_int_equal(detail.lines, last + 1);
		if (columns < 80)
			continue;
		/* The mark of a line, and its text beside it. */
		assert_string_equal(detail.items[4].name, "08:16:39.000 verdict");
		assert_int_equal(detail.items[4].bytes, 1);
		assert_int_equal(detail.items[4].style, ME_STYLE_WAIT);
		assert_string_equal(detail.items[5].text, "pending: quic");
		assert_int_equal(detail.items[5].style, ME_STYLE_PLAIN);
		assert_int_equal(detail.items[5].line, detail.items[4].line);
		assert_int_equal(detail.items[6].style, ME_STYLE_GOOD);
		assert_int_equal(detail.items[14].line, 8);
		assert_string_equal(detail.items[14].name, "verdict");
		assert_int_equal(detail.lines, 9);
	}
	me_story_clear(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_lay_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
