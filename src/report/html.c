/* SPDX-License-Identifier: GPL-2.0-only */
/* The report for an auditor: one file of HTML, for the screen and for paper. */
#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "report/cells.h"
#include "report/html_charts.h"
#include "report/report.h"

/* More of them than this are written small on paper. */
#define PAPER_COLUMNS 12u

static const char style[] =
	":root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b6470;--line:#d5dae0;--page:#fff;"
	"--head:#f3f5f7;--good:#2e7d4f;--bad:#b3261e;--unsure:#9a6700;--blue:#3b6ea5;--grey:#b6bec8}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b0;--line:#343b44;"
	"--page:#14171a;--head:#1d2126;--good:#58b37e;--bad:#f0736a;--unsure:#d9a441;--blue:#6ea3dc;"
	"--grey:#4b535d}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:76rem;background:var(--page);"
	"color:var(--ink);font:15px/1.5 system-ui,\"Segoe UI\",Roboto,\"Helvetica Neue\",sans-serif}"
	"h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.4rem 0 .4rem;"
	"border-bottom:1px solid var(--line);padding-bottom:.25rem}"
	"header p,.note,.axis,.legend,footer{color:var(--soft);margin:.25rem 0}"
	"ul.said{list-style:none;margin:1.25rem 0;padding:0;border:1px solid var(--line);"
	"border-radius:6px}ul.said li{padding:.6rem .9rem .6rem 2.6rem;position:relative}"
	"ul.said li+li{border-top:1px solid var(--line)}"
	"ul.said li::before{position:absolute;left:.9rem;font-weight:700}"
	"li.good::before{content:\"\\2713\";color:var(--good)}"
	"li.bad::before{content:\"\\2717\";color:var(--bad)}"
	"li.unsure::before{content:\"?\";color:var(--unsure)}li.bad{font-weight:600}"
	"nav ol{columns:3 14rem;padding-left:1.4rem;margin:.5rem 0}a{color:var(--blue)}"
	".wide{overflow-x:auto}"
	"table{border-collapse:collapse;width:100%;font-size:.85rem}"
	"th,td{padding:.3rem .6rem;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}td{overflow-wrap:break-word}"
	"th{background:var(--head);font-weight:600}"
	".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.t{white-space:nowrap;font-variant-numeric:tabular-nums}"
	"figure{margin:.6rem 0 1rem}svg{display:block;width:100%;background:var(--head)}"
	"svg.bars{height:8rem}svg.strip{height:1.6rem}svg.thin{height:.9rem}"
	".axis{display:flex;justify-content:space-between;gap:1rem;font-size:.75rem;"
	"font-variant-numeric:tabular-nums}.legend{font-size:.8rem}"
	".line{display:grid;grid-template-columns:minmax(8rem,18rem) 1fr;gap:.6rem;"
	"align-items:center;font-size:.8rem;break-inside:avoid}"
	".line span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}"
	".key{white-space:nowrap;margin-right:.7rem}.key::before{content:\"\";display:inline-block;"
	"width:.75rem;height:.75rem;margin-right:.3rem;border:1px solid var(--line);"
	"background:var(--grey)}"
	".good,.allowed{fill:var(--good)}.bad,.failing,.violation{fill:var(--bad)}"
	".late,.overdue,.unresolved{fill:var(--unsure)}.local{fill:var(--blue)}"
	".never,.retired,.gone{fill:var(--grey)}"
	".key.good::before,.key.allowed::before{background:var(--good)}"
	".key.bad::before,.key.failing::before,.key.violation::before{background:var(--bad)}"
	".key.late::before,.key.overdue::before,.key.unresolved::before{background:var(--unsure)}"
	".key.local::before{background:var(--blue)}"
	"@media print{@page{size:A4 landscape;margin:12mm}:root{color-scheme:light;--ink:#000;--soft:#444;"
	"--line:#bbb;--page:#fff;--head:#f0f0f0}body{padding:0;max-width:none;font-size:9.5pt}"
	"nav{display:none}.wide{overflow:visible}table{font-size:7pt}th,td{padding:.15rem .3rem}"
	".many{font-size:5pt}.many th,.many td{white-space:normal;padding:.1rem .15rem}"
	".many td:first-child{overflow-wrap:anywhere;min-width:8rem}"
	"thead{display:table-header-group}tr,figure,ul.said{break-inside:avoid}h2{break-after:avoid}"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

static void write_head(const struct me_document *document, struct me_strbuf *out)
{
	char since[ME_CELL_LEN], until[ME_CELL_LEN], made[ME_CELL_LEN];

	me_cell_local(document->since_ns, since);
	me_cell_local(document->until_ns, until);
	me_cell_local(document->made_ns, made);
	me_strbuf_addf(out,
		       "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		       "style-src 'unsafe-inline'\">\n<meta name=\"viewport\" "
		       "content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
		       "content=\"no-referrer\">\n<title>mewatch: outbound traffic, %s to %s"
		       "</title>\n<style>%s</style>\n</head>\n<body>\n",
		       since, until, style);
	me_strbuf_addf(out,
		       "<header>\n<h1>Outbound traffic of the mail host</h1>\n<p>From <b>%s</b> to "
		       "<b>%s</b></p>\n<p>Made by mewatch %s on %s</p>\n</header>\n",
		       since, until, document->version, made);
}

static void write_statements(const struct me_document *document, struct me_strbuf *out)
{
	me_strbuf_adds(out, "<main>\n<ul class=\"said\">\n");
	for (unsigned int i = 0; i < document->n_statements; i++) {
		me_strbuf_addf(out, "<li class=\"%s\">",
			       me_tone_label(document->statements[i].tone));
		me_html_text(out, document->statements[i].text);
		me_strbuf_adds(out, "</li>\n");
	}
	me_strbuf_adds(out, "</ul>\n<nav aria-label=\"Contents\">\n<ol>\n");
	for (unsigned int i = 0; i < document->n_sheets; i++)
		me_strbuf_addf(out, "<li><a href=\"#%s\">%s</a></li>\n", document->sheets[i].key,
			       document->sheets[i].title);
	me_strbuf_adds(out, "</ol>\n</nav>\n");
}

/* Numbers stand to the right, times to the left; neither is broken. */
static const char *class_of(enum me_sheet_kind kind)
{
	return kind == ME_SHEET_TEXT ? "" : kind == ME_SHEET_TIME ? " class=\"t\"" : " class=\"n\"";
}

/* `data-value` is the cell as the other forms have it. */
static void write_cell(const struct me_sheet_column *column, const struct me_cell *cell,
		       struct me_strbuf *out)
{
	char shown[ME_CELL_LEN], plain[ME_CELL_LEN];

	me_cell_show(column, cell, shown);
	me_cell_plain(column, cell, plain);
	me_strbuf_addf(out, "<td%s data-value=\"", class_of(column->kind));
	me_html_text(out, plain);
	me_strbuf_adds(out, column->kind == ME_SHEET_BYTES ? "\" title=\"" : "\">");
	if (column->kind == ME_SHEET_BYTES)
		me_strbuf_addf(out, "%s bytes\">", plain);
	me_html_text(out, shown);
	me_strbuf_adds(out, "</td>");
}

static void write_table(const struct me_sheet *sheet, struct me_strbuf *out)
{
	me_strbuf_addf(out,
		       "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
		       "<table%s>\n<thead><tr>",
		       sheet->title, sheet->n_columns > PAPER_COLUMNS ? " class=\"many\"" : "");
	for (unsigned int i = 0; i < sheet->n_columns; i++)
		me_strbuf_addf(out, "<th scope=\"col\"%s>%s</th>", class_of(sheet->columns[i].kind),
			       sheet->columns[i].title);
	me_strbuf_adds(out, "</tr></thead>\n<tbody>\n");
	for (size_t row = 0; row < sheet->n_rows; row++) {
		me_strbuf_adds(out, "<tr>");
		for (unsigned int i = 0; i < sheet->n_columns; i++)
			write_cell(&sheet->columns[i], &sheet->cells[row * sheet->n_columns + i],
				   out);
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
