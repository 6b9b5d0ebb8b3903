/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdio.h>
#include "metop/draw.h"
#include "metop/format.h"
#include "metop/headline.h"

#define LINES_SMALL 8  /* below this the tabs and all but one line of the headline go */
#define LINES_PULSE 20 /* from here on there is a line for the bars of what happens */
#define LINES_MIN 5    /* on less nothing can be read */
#define COLUMNS_MIN 20
#define HEADLINE_SHARE 8 /* one line of the headline for so many of the screen */
#define HEADLINE_MAX 4
#define TABLE_MIN 4 /* lines of the table that a detail pane leaves, where it can */

static size_t draw_headline(const struct me_model *model, struct me_screen *screen,
			    const char *host, uint64_t now_ns)
{
	size_t lines = me_screen_lines(screen) / HEADLINE_SHARE;
	struct me_headline headline;

	lines = lines < 1 ? 1 : lines > HEADLINE_MAX ? HEADLINE_MAX : lines;
	me_headline(model, host, now_ns, me_screen_columns(screen), lines, &headline);
	for (size_t i = 0; i < headline.n; i++) {
		const struct me_piece *piece = &headline.pieces[i];

		if (piece->shown && piece->line < headline.lines)
			me_screen_put(screen, piece->line, piece->column, piece->width,
				      piece->style, piece->text);
	}
	return headline.lines;
}

/* "1 Flows [2 Endpoints] …": the brackets tell where there is neither colour nor bold. */
static size_t draw_tabs(const struct me_model *model, struct me_screen *screen, size_t line)
{
	size_t column = 0;

	for (size_t i = 0; i < ME_VIEWS; i++) {
		bool front = i == model->view;
		char text[2 * ME_FORMAT_LEN], news[ME_FORMAT_LEN + 2] = "";
		int n;

		if (i == ME_VIEW_VIOLATIONS && model->news.count) {
			news[0] = '+';
			me_format_quantity((double)model->news.count, news + 1);
		}
		n = snprintf(text, sizeof(text), "%c%zu %s%s%s%c", front ? '[' : ' ', i + 1,
			     me_views[i].title, *news ? " " : "", news, front ? ']' : ' ');

		me_screen_put(screen, line, column, (size_t)n,
			      *news   ? ME_STYLE_BAD
			      : front ? ME_STYLE_ACCENT
				      : ME_STYLE_PLAIN,
			      text);
		column += (size_t)n + 1;
	}
	return column;
}

static void draw_state(const struct me_model *model, struct me_screen *screen, size_t line,
		       size_t column)
{
	const struct me_view view = me_model_columns(model);
	const struct me_order order = me_model_order(model);
	char text[2 * ME_FORMAT_LEN];
	int n;

	if (model->frozen) {
		me_screen_put(screen, line, column, 8, ME_STYLE_WAIT, "[FROZEN]");
		column += 10;
	}
	if (model->lists[model->view].following) {
		me_screen_put(screen, line, column, 8, ME_STYLE_WAIT, "[FOLLOW]");
		column += 10;
	}
	n = snprintf(text, sizeof(text), "by %s %s%s", view.columns[order.column].title,
		     order.desc ? "desc" : "asc",
		     me_model_sorts_some(model) ? ", of the latest" : "");
	me_screen_put(screen, line, column, (size_t)n, ME_STYLE_DIM, text);
}

/* The titles of the columns; `flag` is ME_STYLE_SELECTED or 0. */
static void draw_titles(const struct me_model *model, struct me_screen *screen, size_t line,
			size_t part, unsigned int flag)
{
	const struct me_view of = me_view_part(&me_views[model->view], part), *view = &of;
	size_t sort = model->settings.order[model->view][part].column;
	size_t widths[ME_COLUMNS_MAX], column = 1;

	me_view_layout(view, me_screen_columns(screen) - 1, NULL, widths);
	me_screen_put(screen, line, 0, me_screen_columns(screen), ME_STYLE_TITLE | flag,
		      flag ? ">" : "");
	for (size_t i = 0; i < view->n_columns; i++) {
		unsigned int style = (i == sort ? ME_STYLE_SORTED : ME_STYLE_TITLE) | flag;

		if (!widths[i])
			continue;
		if (me_column_is_right(&view->columns[i]))
			me_screen_put_right(screen, line, column, widths[i], style,
					    view->columns[i].title);
		else
			me_screen_put(screen, line, column, widths[i], style,
				      view->columns[i].title);
		column += widths[i] + 1;
	}
}

static void draw_row(const struct me_model *model, struct me_screen *screen, size_t line,
		     const struct me_row *row, bool selected)
{
	const struct me_view of = me_view_of(&me_views[model->view], row), *view = &of;
	const struct me_view part = me_view_part(&me_views[model->view], row->part);
	const struct me_look_at look = me_model_look(model);
	enum me_style row_style = me_view_row_style(view, row);
	unsigned int flag = selected ? ME_STYLE_SELECTED : 0;
	size_t widths[ME_COLUMNS_MAX], column = 1;

	if (row->heading) {
		draw_titles(model, screen, line, row->part, flag);
		return;
	}
	me_view_layout(&part, me_screen_columns(screen) - 1, NULL, widths);
	me_screen_put(screen, line, 0, me_screen_columns(screen), ME_STYLE_PLAIN | flag,
		      selected ? ">" : "");
	for (size_t i = 0; i < view->n_columns; i++) {
		unsigned int style = me_column_style(&view->columns[i], row_style) | flag;
		char text[ME_CELL_LEN];

		if (!widths[i])
			continue;
		me_column_text(&view->columns[i], row, &look, text);
		if (me_column_is_right(&view->columns[i]))
			me_screen_put_right(screen, line, column, widths[i], style, text);
		else
			me_screen_put(screen, line, column, widths[i], style, text);
		column += widths[i] + 1;
	}
}

static void draw_table(struct me_model *model, struct me_screen *screen, struct me_area area)
{
	const struct me_list *list = &model->lists[model->view];
	const struct me_view *view = &me_views[model->view];
	size_t columns = me_screen_columns(screen);
	const struct me_row *top;

	model->page = area.lines > 1 ? area.lines - 1 : 1;
	me_model_scroll(model);
	top = me_list_row(list, list->top);
	draw_titles(model, screen, area.top, top ? top->part : 0, 0);
	for (size_t i = 0; i + 1 < area.lines; i++) {
		const struct me_row *row = me_list_row(list, list->top + i);

		if (row)
			draw_row(model, screen, area.top + 1 + i, row,
				 list->top + i == list->position && !list->gone);
	}
	if (!list->rows)
		me_screen_put(screen, area.top + 1, 1, columns, ME_STYLE_DIM, "waiting for data");
	else if (!list->rows->n && !list->rows->matched)
		me_screen_put(screen, area.top + 1, 1, columns, ME_STYLE_DIM,
			      *model->filter && list->rows->total ? "the filter leaves no row"
								  : view->empty);
}

/* Which size it takes, as far as there is room to say so. */
static void draw_too_small(struct me_screen *screen)
{
	char text[ME_FORMAT_LEN];

	snprintf(text, sizeof(text), "needs %dx%d", COLUMNS_MIN, LINES_MIN);
	me_screen_put(screen, 0, 0, me_screen_columns(screen), ME_STYLE_WAIT, text);
	snprintf(text, sizeof(text), "has %zux%zu", me_screen_columns(screen),
		 me_screen_lines(screen));
	me_screen_put(screen, 1, 0, me_screen_columns(screen), ME_STYLE_PLAIN, text);
}

int me_draw(struct me_model *model, struct me_screen *screen, const char *host, uint64_t now_ns)
{
	size_t lines = me_screen_lines(screen), pane = 0;
	struct me_area body;
	int r = 0;

	me_screen_erase(screen);
	if (lines < LINES_MIN || me_screen_columns(screen) < COLUMNS_MIN) {
		draw_too_small(screen);
		return 0;
	}
	if (!model->fresh_ns && model->panel != ME_PANEL_HELP) {
		me_draw_trouble(model, screen, (struct me_area){0, lines - 1}, now_ns);
		me_draw_footer(model, screen, now_ns);
		return 0;
	}
	body.top = draw_headline(model, screen, host, now_ns);
	if (lines >= LINES_PULSE)
		me_draw_pulse(model, screen, body.top++);
	if (lines >= LINES_SMALL) {
		draw_state(model, screen, body.top, draw_tabs(model, screen, body.top) + 1);
		body.top++;
	}
	body.lines = lines > body.top + 1 ? lines - 1 - body.top : 0;
	if (model->panel == ME_PANEL_HELP) {
		model->page = body.lines;
		me_draw_help(model, screen, body);
	} else {
		if (model->detail) {
			size_t wanted = me_draw_detail_lines(model, screen);

			/* On a screen too small for both, the pane has it all. */
			pane = body.lines > 2 * TABLE_MIN ? body.lines - TABLE_MIN : body.lines;
			if (pane > wanted)
				pane = wanted;
		}
		if (body.lines > pane)
			draw_table(model, screen, (struct me_area){body.top, body.lines - pane});
		if (pane)
			r = me_draw_detail(model, screen,
					   (struct me_area){body.top + body.lines - pane, pane});
		if (model->panel == ME_PANEL_CHOOSER)
			me_draw_chooser(model, screen, body);
	}
	me_draw_footer(model, screen, now_ns);
	return r;
}
