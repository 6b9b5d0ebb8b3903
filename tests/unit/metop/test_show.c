/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/model.h"

#include "begin.h"
#include "metop/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ONE "00000000000000aa"
#define TWO "00000000000000bb"

static const struct me_source source = {.socket = "/nowhere"};

static void reply(struct me_model *model, enum me_api_kind kind, long status, const char *body)
{
	_cleanup_reply_ struct me_reply reply = {.kind = kind, .status = status};

	reply.body = strdup(body);
	reply.len = strlen(body);
	model->want = false;
	if (kind == ME_API_LIST)
		me_model_query(model, &model->asked);
	assert_int_equal(me_model_take(model, &reply, 1), 0);
}

static void type(struct me_model *model, const char *text)
{
	for (; *text; text++)
		assert_int_equal(me_model_key(model, *text == '\r' ? '\n' : *text), 0);
}

static const char *path(const struct me_model *model)
{
	static char text[8192];
	_cleanup_strbuf_ struct me_strbuf out = {0};
	struct me_query query;

	me_model_query(model, &query);
	me_query_path(&query, &out);
	snprintf(text, sizeof(text), "%s", out.data);
	return text;
}

static const char *shown(const struct me_model *model)
{
	static char text[1024];
	_cleanup_strbuf_ struct me_strbuf out = {0};

	me_model_shown(model, &out);
	snprintf(text, sizeof(text), "%s", out.data ? out.data : "");
	return text;
}

static bool asks(const struct me_model *model, const char *what)
{
	return strstr(path(model), what);
}

/* Flows, from `offset` on: the ids are the numbers of `ids`. */
static void flows(struct me_model *model, unsigned int offset, unsigned int matched,
		  const unsigned int *ids)
{
	_cleanup_strbuf_ struct me_strbuf body = {0};
	const char *comma = "";

	me_strbuf_addf(&body,
		       "{\"ts\":\"2027-01-01T00:00:00Z\",\"total\":%u,\"matched\":%u,"
		       "\"offset\":%u,\"flows\":[",
		       matched, matched, offset);
	for (; *ids; ids++, comma = ",")
		me_strbuf_addf(&body, "%s{\"id\":\"%u\"}", comma, *ids);
	me_strbuf_adds(&body, "]}");
	reply(model, ME_API_LIST, 200, body.data);
}
#define FLOWS(model, offset, matched, ...)                                                         \
	flows(model, offset, matched, (const unsigned int[]){__VA_ARGS__, 0})

static const char *selected(const struct me_model *model)
{
	const struct me_row *row = me_model_selected(model);

	return row ? me_view_identity(&me_views[model->view], row) : "nothing";
}

#define TREE_HEAD                                                                                  \
	"{\"ts\":\"2027-01-01T00:00:00Z\",\"total\":9,\"matched\":9,\"offset\":0,\"lines\":%u,"    \
	"\"groups\":["
#define FOLDED(id) "{\"group\":\"" id "\",\"by\":\"origin\",\"unfolded\":false,\"flows\":2}"
#define UNFOLDED(id) "{\"group\":\"" id "\",\"by\":\"origin\",\"unfolded\":true,\"flows\":2}"

static void tree(struct me_model *model, unsigned int lines, const char *rows)
{
	char body[2048];

	snprintf(body, sizeof(body), TREE_HEAD "%s]}", lines, rows);
	reply(model, ME_API_LIST, 200, body);
}

static void groups_fold_and_unfold(void **state)
{
	struct me_model *model = *state;

	FLOWS(model, 0, 3, 1, 2, 3);
	type(model, " +-*");
	assert_non_null(model->notice); /* there are no groups yet */
	assert_false(asks(model, "group="));
	type(model, "t");
	assert_null(model->notice);
	assert_true(model->want);
	assert_true(asks(model, "&group=origin"));
	assert_false(asks(model, "unfold"));
	assert_string_equal(shown(model), "by origin");
	tree(model, 2, FOLDED(ONE) "," FOLDED(TWO));
	assert_int_equal(me_list_count(model, ME_VIEW_FLOWS), 2);
	type(model, "j ");
	assert_true(asks(model, "&unfold=" TWO));
	tree(model, 4,
	     FOLDED(ONE) "," UNFOLDED(TWO) ",{\"id\":\"7\",\"of\":\"" TWO "\"},"
					   "{\"id\":\"8\",\"of\":\"" TWO "\"}");
	assert_string_equal(selected(model), TWO);
	type(model, "jj+");
	assert_string_equal(selected(model), "8"); /* its group is unfolded already */
	assert_false(model->want);
	type(model, "-");
	assert_false(asks(model, "unfold"));
	assert_true(asks(model, "&around=" TWO)); /* the flow goes, its group stays selected */
	tree(model, 2, FOLDED(TWO) "," FOLDED(ONE));
	assert_string_equal(selected(model), TWO);
	assert_int_equal(model->lists[ME_VIEW_FLOWS].position, 0);
	/* Enter is for a group what Space is, and for a flow its detail. */
	type(model, "\r");
	assert_false(model->detail);
	assert_true(asks(model, "&unfold=" TWO));
	type(model, "*");
	assert_true(asks(model, "&unfold=all&"));
	type(model, "-");
	assert_true(asks(model, "&unfold=all," TWO));
	type(model, "*");
	assert_false(asks(model, "unfold"));
	type(model, "t");
	assert_true(asks(model, "&group=endpoint"));
	type(model, "t");
	assert_false(asks(model, "group="));
	assert_string_equal(shown(model), "");
}

/* The row stays selected wherever it goes, and it is told when it is gone. */
static void a_row_is_followed(void **state)
{
	struct me_model *model = *state;
	const struct me_list *list = &model->lists[ME_VIEW_FLOWS];

	type(model, "f");
	assert_non_null(model->notice); /* there is no row yet */
	FLOWS(model, 0, 1000, 1, 2, 3, 4);
	type(model, "jf");
	assert_true(list->following);
	assert_true(asks(model, "&around=2"));
	FLOWS(model, 700, 1000, 9, 8, 2, 7);
	assert_string_equal(selected(model), "2");
	assert_int_equal(list->position, 702);
	assert_true(list->top <= 702 && list->top + model->page > 702);
	/* Also in another order. */
	type(model, "r");
	assert_true(asks(model, "&around=2"));
	FLOWS(model, 0, 1000, 2, 9);
	assert_string_equal(selected(model), "2");
	assert_int_equal(list->position, 0);
	/* Gone, and told until a key. */
	FLOWS(model, 0, 1000, 9, 8);
	assert_false(list->following);
	assert_non_null(strstr(model->notice, "followed"));
	assert_string_equal(selected(model), "9");
	type(model, "f");
	assert_null(model->notice);
	assert_true(list->following);
	type(model, "f");
	assert_false(list->following);
	assert_false(asks(model, "around"));
	type(model, "fj"); /* who moves on follows no more */
	assert_false(list->following);
	assert_string_equal(selected(model), "8");
}

/* A chosen row that goes out of sight is looked for once before it is called gone. */
static void a_chosen_row_is_looked_for(void **state)
{
	struct me_model *model = *state;
	const struct me_list *list = &model->lists[ME_VIEW_FLOWS];

	FLOWS(model, 0, 1000, 1, 2, 3);
	type(model, "j");
	assert_false(asks(model, "around"));
	FLOWS(model, 0, 1000, 4, 5, 6);
	assert_false(list->gone);
	assert_true(model->want);
	assert_true(asks(model, "&around=2"));
	FLOWS(model, 400, 1000, 7, 2, 8);
	assert_string_equal(selected(model), "2");
	assert_int_equal(list->position, 401);
	assert_false(asks(model, "around"));
	FLOWS(model, 380, 1000, 4, 5, 6);
	FLOWS(model, 380, 1000, 4, 5, 6);
	assert_true(list->gone);
	assert_false(model->want); /* and not again and again */
	assert_false(asks(model, "around"));
}

static void closed_flows_and_names(void **state)
{
	struct me_model *model = *state;

	type(model, "c");
	assert_true(model->want);
	assert_true(asks(model, "&filter=state%3Aopen"));
	assert_string_equal(shown(model), "open only");
	type(model, "/x\r");
	assert_true(asks(model, "&filter=x%20state%3Aopen"));
	model->settings.order[ME_VIEW_FLOWS][0].column =
		me_view_column(&me_views[ME_VIEW_FLOWS], "DESTINATION");
	assert_true(asks(model, "sort=name"));
	type(model, "n");
	assert_true(asks(model, "sort=dst"));
	assert_true(me_model_look(model).addresses);
	assert_string_equal(shown(model), "open only  addresses  filter x");
	/* Elsewhere there are no closed ones. */
	type(model, "1");
	assert_false(asks(model, "state"));
	assert_string_equal(shown(model), "filter x");
	type(model, "c");
	assert_non_null(model->notice);
	assert_false(model->settings.closed);
	type(model, "2c");
	assert_true(model->settings.closed);
	assert_int_equal(me_model_settings(model).view, ME_VIEW_FLOWS);
}

static void news(struct me_model *model, unsigned int serial, unsigned int count)
{
	char body[256];

	snprintf(body, sizeof(body),
		 "{\"ts\":\"2027-01-01T00:00:00Z\",\"serial\":%u,\"new\":%u,\"violations\":[]}",
		 serial, count);
	reply(model, ME_API_NEWS, 200, body);
}

static void violations_are_new_until_seen(void **state)
{
	static const char list[] =
		"{\"ts\":\"2027-01-01T00:00:00Z\",\"total\":1,\"matched\":1,"
		"\"serial\":12,\"violations\":[{\"service\":\"a\",\"serial\":12}]}";
	struct me_model *model = *state;
	_cleanup_strbuf_ struct me_strbuf out = {0};

	assert_true(me_model_look(model).seen_serial == UINT64_MAX);
	news(model, 9, 9);
	assert_int_equal(model->news.count, 0); /* they were there before the user */
	news(model, 12, 3);
	assert_int_equal(model->news.count, 3);
	me_news_path(&model->news, &out);
	assert_string_equal(out.data, "/v1/violations?limit=0&since=9");
	type(model, "3");
	reply(model, ME_API_LIST, 200, list);
	assert_int_equal(model->news.count, 3); /* while he looks they are marked */
	assert_int_equal(me_model_look(model).seen_serial, 9);
	type(model, "1");
	assert_int_equal(model->news.count, 0);
	assert_int_equal(model->news.seen, 12);
	news(model, 14, 2);
	type(model, "v"); /* from anywhere */
	assert_int_equal(model->news.count, 0);
	assert_int_equal(model->news.seen, 14);
	/* A daemon that began anew numbers anew. */
	news(model, 2, 0);
	news(model, 2, 2);
	assert_int_equal(model->news.count, 2);
	/* An answer that is none changes nothing. */
	reply(model, ME_API_NEWS, 200, "<html>");
	reply(model, ME_API_NEWS, 404, "{\"error\":\"no\"}");
	assert_int_equal(model->news.count, 2);
	assert_null(model->refusal);
}

/* A filter that the daemon refuses is typed again; the one before stays in force. */
static void a_refused_filter_is_typed_again(void **state)
{
	struct me_model *model = *state;

	type(model, "/port:25\r");
	FLOWS(model, 0, 1, 1);
	assert_int_equal(model->prompt.n, 1);
	type(model, "/ prot:tcp\r");
	assert_int_equal(model->panel, ME_PANEL_NONE);
	assert_string_equal(model->filter, "port:25 prot:tcp");
	reply(model, ME_API_LIST, 400, "{\"error\":\"unknown term\"}");
	assert_int_equal(model->panel, ME_PANEL_FILTER);
	assert_string_equal(model->prompt.text, "port:25 prot:tcp");
	assert_string_equal(model->prompt.error, "unknown term");
	assert_string_equal(model->filter, "port:25");
	assert_true(model->want);
	FLOWS(model, 0, 1, 1);
	assert_null(model->refusal);
	assert_int_equal(model->panel, ME_PANEL_FILTER);
	assert_int_equal(model->prompt.n, 1); /* it is not remembered */
	type(model, "\x1b");
	assert_string_equal(model->filter, "port:25");
	/* An error of another kind is none of the filter. */
	type(model, "/x\r");
	reply(model, ME_API_LIST, 502, "<html>");
	assert_int_equal(model->panel, ME_PANEL_NONE);
}

static int setup(void **state)
{
	struct me_model *model = malloc(sizeof(*model));

	if (!model)
		return -1;
	begin_model(model, &source, ME_VIEW_FLOWS);
	model->page = 10;
	*state = model;
	return 0;
}

static int teardown(void **state)
{
	me_model_free(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(groups_fold_and_unfold, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_chosen_row_is_looked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_flows_and_names, setup, teardown),
		cmocka_unit_test_setup_teardown(violations_are_new_until_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_filter_is_typed_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
