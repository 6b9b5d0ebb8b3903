/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/known.h"

#include <errno.h>
#include "begin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dns_answer.h"
#include "metop/detail.h"
#include "metop/model.h"

static struct me_rows *flow(const char *dst)
{
	struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_text(rows, "verdict", "allowed");
	if (dst)
		me_rows_add_text(rows, "dst", dst);
	me_rows_add_number(rows, "dport", 443, "443");
	return rows;
}

static void take(struct me_known *known, const char *body)
{
	assert_int_equal(me_known_take(known, body, strlen(body)), 0);
}

/* The `n`th field behind those of the row. */
static const char *name_of(const struct me_rows *rows, size_t n)
{
	const struct me_row *row = &rows->rows[0];

	assert_in_range(n + 3, 3, row->n_fields - 1);
	assert_string_equal(row->fields[n + 3].name, "known name");
	return row->fields[n + 3].text;
}

static void names_are_asked_by_address(void **state)
{
	_cleanup_rows_ struct me_rows *row = flow("2001:db8::1"), *without = flow(NULL);
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_known known = {0};

	(void)state;
	assert_string_equal(me_known_address(NULL), "");
	assert_string_equal(me_known_address(&without->rows[0]), "");
	me_known_ask(&known, me_known_address(&row->rows[0]), &path);
	assert_string_equal(path.data,
			    "/v1/dns?limit=64&sort=last&desc=1&address=2001%3Adb8%3A%3A1");
	assert_string_equal(known.address, "2001:db8::1");
	me_known_clear(&known);
}

static void every_name_is_told(void **state)
{
	_cleanup_rows_ struct me_rows *row = flow("192.0.2.10"), *other = flow("192.0.2.11");
	_cleanup_rows_ struct me_rows *with = NULL, *before = NULL, *stranger = NULL;
	_cleanup_strbuf_ struct me_strbuf path = {0};
	char body[DNS_ANSWER_LEN];
	struct me_known known = {0};

	(void)state;
	me_known_ask(&known, "192.0.2.10", &path);
	assert_int_equal(me_known_row(&known, &row->rows[0], &before), 0);
	assert_int_equal(before->rows[0].n_fields, 3); /* nobody has answered yet */

	dns_answer(body, 0, 1, 5);
	take(&known, body);
	assert_int_equal(me_known_row(&known, &row->rows[0], &with), 0);
	assert_string_equal(me_row_text(&with->rows[0], "verdict"), "allowed");
	assert_true(me_row_number(&with->rows[0], "dport") == 443);
	assert_string_equal(name_of(with, 0),
			    "meupdate.gfi.com (edge.example), from 192.0.2.53, since "
			    "2027-01-01T00:00:00Z, until 2027-01-01T01:05:10Z");
	assert_string_equal(name_of(with, 1),
			    "a\\027[2j.example, from 192.0.2.53, since 2027-01-01T00:00:00Z, until "
			    "2027-01-01T00:30:00Z, over");
	assert_string_equal(name_of(with, 2), "and 3 more");
	assert_int_equal(with->rows[0].n_fields, 6);

	/* They belong to this address alone. */
	assert_int_equal(me_known_row(&known, &other->rows[0], &stranger), 0);
	assert_int_equal(stranger->rows[0].n_fields, 3);
	me_known_ask(&known, "192.0.2.11", &path);
	assert_null(known.rows);
	me_known_clear(&known);
}

static void no_name_is_told_too(void **state)
{
	_cleanup_rows_ struct me_rows *row = flow("192.0.2.10"), *with = NULL;
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_known known = {0};

	(void)state;
	me_known_ask(&known, "192.0.2.10", &path);
	take(&known, "{\"ts\":\"2027-01-01T00:00:00Z\",\"total\":0,\"matched\":0,\"answers\":[]}");
	assert_int_equal(me_known_row(&known, &row->rows[0], &with), 0);
	assert_string_equal(name_of(with, 0), "none: no DNS answer gave this address");
	/* Nonsense changes nothing. */
	assert_int_equal(me_known_take(&known, "{}", 2), -EBADMSG);
	assert_non_null(known.rows);
	me_known_clear(&known);
	assert_string_equal(known.address, "");
}

/* The model takes the reply; one that refuses or makes no sense disturbs nothing else. */
static void the_model_takes_names(void **state)
{
	static const struct me_source source = {.socket = "/nowhere"};
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_model model;
	static const struct {
		long status;
		const char *body;
	} replies[] = {{404, "{\"error\":\"there is /v1/flows\"}"},
		       {200, "<html>"},
		       {200, "{\"ts\":\"2027-01-01T00:00:00Z\",\"answers\":[{\"name\":\"a\"}]}"}};

	(void)state;
	begin_model(&model, &source, ME_VIEW_FLOWS);
	me_known_ask(&model.known, "192.0.2.10", &path);
	for (size_t i = 0; i < ME_ARRAY_SIZE(replies); i++) {
		_cleanup_reply_ struct me_reply reply = {.kind = ME_API_NAMES,
							 .status = replies[i].status};

		reply.body = strdup(replies[i].body);
		reply.len = strlen(reply.body);
		assert_int_equal(me_model_take(&model, &reply, 1), 0);
		assert_null(model.refusal);
		assert_int_equal(model.fresh_ns, 0);
	}
	assert_int_equal(model.known.rows->n, 1);
	me_model_free(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_asked_by_address),
		cmocka_unit_test(every_name_is_told),
		cmocka_unit_test(no_name_is_told_too),
		cmocka_unit_test(the_model_takes_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
