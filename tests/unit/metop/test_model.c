/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/model.h"

#include <locale.h>
#include "base/text.h"
#include "begin.h"
#include "metop/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct me_source source = {.socket = "/nowhere"};

/* Gives the model an answer to what it asks for: `count` rows in order, the first with id `first`. */
static void answer_from(struct me_model *model, uint64_t ts, uint64_t first, uint64_t count,
			uint64_t matched)
{
	bool grouped = model->view == ME_VIEW_FLOWS && model->settings.tree != ME_TREE_OFF;
	_cleanup_strbuf_ struct me_strbuf body = {0};
	_cleanup_reply_ struct me_reply reply = {.kind = ME_API_LIST, .status = 200};

	me_strbuf_addf(&body, "{\"ts\":\"2027-01-01T00:00:%02uZ\",\"total\":%zu,\"matched\":%zu,",
		       (unsigned int)ts, (size_t)matched, (size_t)matched);
	me_strbuf_addf(&body, "\"%s\":[", grouped ? "groups" : me_views[model->view].name);
	for (uint64_t id = first; id < first + count; id++)
		me_strbuf_addf(&body, "%s{\"id\":\"%zu\",\"endpoint\":\"%zu\",\"attempts\":%zu}",
			       id > first ? "," : "", (size_t)id, (size_t)id, (size_t)(id * ts));
	me_strbuf_adds(&body, "]}");
	reply.len = body.len;
	reply.body = me_steal_ptr(&body.data);
	model->want = false;
	me_model_query(model, &model->asked);
	assert_int_equal(me_model_take(model, &reply, 1), 0);
	assert_null(model->refusal);
}

static void reply_with(struct me_model *model, enum me_api_kind kind, long status, const char *body)
{
	_cleanup_reply_ struct me_reply reply = {.kind = kind, .status = status};

	reply.body = strdup(body);
	reply.len = strlen(body);
	me_model_query(model, &model->asked);
	assert_int_equal(me_model_take(model, &reply, 1), 0);
}

static void type(struct me_model *model, const char *text)
{
	for (; *text; text++)
		assert_int_equal(me_model_key(model, *text == '\r' ? '\n' : *text), 0);
}

static struct me_model *begin(void **state)
{
	struct me_model *model = *state;

	begin_model(model, &source, ME_VIEW_FLOWS);
	model->page = 10;
	return model;
}

static int setup(void **state)
{
	*state = malloc(sizeof(struct me_model));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	me_model_free(*state);
	free(*state);
	return 0;
}

static const char *selected(const struct me_model *model)
{
	const struct me_list *list = &model->lists[model->view];
	const struct me_row *row = list->gone ? NULL : me_list_row(list, list->position);

	return row ? me_row_text(row, "id") : "nothing";
}

static void the_first_row_is_a_place(void **state)
{
	struct me_model *model = begin(state);

	answer_from(model, 1, 100, 50, 50);
	assert_string_equal(selected(model), "100");
	answer_from(model, 2, 200, 50, 50);
	assert_string_equal(selected(model), "200");
}

static void a_chosen_row_is_followed(void **state)
{
	struct me_model *model = begin(state);
	const struct me_list *list = &model->lists[ME_VIEW_FLOWS];

	answer_from(model, 1, 100, 50, 50);
	type(model, "jjj");
	assert_string_equal(selected(model), "103");
	answer_from(model, 2, 80, 50, 50);
	assert_string_equal(selected(model), "103");
	assert_int_equal(list->position, 23);
	assert_int_equal(list->top, 14); /* it came into the last line of the page */
	answer_from(model, 3, 200, 50, 50);
	assert_string_equal(selected(model), "nothing");
	assert_true(list->gone);
	answer_from(model, 4, 100, 50, 50);
	assert_string_equal(selected(model), "103"); /* it was only out of sight */
	type(model, "g");
	answer_from(model, 5, 80, 50, 50);
	assert_string_equal(selected(model), "80");
}

static void the_cursor_stays_in_the_list(void **state)
{
	struct me_model *model = begin(state);
	const struct me_list *list = &model->lists[ME_VIEW_FLOWS];

	answer_from(model, 1, 0, 25, 25);
	type(model, "k");
	assert_int_equal(list->position, 0);
	me_model_key(model, ME_KEY_PAGE_DOWN);
	assert_int_equal(list->position, 9);
	assert_int_equal(list->top, 0);
	type(model, "j");
	assert_int_equal(list->top, 1);
	type(model, "G");
	assert_int_equal(list->position, 24);
	assert_int_equal(list->top, 15);
	type(model, "j");
	assert_int_equal(list->position, 24);
	answer_from(model, 2, 100, 3, 3);
	assert_int_equal(list->position, 2);
	assert_int_equal(list->top, 0);
	answer_from(model, 3, 0, 0, 0);
	type(model, "jkG");
	me_model_key(model, ME_KEY_ENTER);
	assert_int_equal(list->position, 0);
	assert_string_equal(selected(model), "nothing");
}

static void the_window_goes_with_the_cursor(void **state)
{
	struct me_model *model = begin(state);
	struct me_query query;

	model->page = 20;
	me_model_query(model, &query);
	assert_int_equal(query.limit, 80); /* a few screens, and never all */
	answer_from(model, 1, 0, 80, 100000);
	assert_false(model->want);
	type(model, "G");
	assert_true(model->want);
	me_model_query(model, &query);
	assert_int_equal(query.offset, 99959);
	answer_from(model, 2, 99959, 41, 100000);
	assert_string_equal(selected(model), "99999");
	assert_false(model->want);
	for (int i = 0; i < 4; i++)
		me_model_key(model, ME_KEY_PAGE_UP);
	assert_true(model->want);
	me_model_query(model, &query);
	assert_int_equal(query.offset, 99999 - 4 * 19 - 40);
	answer_from(model, 3, query.offset, 80, 100000);
	assert_string_equal(selected(model), "99923");
	model->page = 500;
	me_model_query(model, &query);
	assert_int_equal(query.limit, 1000);
	type(model, "g");
	assert_true(model->want);
	me_model_query(model, &query);
	assert_int_equal(query.offset, 0);
}

static void a_rate_is_sorted_here(void **state)
{
	struct me_model *model = begin(state);
	size_t tries = me_view_column(&me_views[ME_VIEW_ENDPOINTS], "TRIES/S");

	type(model, "1");
	answer_from(model, 1, 1, 20, 5000);
	assert_false(me_model_sorts_some(model));
	me_model_sort(model, tries, true);
	assert_true(model->want);
	assert_true(me_model_sorts_some(model)); /* which is told */
	answer_from(model, 2, 1, 20, 5000);
	assert_string_equal(selected(model), "20"); /* id * 1 byte a second */
	assert_true(me_list_row(&model->lists[ME_VIEW_ENDPOINTS], 0)->rate[0] == 20);
	assert_int_equal(me_list_count(model, ME_VIEW_ENDPOINTS), 20); /* no more can be reached */
	type(model, "r");
	answer_from(model, 3, 1, 20, 5000);
	assert_string_equal(selected(model), "1");
	answer_from(model, 4, 1, 20, 20);
	assert_false(me_model_sorts_some(model));
}

static void a_filter_is_typed(void **state)
{
	struct me_model *model = begin(state);
	struct me_query query;

	model->want = false;
	type(model, "/q4");
	me_model_key(model, 0xe9);
	me_model_key(model, ME_KEY_PAGE_UP); /* means nothing here */
	assert_string_equal(model->prompt.text, "q4é");
	me_model_key(model, ME_KEY_BACKSPACE);
	assert_string_equal(model->prompt.text, "q4");
	assert_string_equal(model->filter, "");
	assert_false(model->quit || model->want);
	type(model, "\r");
	assert_true(model->want);
	me_model_query(model, &query);
	assert_string_equal(query.filter, "q4");
	type(model, "1");
	me_model_query(model, &query);
	assert_int_equal(query.view, ME_VIEW_ENDPOINTS);
	assert_string_equal(query.filter, "q4");
	type(model, "/");
	assert_string_equal(model->prompt.text, "q4");
	type(model, "x\x1b");
	assert_string_equal(model->filter, "q4");
	type(model, "\x1b");
	assert_string_equal(model->filter, "");
}

static void a_filter_has_a_limit(void **state)
{
	struct me_model *model = begin(state);

	type(model, "/");
	for (int i = 0; i < 2 * ME_FILTER_MAX; i++)
		me_model_key(model, 0x65e5);
	assert_int_equal(strlen(model->prompt.text), ME_FILTER_MAX / 3 * 3);
	for (int i = 0; i < ME_FILTER_MAX; i++)
		me_model_key(model, ME_KEY_BACKSPACE);
	assert_string_equal(model->prompt.text, "");
}

static void refusals_are_told_until_all_is_well(void **state)
{
	struct me_model *model = begin(state);

	reply_with(model, ME_API_LIST, 400, "{\"error\":\"no such field\"}");
	assert_string_equal(model->refusal, "no such field");
	reply_with(model, ME_API_HEALTH, 200, "{\"ts\":\"2027-01-01T00:00:00Z\"}");
	assert_string_equal(model->refusal, "no such field");
	answer_from(model, 1, 0, 1, 1);
	reply_with(model, ME_API_LIST, 502, "<html>");
	assert_string_equal(model->refusal, "HTTP status 502");
	reply_with(model, ME_API_LIST, 200, "<html>");
	assert_string_equal(model->refusal, "this answer is not one of mewatch");
	assert_string_equal(selected(model), "0"); /* what is known stays */
}

static void trouble_ends_with_an_answer(void **state)
{
	struct me_model *model = begin(state);
	struct me_reply reply = {.kind = ME_API_HEALTH};

	me_strbuf_adds(&reply.trouble.what, "gone");
	assert_int_equal(me_model_take(model, &reply, 1), 0);
	assert_null(reply.trouble.what.data);
	assert_string_equal(model->trouble.what.data, "gone");
	assert_int_equal(model->fresh_ns, 0);
	/* The list alone does not end it. */
	answer_from(model, 1, 0, 1, 1);
	assert_string_equal(model->trouble.what.data, "gone");
	assert_int_equal(me_model_fresh(model), 1);
	reply_with(model, ME_API_HEALTH, 200, "{\"ts\":\"2027-01-01T00:00:00Z\"}");
	assert_null(model->trouble.what.data);
}

/* A daemon that tells its health and no list: told, and how old the list is. */
static void trouble_with_the_list_alone(void **state)
{
	struct me_model *model = begin(state);
	struct me_reply reply = {.kind = ME_API_LIST},
			health = {.kind = ME_API_HEALTH, .status = 200};

	answer_from(model, 1, 0, 1, 1);
	me_strbuf_adds(&reply.trouble.what, "gone");
	assert_int_equal(me_model_take(model, &reply, 2), 0);
	health.body = strdup("{\"ts\":\"2027-01-01T00:00:00Z\"}");
	health.len = strlen(health.body);
	assert_int_equal(me_model_take(model, &health, 3), 0);
	assert_string_equal(model->trouble.what.data, "gone");
	assert_int_equal(model->fresh_ns, 3);
	assert_int_equal(me_model_fresh(model), 1);
	/* What the detail shows besides says nothing of it, either way. */
	reply = (struct me_reply){.kind = ME_API_STORY};
	me_strbuf_adds(&reply.trouble.what, "other");
	assert_int_equal(me_model_take(model, &reply, 4), 0);
	assert_string_equal(model->trouble.what.data, "gone");
	me_reply_free(&reply);
	/* A view that needs no list is not in trouble. */
	model->view = ME_VIEW_HEALTH;
	assert_int_equal(me_model_take(model, &health, 5), 0);
	assert_null(model->trouble.what.data);
	assert_int_equal(me_model_fresh(model), 5);
	me_reply_free(&health);
}

static void health_gives_attempts_a_second(void **state)
{
	struct me_model *model = begin(state);

	reply_with(model, ME_API_HEALTH, 200,
		   "{\"ts\":\"2027-01-01T00:00:00Z\",\"attempts\":{\"host\":10,\"transit\":5}}");
	assert_true(model->attempt_rate < 0);
	reply_with(model, ME_API_HEALTH, 200,
		   "{\"ts\":\"2027-01-01T00:00:02Z\",\"attempts\":{\"host\":20,\"transit\":6}}");
	assert_true(model->attempt_rate == 5.5);
	reply_with(model, ME_API_HEALTH, 200,
		   "{\"ts\":\"2027-01-01T00:00:02Z\",\"attempts\":{\"host\":20,\"transit\":6}}");
	assert_true(model->attempt_rate == 5.5);
	reply_with(model, ME_API_HEALTH, 200,
		   "{\"ts\":\"2027-01-01T00:00:03Z\",\"attempts\":{\"host\":1}}");
	assert_true(model->attempt_rate < 0); /* it began anew */
}

static void freezing_and_thawing(void **state)
{
	struct me_model *model = begin(state);

	model->want = false;
	type(model, "p");
	assert_true(model->frozen);
	assert_false(model->want);
	type(model, "p");
	assert_false(model->frozen);
	assert_true(model->want);
}

/* Any keys in any order: positions stay in the list, and nothing is read that is not there. */
static void random_keys_do_no_harm(void **state)
{
	static const int keys[] = {ME_KEY_UP,
				   ME_KEY_DOWN,
				   ME_KEY_PAGE_UP,
				   ME_KEY_PAGE_DOWN,
				   ME_KEY_HOME,
				   ME_KEY_END,
				   ME_KEY_ENTER,
				   ME_KEY_ESCAPE,
				   ME_KEY_LEFT,
				   ME_KEY_RIGHT,
				   ME_KEY_TAB,
				   ME_KEY_BACKTAB,
				   ME_KEY_BACKSPACE,
				   '/',
				   's',
				   'r',
				   'p',
				   't',
				   'f',
				   'n',
				   'c',
				   'v',
				   ' ',
				   '+',
				   '-',
				   '*',
				   '?',
				   '[',
				   ']',
				   0x65e5};
	struct me_model *model = begin(state);
	const char *given = getenv("ME_SEED");
	uint64_t seed = (uint64_t)getpid();

	if (given)
		me_text_parse_u64(given, 0, UINT32_MAX, &seed);
	print_message("ME_SEED=%u\n", (unsigned int)seed);
	srand((unsigned int)seed);
	for (int i = 0; i < 20000; i++) {
		const struct me_list *list = &model->lists[model->view];
		uint64_t count;

		model->page = (size_t)rand() % 30;
		me_model_key(model, keys[(size_t)rand() % ME_ARRAY_SIZE(keys)]);
		if (rand() % 4 == 0 && model->view == ME_VIEW_FLOWS) {
			uint64_t total = (uint64_t)rand() % 3000, offset;

			me_model_query(model, &model->asked);
			offset = model->asked.offset < total ? model->asked.offset : total;
			answer_from(model, (uint64_t)rand() % 60, offset,
				    total - offset < 1000 ? total - offset : 1000, total);
		}
		list = &model->lists[model->view];
		count = me_list_count(model, model->view);
		me_model_scroll(model);
		assert_true(count ? list->position < count : list->position == 0);
		assert_true(list->top <= list->position);
		assert_true(list->position < list->top + (model->page ? model->page : 1));
		assert_false(model->quit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_row_is_a_place, setup, teardown),
		cmocka_unit_test_setup_teardown(a_chosen_row_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_cursor_stays_in_the_list, setup, teardown),
		cmocka_unit_test_setup_teardown(the_window_goes_with_the_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rate_is_sorted_here, setup, teardown),
		cmocka_unit_test_setup_teardown(a_filter_is_typed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_filter_has_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals_are_told_until_all_is_well, setup,
						teardown),
		cmocka_unit_test_setup_teardown(trouble_with_the_list_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(trouble_ends_with_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(health_gives_attempts_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(freezing_and_thawing, setup, teardown),
		cmocka_unit_test_setup_teardown(random_keys_do_no_harm, setup, teardown),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
