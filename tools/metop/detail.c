/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "metop/detail.h"
#include "metop/shown.h"

#define CELL_COLUMNS 40 /* a short field with its name */
#define NAME_COLUMNS 20 /* for the longest name of a field, where there is room */

void me_detail_free(struct me_detail *detail)
{
	free(detail->items);
	*detail = (struct me_detail){0};
}

static int add(struct me_detail *detail, struct me_detail_item item)
{
	if (detail->n == detail->cap) {
		size_t cap = detail->cap ? detail->cap * 2 : 64;
		struct me_detail_item *more = reallocarray(detail->items, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		detail->items = more;
		detail->cap = cap;
	}
	detail->items[detail->n++] = item;
	detail->lines = item.line + 1;
	return 0;
}

/* Bytes of `text` for a line: up to the last word that fits, unless that would be half of it. */
static size_t line_bytes(const char *text, size_t width)
{
	size_t bytes = me_shown_bytes(text, width);

	for (size_t i = bytes; text[bytes] && i > bytes / 2; i--)
		if (text[i - 1] == ' ')
			return i;
	return bytes;
}

/* Adds a field that has its lines to itself, from `line` on. */
static int fold(struct me_detail *detail, const struct me_field *field, size_t line,
		size_t name_width, size_t width)
{
	const char *name = field->name, *text = field->text;

	do {
		size_t bytes = line_bytes(text, width);
		int r;

		r = add(detail, (struct me_detail_item){.name = name,
							.text = text,
							.bytes = bytes,
							.line = line++,
							.name_width = name_width,
							.width = width});
		if (r < 0)
			return r;
		text += bytes;
		name = NULL;
	} while (*text && line < ME_DETAIL_LINES_MAX);
	return 0;
}

/* A line of the story each: its mark, and its text folded beside it; on a narrow screen below its time. */
static int add_story(struct me_detail *detail, const struct me_rows *story, size_t columns)
{
	bool wide = columns > 2 * ME_STORY_NAME;
	size_t before = (wide ? ME_STORY_NAME + 1 : 0) + ME_STORY_MARK;
	int r = 0;

	for (size_t i = 0; i < story->n && !r; i++) {
		struct me_field field = story->rows[i].fields[ME_STORY_TEXT];
		struct me_detail_item first = {.name = field.name,
					       .text = field.text,
					       .bytes = wide,
					       .line = detail->lines,
					       .name_width = wide ? ME_STORY_NAME : columns,
					       .width = 1};

		me_view_mark(story->rows[i].fields[ME_STORY_STATE].text, &first.style);
		r = add(detail, first);
		field.name = NULL;
		field.text += ME_STORY_MARK;
		if (!r)
			r = fold(detail, &field, detail->lines - wide, before - 1,
				 columns > before ? columns - before : 1);
	}
	return r;
}

int me_detail_lay_out(const struct me_rows *story, const struct me_row *row, size_t columns,
		      struct me_detail *ret_detail)
{
	_cleanup_detail_ struct me_detail detail = {0};
	size_t per_line = columns / CELL_COLUMNS ? columns / CELL_COLUMNS : 1;
	size_t cell = columns / per_line, line = 0, at = 0;
	size_t name_width = cell / 2 < NAME_COLUMNS ? cell / 2 : NAME_COLUMNS;
	size_t whole = columns > name_width + 1 ? columns - name_width - 1 : 1;
	int r = story ? add_story(&detail, story, columns) : 0;

	if (r < 0)
		return r;
	line = detail.lines ? detail.lines + 1 : 0;
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct me_field *field = &row->fields[i];
		/* With the name before it, and two columns to the next one. */
		size_t needed = name_width + 1 + me_shown_width(field->text) + 2;
		size_t cells = (needed + cell - 1) / cell;

		if (at && at + cells > per_line) {
			line++;
			at = 0;
		}
		if (cells > per_line) {
			r = fold(&detail, field, line, name_width, whole);
			line = detail.lines;
		} else {
			r = add(&detail,
				(struct me_detail_item){.name = field->name,
							.text = field->text,
							.bytes = strlen(field->text),
							.line = line,
							.column = at * cell,
							.name_width = name_width,
							.width = cells * cell - name_width - 1});
			at += cells;
		}
		if (r < 0)
			return r;
	}
	*ret_detail = detail;
	detail = (struct me_detail){0};
	return 0;
}
