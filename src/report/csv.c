/* SPDX-License-Identifier: GPL-2.0-only */
/* The report for a spreadsheet: CSV, RFC 4180. */
#include <string.h>
#include "report/cells.h"
#include "report/report.h"

/*
 * A field. Programs that calculate take a text with one of these in front for a formula, and would run
 * what somebody outside wrote: a quote before it makes it a text.
 */
static void write_field(const char *text, bool outside, struct me_strbuf *out)
{
	bool formula = outside && *text && strchr("=+-@\t\r", *text);

	me_strbuf_addc(out, '"');
	if (formula)
		me_strbuf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			me_strbuf_addc(out, '"');
		me_strbuf_addc(out, *text);
	}
	me_strbuf_addc(out, '"');
}

static void write_sheet(const struct me_sheet *sheet, struct me_strbuf *out)
{
	char text[ME_CELL_LEN];

	me_strbuf_adds(out, "\r\nsheet");
	for (unsigned int i = 0; i < sheet->n_columns; i++)
		me_strbuf_addf(out, ",%s", sheet->columns[i].key);
	me_strbuf_adds(out, "\r\n");
	for (size_t r = 0; r < sheet->n_rows; r++) {
		me_strbuf_adds(out, sheet->key);
		for (unsigned int i = 0; i < sheet->n_columns; i++) {
			const struct me_sheet_column *column = &sheet->columns[i];

			me_cell_plain(column, &sheet->cells[r * sheet->n_columns + i], text);
			me_strbuf_addc(out, ',');
			if (column->kind == ME_SHEET_TEXT)
				write_field(text, true, out);
			else
				me_strbuf_adds(out, text);
		}
		me_strbuf_adds(out, "\r\n");
	}
}

int me_report_csv(const struct me_document *document, struct me_strbuf *out)
{
	static const struct me_sheet_column time = {.kind = ME_SHEET_TIME};
	char since[ME_CELL_LEN], until[ME_CELL_LEN];

	me_cell_plain(&time, &(struct me_cell){true, document->since_ns, NULL}, since);
	me_cell_plain(&time, &(struct me_cell){true, document->until_ns, NULL}, until);
	me_strbuf_addf(out, "sheet,version,since,until\r\nreport,\"%s\",%s,%s\r\n",
		       document->version, since, until);
	me_strbuf_adds(out, "\r\nsheet,tone,text\r\n");
	for (unsigned int i = 0; i < document->n_statements; i++) {
		me_strbuf_addf(out, "statement,%s,", me_tone_label(document->statements[i].tone));
		write_field(document->statements[i].text, false, out);
		me_strbuf_adds(out, "\r\n");
	}
	for (unsigned int i = 0; i < document->n_sheets; i++)
		write_sheet(&document->sheets[i], out);
	return out->err;
}
