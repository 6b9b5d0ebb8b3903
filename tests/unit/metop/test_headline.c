/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/headline.h"

#include <locale.h>
#include "base/clock.h"
#include "metop/detail.h"
#include "metop/health.h"
#include "metop/shown.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct me_model example = {
	.health = {.version = "1.2.3",
		   .profile = "mailessentials-2015",
		   .generation = "3",
		   .uptime_s = 93784,
		   .hooks_ok = 11,
		   .hooks_total = 11,
		   .attempts = 1234567,
		   .allowed = 1200345,
		   .local = 34000,
		   .violation = 212,
		   .pending = 10},
	.attempt_rate = 12.6,
	.fresh_ns = ME_NS_PER_S,
};

static const struct me_piece *find(const struct me_headline *headline, const char *begins)
{
	for (size_t i = 0; i < headline->n; i++) {
		if (headline->pieces[i].shown &&
		    !strncmp(headline->pieces[i].text, begins, strlen(begins)))
			return &headline->pieces[i];
	}
	return NULL;
}

static void everything_is_there_when_there_is_room(void **state)
{
	struct me_headline headline;

	me_headline(&example, "mx1", 2 * ME_NS_PER_S, 300, 4, &headline);
	assert_string_equal(find(&headline, "mewatch")->text, "mewatch 1.2.3");
	assert_non_null(find(&headline, "on mx1"));
	assert_non_null(find(&headline, "up 1d 02:03"));
	assert_non_null(find(&headline, "policy mailessentials-2015 #3"));
	assert_non_null(find(&headline, "hooks 11/11"));
	assert_string_equal(find(&headline, "attempts")->text, "attempts 1.23M (13/s)");
	assert_non_null(find(&headline, "lost 0"));
	assert_non_null(find(&headline, "data 1s old"));
	assert_int_equal(headline.lines, 2);
}

static void what_is_denied(void **state)
{
	static const struct {
		const char *mode, *until;
		bool enforcing;
		const char *says;
	} row[] = {
		{"monitor", "", true, "MONITOR, rules enforce"},
		{"monitor", "2026-11-27T04:20:00.123Z", false, "MONITOR until 2026-11-27T04:20Z"},
		{"shadow", "", false, "SHADOW"},
		{"enforce", "", true, "ENFORCE"},
		{"enforce", "2026-11-27T04:20:00.123Z", true, "ENFORCE until 2026-11-27T04:20Z"},
	};
	struct me_headline headline;

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct me_model model = example;

		strcpy(model.health.mode, row[i].mode);
		strcpy(model.health.until, row[i].until);
		model.health.enforcing = row[i].enforcing;
		me_headline(&model, "mx1", 2 * ME_NS_PER_S, 80, 4, &headline);
		assert_non_null(find(&headline, row[i].says));
	}
	me_headline(&example, "mx1", 2 * ME_NS_PER_S, 300, 4, &headline);
	assert_null(find(&headline, "MONITOR")); /* as ever */
}

static void what_matters_stays_on_any_screen(void **state)
{
	for (size_t columns = 1; columns < 300; columns++) {
		for (size_t lines = 1; lines < 5; lines++) {
			struct me_headline headline;

			me_headline(&example, "mx1", 2 * ME_NS_PER_S, columns, lines, &headline);
			assert_non_null(find(&headline, "! violation 212"));
			assert_in_range(headline.lines, 1, lines);
			for (size_t i = 0; columns >= 20 && i < headline.n; i++) {
				const struct me_piece *piece = &headline.pieces[i];

				if (!piece->shown || piece->rank == 0)
					continue;
				assert_true(piece->line < lines);
				assert_true(piece->column + piece->width <= columns);
			}
		}
	}
}

static void what_is_wrong_comes_first(void **state)
{
	struct me_model model = example;
	struct me_headline headline;

	model.health.hooks_ok = 10;
	me_headline(&model, "mx1", 100 * ME_NS_PER_S, 60, 1, &headline);
	assert_int_equal(find(&headline, "! hooks 10/11")->style, ME_STYLE_BAD);
	assert_int_equal(find(&headline, "data 1m old")->style, ME_STYLE_WAIT);
	assert_null(find(&headline, "mewatch"));
	model.health.lost = 5;
	me_headline(&model, "mx1", 2 * ME_NS_PER_S, 60, 1, &headline);
	assert_int_equal(find(&headline, "lost 5")->style, ME_STYLE_BAD);
}

static void detail_puts_short_fields_side_by_side(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	_cleanup_detail_ struct me_detail detail = {0};

	me_rows_begin(rows);
	me_rows_add_text(rows, "a", "1");
	me_rows_add_text(rows, "b", "2");
	me_rows_add_text(rows, "middle", "0123456789012345678901234567890123456789");
	me_rows_add_text(rows, "c", "");
	assert_int_equal(me_detail_lay_out(NULL, &rows->rows[0], 80, &detail), 0);
	assert_int_equal(detail.n, 4);
	assert_int_equal(detail.items[1].line, 0);
	assert_int_equal(detail.items[1].column, 40);
	assert_int_equal(detail.items[2].line, 1);
	assert_int_equal(detail.items[3].line, 2);
	assert_int_equal(detail.lines, 3);
}

/* Folded over as many lines as it takes, no byte is lost and no line is too wide. */
static void detail_folds_long_fields(void **state)
{
	const char *text = "日本語\x1b 0123456789/abcdefghijklmnopqrstuvwxyz/0123456789";

	for (size_t columns = 1; columns < 200; columns++) {
		_cleanup_rows_ struct me_rows *rows = me_rows_new();
		_cleanup_detail_ struct me_detail detail = {0};
		size_t bytes = 0;

		me_rows_begin(rows);
		me_rows_add_text(rows, "exe", text);
		assert_int_equal(me_detail_lay_out(NULL, &rows->rows[0], columns, &detail), 0);
		for (size_t i = 0; i < detail.n; i++) {
			const struct me_detail_item *item = &detail.items[i];

			assert_memory_equal(item->text, text + bytes, item->bytes);
			bytes += item->bytes;
			if (columns > 10)
				assert_true(item->column + item->name_width + 1 + item->width <=
					    columns);
			assert_int_equal(item->line, i);
			assert_true(i == 0 ? item->name != NULL : item->name == NULL);
		}
		assert_int_equal(bytes, strlen(text));
		assert_int_equal(detail.lines, detail.n);
	}
}

static const struct me_row *row_of(const struct me_rows *rows, const char *section,
				   const char *item)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (!strcmp(me_row_text(&rows->rows[i], "section"), section) &&
		    !strcmp(me_row_text(&rows->rows[i], "item"), item))
			return &rows->rows[i];
	}
	fail_msg("no row %s %s", section, item);
	return NULL;
}

static void leaf(struct me_rows *tree, const char *key, const char *section, const char *item,
		 double number, const char *text)
{
	me_rows_begin(tree);
	me_rows_set_key(tree, key);
	me_rows_add_text(tree, "section", section);
	me_rows_add_text(tree, "item", item);
	if (number >= 0)
		me_rows_add_number(tree, "value", number, text);
	else
		me_rows_add_text(tree, "value", text);
}

static void health_marks_what_is_wrong(void **state)
{
	_cleanup_rows_ struct me_rows *tree = me_rows_new(), *rows = NULL;
	struct me_health health;

	leaf(tree, "pid", "pid", "", 12345, "12345");
	leaf(tree, "verdicts.violation", "verdicts", "violation", 7, "7");
	leaf(tree, "events_lost.ring", "events_lost", "ring", 1234, "1234");
	leaf(tree, "events_lost.file", "events_lost", "file", 0, "0");
	leaf(tree, "policy.last_error", "policy", "last_error", -1, "line 7: no such key");
	leaf(tree, "problems.0", "problems", "0", -1, "look here");
	me_rows_begin(tree);
	me_rows_add_text(tree, "section", "attached");
	me_rows_add_text(tree, "hook", "sock_ops");
	me_rows_add_text(tree, "target", "/mail");
	me_rows_add_text(tree, "ok", "no");
	me_rows_begin(tree);
	me_rows_add_text(tree, "section", "maps");
	me_rows_add_text(tree, "map", "flows");
	me_rows_add_number(tree, "entries", 0, "0");
	me_rows_add_number(tree, "capacity", 0, "0");
	assert_int_equal(me_health_read(tree, &health, &rows), 0);
	assert_int_equal(health.lost, 1234);
	assert_int_equal(health.violation, 7);
	assert_int_equal(health.problems, 1);
	assert_int_equal(health.hooks_total, 1);
	assert_int_equal(health.hooks_ok, 0);
	assert_string_equal(me_row_text(&rows->rows[0], "value"), "look here"); /* first */
	assert_string_equal(me_row_text(row_of(rows, "events_lost", "ring"), "value"), "1,234");
	assert_string_equal(me_row_text(row_of(rows, "events_lost", "ring"), "state"), "notice");
	assert_null(me_row_text(row_of(rows, "events_lost", "file"), "state"));
	assert_string_equal(me_row_text(row_of(rows, "policy", "last_error"), "state"), "problem");
	assert_string_equal(me_row_text(row_of(rows, "hook", "sock_ops"), "value"),
			    "not attached to /mail");
	assert_string_equal(me_row_text(row_of(rows, "maps", "flows"), "value"), "0 of 0 (0 %)");
	assert_string_equal(me_row_text(row_of(rows, "pid", ""), "value"), "12345");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_there_when_there_is_room),
		cmocka_unit_test(what_is_denied),
		cmocka_unit_test(what_matters_stays_on_any_screen),
		cmocka_unit_test(what_is_wrong_comes_first),
		cmocka_unit_test(detail_puts_short_fields_side_by_side),
		cmocka_unit_test(detail_folds_long_fields),
		cmocka_unit_test(health_marks_what_is_wrong),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
