/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/story.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "metop/answer.h"
#include "metop/query.h"

#define TIME_LEN 12 /* "08:16:39.750", or "01-14 08:16 " on another day */

void me_story_clear(struct me_story *story)
{
	me_rows_free(&story->lines);
	free(story->path);
	story->path = NULL;
}

void me_story_path(const struct me_view *view, const struct me_row *row, struct me_strbuf *path)
{
	if (!row || row->heading || !view->story[0])
		return;
	for (size_t i = 0; i < ME_VIEW_STORY && view->story[i]; i++)
		if (!me_row_text(row, view->story[i]))
			return;
	me_strbuf_addf(path, "/v1/%s", view->name);
	for (size_t i = 0; i < ME_VIEW_STORY && view->story[i]; i++) {
		me_strbuf_addc(path, '/');
		me_query_add_encoded(path, me_row_text(row, view->story[i]));
	}
}

int me_story_ask(struct me_story *story, const char *path)
{
	char *kept;

	if (story->path && !strcmp(story->path, path))
		return 0;
	kept = strdup(path);
	if (!kept)
		return -ENOMEM;
	me_story_clear(story);
	story->path = kept;
	return 0;
}

/* The step's time as short as can be beside `now`: both as the API writes them. */
static void short_time(const char *ts, const char *now, char out[TIME_LEN + 1])
{
	size_t day = sizeof("2027-01-14") - 1;
	bool whole = strlen(ts) > day && ts[day] == 'T';

	if (!whole)
		snprintf(out, TIME_LEN + 1, "%s", "");
	else if (!strncmp(ts, now, day))
		snprintf(out, TIME_LEN + 1, "%.*s", (int)strcspn(ts + day + 1, "Z"), ts + day + 1);
	else
		snprintf(out, TIME_LEN + 1, "%.5s %.5s", ts + 5, ts + day + 1);
}

/* The word that has a mark: the verdict with which the text begins, or the step itself. */
static void state_of(const char *step, const char *text, char *out, size_t size)
{
	enum me_style style;

	snprintf(out, size, "%.*s", (int)strcspn(text, " ,:;"), text);
	if (strcmp(step, "verdict") && strcmp(step, "flow"))
		snprintf(out, size, "%s",
			 !strcmp(step, "worked")      ? "good"
			 : !strcmp(step, "failed")    ? "failing"
			 : !strcmp(step, "finding")   ? "notice"
			 : !strcmp(step, "recovered") ? "good"
						      : step);
	if (me_view_mark(out, &style) == ' ')
		*out = '\0';
}

static void add_line(struct me_rows *lines, const struct me_row *step, const char *now)
{
	const char *ts = me_row_text(step, "ts"), *what = me_row_text(step, "step");
	const char *text = me_row_text(step, "text"), *flow = me_row_text(step, "flow");
	char name[ME_STORY_NAME + 1], time[TIME_LEN + 1], state[ME_STORY_NAME];
	_cleanup_strbuf_ struct me_strbuf line = {0};
	enum me_style style;

	if (!ts || !what || !text)
		return;
	short_time(ts, now, time);
	snprintf(name, sizeof(name), "%-*s %s", TIME_LEN, time, what);
	state_of(what, text, state, sizeof(state));
	me_strbuf_addf(&line, "%c %s", me_view_mark(state, &style), text);
	if (flow)
		me_strbuf_addf(&line, ", flow %s", flow);
	if (line.err) {
		lines->err = line.err;
		return;
	}
	me_rows_begin(lines);
	me_rows_add_text(lines, name, line.data);
	me_rows_add_text(lines, "state", state);
}

int me_story_take(struct me_story *story, const char *body, size_t len)
{
	_cleanup_rows_ struct me_rows *steps = NULL;
	_cleanup_rows_ struct me_rows *lines = me_rows_new();
	char now[ME_RFC3339_LEN];
	int r = lines ? me_answer_list(body, len, "steps", NULL, 0, &steps) : -ENOMEM;

	if (r < 0)
		return r;
	me_clock_rfc3339(steps->ts_ns, now);
	for (size_t i = 0; i < steps->n; i++)
		add_line(lines, &steps->rows[i], now);
	if (lines->err)
		return lines->err;
	me_rows_free(&story->lines);
	story->lines = me_steal_ptr(&lines);
	return 0;
}
