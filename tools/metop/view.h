/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_VIEW_H
#define METOP_VIEW_H

/*
 * The views and their columns, as tables: drawing, --once, sorting, the detail pane and the help
 * read them, nothing else knows a field's name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "metop/rows.h"
#include "metop/style.h"

#define ME_COLUMN_FIELDS 5
#define ME_COLUMNS_MAX 20
#define ME_VIEW_KEYS 8
#define ME_VIEW_STORY 2
#define ME_VIEW_IDS 2
#define ME_PARTS_MAX 4
#define ME_CELL_LEN 1024 /* longer text of a cell is cut */

enum me_column_kind {
	ME_COLUMN_TEXT,     /* the first of the fields that is there */
	ME_COLUMN_MARK,     /* a verdict or state, with its mark */
	ME_COLUMN_SIGN,     /* its mark alone */
	ME_COLUMN_PORT,     /* fields: port, protocol */
	ME_COLUMN_PROCESS,  /* fields: name, pid, and what stands in without one */
	ME_COLUMN_QUANTITY, /* the sum of the fields */
	ME_COLUMN_AGE,      /* a time, as how long ago */
	ME_COLUMN_LEFT,     /* a time, as how long until then */
	ME_COLUMN_RATE,     /* growth a second: `rate` says which */
	ME_COLUMN_TREND,    /* a list of numbers, as a line of bars */
	ME_COLUMN_SHARE,    /* of the fields "FIELD.…" the name of the largest, and its share */
	ME_COLUMN_NEW,      /* a serial, as a mark where the user has not seen it yet */
	ME_COLUMN_GROUP, /* of a group of rows what they have in common, and whether it shows them */
	ME_COLUMN_COUNT, /* a number with what it counts: the name of the field */
};

struct me_column {
	const char *title;
	const char *help; /* what it holds, for people */
	const char *fields[ME_COLUMN_FIELDS];
	enum me_column_kind kind;
	const char *sort;    /* the field that the daemon sorts by; NULL: sorted here */
	const char *address; /* the field that is shown and sorted by where names are not wanted */
	uint8_t rate;
	uint8_t width; /* columns of the screen, at the least */
	uint8_t grow;  /* share of what is left over; 0: none */
	uint8_t rank;  /* larger ones go first when there is no room */
	bool marked;   /* in the colour of the row's mark */
};

enum me_view_id {
	ME_VIEW_ENDPOINTS,
	ME_VIEW_FLOWS,
	ME_VIEW_VIOLATIONS,
	ME_VIEW_DNS,
	ME_VIEW_HEALTH,
	ME_VIEWS
};

/* By which column, in which direction. */
struct me_order {
	size_t column;
	bool desc;
};

/* The rows of one kind in a view that has several: below titles of their own. */
struct me_part {
	const char *name;
	const char *about; /* for people */
	const struct me_column *columns;
	size_t n_columns;
	const char *order; /* as that of the view */
};

struct me_view {
	const char *name; /* for --view, and the path below /v1/ */
	const char *title;
	const char *keys[ME_VIEW_KEYS]; /* fields that say which row it is; none: not a list */
	const char *rates[ME_ROW_RATES];
	const char *story[ME_VIEW_STORY]; /* fields that the path of a row's story is made of */
	/*
	 * What the daemon sorts by, latest first, where no column of its own says how; NULL: the view is
	 * not asked for, its rows come with the health.
	 */
	const char *latest;
	const char *empty; /* what to say when there are no rows */
	const struct me_column *columns;
	size_t n_columns;
	const struct me_column
		*groups; /* the same columns, of rows that are groups; NULL: none are */
	/* The field that the API knows a row by, the first that is there; none: it does not. */
	const char *ids[ME_VIEW_IDS];
	const char *order;           /* title of the column that it is sorted by at first */
	const struct me_part *parts; /* by me_row.part; NULL: all rows have `columns` */
	size_t n_parts;
	size_t asked; /* the part whose rows the daemon sorts and limits */

	/*
	 * Makes rows of an answer that is no list, as me_answer_tree() gives it; NULL: it is one. 0 or
	 * -ENOMEM.
	 */
	int (*read)(const struct me_rows *tree, struct me_rows **ret_rows);
};

extern const struct me_view me_views[ME_VIEWS];

/* The view of this name or the beginning of one; ME_VIEWS if there is none. */
enum me_view_id me_view_by_name(const char *name);

/* Column of the view by title or, where there is none, field (case does not matter), or n_columns. */
size_t me_view_column(const struct me_view *view, const char *name);
/* How a part of the view (0 where it has none) is sorted at first. */
struct me_order me_view_first_order(const struct me_view *view, size_t part);

/* Reads an answer about the view into its rows. 0, -EBADMSG if it is none, or -ENOMEM. */
int me_view_read(const struct me_view *view, bool grouped, const char *body, size_t len,
		 struct me_rows **ret_rows);

/* What says which row it is, from one answer to the next. */
const char *me_view_identity(const struct me_view *view, const struct me_row *row);

/* The view with the columns and the order of one of its parts; as it is where it has none. */
struct me_view me_view_part(const struct me_view *view, size_t part);
/* The same with those of the row. */
struct me_view me_view_of(const struct me_view *view, const struct me_row *row);

/* Which direction an order by the column starts with. */
bool me_column_starts_desc(const struct me_column *column);
/* Whether it is set flush right: numbers are. */
bool me_column_is_right(const struct me_column *column);

/* How cells are to be looked at. */
struct me_look_at {
	uint64_t now_ns;      /* when the rows were taken */
	uint64_t seen_serial; /* rows up to this one are not new */
	bool addresses;       /* and not names */
};

/* The first of the column's fields that says something; or "". */
const char *me_column_first(const struct me_column *column, const struct me_row *row);

/* Writes the cell as text, not yet made safe to show. */
void me_column_text(const struct me_column *column, const struct me_row *row,
		    const struct me_look_at *look, char out[ME_CELL_LEN]);

/* How a whole row looks, and how the cell of one of its columns does. */
enum me_style me_view_row_style(const struct me_view *view, const struct me_row *row);
enum me_style me_column_style(const struct me_column *column, enum me_style row_style);

/* The mark of a verdict or state, ' ' for unknown ones, and its style in *ret_style. */
char me_view_mark(const char *state, enum me_style *ret_style);

/*
 * Widths of the columns for `total` columns of the screen with one space between, 0 for those that
 * find no room. What is left over goes to the columns that grow, as far as `wanted` asks for it
 * (NULL: all of it). At least one column has a width.
 */
void me_view_layout(const struct me_view *view, size_t total, const size_t *wanted,
		    size_t ret_widths[ME_COLUMNS_MAX]);

#endif
