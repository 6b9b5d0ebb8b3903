/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/view.h"

#include <stdio.h>
#include "metop/dns.h"
#include "metop/query.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW_NS 1798761600000000000ull /* 2027-01-01T00:00:00Z */

static struct me_look_at look = {.now_ns = NOW_NS};

static const struct me_column *column(enum me_view_id view, const char *title)
{
	size_t i = me_view_column(&me_views[view], title);

	assert_int_not_equal(i, me_views[view].n_columns);
	return &me_views[view].columns[i];
}

static const char *cell(enum me_view_id view, const char *title, const struct me_rows *rows)
{
	static char text[ME_CELL_LEN];

	me_column_text(column(view, title), &rows->rows[0], &look, text);
	return text;
}

static void columns_are_sound(const struct me_view *view)
{
	assert_in_range(view->n_columns, 1, ME_COLUMNS_MAX);
	assert_int_equal(view->columns[0].rank, 0);
	for (size_t i = 0; i < view->n_columns; i++) {
		assert_non_null(view->columns[i].help);
		assert_true(view->columns[i].width);
		assert_int_equal(me_view_column(view, view->columns[i].title), i);
		if (view->columns[i].kind == ME_COLUMN_RATE)
			assert_non_null(view->rates[view->columns[i].rate]);
	}
}

static void tables_are_sound(void **state)
{
	for (size_t v = 0; v < ME_VIEWS; v++) {
		const struct me_view *view = &me_views[v];

		columns_are_sound(view);
		for (uint8_t part = 0; part < view->n_parts; part++) {
			const struct me_row row = {.part = part};
			const struct me_view of = me_view_of(view, &row);

			assert_ptr_equal(of.columns, view->parts[part].columns);
			columns_are_sound(&of);
		}
		assert_int_equal(me_view_by_name(view->name), v);
		/* Every view but the health is asked for; a list says which row is which. */
		assert_int_equal(!view->latest, v == ME_VIEW_HEALTH);
		assert_int_equal(!view->keys[0], view->read != NULL);
		for (uint8_t part = 0; part < (view->n_parts ? view->n_parts : 1); part++)
			assert_in_range(me_view_first_order(view, part).column, 0,
					me_view_part(view, part).n_columns - 1);
	}
	assert_int_equal(me_view_by_name("Fl"), ME_VIEW_FLOWS);
	assert_int_equal(me_view_by_name(""), ME_VIEWS);
	assert_int_equal(me_view_by_name("flowsx"), ME_VIEWS);
}

static void cells_of_a_flow(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_text(rows, "verdict", "violation");
	me_rows_add_text(rows, "dst", "192.0.2.1");
	me_rows_add_text(rows, "name", "");
	me_rows_add_number(rows, "dport", 443, "443");
	me_rows_add_text(rows, "proto", "tcp");
	me_rows_add_text(rows, "comm", "curl");
	me_rows_add_number(rows, "pid", 7, "7");
	me_rows_add_text(rows, "reason", "none");
	me_rows_add_text(rows, "rule", "updates");
	me_rows_add_text(rows, "last", "2026-12-31T23:58:00.000Z");
	assert_int_equal(rows->err, 0);
	assert_string_equal(cell(ME_VIEW_FLOWS, "verdict", rows), "! violation");
	assert_string_equal(cell(ME_VIEW_FLOWS, "DESTINATION", rows), "192.0.2.1");
	assert_string_equal(cell(ME_VIEW_FLOWS, "PORT", rows), "443/tcp");
	assert_string_equal(cell(ME_VIEW_FLOWS, "PROCESS", rows), "curl 7");
	assert_string_equal(cell(ME_VIEW_FLOWS, "WHY", rows), "updates");
	assert_string_equal(cell(ME_VIEW_FLOWS, "LAST", rows), "2m");
	assert_string_equal(cell(ME_VIEW_FLOWS, "SENT", rows), ""); /* not there: not 0 */
	assert_string_equal(cell(ME_VIEW_FLOWS, "SENT/S", rows), "");
	rows->rows[0].rate[0] = 0;
	assert_string_equal(cell(ME_VIEW_FLOWS, "SENT/S", rows), "0");
	assert_int_equal(me_view_row_style(&me_views[ME_VIEW_FLOWS], &rows->rows[0]), ME_STYLE_BAD);
}

static void names_or_addresses(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_text(rows, "dst", "192.0.2.1");
	me_rows_add_text(rows, "name", "a.example");
	me_rows_add_number(rows, "serial", 7, "7");
	look.addresses = true;
	assert_string_equal(cell(ME_VIEW_FLOWS, "DESTINATION", rows), "192.0.2.1");
	assert_string_equal(cell(ME_VIEW_VIOLATIONS, "DESTINATION", rows), "192.0.2.1");
	look.addresses = false;
	assert_string_equal(cell(ME_VIEW_FLOWS, "DESTINATION", rows), "a.example");
	/* New is what came after what was seen. */
	look.seen_serial = 7;
	assert_string_equal(cell(ME_VIEW_VIOLATIONS, "N", rows), "");
	look.seen_serial = 6;
	assert_string_equal(cell(ME_VIEW_VIOLATIONS, "N", rows), "*");
	/* In a tree a flow stands below its group. */
	me_rows_add_text(rows, "of", "0123456789abcdef");
	assert_string_equal(cell(ME_VIEW_FLOWS, "DESTINATION", rows), "    a.example");
}

static const char *group_cell(const char *title, const struct me_rows *rows)
{
	static char text[ME_CELL_LEN];
	const struct me_view of = me_view_of(&me_views[ME_VIEW_FLOWS], &rows->rows[0]);

	me_column_text(&of.columns[me_view_column(&me_views[ME_VIEW_FLOWS], title)], &rows->rows[0],
		       &look, text);
	return text;
}

static void cells_of_a_group(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_text(rows, "group", "0123456789abcdef");
	me_rows_add_text(rows, "by", "origin");
	me_rows_add_text(rows, "unfolded", "no");
	me_rows_add_text(rows, "verdict", "pending");
	me_rows_add_number(rows, "flows", 12, "12");
	me_rows_add_number(rows, "open", 1, "1");
	me_rows_add_number(rows, "violations", 0, "0");
	me_rows_add_number(rows, "pending", 2, "2");
	me_rows_add_number(rows, "bytes_sent", 1234, "1234");
	me_rows_add_number(rows, "sent_per_s", 5, "5");
	assert_string_equal(group_cell("VERDICT", rows), "? pending");
	assert_string_equal(group_cell("DESTINATION", rows), "[+] unknown");
	assert_string_equal(group_cell("PORT", rows), "12 flows");
	assert_string_equal(group_cell("ADDRESS", rows), "1 open");
	assert_string_equal(group_cell("PROCESS", rows), "");
	assert_string_equal(group_cell("WHY", rows), "2 pending");
	assert_string_equal(group_cell("SENT", rows), "1.23k");
	assert_string_equal(group_cell("SENT/S", rows), "5.0");
	me_rows_add_text(rows, "exe", "/usr/bin/curl");
	assert_string_equal(group_cell("DESTINATION", rows), "[+] curl (/usr/bin)");
	me_rows_begin(rows);
	me_rows_add_text(rows, "group", "0123456789abcdef");
	me_rows_add_text(rows, "exe", "/init");
	rows->rows[0] = rows->rows[1];
	assert_string_equal(group_cell("DESTINATION", rows), "[+] init (/)");
	/* What no entry allows is told apart by service. */
	me_rows_begin(rows);
	me_rows_add_text(rows, "group", "0123456789abcdef");
	me_rows_add_text(rows, "by", "endpoint");
	me_rows_add_text(rows, "unfolded", "yes");
	me_rows_add_text(rows, "service", "dns");
	rows->rows[0] = rows->rows[2];
	assert_string_equal(group_cell("DESTINATION", rows), "[-] dns: no endpoint");
}

static void without_a_process_the_host_is_told(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_text(rows, "host", "192.0.2.10");
	me_rows_add_text(rows, "proto", "icmp");
	me_rows_add_text(rows, "last", "2027-01-01T00:00:09Z"); /* later than the answer */
	assert_string_equal(cell(ME_VIEW_FLOWS, "PROCESS", rows), "192.0.2.10");
	assert_string_equal(cell(ME_VIEW_FLOWS, "PORT", rows), "icmp");
	assert_string_equal(cell(ME_VIEW_FLOWS, "LAST", rows), "0s");
}

static void outcomes_are_added_up(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	me_rows_add_number(rows, "outcomes.established", 5, "5");
	me_rows_add_number(rows, "outcomes.answered", 6, "6");
	me_rows_add_number(rows, "outcomes.refused", 1, "1");
	me_rows_add_number(rows, "outcomes.timeout", 2, "2");
	me_rows_add_number(rows, "outcomes.aborted", 100, "100");
	assert_string_equal(cell(ME_VIEW_ENDPOINTS, "OK", rows), "11");
	assert_string_equal(cell(ME_VIEW_ENDPOINTS, "FAIL", rows), "3");
}

static void evidence_is_a_share(void **state)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	me_rows_begin(rows);
	assert_string_equal(cell(ME_VIEW_ENDPOINTS, "EVIDENCE", rows), "");
	me_rows_add_number(rows, "evidence.verified", 3, "3");
	me_rows_add_number(rows, "evidence.stale", 1, "1");
	me_rows_add_number(rows, "evidences.other", 100, "100");
	assert_string_equal(cell(ME_VIEW_ENDPOINTS, "EVIDENCE", rows), "verified 75%");
}

static void every_mark_is_known(void **state)
{
	static const char *const words[] = {
		"allowed",   "local",       "violation", "pending", "unresolved",
		"confirmed", "provisional", "good",      "failing", "never",
		"retired",   "gone",        "overdue",
	};
	enum me_style style;

	for (size_t i = 0; i < ME_ARRAY_SIZE(words); i++) {
		assert_int_not_equal(me_view_mark(words[i], &style), ' ');
		assert_int_not_equal(style, ME_STYLE_PLAIN);
	}
	assert_int_equal(me_view_mark("else", &style), ' ');
	assert_int_equal(style, ME_STYLE_PLAIN);
}

static void fits_at_every_width(const struct me_view *view)
{
	size_t shown_before = 0;

	for (size_t total = 1; total < 400; total++) {
		size_t widths[ME_COLUMNS_MAX], used = 0, shown = 0;

		me_view_layout(view, total, NULL, widths);
		for (size_t i = 0; i < ME_COLUMNS_MAX; i++) {
			used += widths[i] ? widths[i] + (used ? 1 : 0) : 0;
			shown += widths[i] > 0;
		}
		assert_true(widths[0] > 0);
		assert_true(used <= total);
		assert_true(shown >= shown_before);
		shown_before = shown;
		if (shown == view->n_columns)
			assert_int_equal(used, total); /* what is left over is used */
	}
	assert_int_equal(shown_before, view->n_columns);
}

/* At every width the columns fit, and a wider screen shows no fewer of them. */
static void columns_fit_at_every_width(void **state)
{
	for (size_t v = 0; v < ME_VIEWS; v++) {
		fits_at_every_width(&me_views[v]);
		for (uint8_t part = 0; part < me_views[v].n_parts; part++) {
			const struct me_row row = {.part = part};
			const struct me_view of = me_view_of(&me_views[v], &row);

			fits_at_every_width(&of);
		}
	}
}

static void what_is_left_is_told(void **state)
{
	static const struct {
		const char *until, *left;
	} cases[] = {
		{"2027-01-01T00:00:10Z", "10s"},
		{"2027-01-01T00:00:00Z", "over"},
		{"2026-12-31T23:00:00Z", "over"},
		{"yesterday", ""},
	};
	const struct me_row answer = {.part = ME_DNS_ANSWERS};
	const struct me_view of = me_view_of(&me_views[ME_VIEW_DNS], &answer);

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_rows_ struct me_rows *rows = me_rows_new();
		char text[ME_CELL_LEN];

		me_rows_begin(rows);
		me_rows_add_text(rows, "until", cases[i].until);
		me_column_text(&of.columns[me_view_column(&of, "LEFT")], &rows->rows[0], &look,
			       text);
		assert_string_equal(text, cases[i].left);
	}
}

static void columns_grow_no_further_than_wanted(void **state)
{
	size_t wanted[ME_COLUMNS_MAX] = {0}, widths[ME_COLUMNS_MAX];

	wanted[1] = 30; /* DESTINATION */
	me_view_layout(&me_views[ME_VIEW_FLOWS], 400, wanted, widths);
	assert_int_equal(widths[1], 30);
	assert_int_equal(widths[4], me_views[ME_VIEW_FLOWS].columns[4].width);
}

static const char *path(const struct me_query *query)
{
	static char text[512];
	_cleanup_strbuf_ struct me_strbuf out = {0};

	me_query_path(query, &out);
	snprintf(text, sizeof(text), "%s", out.data);
	return text;
}

static void queries_are_encoded(void **state)
{
	const struct me_view *flows = &me_views[ME_VIEW_FLOWS];
	struct me_query query = {.view = ME_VIEW_FLOWS, .limit = 10, .offset = 5};

	query.order.column = me_view_column(flows, "SENT");
	assert_string_equal(path(&query), "/v1/flows?limit=10&offset=5&sort=bytes_sent&desc=0");
	query.order.desc = true;
	query.filter = "port:443 a&b=c%é~";
	assert_string_equal(path(&query), "/v1/flows?limit=10&offset=5&sort=bytes_sent&desc=1"
					  "&filter=port%3A443%20a%26b%3Dc%25%C3%A9~");
	/* Not all rates are the daemon's: it gives the rows that were active last. */
	query = (struct me_query){.view = ME_VIEW_VIOLATIONS, .limit = 10};
	query.order.column = me_view_column(&me_views[ME_VIEW_VIOLATIONS], "/S");
	assert_string_equal(path(&query), "/v1/violations?limit=10&offset=0&sort=last&desc=1");
	query.view = ME_VIEW_HEALTH;
	assert_string_equal(path(&query), "/v1/health");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(cells_of_a_flow),
		cmocka_unit_test(without_a_process_the_host_is_told),
		cmocka_unit_test(names_or_addresses),
		cmocka_unit_test(cells_of_a_group),
		cmocka_unit_test(outcomes_are_added_up),
		cmocka_unit_test(evidence_is_a_share),
		cmocka_unit_test(every_mark_is_known),
		cmocka_unit_test(columns_fit_at_every_width),
		cmocka_unit_test(columns_grow_no_further_than_wanted),
		cmocka_unit_test(queries_are_encoded),
		cmocka_unit_test(what_is_left_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
