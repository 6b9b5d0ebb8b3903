/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/html_charts.h"

#include <inttypes.h>
#include <string.h>
#include "report/cells.h"
#include "report/html_ticks.h"

/* Pictures are measured in percent of their frame, so that patterns keep their shape at any width. */
#define WHOLE 100.0
/* What is short is seen as well. */
#define STRIP_MIN 0.1
/* Endpoints with a strip of their own. */
#define STRIPS_MAX 200u

void me_html_text(struct me_strbuf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			me_strbuf_adds(out, "&amp;");
			break;
		case '<':
			me_strbuf_adds(out, "&lt;");
			break;
		case '>':
			me_strbuf_adds(out, "&gt;");
			break;
		case '"':
			me_strbuf_adds(out, "&quot;");
			break;
		case '\'':
			me_strbuf_adds(out, "&#39;");
			break;
		default:
			me_strbuf_addc(out, *text);
		}
	}
}

static const struct me_cell *cell_of(const struct me_sheet *sheet, size_t row, const char *key)
{
	return &sheet->cells[row * sheet->n_columns + me_sheet_place(sheet, key)];
}

static const char *text_of(const struct me_sheet *sheet, size_t row, const char *key)
{
	const struct me_cell *cell = cell_of(sheet, row, key);

	return cell->present ? cell->text : "";
}

/* --- Parts of a picture -------------------------------------------------------------------------- */

static void begin(struct me_strbuf *out, const char *class, const char *title)
{
	me_strbuf_addf(out, "<svg class=\"%s\" role=\"img\"><title>", class);
	me_html_text(out, title);
	me_strbuf_adds(out, "</title>");
}

static void box(struct me_strbuf *out, const char *class, double x, double y, double width,
		double height)
{
	me_strbuf_addf(out,
		       "<rect class=\"%s\" x=\"%.3f%%\" y=\"%.3f%%\" width=\"%.3f%%\" "
		       "height=\"%.3f%%\">",
		       class, x, y, width, height);
}

/* A part of the period, with words for who points at it. */
static void strip(const struct me_document *document, struct me_strbuf *out, const char *class,
		  uint64_t since_ns, uint64_t until_ns, const char *words)
{
	double x = me_html_at(document, since_ns), end = me_html_at(document, until_ns);
	char since[ME_CELL_LEN], until[ME_CELL_LEN];

	if (end - x < STRIP_MIN)
		end = x + STRIP_MIN;
	me_cell_local(since_ns, since);
	me_cell_local(until_ns, until);
	box(out, class, x, 0, end - x, WHOLE);
	me_strbuf_adds(out, "<title>");
	me_html_text(out, words);
	me_strbuf_addf(out, ", %s to %s</title></rect>", since, until);
}

static void axis(const struct me_document *document, struct me_strbuf *out)
{
	char since[ME_CELL_LEN], until[ME_CELL_LEN];

	me_html_ticks(document, out);
	me_cell_local(document->since_ns, since);
	me_cell_local(document->until_ns, until);
	me_strbuf_addf(out, "<p class=\"axis\"><span>%s</span><span>%s</span></p>\n", since, until);
}

/* --- Coverage ------------------------------------------------------------------------------------ */

static void coverage(const struct me_document *document, const struct me_sheet *sheet,
		     struct me_strbuf *out)
{
	begin(out, "strip", "When it was watched, and when not");
	strip(document, out, "good", document->since_ns, document->until_ns, "watched");
	for (size_t row = 0; row < sheet->n_rows; row++)
		strip(document, out, strcmp(text_of(sheet, row, "counted"), "no") ? "late" : "bad",
		      cell_of(sheet, row, "since")->number, cell_of(sheet, row, "until")->number,
		      text_of(sheet, row, "why"));
	me_strbuf_adds(out, "</svg>\n");
	axis(document, out);
	me_strbuf_adds(out, "<p class=\"legend\"><span class=\"key good\">watched</span> <span "
			    "class=\"key late\">told late, counted</span> <span class=\"key "
			    "bad\">not seen, or not known</span></p>\n");
}

/* --- Flows over time ----------------------------------------------------------------------------- */

static uint64_t total_of(const struct me_sheet *sheet, size_t row, const char *const *keys,
			 size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += cell_of(sheet, row, keys[i])->number;
	return total;
}

static void bar(const struct me_document *document, const struct me_sheet *sheet, size_t row,
		const char *const *keys, size_t n, uint64_t most, struct me_strbuf *out)
{
	uint64_t start = cell_of(sheet, row, "start")->number;
	double x = me_html_at(document, start),
	       end = me_html_at(document, start + document->step_ns);
	double width = end - x > 0.3 ? end - x - 0.1 : end - x, y = WHOLE;
	char when[ME_CELL_LEN];

	me_cell_local(start, when);
	for (size_t i = 0; i < n; i++) {
		uint64_t count = cell_of(sheet, row, keys[i])->number;
		double height = (double)count / (double)most * WHOLE;

		if (!count)
			continue;
		y -= height;
		box(out, keys[i], x, y, width, height);
		me_strbuf_addf(out, "<title>%" PRIu64 " %s from %s on</title></rect>", count,
			       keys[i], when);
	}
}

static void bars(const struct me_document *document, const struct me_sheet *sheet,
		 const char *const *keys, size_t n, const char *title, struct me_strbuf *out)
{
	uint64_t most = 0;

	for (size_t row = 0; row < sheet->n_rows; row++)
		if (total_of(sheet, row, keys, n) > most)
			most = total_of(sheet, row, keys, n);
	if (!most) {
		me_strbuf_addf(out, "<p class=\"legend\">%s: there was none.</p>\n", title);
		return;
	}
	me_strbuf_addf(out, "<p class=\"legend\">%s, at the most %" PRIu64 " in a step:", title,
		       most);
	for (size_t i = 0; i < n; i++)
		me_strbuf_addf(out, " <span class=\"key %s\">%s</span>", keys[i], keys[i]);
	me_strbuf_adds(out, "</p>\n");
	begin(out, "bars", title);
	for (size_t row = 0; row < sheet->n_rows; row++)
		bar(document, sheet, row, keys, n, most, out);
	me_strbuf_adds(out, "</svg>\n");
	axis(document, out);
}

/* Violations have a picture and a scale of their own: beside the others nobody would see them. */
static void timeline(const struct me_document *document, const struct me_sheet *sheet,
		     struct me_strbuf *out)
{
	static const char *const all[] = {"allowed", "local", "unresolved", "violation"};
	static const char *const beside[] = {"violation"};

	bars(document, sheet, all, ME_ARRAY_SIZE(all), "Flows by verdict", out);
	bars(document, sheet, beside, ME_ARRAY_SIZE(beside), "Violations alone", out);
}

/* --- Endpoints, DNS ------------------------------------------------------------------------------ */

static void endpoint_strip(const struct me_document *document, const struct me_sheet *states,
			   const char *service, const char *endpoint, struct me_strbuf *out)
{
	char shown[ME_CELL_LEN];

	me_cell_show(&(struct me_sheet_column){.kind = ME_SHEET_TEXT},
		     &(struct me_cell){.present = true, .text = endpoint}, shown);
	me_strbuf_adds(out, "<div class=\"line\"><span>");
	me_html_text(out, shown);
	me_strbuf_adds(out, "</span>");
	begin(out, "thin", shown);
	for (size_t row = 0; row < states->n_rows; row++) {
		const char *state = text_of(states, row, "state");

		if (strcmp(text_of(states, row, "endpoint"), endpoint) ||
		    strcmp(text_of(states, row, "service"), service))
			continue;
		strip(document, out, state, cell_of(states, row, "since")->number,
		      cell_of(states, row, "until")->number, state);
	}
	me_strbuf_adds(out, "</svg></div>\n");
}

static void endpoints(const struct me_document *document, const struct me_sheet *sheet,
		      struct me_strbuf *out)
{
	const struct me_sheet *states = me_document_find(document, "endpoint_states");

	me_strbuf_adds(out, "<p class=\"legend\"><span class=\"key good\">good</span> <span "
			    "class=\"key failing\">failing</span> <span class=\"key "
			    "overdue\">overdue</span> <span class=\"key never\">never reached, or "
			    "retired</span></p>\n");
	for (size_t row = 0; states && row < sheet->n_rows && row < STRIPS_MAX; row++)
		endpoint_strip(document, states, text_of(sheet, row, "service"),
			       text_of(sheet, row, "endpoint"), out);
	if (sheet->n_rows > STRIPS_MAX)
		me_strbuf_addf(out, "<p>%zu more are in the table alone.</p>\n",
			       sheet->n_rows - STRIPS_MAX);
	me_strbuf_adds(out, "<div class=\"line\"><span></span><div>");
	axis(document, out);
	me_strbuf_adds(out, "</div></div>\n");
}

static void dns(const struct me_document *document, const struct me_sheet *sheet,
		struct me_strbuf *out)
{
	uint64_t most = 0;

	for (size_t row = 0; row < sheet->n_rows; row++)
		if (cell_of(sheet, row, "queries")->number > most)
			most = cell_of(sheet, row, "queries")->number;
	for (size_t row = 0; most && row < sheet->n_rows; row++) {
		uint64_t count = cell_of(sheet, row, "queries")->number;

		me_strbuf_adds(out, "<div class=\"line\"><span>");
		me_html_text(out, text_of(sheet, row, "category"));
		me_strbuf_adds(out, "</span>");
		begin(out, "thin", "queries");
		box(out, "allowed", 0, 0, (double)count / (double)most * WHOLE, WHOLE);
		me_strbuf_addf(out, "<title>%" PRIu64 " queries</title></rect></svg></div>\n",
			       count);
	}
}

void me_html_chart(const struct me_document *document, const struct me_sheet *sheet,
		   struct me_strbuf *out)
{
	static const struct {
		const char *key;
		void (*draw)(const struct me_document *document, const struct me_sheet *sheet,
			     struct me_strbuf *out);
		bool empty_too;
	} charts[] = {
		{"gaps", coverage, true},
		{"timeline", timeline, false},
		{"endpoints", endpoints, false},
		{"dns", dns, false},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(charts); i++) {
		if (strcmp(sheet->key, charts[i].key) || (!sheet->n_rows && !charts[i].empty_too))
			continue;
		me_strbuf_adds(out, "<figure>\n");
		charts[i].draw(document, sheet, out);
		me_strbuf_adds(out, "</figure>\n");
	}
}
