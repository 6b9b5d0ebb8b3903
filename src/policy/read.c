/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/strbuf.h"
#include "base/text.h"

#define FOUND_BYTES 64u /* of a value that are shown */

const char *me_read_found(const struct me_node *node, char out[ME_FOUND_LEN])
{
	char text[ME_FOUND_LEN - 8];
	size_t shown;

	switch (node->kind) {
	case ME_NODE_LIST:
		return node->count ? "a list" : "an empty list";
	case ME_NODE_MAP:
		return "a mapping";
	default:
		break;
	}
	if (!node->count)
		return "nothing";
	shown = node->count < FOUND_BYTES ? node->count : FOUND_BYTES;
	me_text_escape(text, sizeof(text), node->text, shown);
	snprintf(out, ME_FOUND_LEN, "`%s%s`", text, shown < node->count ? "…" : "");
	return out;
}

struct me_place me_read_place(const struct me_reader *reader, const struct me_node *node)
{
	return (struct me_place){reader->file, node->line, node->column};
}

void me_read_error(struct me_reader *reader, const struct me_node *node, const char *kind,
		   const char *format, ...)
{
	struct me_place at = me_read_place(reader, node);
	va_list arguments;

	va_start(arguments, format);
	me_diagnostics_addv(reader->diagnostics, ME_ERROR, &at, kind, format, arguments);
	va_end(arguments);
}

void me_read_unexpected(struct me_reader *reader, const struct me_node *node, const char *kind,
			const char *expected)
{
	char found[ME_FOUND_LEN];

	if (node->kind != ME_NODE_BAD)
		me_read_error(reader, node, kind, "%s, expected %s", me_read_found(node, found),
			      expected);
}

bool me_read_within(struct me_reader *reader, const struct me_node *node, size_t *counter,
		    size_t max, const char *what)
{
	if (++*counter == max + 1)
		me_read_error(reader, node, "limit", "more than %zu %s in one policy", max, what);
	return *counter <= max;
}

void *me_read_alloc(struct me_reader *reader, size_t count, size_t size)
{
	void *memory = me_arena_alloc(reader->arena, count, size);

	if (!memory)
		reader->no_memory = true;
	return memory;
}

const char *me_read_copy(struct me_reader *reader, const char *text, size_t length)
{
	const char *copy = me_arena_copy(reader->arena, text, length);

	if (!copy)
		reader->no_memory = true;
	return copy;
}

static void tell_unknown_key(struct me_reader *reader, const struct me_node *key, const char *what,
			     const char *const *keys, size_t n)
{
	_cleanup_strbuf_ struct me_strbuf known = {0};
	char found[ME_FOUND_LEN];
	const char *near;

	if (key->kind == ME_NODE_BAD)
		return;
	if (key->kind != ME_NODE_SCALAR || me_diagnostics_full(reader->diagnostics)) {
		me_read_unexpected(reader, key, "unknown-key", "a key");
		return;
	}
	near = me_text_nearest(key->text, keys, n);
	if (near) {
		me_read_error(reader, key, "unknown-key", "%s is no key of %s; did you mean `%s`?",
			      me_read_found(key, found), what, near);
		return;
	}
	for (size_t i = 0; i < n; i++)
		me_strbuf_addf(&known, "%s`%s`", i ? ", " : "", keys[i]);
	me_read_error(reader, key, "unknown-key", "%s is no key of %s, expected one of %s",
		      me_read_found(key, found), what, known.data ? known.data : "");
}

bool me_read_map(struct me_reader *reader, const struct me_node *node, const char *what,
		 const char *const *keys, size_t n, const struct me_node **ret_values)
{
	if (!node)
		return false;
	if (node->kind != ME_NODE_MAP) {
		char expected[128];

		snprintf(expected, sizeof(expected), "%s, a mapping (`key: value`)", what);
		me_read_unexpected(reader, node, "wrong-type", expected);
		return false;
	}
	memset(ret_values, 0, n * sizeof(*ret_values));
	for (const struct me_node *key = node->first; key; key = key->next->next) {
		size_t i = 0;

		while (i < n && (key->kind != ME_NODE_SCALAR || strcmp(key->text, keys[i])))
			i++;
		if (i == n)
			tell_unknown_key(reader, key, what, keys, n);
		else if (ret_values[i])
			me_read_error(reader, key, "duplicate-key",
				      "`%s` a second time, first at line %u", keys[i],
				      ret_values[i]->line);
		else
			ret_values[i] = key->next;
	}
	return true;
}

void me_read_missing(struct me_reader *reader, const struct me_node *map, const char *key,
		     const char *expected)
{
	me_read_error(reader, map, "missing-key", "no `%s:` here, expected %s", key, expected);
}

struct me_items me_read_items(const struct me_node *node)
{
	if (!node)
		return (struct me_items){0};
	if (node->kind == ME_NODE_LIST)
		return (struct me_items){node->first, node->count};
	return (struct me_items){node, 1};
}

const struct me_node *me_items_next(struct me_items *items)
{
	const struct me_node *item = items->next;

	if (!items->left)
		return NULL;
	items->left--;
	items->next = item->next;
	return item;
}
