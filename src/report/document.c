/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/document.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ledger/intern.h"

#define COLUMNS_MAX 24u
#define FIRST_ROOM 16u

const char *me_tone_label(enum me_tone tone)
{
#define PICK_LABEL(constant, label) label,
	static const char *const text[] = {ME_TONE_LIST(PICK_LABEL)};
#undef PICK_LABEL

	return text[tone];
}

struct me_document *me_document_new(void)
{
	struct me_document *document = calloc(1, sizeof(*document));

	if (!document)
		return NULL;
	document->texts = me_intern_new();
	if (!document->texts)
		me_document_free(&document);
	return document;
}

void me_document_free(struct me_document **document)
{
	if (!*document)
		return;
	for (unsigned int i = 0; i < (*document)->n_sheets; i++)
		free((*document)->sheets[i].cells);
	me_intern_free(&(*document)->texts);
	free(*document);
	*document = NULL;
}

const char *me_document_text(struct me_document *document, const char *text)
{
	const char *copy;

	if (!text || !*text)
		return "";
	copy = me_intern_text(document->texts, me_intern_get(document->texts, text));
	if (!copy)
		document->err = -ENOMEM;
	return copy ? copy : "";
}

void me_document_state(struct me_document *document, enum me_tone tone,
		       const struct me_strbuf *text)
{
	assert(document->n_statements < ME_STATEMENTS_MAX);
	if (text->err)
		document->err = text->err;
	document->statements[document->n_statements++] = (struct me_statement){
		.tone = tone,
		.text = me_document_text(document, text->data),
	};
}

bool me_document_is_clean(const struct me_document *document)
{
	for (unsigned int i = 0; i < document->n_statements; i++)
		if (document->statements[i].tone != ME_TONE_GOOD)
			return false;
	return true;
}

struct me_sheet *me_document_sheet(struct me_document *document, const struct me_sheet *shape)
{
	struct me_sheet *sheet;

	assert(document->n_sheets < ME_SHEETS_MAX && shape->n_columns <= COLUMNS_MAX);
	sheet = &document->sheets[document->n_sheets++];
	*sheet = *shape;
	return sheet;
}

const struct me_sheet *me_document_find(const struct me_document *document, const char *key)
{
	for (unsigned int i = 0; i < document->n_sheets; i++)
		if (!strcmp(document->sheets[i].key, key))
			return &document->sheets[i];
	return NULL;
}

/* --- Rows --------------------------------------------------------------------------------------- */

struct me_cell *me_sheet_row(struct me_document *document, struct me_sheet *sheet)
{
	static struct me_cell nowhere[COLUMNS_MAX];

	if (sheet->n_rows == sheet->room) {
		size_t room = sheet->room ? 2 * sheet->room : FIRST_ROOM;
		struct me_cell *cells =
			reallocarray(sheet->cells, room * sheet->n_columns, sizeof(*cells));

		if (!cells) {
			document->err = -ENOMEM;
			return nowhere;
		}
		sheet->cells = cells;
		sheet->room = room;
	}
	return memset(&sheet->cells[sheet->n_rows++ * sheet->n_columns], 0,
		      sheet->n_columns * sizeof(struct me_cell));
}

void me_cell_number(struct me_cell *cell, uint64_t number)
{
	cell->present = true;
	cell->number = number;
}

void me_cell_text(struct me_document *document, struct me_cell *cell, const char *text)
{
	cell->text = me_document_text(document, text);
	cell->present = *cell->text;
}

/* In hundredths of a percent; of large numbers the last digits do not matter. */
static uint64_t part_of(uint64_t part, uint64_t whole)
{
	return part > UINT64_MAX / 10000 ? part / (whole / 10000) : part * 10000 / whole;
}

void me_cell_share(struct me_cell *cell, uint64_t part, uint64_t whole)
{
	if (whole)
		me_cell_number(cell, part_of(part, whole));
}

unsigned int me_sheet_place(const struct me_sheet *sheet, const char *key)
{
	unsigned int column = 0;

	while (strcmp(sheet->columns[column].key, key)) {
		column++;
		assert(column < sheet->n_columns);
	}
	return column;
}

uint64_t me_sheet_sum(const struct me_sheet *sheet, const char *key)
{
	unsigned int column = me_sheet_place(sheet, key);
	uint64_t sum = 0;

	for (size_t row = 0; row < sheet->n_rows; row++)
		sum += sheet->cells[row * sheet->n_columns + column].number;
	return sum;
}

/* --- Order -------------------------------------------------------------------------------------- */

struct order {
	struct me_sheet *sheet;
	unsigned int column;
};

static int compare(const void *a, const void *b, void *data)
{
	const struct order *order = data;
	const struct me_cell *one = &order->sheet->cells[*(const size_t *)a + order->column];
	const struct me_cell *other = &order->sheet->cells[*(const size_t *)b + order->column];
	int by;

	if (order->sheet->columns[order->column].kind == ME_SHEET_TEXT)
		by = strcmp(one->present ? one->text : "", other->present ? other->text : "");
	else
		by = one->number > other->number ? -1 : one->number < other->number;
	if (order->sheet->columns[order->column].kind == ME_SHEET_TIME)
		by = -by;
	return by ? by : *(const size_t *)a > *(const size_t *)b ? 1 : -1;
}

void me_sheet_sort(struct me_sheet *sheet, unsigned int column)
{
	struct order order = {.sheet = sheet, .column = column};
	size_t width = sheet->n_columns;
	_cleanup_free_ size_t *rows = calloc(sheet->n_rows + 1, sizeof(*rows));
	struct me_cell *cells = calloc(sheet->n_rows * width + 1, sizeof(*cells));

	if (!rows || !cells) {
		free(cells);
		return; /* as it was */
	}
	for (size_t i = 0; i < sheet->n_rows; i++)
		rows[i] = i * width;
	qsort_r(rows, sheet->n_rows, sizeof(*rows), compare, &order);
	for (size_t i = 0; i < sheet->n_rows; i++)
		memcpy(&cells[i * width], &sheet->cells[rows[i]], width * sizeof(*cells));
	free(sheet->cells);
	sheet->cells = cells;
	sheet->room = sheet->n_rows;
}
