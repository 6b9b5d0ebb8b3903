/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_STORY_H
#define METOP_STORY_H

/* What happened to the row whose detail is open, line by line: the API's story of it. */
#include "base/strbuf.h"
#include "metop/view.h"

#define ME_STORY_NAME 22 /* columns of a line's time and step: "08:16:39.750 recovered" */

struct me_story {
	char *path;            /* that is asked for; NULL: none */
	struct me_rows *lines; /* NULL: no answer yet */
};

/*
 * A line is a row with two fields: the text, which has the line's time and step as its name; and
 * `state`, a word that has a mark (metop/view.h) or "".
 */
#define ME_STORY_MARK 2 /* bytes at the beginning of the text: the mark and a space */
#define ME_STORY_TEXT 0
#define ME_STORY_STATE 1

/* Forgets everything. */
void me_story_clear(struct me_story *story);

/* Appends the path of the story of a row (may be NULL) of a view; nothing where there is none. */
void me_story_path(const struct me_view *view, const struct me_row *row, struct me_strbuf *path);

/* Begins to be about `path`. 0 or -ENOMEM. */
int me_story_ask(struct me_story *story, const char *path);

/* Takes the answer in. 0, -EBADMSG or -ENOMEM, and what was known stays. */
int me_story_take(struct me_story *story, const char *body, size_t len);

#endif
