/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_PROMPT_H
#define METOP_PROMPT_H

/* The line on which a filter is typed, and the filters that were in force before. */
#include <stddef.h>
#include "metop/keys.h"

#define ME_FILTER_MAX 255     /* bytes; more are not taken in */
#define ME_PROMPT_HISTORY 50u /* lines that are remembered; then the oldest is forgotten */

struct me_prompt {
	char text[ME_FILTER_MAX + 1];
	size_t cursor;                 /* bytes before it */
	char draft[ME_FILTER_MAX + 1]; /* what was typed before a line of the history was called */
	char history[ME_PROMPT_HISTORY][ME_FILTER_MAX + 1]; /* the oldest first */
	size_t n;
	size_t at;   /* the line of the history that is shown; n: none */
	char *error; /* what is wrong with the text, until it is changed; or NULL */
};

/* Begins with a text, the cursor behind it. */
void me_prompt_begin(struct me_prompt *prompt, const char *text);
/* Does to the text what the key asks for; a key that means nothing here types its character. */
void me_prompt_key(struct me_prompt *prompt, int key);
/* Remembers a line as the latest; an empty one is not. */
void me_prompt_remember(struct me_prompt *prompt, const char *text);
/* Takes over what is wrong; NULL: nothing. */
void me_prompt_set_error(struct me_prompt *prompt, char *error);

#endif
