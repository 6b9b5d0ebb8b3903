/* SPDX-License-Identifier: GPL-2.0-only */
/* The report for a terminal or a mail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "report/cells.h"
#include "report/report.h"

/* Columns on the terminal; bytes of our escapes are ASCII, names of policies may be UTF-8. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void pad(struct me_strbuf *out, size_t n)
{
	while (n--)
		me_strbuf_addc(out, ' ');
}

static void write_cell(const char *text, size_t width, bool right, bool last, struct me_strbuf *out)
{
	size_t missing = width - width_of(text);

	if (right)
		pad(out, missing);
	me_strbuf_adds(out, text);
	if (!right && !last)
		pad(out, missing);
	me_strbuf_adds(out, last ? "\n" : "  ");
}

static int write_rows(const struct me_sheet *sheet, struct me_strbuf *out)
{
	_cleanup_free_ size_t *width = calloc(sheet->n_columns, sizeof(*width));
	unsigned int n = sheet->n_columns;
	char text[ME_CELL_LEN];

	if (!width)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		width[i] = width_of(sheet->columns[i].title);
	for (size_t i = 0; i < sheet->n_rows * n; i++) {
		me_cell_show(&sheet->columns[i % n], &sheet->cells[i], text);
		if (width_of(text) > width[i % n])
			width[i % n] = width_of(text);
	}
	for (unsigned int i = 0; i < n; i++)
		write_cell(sheet->columns[i].title, width[i],
			   sheet->columns[i].kind != ME_SHEET_TEXT, i + 1 == n, out);
	for (size_t i = 0; i < sheet->n_rows * n; i++) {
		me_cell_show(&sheet->columns[i % n], &sheet->cells[i], text);
		write_cell(text, width[i % n], sheet->columns[i % n].kind != ME_SHEET_TEXT,
			   i % n + 1 == n, out);
	}
	return 0;
}

int me_report_text(const struct me_document *document, struct me_strbuf *out)
{
	static const char *const mark[ME_TONE_COUNT] = {"+", "!", "~"};
	char since[ME_CELL_LEN], until[ME_CELL_LEN];
	int err = 0;

	me_cell_local(document->since_ns, since);
	me_cell_local(document->until_ns, until);
	me_strbuf_addf(out, "mewatch %s: report from %s to %s\n\n", document->version, since,
		       until);
	for (unsigned int i = 0; i < document->n_statements; i++)
		me_strbuf_addf(out, "%s %s\n", mark[document->statements[i].tone],
			       document->statements[i].text);
	for (unsigned int i = 0; !err && i < document->n_sheets; i++) {
		const struct me_sheet *sheet = &document->sheets[i];

		me_strbuf_addf(out, "\n== %s ==\n", sheet->title);
		if (!sheet->n_rows) {
			me_strbuf_addf(out, "%s\n", sheet->none);
			continue;
		}
		if (sheet->note)
			me_strbuf_addf(out, "%s\n", sheet->note);
		err = write_rows(sheet, out);
	}
	return err ? err : out->err;
}
