/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include "base/text.h"
#include "metop/answer.h"
#include "metop/api.h"
#include "metop/once.h"
#include "metop/query.h"
#include "metop/shown.h"
#include "metop/sort.h"

#define COLUMNS_MAX 10000 /* of a line, whatever COLUMNS says */

static void print_cell(FILE *out, const struct me_column *column, const char *text, size_t width,
		       bool last)
{
	char shown[ME_SHOWN_SIZE(ME_CELL_LEN)];
	size_t used = me_shown_fit(shown, text, width < ME_CELL_LEN ? width : ME_CELL_LEN);
	int fill = width > used ? (int)(width - used) : 0;

	if (me_column_is_right(column))
		fprintf(out, "%*s%s", fill, "", shown);
	else
		fprintf(out, "%s%*s", shown, last ? 0 : fill, "");
	fputc(last ? '\n' : ' ', out);
}

/* Nobody has looked before: nothing is new. */
static struct me_look_at look_at(const struct me_rows *rows)
{
	return (struct me_look_at){.now_ns = rows->ts_ns, .seen_serial = UINT64_MAX};
}

static void print_line(FILE *out, const struct me_view *view, const size_t *widths,
		       const struct me_rows *rows, const struct me_row *row)
{
	const struct me_look_at look = look_at(rows);
	size_t last = 0;

	for (size_t i = 0; i < view->n_columns; i++)
		last = widths[i] ? i : last;
	for (size_t i = 0; i <= last; i++) {
		char text[ME_CELL_LEN];

		if (!widths[i])
			continue;
		if (row)
			me_column_text(&view->columns[i], row, &look, text);
		else
			snprintf(text, sizeof(text), "%s", view->columns[i].title);
		print_cell(out, &view->columns[i], text, widths[i], i == last);
	}
}

/* The widest text of each column among the rows from `first` to `end`, the title among them. */
static void measure(const struct me_view *view, const struct me_rows *rows, size_t first,
		    size_t end, size_t *widths)
{
	const struct me_look_at look = look_at(rows);

	for (size_t i = 0; i < view->n_columns; i++) {
		widths[i] = strlen(view->columns[i].title);
		for (size_t r = first; r < end; r++) {
			char text[ME_CELL_LEN];
			size_t width;

			me_column_text(&view->columns[i], &rows->rows[r], &look, text);
			width = me_shown_width(text);
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
}

/* Prints rows of one kind below their titles. */
static void print_part(FILE *out, const struct me_view *of, const struct me_rows *rows,
		       size_t first, size_t end, size_t columns)
{
	struct me_column kept[ME_COLUMNS_MAX];
	struct me_view view = *of;
	size_t wanted[ME_COLUMNS_MAX], widths[ME_COLUMNS_MAX];

	view.n_columns = 0;
	view.columns = kept;
	for (size_t i = 0; i < of->n_columns; i++) {
		if (of->columns[i].kind != ME_COLUMN_RATE && of->columns[i].kind != ME_COLUMN_NEW)
			kept[view.n_columns++] = of->columns[i];
	}
	measure(&view, rows, first, end, wanted);
	if (columns)
		me_view_layout(&view, columns, wanted, widths);
	else
		memcpy(widths, wanted, sizeof(widths));
	print_line(out, &view, widths, rows, NULL);
	for (size_t i = first; i < end; i++)
		print_line(out, &view, widths, rows, &rows->rows[i]);
}

int me_once_print(FILE *out, enum me_view_id id, const struct me_rows *rows, size_t columns)
{
	size_t first = 0, end;

	do {
		struct me_view view = me_views[id];

		/* The titles are printed from the table: a heading only says where a part begins. */
		if (first < rows->n && rows->rows[first].heading) {
			fputc('\n', out);
			first++;
		}
		end = first;
		while (end < rows->n && !rows->rows[end].heading)
			end++;
		if (first < end)
			view = me_view_of(&view, &rows->rows[first]);
		print_part(out, &view, rows, first, end, columns);
		first = end;
	} while (first < rows->n);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

/* COLUMNS, else the terminal's width, else no limit. */
static size_t line_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && me_text_parse_u64(columns, 1, COLUMNS_MAX, &width))
		return (size_t)width;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

static int print_json(FILE *out, const struct me_reply *reply)
{
	_cleanup_free_ char *json = me_answer_ascii(reply->body, reply->len);

	if (!json)
		return -EBADMSG;
	fprintf(out, "%s\n", json);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

static int print_table(FILE *out, enum me_view_id id, const struct me_reply *reply)
{
	_cleanup_rows_ struct me_rows *rows = NULL;
	struct me_settings settings;
	int r = me_view_read(&me_views[id], false, reply->body, reply->len, &rows);

	me_settings_default(&settings);
	if (!r && me_views[id].read)
		r = me_sort_view(&me_views[id], rows, settings.order[id]);
	if (r < 0)
		return r;
	if (rows->matched > rows->n)
		fprintf(stderr, "metop: %zu of %" PRIu64 " rows; --limit and --filter say which\n",
			rows->n, rows->matched);
	return me_once_print(out, id, rows, line_width(out));
}

static int fetch(const struct me_options *options, const char *path, struct me_reply *ret_reply)
{
	_cleanup_api_ struct me_api *api = NULL;
	int r;

	r = me_api_new(&options->source, &api);
	if (!r)
		r = me_api_start(api, ME_API_LIST, path);
	while (!r && !me_api_next(api, ret_reply))
		r = me_api_wait(api, NULL, NULL, 0, ME_API_SILENT_S * 1000);
	return r;
}

int me_once(const struct me_options *options, FILE *out, struct me_trouble *ret_trouble)
{
	const struct me_view *view = &me_views[options->view];
	struct me_query query = {
		.view = options->view,
		.limit = options->limit,
		.order = options->sorts ? options->order : me_view_first_order(view, view->asked),
		.filter = options->filter,
	};
	_cleanup_strbuf_ struct me_strbuf path = {0};
	_cleanup_reply_ struct me_reply reply = {0};
	int r;

	me_query_path(&query, &path);
	r = path.err ? path.err : fetch(options, path.data, &reply);
	if (r < 0)
		return r;
	if (!reply.status) {
		*ret_trouble = reply.trouble;
		reply.trouble = (struct me_trouble){0};
		return -ENOTCONN;
	}
	if (reply.status >= 300) {
		_cleanup_free_ char *error = me_answer_error(reply.body, reply.len);

		me_strbuf_addf(&ret_trouble->what, "mewatch says: %s",
			       error ? error : "something that is no error of its own");
		return reply.status >= 400 && reply.status < 500 ? -EINVAL : -EBADMSG;
	}
	r = options->mode == ME_MODE_JSON ? print_json(out, &reply)
					  : print_table(out, options->view, &reply);
	if (r == -EBADMSG)
		me_strbuf_adds(&ret_trouble->what, "this answer is not one of mewatch");
	return r;
}
