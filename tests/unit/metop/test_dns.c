/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/dns.h"

#include <errno.h>
#include "begin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dns_answer.h"
#include "metop/answer.h"
#include "metop/keys.h"
#include "metop/model.h"
#include "metop/once.h"
#include "metop/view.h"

static struct me_rows *read_rows(unsigned int matched)
{
	struct me_rows *rows = NULL;
	char body[DNS_ANSWER_LEN];

	dns_answer(body, 0, 40, matched);
	assert_int_equal(me_view_read(&me_views[ME_VIEW_DNS], false, body, strlen(body), &rows), 0);
	return rows;
}

static void rows_come_in_parts(void **state)
{
	_cleanup_rows_ struct me_rows *rows = read_rows(2);
	static const struct {
		uint8_t part;
		bool heading;
		const char *field, *text;
	} wanted[] = {
		{ME_DNS_CATEGORIES, false, "category", "other"},
		{ME_DNS_CATEGORIES, false, "responses.noerror", "20"},
		{ME_DNS_ZONES, true, "zones", "block lists that were asked"},
		{ME_DNS_ZONES, false, "zone", "zen.example"},
		{ME_DNS_ZONES, false, "zone", "quiet.example"},
		/* Neither one that was never asked … */
		{ME_DNS_CAUSES, true, "causes", "what nothing was learned from, and why"},
		{ME_DNS_CAUSES, false, "cause", "unsolicited"},
		{ME_DNS_CAUSES, false, "count", "1"}, /* … nor those that are 0 */
		{ME_DNS_ANSWERS, true, "answers", "names and their addresses"},
		{ME_DNS_ANSWERS, false, "name", "meupdate.gfi.com"},
		{ME_DNS_ANSWERS, false, "state", "over"},
	};

	(void)state;
	assert_int_equal(rows->n, ME_ARRAY_SIZE(wanted));
	assert_int_equal(rows->matched, rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		assert_int_equal(rows->rows[i].part, wanted[i].part);
		assert_int_equal(rows->rows[i].heading, wanted[i].heading);
		assert_string_equal(me_row_text(&rows->rows[i], wanted[i].field), wanted[i].text);
		assert_null(me_row_text(&rows->rows[i], "section"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rows->rows[i].key, rows->rows[k].key);
	}
}

static void a_zone_that_refuses_stands_out(void **state)
{
	_cleanup_rows_ struct me_rows *rows = read_rows(2);
	const struct me_view *view = &me_views[ME_VIEW_DNS];
	const struct me_view zones = me_view_of(view, &rows->rows[3]);
	const struct me_column *refusals = &zones.columns[me_view_column(&zones, "REFUSALS")];
	char text[ME_CELL_LEN];

	(void)state;
	assert_int_equal(me_view_row_style(view, &rows->rows[3]), ME_STYLE_BAD);
	assert_int_equal(me_column_style(refusals, ME_STYLE_BAD), ME_STYLE_BAD);
	me_column_text(refusals, &rows->rows[3], &(struct me_look_at){0}, text);
	assert_string_equal(text, "70");
	assert_int_equal(me_view_row_style(view, &rows->rows[4]), ME_STYLE_PLAIN);
	/* What is over is dim. */
	assert_int_equal(me_view_row_style(view, &rows->rows[10]), ME_STYLE_DIM);
}

static void what_is_not_shown_is_counted(void **state)
{
	_cleanup_rows_ struct me_rows *rows = read_rows(5002);

	(void)state;
	assert_string_equal(me_row_text(&rows->rows[rows->n - 1], "name"), "and 5,000 more");
}

static void an_answer_without_anything_has_no_rows(void **state)
{
	_cleanup_rows_ struct me_rows *rows = NULL;
	static const char body[] = "{\"ts\":\"2027-01-01T00:00:00Z\",\"answers\":[]}";

	(void)state;
	assert_int_equal(me_view_read(&me_views[ME_VIEW_DNS], false, body, strlen(body), &rows), 0);
	assert_int_equal(rows->n, 0);
	assert_int_equal(me_view_read(&me_views[ME_VIEW_DNS], false, "[]", 2, &rows), -EBADMSG);
}

static void it_is_printed_part_by_part(void **state)
{
	_cleanup_rows_ struct me_rows *rows = read_rows(2);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(me_once_print(out, ME_VIEW_DNS, rows, 0), 0);
	fclose(out);
	assert_string_equal(
		text,
		"CATEGORY QUERIES NOERROR NXDOMAIN SERVFAIL REFUSED OTHER\n"
		"other         40      30        4        2       0     3\n"
		"ip-dnsbl   1.50k      20                                \n"
		"\n"
		"S ZONE          QUERIES ANSWERS LISTED REFUSALS\n"
		"! zen.example        90      88      3       70\n"
		"  quiet.example       4       0      0        0\n"
		"\n"
		"NOT-LEARNED COUNT\n"
		"unsolicited    12\n"
		"busy            1\n"
		"\n"
		"S NAME             ADDRESS    SERVER     TARGET       COUNT SINCE LAST LEFT\n"
		"  meupdate.gfi.com 192.0.2.10 192.0.2.53 edge.example     3    1h  10s   5m\n"
		"- a\\027[2j.example 192.0.2.11 192.0.2.53                  1    1h   1h over\n");
}

static void feed(struct me_model *model, unsigned int seconds, unsigned int queries)
{
	_cleanup_reply_ struct me_reply reply = {.kind = ME_API_LIST, .status = 200};

	reply.body = malloc(DNS_ANSWER_LEN);
	dns_answer(reply.body, seconds, queries, 2);
	reply.len = strlen(reply.body);
	me_model_query(model, &model->asked);
	assert_int_equal(me_model_take(model, &reply, 1), 0);
	assert_null(model->refusal);
}

/* In the live view: a rate, one order, and a row that stays selected. */
static void it_lives(void **state)
{
	static const struct me_source source = {.socket = "/nowhere"};
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_model model;
	struct me_query query;
	const struct me_list *list = &model.lists[ME_VIEW_DNS];

	(void)state;
	begin_model(&model, &source, ME_VIEW_FLOWS);
	model.page = 10;
	me_model_key(&model, '4');
	assert_int_equal(model.view, ME_VIEW_DNS);
	me_model_query(&model, &query);
	query.filter = "name:gfi";
	me_query_path(&query, &path);
	assert_string_equal(path.data,
			    "/v1/dns?limit=1000&offset=0&sort=last&desc=1&filter=name%3Agfi");
	feed(&model, 0, 40);
	assert_true(me_list_row(list, 0)->rate[0] < 0);
	feed(&model, 10, 65);
	assert_true(me_list_row(list, 1)->rate[0] == 2.5);
	assert_true(me_list_row(list, 6)->rate[1] == 0);
	assert_int_equal(me_list_count(&model, ME_VIEW_DNS), 11);

	/* Each part has its order: that of categories, and that of answers, which is the daemon's. */
	me_model_key(&model, 'r');
	feed(&model, 10, 65);
	assert_string_equal(me_row_text(me_list_row(list, 0), "category"), "other");
	me_model_key(&model, 'G');
	me_model_key(&model, ',');
	assert_int_equal(me_model_part(&model), ME_DNS_ANSWERS);
	me_strbuf_free(&path);
	me_model_query(&model, &query);
	me_query_path(&query, &path);
	assert_string_equal(path.data, "/v1/dns?limit=1000&offset=0&sort=since&desc=1");
	me_model_key(&model, 'G');
	assert_string_equal(me_row_text(me_model_selected(&model), "address"), "192.0.2.11");
	feed(&model, 11, 65);
	assert_string_equal(me_row_text(me_model_selected(&model), "address"), "192.0.2.11");
	me_model_key(&model, '5');
	assert_int_equal(model.view, ME_VIEW_HEALTH);
	me_model_free(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_in_parts),
		cmocka_unit_test(a_zone_that_refuses_stands_out),
		cmocka_unit_test(what_is_not_shown_is_counted),
		cmocka_unit_test(an_answer_without_anything_has_no_rows),
		cmocka_unit_test(it_is_printed_part_by_part),
		cmocka_unit_test(it_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
