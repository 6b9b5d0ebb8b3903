/* SPDX-License-Identifier: GPL-2.0-only */
/* The report for an auditor: one file of HTML, for the screen and for paper. */
#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "report/cells.h"
#include "report/html_charts.h"
#include "report/html_style.h"
#include "report/report.h"

/* More of them than this are written small on paper. */
#define PAPER_COLUMNS 12u

/* Red with stripes, amber with dots: nothing is told by its colour alone, on grey paper neither. */
static const char patterns[] =
	"<svg class=\"patterns\" aria-hidden=\"true\"><defs>"
	"<pattern id=\"stripes\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><rect class=\"red\" width=\"6\" height=\"6\"/>"
	"<rect class=\"mark\" width=\"1.5\" height=\"6\"/></pattern>"
	"<pattern id=\"dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
	"<rect class=\"amber\" width=\"6\" height=\"6\"/>"
	"<circle class=\"mark\" cx=\"3\" cy=\"3\" r=\"1.2\"/></pattern></defs></svg>\n";

static void write_head(const struct me_document *document, struct me_strbuf *out)
{
	char since[ME_CELL_LEN], until[ME_CELL_LEN], made[ME_CELL_LEN];

	me_cell_local(document->since_ns, since);
	me_cell_local(document->until_ns, until);
	me_cell_local(document->made_ns, made);
	me_strbuf_addf(
		out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" "
		"content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
		"content=\"no-referrer\">\n<title>mewatch: outbound traffic, %s to %s"
		"</title>\n<style>%s</style>\n</head>\n<body>\n%s",
		since, until, me_html_style, patterns);
	me_strbuf_addf(out,
		       "<header>\n<h1>Outbound traffic of the mail host</h1>\n<p>From <b>%s</b> to "
		       "<b>%s</b></p>\n<p>Made by mewatch %s on %s</p>\n</header>\n",
		       since, until, document->version, made);
}

static void write_statements(const struct me_document *document, struct me_strbuf *out)
{
	me_strbuf_adds(out, "<main>\n<ul class=\"said\">\n");
	for (unsigned int i = 0; i < document->n_statements; i++) {
		const char *tone = me_tone_label(document->statements[i].tone);

		me_strbuf_addf(out, "<li class=\"%s\"><b class=\"tone\">%s</b> ", tone, tone);
		me_html_text(out, document->statements[i].text);
		me_strbuf_adds(out, "</li>\n");
	}
	me_strbuf_adds(out, "</ul>\n<nav aria-label=\"Contents\">\n<ol>\n");
	for (unsigned int i = 0; i < document->n_sheets; i++)
		me_strbuf_addf(out, "<li><a href=\"#%s\">%s</a> <small>%zu</small></li>\n",
			       document->sheets[i].key, document->sheets[i].title,
			       document->sheets[i].n_rows);
	me_strbuf_adds(out, "</ol>\n</nav>\n");
}

/* Numbers stand to the right, times to the left; neither is broken. */
static const char *class_of(enum me_sheet_kind kind)
{
	return kind == ME_SHEET_TEXT ? "" : kind == ME_SHEET_TIME ? " class=\"t\"" : " class=\"n\"";
}

/* `data-value` is the cell as the other forms have it; `names`: what the row is about. */
static void write_cell(const struct me_sheet_column *column, const struct me_cell *cell, bool names,
		       struct me_strbuf *out)
{
	char shown[ME_CELL_LEN], plain[ME_CELL_LEN];

	me_cell_show(column, cell, shown);
	me_cell_plain(column, cell, plain);
	me_strbuf_addf(out, "<%s%s data-value=\"", names ? "th scope=\"row\"" : "td",
		       class_of(column->kind));
	me_html_text(out, plain);
	me_strbuf_adds(out, column->kind == ME_SHEET_BYTES ? "\" title=\"" : "\">");
	if (column->kind == ME_SHEET_BYTES)
		me_strbuf_addf(out, "%s bytes\">", plain);
	me_html_text(out, shown);
	me_strbuf_adds(out, names ? "</th>" : "</td>");
}

static void write_table(const struct me_sheet *sheet, struct me_strbuf *out)
{
	me_strbuf_addf(out,
		       "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
		       "<table%s>\n<caption>%s, rows: %zu</caption>\n<thead><tr>",
		       sheet->title, sheet->n_columns > PAPER_COLUMNS ? " class=\"many\"" : "",
		       sheet->title, sheet->n_rows);
	for (unsigned int i = 0; i < sheet->n_columns; i++)
		me_strbuf_addf(out, "<th scope=\"col\"%s>%s</th>", class_of(sheet->columns[i].kind),
			       sheet->columns[i].title);
	me_strbuf_adds(out, "</tr></thead>\n<tbody>\n");
	for (size_t row = 0; row < sheet->n_rows; row++) {
		me_strbuf_adds(out, "<tr>");
		for (unsigned int i = 0; i < sheet->n_columns; i++)
			write_cell(&sheet->columns[i], &sheet->cells[row * sheet->n_columns + i],
				   !i && sheet->columns[i].kind == ME_SHEET_TEXT, out);
		me_strbuf_adds(out, "</tr>\n");
	}
	me_strbuf_adds(out, "</tbody>\n</table></div>\n");
}

static void write_sheet(const struct me_document *document, const struct me_sheet *sheet,
			struct me_strbuf *out)
{
	me_strbuf_addf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", sheet->key, sheet->title);
	if (sheet->note && sheet->n_rows)
		me_strbuf_addf(out, "<p class=\"note\">%s</p>\n", sheet->note);
	me_html_chart(document, sheet, out);
	if (sheet->n_rows)
		write_table(sheet, out);
	else
		me_strbuf_addf(out, "<p>%s</p>\n", sheet->none);
	me_strbuf_adds(out, "</section>\n");
}

int me_report_html(const struct me_document *document, struct me_strbuf *out)
{
	write_head(document, out);
	write_statements(document, out);
	for (unsigned int i = 0; i < document->n_sheets; i++)
		write_sheet(document, &document->sheets[i], out);
	me_strbuf_adds(out, "</main>\n</body>\n</html>\n");
	return out->err;
}
