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
	{ME_ACTION_DETAIL, {ME_KEY_ENTER}, "everything about the row; again to close", "Detail"},
	{ME_ACTION_DETAIL_UP, {'['}, "scroll the detail or the help up", NULL},
	{ME_ACTION_DETAIL_DOWN, {']'}, "scroll the detail or the help down", NULL},
	{ME_ACTION_FILTER, {'/'}, "filter in all lists: port:443 proc:curl -verdict:local", "Filter"},
	{ME_ACTION_CHOOSE, {'s', F(6)}, "choose the column to sort by", "Sort"},
	{ME_ACTION_SORT_LEFT, {'<', ',', ME_KEY_LEFT}, "sort by the column to the left", NULL},
	{ME_ACTION_SORT_RIGHT, {'>', '.', ME_KEY_RIGHT}, "sort by the column to the right", NULL},
	{ME_ACTION_REVERSE, {'r'}, "reverse the order", "Reverse"},
	{ME_ACTION_FREEZE, {'p', ' '}, "freeze the screen, and go on", "Freeze"},
	{ME_ACTION_REDRAW, {ME_KEY_CONTROL('l')}, "draw the screen anew", NULL},
	{ME_ACTION_KEEP, {'W'}, "keep this setup, and this view as the first one", NULL},
	{ME_ACTION_CLOSE, {ME_KEY_ESCAPE}, "close what is open; then drop the filter", NULL},
	{ME_ACTION_QUIT, {'q', F(10)}, "quit", "Quit"},
};
/* clang-format on */

const size_t me_n_bindings = ME_ARRAY_SIZE(me_bindings);

enum me_action me_key_action(int key)
{
	for (size_t i = 0; i < me_n_bindings; i++) {
		for (size_t k = 0; k < ME_KEYS_OF_ACTION && me_bindings[i].keys[k]; k++) {
			if (me_bindings[i].keys[k] == key)
				return me_bindings[i].action;
		}
	}
	return ME_ACTION_NONE;
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
		{ME_KEY_BACKTAB, "Shift-Tab"},
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
