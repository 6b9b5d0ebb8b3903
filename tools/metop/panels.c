/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include "base/clock.h"
#include "metop/detail.h"
#include "metop/draw.h"
#include "metop/format.h"
#include "metop/keys.h"
#include "metop/shown.h"

#define HELP_KEYS 16 /* columns for the names of keys */
#define CHOOSER_COLUMNS 60

/* Lays out the selected row with all that is known about it; *ret_rows holds the text. */
static int lay_out(const struct me_model *model, const struct me_screen *screen,
		   struct me_rows **ret_rows, struct me_detail *ret_detail)
{
	int r = me_known_row(&model->known, me_model_selected(model), ret_rows);

	return r < 0 ? r
		     : me_detail_lay_out(model->story.lines, &(*ret_rows)->rows[0],
					 me_screen_columns(screen), ret_detail);
}

/* A rule across the screen with a title in it. */
static void draw_rule(struct me_screen *screen, size_t line, const char *title)
{
	me_screen_put(screen, line, 0, me_screen_columns(screen), ME_STYLE_TITLE, title);
}

size_t me_draw_detail_lines(const struct me_model *model, const struct me_screen *screen)
{
	_cleanup_detail_ struct me_detail detail = {0};
	_cleanup_rows_ struct me_rows *rows = NULL;

	if (!me_model_selected(model) || lay_out(model, screen, &rows, &detail) < 0)
		return 2;
	return detail.lines + 1;
}

int me_draw_detail(struct me_model *model, struct me_screen *screen, struct me_area area)
{
	const struct me_list *list = &model->lists[model->view];
	size_t columns = me_screen_columns(screen), room = area.lines - 1, most;
	_cleanup_detail_ struct me_detail detail = {0};
	_cleanup_rows_ struct me_rows *rows = NULL;
	char title[128];
	int r;

	if (!me_model_selected(model)) {
		draw_rule(screen, area.top, " detail");
		me_screen_put(screen, area.top + 1, 1, columns, ME_STYLE_DIM,
			      list->gone ? "this row is no longer in the list" : "no row");
		return 0;
	}
	r = lay_out(model, screen, &rows, &detail);
	if (r < 0)
		return r;
	most = detail.lines > room ? detail.lines - room : 0;
	if (model->detail_scroll > most)
		model->detail_scroll = most;
	snprintf(title, sizeof(title),
		 most ? " detail, times in UTC  lines %zu-%zu of %zu  [ ] scroll"
		      : " detail, times in UTC",
		 model->detail_scroll + 1, model->detail_scroll + room, detail.lines);
	draw_rule(screen, area.top, title);
	for (size_t i = 0; i < detail.n; i++) {
		const struct me_detail_item *item = &detail.items[i];
		_cleanup_free_ char *text = NULL;
		size_t line = area.top + 1 + item->line - model->detail_scroll;

		if (item->line < model->detail_scroll || item->line >= model->detail_scroll + room)
			continue;
		text = strndup(item->text, item->bytes);
		if (!text)
			return -ENOMEM;
		if (item->name)
			me_screen_put(screen, line, item->column, item->name_width, ME_STYLE_ACCENT,
				      item->name);
		if (item->bytes)
			me_screen_put(screen, line,
				      item->column + item->name_width + (item->name_width > 0),
				      item->width, item->style, text);
	}
	return 0;
}

struct help {
	struct me_screen *screen;
	struct me_area area;
	size_t skip, line;
};

static void help_line(struct help *help, enum me_style style, const char *left, const char *right)
{
	size_t columns = me_screen_columns(help->screen), at = help->line++;

	if (at < help->skip || at - help->skip >= help->area.lines)
		return;
	at = help->area.top + at - help->skip;
	me_screen_put(help->screen, at, 1, right ? HELP_KEYS : columns, style, left);
	if (right)
		me_screen_put(help->screen, at, 1 + HELP_KEYS + 1, columns, ME_STYLE_PLAIN, right);
}

static void help_columns(struct help *help, const struct me_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		help_line(help, ME_STYLE_PLAIN, columns[i].title, columns[i].help);
}

static void help_text(struct help *help, const struct me_view *view)
{
	char names[ME_KEYS_OF_ACTION * ME_KEY_NAME_LEN];

	help_line(help, ME_STYLE_STRONG, "Keys", NULL);
	for (size_t i = 0; i < me_n_bindings; i++) {
		me_binding_names(&me_bindings[i], names);
		help_line(help, ME_STYLE_PLAIN, names, me_bindings[i].what);
	}
	help_line(help, ME_STYLE_PLAIN, "", NULL);
	help_line(help, ME_STYLE_STRONG, "Keys while a filter is typed", NULL);
	for (size_t i = 0; i < me_n_prompt_bindings; i++) {
		me_binding_names(&me_prompt_bindings[i], names);
		help_line(help, ME_STYLE_PLAIN, names, me_prompt_bindings[i].what);
	}
	help_line(help, ME_STYLE_PLAIN, "", NULL);
	help_line(help, ME_STYLE_STRONG, "Columns of this view", NULL);
	if (!view->parts)
		help_columns(help, view->columns, view->n_columns);
	for (size_t i = 0; i < view->n_parts; i++) {
		help_line(help, ME_STYLE_DIM, view->parts[i].name, view->parts[i].about);
		help_columns(help, view->parts[i].columns, view->parts[i].n_columns);
	}
	help_line(help, ME_STYLE_PLAIN, "", NULL);
	help_line(help, ME_STYLE_STRONG, "Marks", NULL);
	help_line(help, ME_STYLE_BAD, "! red", "violation, failing, problem");
	help_line(help, ME_STYLE_WAIT, "? ~ yellow", "pending, unresolved, overdue: look again");
	help_line(help, ME_STYLE_GOOD, "+ green", "allowed, working");
	help_line(help, ME_STYLE_DIM, ". - ~ dim", "local, never used, gone, retired");
}

void me_draw_help(struct me_model *model, struct me_screen *screen, struct me_area area)
{
	const struct me_view *view = &me_views[model->view];
	/* Below the screen's end nothing is drawn: this counts the lines. */
	struct help help = {.screen = screen, .skip = SIZE_MAX};
	size_t most;

	help_text(&help, view);
	most = help.line > area.lines ? help.line - area.lines : 0;
	if (model->help_scroll > most)
		model->help_scroll = most;
	help = (struct help){screen, area, model->help_scroll, 0};
	help_text(&help, view);
}

void me_draw_chooser(const struct me_model *model, struct me_screen *screen, struct me_area area)
{
	const struct me_view view = me_model_columns(model);
	size_t sort = me_model_order(model).column;
	size_t columns = me_screen_columns(screen), rows = area.lines > 1 ? area.lines - 1 : 0;
	size_t width = columns < CHOOSER_COLUMNS ? columns : CHOOSER_COLUMNS;
	size_t left = (columns - width) / 2;
	size_t first = model->choice >= rows ? model->choice - rows + 1 : 0;

	me_screen_put(screen, area.top, left, width, ME_STYLE_TITLE,
		      " sort by: Up, Down, Enter; r: other direction; Esc");
	for (size_t i = first; i < view.n_columns && i - first < rows; i++) {
		const struct me_column *column = &view.columns[i];
		bool here = i == model->choice;
		bool desc = i == sort ? me_model_order(model).desc : me_column_starts_desc(column);
		char text[ME_CELL_LEN];

		if (here)
			desc = model->choice_desc;
		snprintf(text, sizeof(text), "%c%c%-12s %-4s %s", here ? '>' : ' ',
			 i == sort ? '*' : ' ', column->title, desc ? "desc" : "asc", column->help);
		me_screen_put(screen, area.top + 1 + i - first, left, width,
			      ME_STYLE_PLAIN | (here ? ME_STYLE_SELECTED : 0u), text);
	}
}

/* Writes text (NULL: none) over as many lines as it needs, before line `end`; the line after it. */
static size_t draw_folded(struct me_screen *screen, size_t line, size_t end, unsigned int style,
			  const char *text)
{
	size_t columns = me_screen_columns(screen), width = columns > 4 ? columns - 4 : columns;

	while (text && *text && line < end) {
		size_t bytes = me_shown_bytes(text, width);
		_cleanup_free_ char *part = NULL;

		/* Between words, where there are some. */
		for (size_t i = bytes; text[bytes] && i > bytes / 2; i--) {
			if (text[i] == ' ') {
				bytes = i;
				break;
			}
		}
		part = strndup(text, bytes);
		me_screen_put(screen, line++, columns > 4 ? 2 : 0, width, style, part ? part : "");
		text += bytes;
		while (*text == ' ')
			text++;
	}
	return line;
}

/* ", again in 12s", or nothing while it is being asked. */
static void again_text(const struct me_model *model, uint64_t now_ns, char out[2 * ME_FORMAT_LEN])
{
	char age[ME_FORMAT_LEN];

	*out = '\0';
	if (model->waiting || model->due_ns <= now_ns)
		return;
	me_format_age((model->due_ns - now_ns + ME_NS_PER_S - 1) / ME_NS_PER_S, age);
	snprintf(out, 2 * ME_FORMAT_LEN, ", again in %s", age);
}

void me_draw_trouble(const struct me_model *model, struct me_screen *screen, struct me_area area,
		     uint64_t now_ns)
{
	char again[2 * ME_FORMAT_LEN], note[sizeof(again) + 64];

	const struct me_trouble *trouble = &model->trouble;
	size_t line = area.top + (area.lines > 6 ? area.lines / 3 : 0);
	size_t end = area.top + area.lines;

	if (trouble->what.data) {
		line = draw_folded(screen, line, end, ME_STYLE_BAD, trouble->what.data);
		line = draw_folded(screen, line, end, ME_STYLE_PLAIN, trouble->remedy.data);
		again_text(model, now_ns, again);
		snprintf(note, sizeof(note), "trying until it answers%s (Ctrl-L: now)", again);
		draw_folded(screen, line, end, ME_STYLE_DIM, note);
	} else if (model->refusal) {
		draw_folded(screen, line, end, ME_STYLE_BAD, model->refusal);
	} else {
		draw_folded(screen, line, end, ME_STYLE_DIM, "asking mewatch");
	}
}

static void draw_prompt(const struct me_model *model, struct me_screen *screen, size_t line)
{
	size_t columns = me_screen_columns(screen), room = columns > 2 ? columns - 2 : 1;
	const struct me_prompt *prompt = &model->prompt;
	char before[ME_FILTER_MAX + 1], here[ME_FILTER_MAX + 1];
	const char *text = before, *after = prompt->text + prompt->cursor;
	size_t used;

	snprintf(before, sizeof(before), "%.*s", (int)prompt->cursor, prompt->text);
	snprintf(here, sizeof(here), "%.*s", (int)(*after ? me_shown_bytes(after, 1) : 0), after);
	/* What is before the cursor is what is being typed. */
	while (*text && me_shown_width(text) + 1 > room)
		text += me_shown_bytes(text, 1);
	used = 1 + me_shown_width(text);
	me_screen_put(screen, line, 0, 1, ME_STYLE_STRONG, "/");
	me_screen_put(screen, line, 1, columns, ME_STYLE_PLAIN, text);
	me_screen_put(screen, line, used, columns, ME_STYLE_PLAIN, after);
	me_screen_put(screen, line, used, *here ? me_shown_width(here) : 1,
		      ME_STYLE_PLAIN | ME_STYLE_SELECTED, here);
	if (prompt->error && line)
		me_screen_put(screen, line - 1, 0, columns, ME_STYLE_BAD, prompt->error);
}

/* What is shown of the list, and then the keys for which there is room. */
static void draw_hints(const struct me_model *model, struct me_screen *screen, size_t line,
		       size_t room)
{
	_cleanup_strbuf_ struct me_strbuf shown = {0};
	size_t column = 0;

	me_model_shown(model, &shown);
	if (model->notice)
		me_screen_put(screen, line, 0, room, ME_STYLE_WAIT, model->notice);
	if (model->notice || shown.err)
		return;
	if (shown.len) {
		column = me_shown_width(shown.data);
		column = column < room ? column : room;
		me_screen_put(screen, line, 0, column, ME_STYLE_WAIT, shown.data);
		column += 2;
	}

	for (size_t i = 0; i < me_n_bindings; i++) {
		char key[ME_KEY_NAME_LEN], text[2 * ME_KEY_NAME_LEN];
		size_t width;

		if (!me_bindings[i].hint)
			continue;
		me_key_name(me_bindings[i].keys[0], key);
		width = (size_t)snprintf(text, sizeof(text), "%s %s", key, me_bindings[i].hint);
		if (column + width > room)
			return;
		me_screen_put(screen, line, column, strlen(key), ME_STYLE_ACCENT, key);
		me_screen_put(screen, line, column + strlen(key) + 1, strlen(me_bindings[i].hint),
			      ME_STYLE_PLAIN, me_bindings[i].hint);
		column += width + 2;
	}
}

/* Why there are no new data, and when it is tried again; the latter has its place. */
static void draw_failure(const struct me_model *model, struct me_screen *screen, size_t line,
			 size_t room, uint64_t now_ns)
{
	char again[2 * ME_FORMAT_LEN];
	size_t width, at;

	again_text(model, now_ns, again);
	width = strlen(again) < room ? strlen(again) : room;
	me_screen_put(screen, line, 0, room - width, ME_STYLE_BAD, model->trouble.what.data);
	at = me_shown_width(model->trouble.what.data);
	at = at < room - width ? at : room - width;
	me_screen_put(screen, line, at, width, ME_STYLE_WAIT, again);
}

void me_draw_footer(const struct me_model *model, struct me_screen *screen, uint64_t now_ns)
{
	const struct me_list *list = &model->lists[model->view];
	uint64_t count = me_list_count(model, model->view);
	size_t line = me_screen_lines(screen) - 1, columns = me_screen_columns(screen);
	char at[ME_FORMAT_LEN], of[ME_FORMAT_LEN], place[2 * ME_FORMAT_LEN + ME_FORMAT_LEN];
	size_t width;

	if (model->panel == ME_PANEL_FILTER) {
		draw_prompt(model, screen, line);
		return;
	}
	me_format_count(count ? list->position + 1 : 0, at);
	me_format_count(count, of);
	width = (size_t)snprintf(place, sizeof(place), "%s/%s", at, of);
	width = width < columns ? width : columns;
	if (model->fresh_ns && model->trouble.what.data)
		draw_failure(model, screen, line, columns - width - (width < columns), now_ns);
	else if (model->fresh_ns && model->refusal)
		me_screen_put(screen, line, 0, columns - width, ME_STYLE_BAD, model->refusal);
	else
		draw_hints(model, screen, line, columns - width - 1);
	if (model->fresh_ns)
		me_screen_put_right(screen, line, columns - width, width, ME_STYLE_PLAIN, place);
}
