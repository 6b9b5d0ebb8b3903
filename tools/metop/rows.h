/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_ROWS_H
#define METOP_ROWS_H

/*
 * Rows of named fields: what an answer of the API is made of once it is read, and what every view
 * shows. The rows own all of their text. Text is as the daemon sent it: untrusted, valid UTF-8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"

#define ME_ROW_RATES 2        /* fields of a row whose growth a second is shown */
#define ME_ROW_FIELDS_MAX 256 /* further fields of a row are left out and counted */

enum me_field_kind { ME_FIELD_TEXT, ME_FIELD_NUMBER };

struct me_field {
	const char *name;
	const char *text; /* also of numbers */
	double number;    /* 0 for text */
	enum me_field_kind kind;
};

struct me_row {
	const char *key; /* says which row it is, from one answer to the next */
	struct me_field *fields;
	size_t n_fields;
	double rate[ME_ROW_RATES]; /* a second; negative: not known */
	uint8_t part;              /* of its view, where that has several */
	bool heading;              /* the titles of its part, and no row */
};

struct me_pool;

struct me_rows {
	struct me_row *rows;
	size_t n;
	uint64_t ts_ns;   /* when the daemon took them, since the epoch */
	uint64_t total;   /* rows in the ledger */
	uint64_t matched; /* rows that the filter left; of a tree its lines */
	uint64_t offset;  /* of the first one; UINT64_MAX: not told */
	uint64_t serial;  /* of the row that came last; 0: not told */
	size_t left_out;  /* fields beyond ME_ROW_FIELDS_MAX */
	int err;          /* the first failure of the functions below; they do nothing after it */
	size_t cap;
	struct me_pool *pool;
};

/* No rows, or NULL without memory. */
struct me_rows *me_rows_new(void);
void me_rows_free(struct me_rows **rows);
ME_DEFINE_CLEANUP(struct me_rows *, me_rows_free)
#define _cleanup_rows_ _cleanup_(me_rows_freep)

/*
 * Building. A row is begun, then gets its fields and its key. Everything is copied. Failure
 * (-ENOMEM) is kept in `err`.
 */
void me_rows_begin(struct me_rows *rows);
void me_rows_add_text(struct me_rows *rows, const char *name, const char *text);
void me_rows_add_number(struct me_rows *rows, const char *name, double number, const char *text);
void me_rows_set_key(struct me_rows *rows, const char *key);
void me_rows_set_part(struct me_rows *rows, uint8_t part, bool heading);

/* Adds all fields of `from` but the one named `except`. */
void me_rows_add_fields(struct me_rows *rows, const struct me_row *from, const char *except);

/* The field of this name, or NULL. */
const struct me_field *me_row_field(const struct me_row *row, const char *name);
/* Its text, or NULL. */
const char *me_row_text(const struct me_row *row, const char *name);
/* Its number, or 0. */
double me_row_number(const struct me_row *row, const char *name);

/* The row with this key, or NULL; *ret_index (may be NULL) is where it stands. */
const struct me_row *me_rows_find(const struct me_rows *rows, const char *key, size_t *ret_index);

/*
 * Sets the rates of `now` from what `names` grew since `before`. A row that was not there, or whose
 * number fell, has no rate. With no time between the two, rates are carried over.
 */
void me_rows_rate(struct me_rows *now, const struct me_rows *before,
		  const char *const names[ME_ROW_RATES]);

#endif
