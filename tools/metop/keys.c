/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include "base/cleanup.h"
#include "metop/keys.h"

#define F(n) (ME_KEY_F0 + (n))

/* clang-format off */
const struct me_binding me_bindings[] = {
	{ME_ACTION_HELP, {'?', F(1), 'h'}, "this help", "Help"},
	{ME_ACTION_ENDPOINTS, {'1'}, "endpoints: whether what the policy lists works", NULL},
	{ME_ACTION_FLOWS, {'2'}, "flows: who speaks to whom, and what the judge says", NULL},
	{ME_ACTION_VIOLATIONS, {'3'}, "violations: what went out beside the policy", NULL},
	{ME_ACTION_DNS, {'4'}, "DNS: what is asked, what came of it, and which names are known", NULL},
	{ME_ACTION_HEALTH, {'5'}, "health: the daemon itself, and what it cannot see", NULL},
	{ME_ACTION_NEXT_VIEW, {ME_KEY_TAB}, "next view", "View"},
	{ME_ACTION_PREVIOUS_VIEW, {ME_KEY_BACKTAB}, "previous view", NULL},
	{ME_ACTION_UP, {ME_KEY_UP, 'k'}, "a row up", NULL},
	{ME_ACTION_DOWN, {ME_KEY_DOWN, 'j'}, "a row down", NULL},
	{ME_ACTION_PAGE_UP, {ME_KEY_PAGE_UP, ME_KEY_CONTROL('b')}, "a page up", NULL},
	{ME_ACTION_PAGE_DOWN, {ME_KEY_PAGE_DOWN, ME_KEY_CONTROL('f')}, "a page down", NULL},
	{ME_ACTION_HOME, {ME_KEY_HOME, 'g'}, "first row, and stay there", NULL},
	{ME_ACTION_END, {ME_KEY_END, 'G'}, "last row", NULL},
	{ME_ACTION_DETAIL, {ME_KEY_ENTER}, "everything about the row, and no more; unfold a group", "Detail"},
	{ME_ACTION_DETAIL_UP, {'['}, "scroll the detail or the help up", NULL},
	{ME_ACTION_DETAIL_DOWN, {']'}, "scroll the detail or the help down", NULL},
	{ME_ACTION_FILTER, {'/'}, "filter in all lists: port:443 proc:curl -verdict:local", "Filter"},
	{ME_ACTION_CHOOSE, {'s', F(6)}, "choose the column to sort by", "Sort"},
	{ME_ACTION_SORT_LEFT, {'<', ',', ME_KEY_LEFT}, "sort by the column to the left", NULL},
	{ME_ACTION_SORT_RIGHT, {'>', '.', ME_KEY_RIGHT}, "sort by the column to the right", NULL},
	{ME_ACTION_REVERSE, {'r'}, "reverse the order", "Reverse"},
	{ME_ACTION_TREE, {'t', F(5)}, "flows one by one, by who opened them, or by endpoint", "Tree"},
	{ME_ACTION_FOLD_OR_NOT, {' '}, "unfold the group of flows, or fold it", NULL},
	{ME_ACTION_UNFOLD, {'+', '='}, "unfold the group", NULL},
	{ME_ACTION_FOLD, {'-'}, "fold the group, from any of its flows", NULL},
	{ME_ACTION_FOLD_ALL, {'*'}, "unfold all groups, or fold them", NULL},
	{ME_ACTION_FOLLOW, {'f', 'F'}, "stay with the row wherever it goes, and no longer", "Follow"},
	{ME_ACTION_NAMES, {'n'}, "addresses of destinations, or names", NULL},
	{ME_ACTION_CLOSED, {'c'}, "open flows only, or closed ones too", NULL},
	{ME_ACTION_SEEN, {'v'}, "violations that came until now are no longer new", NULL},
	{ME_ACTION_FREEZE, {'p'}, "freeze the screen, and go on", "Freeze"},
	{ME_ACTION_REDRAW, {ME_KEY_CONTROL('l')}, "draw the screen anew", NULL},
	{ME_ACTION_KEEP, {'W'}, "keep this setup, and this view as the first one", NULL},
	{ME_ACTION_CLOSE, {ME_KEY_ESCAPE}, "close what is open; then drop the filter", NULL},
	{ME_ACTION_QUIT, {'q', F(10)}, "quit", "Quit"},
};

const struct me_binding me_prompt_bindings[] = {
	{ME_ACTION_EDIT_TAKE, {ME_KEY_ENTER}, "filter by what was typed", NULL},
	{ME_ACTION_EDIT_LEAVE, {ME_KEY_ESCAPE}, "leave the filter as it was", NULL},
	{ME_ACTION_EDIT_EARLIER, {ME_KEY_UP}, "the filter before", NULL},
	{ME_ACTION_EDIT_LATER, {ME_KEY_DOWN}, "the filter after", NULL},
	{ME_ACTION_EDIT_LEFT, {ME_KEY_LEFT, ME_KEY_CONTROL('b')}, "a character to the left", NULL},
	{ME_ACTION_EDIT_RIGHT, {ME_KEY_RIGHT, ME_KEY_CONTROL('f')}, "a character to the right", NULL},
	{ME_ACTION_EDIT_HOME, {ME_KEY_HOME, ME_KEY_CONTROL('a')}, "to the beginning", NULL},
	{ME_ACTION_EDIT_END, {ME_KEY_END, ME_KEY_CONTROL('e')}, "to the end", NULL},
	{ME_ACTION_EDIT_ERASE, {ME_KEY_BACKSPACE}, "erase the character before", NULL},
	{ME_ACTION_EDIT_DELETE, {ME_KEY_DELETE, ME_KEY_CONTROL('d')}, "erase the character here", NULL},
	{ME_ACTION_EDIT_WORD, {ME_KEY_CONTROL('w')}, "erase the word before", NULL},
	{ME_ACTION_EDIT_CLEAR, {ME_KEY_CONTROL('u')}, "erase all of it", NULL},
	{ME_ACTION_EDIT_REST, {ME_KEY_CONTROL('k')}, "erase what follows", NULL},
};
/* clang-format on */

const size_t me_n_bindings = ME_ARRAY_SIZE(me_bindings);
const size_t me_n_prompt_bindings = ME_ARRAY_SIZE(me_prompt_bindings);

static enum me_action find(const struct me_binding *bindings, size_t n, int key)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < ME_KEYS_OF_ACTION && bindings[i].keys[k]; k++) {
			if (bindings[i].keys[k] == key)
				return bindings[i].action;
		}
	}
	return ME_ACTION_NONE;
}

enum me_action me_key_action(int key)
{
	return find(me_bindings, me_n_bindings, key);
}

enum me_action me_prompt_action(int key)
{
	return find(me_prompt_bindings, me_n_prompt_bindings, key);
}

void me_key_name(int key, char out[ME_KEY_NAME_LEN])
{
	static const struct {
		int key;
		const char *name;
	} names[] = {
		{ME_KEY_TAB, "Tab"},           {ME_KEY_ENTER, "Enter"},
		{ME_KEY_ESCAPE, "Esc"},        {ME_KEY_UP, "Up"},
		{ME_KEY_DOWN, "Down"},         {ME_KEY_LEFT, "Left"},
		{ME_KEY_RIGHT, "Right"},       {ME_KEY_PAGE_UP, "PgUp"},
		{ME_KEY_PAGE_DOWN, "PgDn"},    {ME_KEY_HOME, "Home"},
		{ME_KEY_END, "End"},           {' ', "Space"},
		{ME_KEY_BACKTAB, "Shift-Tab"}, {ME_KEY_DELETE, "Del"},
		{ME_KEY_BACKSPACE, "BackSp"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(names); i++) {
		if (names[i].key == key) {
			snprintf(out, ME_KEY_NAME_LEN, "%s", names[i].name);
			return;
		}
	}
	if (key >= ME_KEY_F0)
		snprintf(out, ME_KEY_NAME_LEN, "F%d", key - ME_KEY_F0);
	else if (key < ' ')
		snprintf(out, ME_KEY_NAME_LEN, "Ctrl-%c", key + '@');
	else
		snprintf(out, ME_KEY_NAME_LEN, "%c", key);
}

void me_binding_names(const struct me_binding *binding,
		      char out[ME_KEYS_OF_ACTION * ME_KEY_NAME_LEN])
{
	char *at = out, *end = out + (size_t)ME_KEYS_OF_ACTION * ME_KEY_NAME_LEN;

	*out = '\0';
	for (size_t i = 0; i < ME_KEYS_OF_ACTION && binding->keys[i]; i++) {
		char name[ME_KEY_NAME_LEN];

		me_key_name(binding->keys[i], name);
		at += snprintf(at, (size_t)(end - at), "%s%s", i ? " " : "", name);
	}
}
