/* SPDX-License-Identifier: GPL-2.0-only */
/* The report for programs: JSON. */
#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "export/json.h"
#include "report/cells.h"
#include "report/report.h"

static void set_cell(struct me_json *row, const struct me_sheet_column *column,
		     const struct me_cell *cell)
{
	char text[ME_CELL_LEN];

	if (!cell->present)
		return;
	if (column->kind == ME_SHEET_SECONDS)
		me_json_set_number(row, column->key, cell->number / ME_NS_PER_S);
	else if (column->kind == ME_SHEET_NUMBER || column->kind == ME_SHEET_BYTES)
		me_json_set_number(row, column->key, cell->number);
	else {
		me_cell_plain(column, cell, text);
		me_json_set_safe(row, column->key, text);
	}
}

static void set_sheet(struct me_json *root, const struct me_sheet *sheet)
{
	struct me_json *rows = me_json_array();

	for (size_t r = 0; r < sheet->n_rows; r++) {
		struct me_json *row = me_json_object();

		for (unsigned int i = 0; i < sheet->n_columns; i++)
			set_cell(row, &sheet->columns[i], &sheet->cells[r * sheet->n_columns + i]);
		me_json_append(rows, &row);
	}
	me_json_set_child(root, sheet->key, &rows);
}

static void set_statements(struct me_json *root, const struct me_document *document)
{
	struct me_json *list = me_json_array();

	for (unsigned int i = 0; i < document->n_statements; i++) {
		struct me_json *statement = me_json_object();

		me_json_set_text(statement, "tone", me_tone_label(document->statements[i].tone));
		me_json_set_safe(statement, "text", document->statements[i].text);
		me_json_append(list, &statement);
	}
	me_json_set_child(root, "statements", &list);
}

int me_report_json(const struct me_document *document, struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *root = me_json_object();
	int err;

	me_json_set_text(root, "version", document->version);
	me_json_set(root, "ts", me_value_time(document->made_ns));
	me_json_set(root, "since", me_value_time(document->since_ns));
	me_json_set(root, "until", me_value_time(document->until_ns));
	me_json_set_number(root, "period_s",
			   (document->until_ns - document->since_ns) / ME_NS_PER_S);
	me_json_set_number(root, "watched_s", document->watched_ns / ME_NS_PER_S);
	me_json_set_bool(root, "clean", me_document_is_clean(document));
	set_statements(root, document);
	for (unsigned int i = 0; i < document->n_sheets; i++)
		set_sheet(root, &document->sheets[i]);
	err = me_json_write(root, out);
	me_strbuf_addc(out, '\n');
	return err ? err : out->err;
}
