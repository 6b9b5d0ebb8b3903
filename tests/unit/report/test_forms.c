/* SPDX-License-Identifier: GPL-2.0-only */
/* The forms of a report: each has the document's cells, all of them, and nobody's text breaks out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <time.h>
#include "base/clock.h"
#include "report/cells.h"
#include "report/html_ticks.h"
#include "report/report.h"
#include "tests/seed.h"

#define START (1800000000ull * ME_NS_PER_S)

static const struct me_sheet_column columns[] = {
	{"name", "Name", ME_SHEET_TEXT},        {"count", "Count", ME_SHEET_NUMBER},
	{"bytes", "Bytes", ME_SHEET_BYTES},     {"when", "When", ME_SHEET_TIME},
	{"length", "Length", ME_SHEET_SECONDS}, {"share", "Share", ME_SHEET_SHARE},
};

static const char *const hostile[] = {
	"plain",
	"=cmd|' /C calc'!A0",
	"+1",
	"-1",
	"@sum",
	"<script>alert(1)</script>",
	"\" onmouseover=\"x",
	"a,b;c",
	"line\nbreak\r\n",
	"\x1b[31mred",
	"\xff\xfe",
	"'quoted'",
	"&amp;",
};

static struct me_document *begin(void)
{
	struct me_document *document = me_document_new();

	assert_non_null(document);
	document->version = "1.0";
	document->since_ns = START;
	document->until_ns = START + 3600 * ME_NS_PER_S;
	document->step_ns = 60 * ME_NS_PER_S;
	return document;
}

static struct me_sheet *sheet(struct me_document *document, const char *key)
{
	return me_document_sheet(document, &(struct me_sheet){.key = key,
							      .title = "A title",
							      .note = "A note.",
							      .none = "There is none.",
							      ME_COLUMNS(columns)});
}

static void fill(struct me_document *document, struct me_sheet *sheet, size_t rows,
		 uint64_t *random)
{
	while (rows--) {
		struct me_cell *row = me_sheet_row(document, sheet);

		me_cell_text(document, &row[0],
			     hostile[me_seed_next(random) % ME_ARRAY_SIZE(hostile)]);
		for (unsigned int i = 1; i < ME_ARRAY_SIZE(columns); i++) {
			/* JSON's integers are signed. */
			uint64_t number = me_seed_next(random) >> (1 + me_seed_next(random) % 63);

			if (columns[i].kind == ME_SHEET_TIME)
				number = START + number % (86400 * ME_NS_PER_S);
			if (me_seed_next(random) % 8)
				me_cell_number(&row[i], number);
		}
	}
}

/* The cells of all sheets as programs read them, a line each. */
static void plain(const struct me_document *document, struct me_strbuf *out)
{
	char text[ME_CELL_LEN];

	for (unsigned int s = 0; s < document->n_sheets; s++) {
		const struct me_sheet *sheet = &document->sheets[s];

		for (size_t i = 0; i < sheet->n_rows * sheet->n_columns; i++) {
			me_cell_plain(&sheet->columns[i % sheet->n_columns], &sheet->cells[i],
				      text);
			me_strbuf_addf(out, "%s\n", text);
		}
	}
}

/* --- Readers of the forms ------------------------------------------------------------------------ */

/* Values of `data-value`, with HTML's own names taken back. */
static void read_html(const char *html, struct me_strbuf *out)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};

	while ((html = strstr(html, "data-value=\""))) {
		for (html += strlen("data-value=\""); *html != '"'; html++) {
			char c = *html;

			for (size_t i = 0; c == '&' && i < ME_ARRAY_SIZE(names); i++)
				if (!strncmp(html, names[i].name, strlen(names[i].name))) {
					c = names[i].c;
					html += strlen(names[i].name) - 1;
					break;
				}
			me_strbuf_addc(out, c);
		}
		me_strbuf_addc(out, '\n');
	}
}

/* Fields behind the first of the lines that begin with `key`; RFC 4180. */
static void read_csv(const char *csv, const char *key, struct me_strbuf *out)
{
	const char *line = csv;

	while (line && *line) {
		bool mine = !strncmp(line, key, strlen(key)) && line[strlen(key)] == ',';
		const char *c = line + strlen(key);

		for (; mine && *c == ',';) {
			bool quoted = *++c == '"',
			     formula = quoted && c[1] == '\'' && c[2] && strchr("=+-@", c[2]);

			for (c += quoted + formula; *c; c++) {
				if (quoted && *c == '"' && *++c != '"')
					break;
				if (!quoted && (*c == ',' || *c == '\r'))
					break;
				me_strbuf_addc(out, *c);
			}
			me_strbuf_addc(out, '\n');
		}
		line = strstr(line, "\r\n");
		line = line ? line + 2 : NULL;
	}
}

static void read_json(const char *json, const char *key, struct me_strbuf *out)
{
	json_t *root = json_loads(json, 0, NULL), *row;
	size_t i;

	assert_non_null(root);
	assert_true(json_is_array(json_object_get(root, key)));
	json_array_foreach(json_object_get(root, key), i, row) {
		for (size_t k = 0; k < ME_ARRAY_SIZE(columns); k++) {
			const json_t *value = json_object_get(row, columns[k].key);

			if (json_is_string(value))
				me_strbuf_adds(out, json_string_value(value));
			else if (value)
				me_strbuf_addf(out, "%" JSON_INTEGER_FORMAT,
					       json_integer_value(value));
			me_strbuf_addc(out, '\n');
		}
	}
	json_decref(root);
}

/* --- Tests --------------------------------------------------------------------------------------- */

static void forms_agree(void **state)
{
	uint64_t random = me_seed();

	(void)state;
	for (int run = 0; run < 50; run++) {
		_cleanup_(me_document_freep) struct me_document *document = begin();
		_cleanup_strbuf_ struct me_strbuf want = {0}, html = {0}, csv = {0}, json = {0},
						  text = {0}, got = {0};

		fill(document, sheet(document, "one"), me_seed_next(&random) % 20, &random);
		plain(document, &want);
		assert_int_equal(me_report_html(document, &html), 0);
		assert_int_equal(me_report_csv(document, &csv), 0);
		assert_int_equal(me_report_text(document, &text), 0);
		read_html(html.data, &got);
		assert_string_equal(got.data ? got.data : "", want.data ? want.data : "");
		me_strbuf_free(&got);
		read_csv(csv.data, "one", &got);
		assert_string_equal(got.data ? got.data : "", want.data ? want.data : "");
		me_strbuf_free(&got);
		assert_int_equal(me_report_json(document, &json), 0);
		me_strbuf_free(&got);
		read_json(json.data, "one", &got);
		assert_string_equal(got.data ? got.data : "", want.data ? want.data : "");
		for (const char *c = text.data; *c; c++)
			assert_true(*c == '\n' || (unsigned char)*c >= ' ');
	}
}

static void json_has_the_same(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = begin();
	_cleanup_strbuf_ struct me_strbuf want = {0}, json = {0}, got = {0};
	struct me_sheet *one = sheet(document, "one");

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(hostile); i++) {
		struct me_cell *row = me_sheet_row(document, one);

		me_cell_text(document, &row[0], hostile[i]);
		me_cell_number(&row[1], INT64_MAX - i);
		me_cell_number(&row[3], START + i);
		me_cell_share(&row[5], i, ME_ARRAY_SIZE(hostile));
	}
	plain(document, &want);
	assert_int_equal(me_report_json(document, &json), 0);
	read_json(json.data, "one", &got);
	assert_string_equal(got.data, want.data);
}

static void nobody_breaks_out(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = begin();
	_cleanup_strbuf_ struct me_strbuf html = {0}, csv = {0};
	struct me_sheet *one = sheet(document, "one");

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(hostile); i++)
		me_cell_text(document, me_sheet_row(document, one), hostile[i]);
	assert_int_equal(me_report_html(document, &html), 0);
	assert_null(strstr(html.data, "<script"));
	assert_null(strstr(html.data, "onmouseover=\""));
	assert_null(strstr(html.data, "http:"));
	assert_null(strstr(html.data, "https:"));
	assert_int_equal(me_report_csv(document, &csv), 0);
	assert_null(strstr(csv.data, ",\"="));
	assert_null(strstr(csv.data, ",\"+"));
	assert_null(strstr(csv.data, ",\"-"));
	assert_null(strstr(csv.data, ",\"@"));
}

static void cells_for_people(void **state)
{
	static const struct {
		enum me_sheet_kind kind;
		uint64_t number;
		const char *shown, *plain;
	} cases[] = {
		{ME_SHEET_NUMBER, UINT64_MAX, "18446744073709551615", "18446744073709551615"},
		{ME_SHEET_BYTES, 1023, "1023 B", "1023"},
		{ME_SHEET_BYTES, 1536, "1.5 KiB", "1536"},
		{ME_SHEET_BYTES, UINT64_MAX, "16.0 EiB", "18446744073709551615"},
		{ME_SHEET_SECONDS, 93784 * ME_NS_PER_S + 1, "1d 02:03:04", "93784"},
		{ME_SHEET_SHARE, 9995, "99.95 %", "99.95"},
		/* The clocks of Berlin go back at 01:00 UTC: the same hour twice. */
		{ME_SHEET_TIME, 1792888200 * ME_NS_PER_S, "2026-10-25 02:30:00+02:00",
		 "2026-10-25T00:30:00.000Z"},
		{ME_SHEET_TIME, 1792891800 * ME_NS_PER_S, "2026-10-25 02:30:00+01:00",
		 "2026-10-25T01:30:00.000Z"},
	};
	char text[ME_CELL_LEN];

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		const struct me_sheet_column column = {.kind = cases[i].kind};
		const struct me_cell cell = {.present = true, .number = cases[i].number};

		me_cell_show(&column, &cell, text);
		assert_string_equal(text, cases[i].shown);
		me_cell_plain(&column, &cell, text);
		assert_string_equal(text, cases[i].plain);
	}
	me_cell_show(&(struct me_sheet_column){.kind = ME_SHEET_NUMBER}, &(struct me_cell){0},
		     text);
	assert_string_equal(text, "");
}

/* Round times by the clock on the wall, also on the days on which that is set. */
static void ticks(void **state)
{
	static const struct {
		const char *zone;
		uint64_t since_s, hours;
		const char *labels;
	} cases[] = {
		{"UTC", 1792886400, 24, "25 Oct 03:00 06:00 09:00 12:00 15:00 18:00 21:00 26 Oct "},
		/* 25 hours, of which 02:00 to 03:00 are twice */
		{"Europe/Berlin", 1792879200, 25,
		 "25 Oct 03:00 06:00 09:00 12:00 15:00 18:00 21:00 26 Oct "},
		/* 23 hours */
		{"Europe/Berlin", 1774738800, 23,
		 "29 Mar 03:00 06:00 09:00 12:00 15:00 18:00 21:00 30 Mar "},
		{"Europe/Berlin", 1792879200, 1 + 24 * 7,
		 "25 Oct 26 Oct 27 Oct 28 Oct 29 Oct 30 Oct 31 Oct  1 Nov "},
		{"UTC", 1792886460, 1, "00:10 00:20 00:30 00:40 00:50 01:00 "},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_document_freep) struct me_document *document = begin();
		_cleanup_strbuf_ struct me_strbuf html = {0}, got = {0};

		setenv("TZ", cases[i].zone, 1);
		tzset();
		document->since_ns = cases[i].since_s * ME_NS_PER_S;
		document->until_ns = document->since_ns + cases[i].hours * 3600 * ME_NS_PER_S;
		me_html_ticks(document, &html);
		for (const char *at = html.data; (at = strstr(at, "<text"));) {
			at = strchr(at, '>') + 1;
			me_strbuf_addf(&got, "%.*s ", (int)strcspn(at, "<"), at);
		}
		assert_string_equal(got.data, cases[i].labels);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks),
		cmocka_unit_test(forms_agree),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(nobody_breaks_out),
		cmocka_unit_test(cells_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
