/* SPDX-License-Identifier: GPL-2.0-only */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "metop/prompt.h"

void me_prompt_set_error(struct me_prompt *prompt, char *error)
{
	free(prompt->error);
	prompt->error = error;
}

static void set_text(struct me_prompt *prompt, const char *text)
{
	snprintf(prompt->text, sizeof(prompt->text), "%s", text);
	prompt->cursor = strlen(prompt->text);
}

void me_prompt_begin(struct me_prompt *prompt, const char *text)
{
	set_text(prompt, text);
	prompt->at = prompt->n;
	me_prompt_set_error(prompt, NULL);
}

static bool inside_character(char byte)
{
	return (byte & 0xc0) == 0x80;
}

static size_t left_of(const struct me_prompt *prompt)
{
	size_t at = prompt->cursor;

	at -= at > 0;
	while (at && inside_character(prompt->text[at]))
		at--;
	return at;
}

static size_t right_of(const struct me_prompt *prompt)
{
	size_t at = prompt->cursor;

	at += prompt->text[at] != '\0';
	while (inside_character(prompt->text[at]))
		at++;
	return at;
}

/* The beginning of the word before the cursor. */
static size_t word_left_of(const struct me_prompt *prompt)
{
	size_t at = prompt->cursor;

	while (at && prompt->text[at - 1] == ' ')
		at--;
	while (at && prompt->text[at - 1] != ' ')
		at--;
	return at;
}

/* Takes out the bytes from `first` to `end`; the cursor is where they were. */
static void cut(struct me_prompt *prompt, size_t first, size_t end)
{
	memmove(prompt->text + first, prompt->text + end, strlen(prompt->text + end) + 1);
	prompt->cursor = first;
}

static void type(struct me_prompt *prompt, int key)
{
	char bytes[MB_LEN_MAX + 1] = {0};
	size_t len = strlen(prompt->text);
	mbstate_t state = {0};
	size_t n;

	if (key < ' ' || key == 0x7f || key >= ME_KEY_SPECIAL)
		return;
	n = wcrtomb(bytes, (wchar_t)key, &state);
	if (n == (size_t)-1 || len + n > ME_FILTER_MAX)
		return;
	memmove(prompt->text + prompt->cursor + n, prompt->text + prompt->cursor,
		len - prompt->cursor + 1);
	memcpy(prompt->text + prompt->cursor, bytes, n);
	prompt->cursor += n;
}

/* The line before or after; beyond the latest stands what was typed. */
static void call(struct me_prompt *prompt, size_t at)
{
	if (prompt->at == prompt->n)
		memcpy(prompt->draft, prompt->text, sizeof(prompt->draft));
	prompt->at = at;
	set_text(prompt, at == prompt->n ? prompt->draft : prompt->history[at]);
}

void me_prompt_key(struct me_prompt *prompt, int key)
{
	size_t len = strlen(prompt->text);

	me_prompt_set_error(prompt, NULL);
	switch (me_prompt_action(key)) {
	case ME_ACTION_EDIT_LEFT:
		prompt->cursor = left_of(prompt);
		break;
	case ME_ACTION_EDIT_RIGHT:
		prompt->cursor = right_of(prompt);
		break;
	case ME_ACTION_EDIT_HOME:
		prompt->cursor = 0;
		break;
	case ME_ACTION_EDIT_END:
		prompt->cursor = len;
		break;
	case ME_ACTION_EDIT_ERASE:
		cut(prompt, left_of(prompt), prompt->cursor);
		break;
	case ME_ACTION_EDIT_DELETE:
		cut(prompt, prompt->cursor, right_of(prompt));
		break;
	case ME_ACTION_EDIT_WORD:
		cut(prompt, word_left_of(prompt), prompt->cursor);
		break;
	case ME_ACTION_EDIT_CLEAR:
		cut(prompt, 0, len);
		break;
	case ME_ACTION_EDIT_REST:
		cut(prompt, prompt->cursor, len);
		break;
	case ME_ACTION_EDIT_EARLIER:
		if (prompt->at)
			call(prompt, prompt->at - 1);
		break;
	case ME_ACTION_EDIT_LATER:
		if (prompt->at < prompt->n)
			call(prompt, prompt->at + 1);
		break;
	default:
		type(prompt, key);
	}
}

void me_prompt_remember(struct me_prompt *prompt, const char *text)
{
	size_t at = 0;

	if (!*text)
		return;
	while (at < prompt->n && strcmp(prompt->history[at], text))
		at++;
	/* One that was there becomes the latest; else the oldest gives way where it must. */
	if (at == prompt->n)
		at = prompt->n < ME_PROMPT_HISTORY ? prompt->n++ : 0;
	memmove(prompt->history[at], prompt->history[at + 1],
		(prompt->n - at - 1) * sizeof(prompt->history[0]));
	snprintf(prompt->history[prompt->n - 1], sizeof(prompt->history[0]), "%s", text);
}
