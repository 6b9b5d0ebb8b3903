/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "metop/rows.h"

#define POOL_CHUNK 65536u

/* Text is only ever freed all at once. */
struct me_pool {
	struct me_pool *next;
	size_t used, size;
	max_align_t data[];
};

struct me_rows *me_rows_new(void)
{
	return calloc(1, sizeof(struct me_rows));
}

void me_rows_free(struct me_rows **rows)
{
	if (!*rows)
		return;
	for (struct me_pool *pool = (*rows)->pool; pool;) {
		struct me_pool *next = pool->next;

		free(pool);
		pool = next;
	}
	free((*rows)->rows);
	free(*rows);
	*rows = NULL;
}

static void *take(struct me_rows *rows, size_t size)
{
	struct me_pool *pool = rows->pool;
	void *taken;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!pool || pool->size - pool->used < size) {
		size_t room = size > POOL_CHUNK ? size : POOL_CHUNK;

		pool = malloc(sizeof(*pool) + room);
		if (!pool) {
			rows->err = -ENOMEM;
			return NULL;
		}
		*pool = (struct me_pool){.next = rows->pool, .size = room};
		rows->pool = pool;
	}
	taken = (char *)pool->data + pool->used;
	pool->used += size;
	return taken;
}

static const char *keep(struct me_rows *rows, const char *text)
{
	size_t size = strlen(text) + 1;
	char *kept = take(rows, size);

	if (kept)
		memcpy(kept, text, size);
	return kept;
}

void me_rows_begin(struct me_rows *rows)
{
	if (rows->err)
		return;
	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 64;
		struct me_row *more = reallocarray(rows->rows, cap, sizeof(*more));

		if (!more) {
			rows->err = -ENOMEM;
			return;
		}
		rows->rows = more;
		rows->cap = cap;
	}
	rows->rows[rows->n++] = (struct me_row){.key = "", .rate = {-1, -1}};
}

/* The rows of an answer have mostly the same names in the same order: those are kept once. */
static const char *keep_name(struct me_rows *rows, const char *name)
{
	const struct me_row *row = &rows->rows[rows->n - 1];

	if (rows->n > 1 && row->n_fields < row[-1].n_fields &&
	    !strcmp(row[-1].fields[row->n_fields].name, name))
		return row[-1].fields[row->n_fields].name;
	return keep(rows, name);
}

static void add(struct me_rows *rows, const char *name, struct me_field field)
{
	struct me_row *row;

	if (rows->err)
		return;
	assert(rows->n);
	row = &rows->rows[rows->n - 1];
	if (row->n_fields == ME_ROW_FIELDS_MAX) {
		rows->left_out++;
		return;
	}
	if (!(row->n_fields & (row->n_fields - 1))) { /* grows at 0, 1, 2, 4, 8 … */
		size_t cap = row->n_fields ? row->n_fields * 2 : 1;
		struct me_field *more = take(rows, cap * sizeof(*more));

		if (!more)
			return;
		if (row->n_fields)
			memcpy(more, row->fields, row->n_fields * sizeof(*more));
		row->fields = more;
	}
	field.name = keep_name(rows, name);
	field.text = keep(rows, field.text);
	if (!rows->err)
		row->fields[row->n_fields++] = field;
}

void me_rows_add_text(struct me_rows *rows, const char *name, const char *text)
{
	add(rows, name, (struct me_field){.text = text, .kind = ME_FIELD_TEXT});
}

void me_rows_add_number(struct me_rows *rows, const char *name, double number, const char *text)
{
	add(rows, name, (struct me_field){.text = text, .number = number, .kind = ME_FIELD_NUMBER});
}

void me_rows_set_key(struct me_rows *rows, const char *key)
{
	const char *kept;

	if (rows->err)
		return;
	kept = keep(rows, key);
	if (kept)
		rows->rows[rows->n - 1].key = kept;
}

void me_rows_set_part(struct me_rows *rows, uint8_t part, bool heading)
{
	if (rows->err)
		return;
	rows->rows[rows->n - 1].part = part;
	rows->rows[rows->n - 1].heading = heading;
}

void me_rows_add_fields(struct me_rows *rows, const struct me_row *from, const char *except)
{
	for (size_t i = 0; i < from->n_fields; i++)
		if (strcmp(from->fields[i].name, except))
			add(rows, from->fields[i].name, from->fields[i]);
}

const struct me_field *me_row_field(const struct me_row *row, const char *name)
{
	for (size_t i = 0; i < row->n_fields; i++) {
		if (!strcmp(row->fields[i].name, name))
			return &row->fields[i];
	}
	return NULL;
}

const char *me_row_text(const struct me_row *row, const char *name)
{
	const struct me_field *field = me_row_field(row, name);

	return field ? field->text : NULL;
}

double me_row_number(const struct me_row *row, const char *name)
{
	const struct me_field *field = me_row_field(row, name);

	return field ? field->number : 0;
}

const struct me_row *me_rows_find(const struct me_rows *rows, const char *key, size_t *ret_index)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (strcmp(rows->rows[i].key, key))
			continue;
		if (ret_index)
			*ret_index = i;
		return &rows->rows[i];
	}
	return NULL;
}
