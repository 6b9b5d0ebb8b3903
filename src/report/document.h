/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_DOCUMENT_H
#define MEWATCH_REPORT_DOCUMENT_H

/*
 * A report before it has a form: statements and sheets of rows. All that any writer shows is in here,
 * so that no two of them can disagree. Writers know nothing else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/strbuf.h"

enum me_sheet_kind {
	ME_SHEET_TEXT, /* as it came from outside: each writer escapes it */
	ME_SHEET_NUMBER,
	ME_SHEET_BYTES,
	ME_SHEET_TIME,    /* epoch nanoseconds */
	ME_SHEET_SECONDS, /* from nanoseconds, rounded down */
	ME_SHEET_SHARE,   /* in hundredths of a percent */
};

struct me_sheet_column {
	const char *key; /* JSON and CSV */
	const char *title;
	enum me_sheet_kind kind;
};

struct me_cell {
	bool present;
	uint64_t number;
	const char *text; /* the document's */
};

struct me_sheet {
	const char *key;
	const char *title;
	const char *note; /* a sentence for people; may be NULL */
	const char *none; /* what is said of no rows */
	const struct me_sheet_column *columns;
	unsigned int n_columns;
	struct me_cell *cells; /* row after row */
	size_t n_rows, room;
};

/* How a statement is to be taken. */
#define ME_TONE_LIST(X)                                                                            \
	X(GOOD, "good")                                                                            \
	X(BAD, "bad")                                                                              \
	X(UNSURE, "unsure")

#define ME_PICK_TONE(constant, label) ME_TONE_##constant,
enum me_tone { ME_TONE_LIST(ME_PICK_TONE) ME_TONE_COUNT };
#undef ME_PICK_TONE

const char *me_tone_label(enum me_tone tone);

/* What can be said of the period. Its text is of our own, in which what is from outside is escaped. */
struct me_statement {
	enum me_tone tone;
	const char *text;
};

#define ME_STATEMENTS_MAX 32u
#define ME_SHEETS_MAX 32u

struct me_document {
	const char *version;
	uint64_t since_ns, until_ns; /* [since, until) */
	uint64_t made_ns;
	uint64_t watched_ns; /* of the period: nothing was missing */
	uint64_t step_ns;    /* of the sheet "timeline" */
	struct me_statement statements[ME_STATEMENTS_MAX];
	unsigned int n_statements;
	struct me_sheet sheets[ME_SHEETS_MAX];
	unsigned int n_sheets;
	struct me_intern *texts;
	int err; /* 0 or -ENOMEM; sticks */
};

/* NULL without memory. */
struct me_document *me_document_new(void);
void me_document_free(struct me_document **document);
ME_DEFINE_CLEANUP(struct me_document *, me_document_free)

/* A copy that lives as long as the document; "" for NULL. */
const char *me_document_text(struct me_document *document, const char *text);

/* The one statement more, which takes the buffer's text. */
void me_document_state(struct me_document *document, enum me_tone tone,
		       const struct me_strbuf *text);

/* Whether none of the statements is bad or unsure. */
bool me_document_is_clean(const struct me_document *document);

/* One sheet more, without rows: a copy of `shape`. Its place stays the same. */
struct me_sheet *me_document_sheet(struct me_document *document, const struct me_sheet *shape);

/* The sheet, or NULL. */
const struct me_sheet *me_document_find(const struct me_document *document, const char *key);

/*
 * One row more, all cells absent: its first cell, valid until the next row. Without memory a row that
 * nobody sees.
 */
struct me_cell *me_sheet_row(struct me_document *document, struct me_sheet *sheet);

void me_cell_number(struct me_cell *cell, uint64_t number);
/* NULL and "" are absent. */
void me_cell_text(struct me_document *document, struct me_cell *cell, const char *text);
/* Absent where there is no whole. */
void me_cell_share(struct me_cell *cell, uint64_t part, uint64_t whole);

/* Names a sheet's columns and their number. */
#define ME_COLUMNS(list) .columns = (list), .n_columns = ME_ARRAY_SIZE(list)

/* Orders the rows by a column, texts and times ascending, all else the largest first; equals as they were. */
void me_sheet_sort(struct me_sheet *sheet, unsigned int column);

/* The place of the column; the key is one of the sheet's. */
unsigned int me_sheet_place(const struct me_sheet *sheet, const char *key);

/* Sum of a column of numbers. */
uint64_t me_sheet_sum(const struct me_sheet *sheet, const char *key);

#endif
