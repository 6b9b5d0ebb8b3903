/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_KEYS_H
#define METOP_KEYS_H

/* Keys and what they do: one table, read by the live view, its help screen, its footer and --help. */
#include <stddef.h>

/* A key is a Unicode character, or one of these. */
enum me_key {
	ME_KEY_NONE = 0,
	ME_KEY_TAB = '\t',
	ME_KEY_ENTER = '\n',
	ME_KEY_ESCAPE = 27,
	ME_KEY_SPECIAL = 0x110000, /* beyond Unicode */
	ME_KEY_UP,
	ME_KEY_DOWN,
	ME_KEY_LEFT,
	ME_KEY_RIGHT,
	ME_KEY_PAGE_UP,
	ME_KEY_PAGE_DOWN,
	ME_KEY_HOME,
	ME_KEY_END,
	ME_KEY_BACKSPACE,
	ME_KEY_BACKTAB,
	ME_KEY_DELETE,
	ME_KEY_F0,
	ME_KEY_F_LAST = ME_KEY_F0 + 12,
};

#define ME_KEY_CONTROL(letter) ((letter)&0x1f)

enum me_action {
	ME_ACTION_NONE,
	ME_ACTION_ENDPOINTS, /* in the order of enum me_view_id */
	ME_ACTION_FLOWS,
	ME_ACTION_VIOLATIONS,
	ME_ACTION_DNS,
	ME_ACTION_HEALTH,
	ME_ACTION_NEXT_VIEW,
	ME_ACTION_PREVIOUS_VIEW,
	ME_ACTION_UP,
	ME_ACTION_DOWN,
	ME_ACTION_PAGE_UP,
	ME_ACTION_PAGE_DOWN,
	ME_ACTION_HOME,
	ME_ACTION_END,
	ME_ACTION_DETAIL,
	ME_ACTION_DETAIL_UP,
	ME_ACTION_DETAIL_DOWN,
	ME_ACTION_FOLLOW,
	ME_ACTION_TREE,
	ME_ACTION_FOLD_OR_NOT,
	ME_ACTION_UNFOLD,
	ME_ACTION_FOLD,
	ME_ACTION_FOLD_ALL,
	ME_ACTION_NAMES,
	ME_ACTION_CLOSED,
	ME_ACTION_SEEN,
	ME_ACTION_FILTER,
	ME_ACTION_SORT_LEFT,
	ME_ACTION_SORT_RIGHT,
	ME_ACTION_REVERSE,
	ME_ACTION_CHOOSE,
	ME_ACTION_FREEZE,
	ME_ACTION_REDRAW,
	ME_ACTION_KEEP,
	ME_ACTION_CLOSE,
	ME_ACTION_HELP,
	ME_ACTION_QUIT,
	/* While a filter is typed. */
	ME_ACTION_EDIT_TAKE,
	ME_ACTION_EDIT_LEAVE,
	ME_ACTION_EDIT_LEFT,
	ME_ACTION_EDIT_RIGHT,
	ME_ACTION_EDIT_HOME,
	ME_ACTION_EDIT_END,
	ME_ACTION_EDIT_ERASE,
	ME_ACTION_EDIT_DELETE,
	ME_ACTION_EDIT_WORD,
	ME_ACTION_EDIT_CLEAR,
	ME_ACTION_EDIT_REST,
	ME_ACTION_EDIT_EARLIER,
	ME_ACTION_EDIT_LATER,
};

#define ME_KEYS_OF_ACTION 4
#define ME_KEY_NAME_LEN 16

struct me_binding {
	enum me_action action;
	int keys[ME_KEYS_OF_ACTION]; /* 0: no further one */
	const char *what;            /* for the help */
	const char *hint;            /* for the footer; NULL: not there */
};

extern const struct me_binding me_bindings[];
extern const size_t me_n_bindings;

/* The same while a filter is typed. */
extern const struct me_binding me_prompt_bindings[];
extern const size_t me_n_prompt_bindings;

/* What the key does in a view, and while a filter is typed. */
enum me_action me_key_action(int key);
enum me_action me_prompt_action(int key);

/* The key's name for people: "PgUp", "F1", "q". */
void me_key_name(int key, char out[ME_KEY_NAME_LEN]);

/* Names of all keys of a binding, with a space between. */
void me_binding_names(const struct me_binding *binding,
		      char out[ME_KEYS_OF_ACTION * ME_KEY_NAME_LEN]);

#endif
