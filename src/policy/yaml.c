/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/yaml.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

struct builder {
	struct me_arena *arena;
	struct me_diagnostics *diagnostics;
	const char *file;
	const char *text;
	size_t size;
	struct me_node *root;
	struct me_node *open[ME_POLICY_DEPTH_MAX];  /* collections being filled */
	struct me_node **tail[ME_POLICY_DEPTH_MAX]; /* where the next child of each goes */
	size_t depth;
	size_t nodes;
	size_t documents;
};

static struct me_place place(const struct builder *b, const yaml_mark_t *mark)
{
	return (struct me_place){b->file, (unsigned int)mark->line + 1,
				 (unsigned int)mark->column + 1};
}

/* The place of byte `offset`: libyaml gives no mark for what is not UTF-8. */
static struct me_place place_of_byte(const struct builder *b, size_t offset)
{
	struct me_place at = {b->file, 1, 1};

	for (size_t i = 0; i < offset && i < b->size; i++) {
		if (b->text[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if ((b->text[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* Line `line` (from 0) of the text, without its end. */
static const char *line_of(const struct builder *b, size_t line, size_t *ret_length)
{
	const char *at = b->text, *end = b->text + b->size, *newline;

	for (; line > 0 && (newline = memchr(at, '\n', (size_t)(end - at))); line--)
		at = newline + 1;
	newline = memchr(at, '\n', (size_t)(end - at));
	*ret_length = (size_t)((newline ? newline : end) - at);
	return at;
}

/* The remedy for what people write most often and YAML does not take. */
static const char *hint(const struct builder *b, const yaml_parser_t *parser)
{
	size_t length, column = parser->problem_mark.column;
	const char *line = line_of(b, parser->problem_mark.line, &length);

	if (column < length && line[column] == '\t')
		return "; indent with spaces, not with tabs";
	if (parser->context && strstr(parser->context, "alias"))
		return "; quote a wildcard: \"*.example.com\"";
	if (memmem(line, length, "::", 2) || memmem(line, length, "[:", 2))
		return "; quote an IPv6 address inside [ ] or { }: \"::1\"";
	if (column < length && strchr("@`%", line[column]))
		return "; quote text that begins with this character";
	return "";
}

static int tell_syntax(struct builder *b, const yaml_parser_t *parser)
{
	struct me_place at;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR) {
		at = place_of_byte(b, parser->problem_offset);
		me_diagnostics_add(b->diagnostics, ME_ERROR, &at, "encoding",
				   "%s (byte 0x%02x), expected UTF-8 text", parser->problem,
				   (unsigned int)parser->problem_value);
		return -EINVAL;
	}
	at = place(b, &parser->problem_mark);
	if (parser->context)
		me_diagnostics_add(b->diagnostics, ME_ERROR, &at, "syntax",
				   "%s %s that began at line %zu, column %zu%s", parser->problem,
				   parser->context, parser->context_mark.line + 1,
				   parser->context_mark.column + 1, hint(b, parser));
	else
		me_diagnostics_add(b->diagnostics, ME_ERROR, &at, "syntax", "%s%s", parser->problem,
				   hint(b, parser));
	return -EINVAL;
}

static int __attribute__((format(printf, 4, 5)))
tell(struct builder *b, const yaml_event_t *event, const char *kind, const char *format, ...)
{
	struct me_place at = place(b, &event->start_mark);
	va_list arguments;

	va_start(arguments, format);
	me_diagnostics_addv(b->diagnostics, ME_ERROR, &at, kind, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int add_node(struct builder *b, const yaml_event_t *event, enum me_node_kind kind,
		    struct me_node **ret_node)
{
	struct me_node *node;

	if (b->nodes >= ME_POLICY_NODES_MAX)
		return tell(b, event, "limit", "more than %u values in one file",
			    ME_POLICY_NODES_MAX);
	node = me_arena_alloc(b->arena, 1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	b->nodes++;
	node->kind = kind;
	node->line = (uint32_t)event->start_mark.line + 1;
	node->column = (uint32_t)event->start_mark.column + 1;
	if (b->depth) {
		*b->tail[b->depth - 1] = node;
		b->tail[b->depth - 1] = &node->next;
		b->open[b->depth - 1]->count++;
	} else {
		b->root = node;
	}
	*ret_node = node;
	return 0;
}

/* A node that is not part of the language: told, and reading goes on unless nobody hears it. */
static int add_bad(struct builder *b, const yaml_event_t *event, const char *kind, const char *text)
{
	struct me_node *node;

	tell(b, event, kind, "%s", text);
	if (me_diagnostics_full(b->diagnostics))
		return -EINVAL;
	return add_node(b, event, ME_NODE_BAD, &node);
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct me_node *node;
	int err;

	if (memchr(value, '\0', length))
		return add_bad(b, event, "encoding", "a NUL inside a value");
	err = add_node(b, event, ME_NODE_SCALAR, &node);
	if (err)
		return err;
	node->count = (uint32_t)length;
	node->text = me_arena_copy(b->arena, value, length);
	return node->text ? 0 : -ENOMEM;
}

static int on_open(struct builder *b, const yaml_event_t *event, enum me_node_kind kind)
{
	struct me_node *node;
	int err;

	if (b->depth == ME_POLICY_DEPTH_MAX)
		return tell(b, event, "depth", "nested deeper than %u levels", ME_POLICY_DEPTH_MAX);
	err = add_node(b, event, kind, &node);
	if (err)
		return err;
	b->open[b->depth] = node;
	b->tail[b->depth] = &node->first;
	b->depth++;
	return 0;
}

/* Anchors and tags are errors of their own; what carries them is read as if it did not. */
static void refuse_decoration(struct builder *b, const yaml_event_t *event, const void *anchor,
			      const void *tag)
{
	if (anchor)
		tell(b, event, "anchor",
		     "an anchor (`&name`), which this language does not have; "
		     "quote text that begins with `&`");
	if (tag)
		tell(b, event, "tag",
		     "a tag (`!name`), which this language does not have; "
		     "quote text that begins with `!`");
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return tell(b, event, "documents",
				    "a second document, expected one (remove the line `---`)");
		return 0;
	case YAML_ALIAS_EVENT:
		return add_bad(b, event, "alias",
			       "an alias (`*name`), which this language does not have; "
			       "quote a wildcard: \"*.example.com\"");
	case YAML_SCALAR_EVENT:
		refuse_decoration(b, event, event->data.scalar.anchor, event->data.scalar.tag);
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_decoration(b, event, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
		return on_open(b, event, ME_NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		refuse_decoration(b, event, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
		return on_open(b, event, ME_NODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

int me_yaml_parse(struct me_arena *arena, const char *file, const char *text, size_t size,
		  struct me_diagnostics *diagnostics, const struct me_node **ret_root)
{
	_cleanup_(yaml_parser_delete) yaml_parser_t parser = {0};
	struct builder b = {
		.arena = arena,
		.diagnostics = diagnostics,
		.file = file,
		.text = text,
		.size = size,
	};
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	/* Said here, or two bytes at the start of the file would turn it into UTF-16. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (!end) {
		yaml_event_t event;
		int err;

		if (!yaml_parser_parse(&parser, &event))
			return tell_syntax(&b, &parser);
		end = event.type == YAML_STREAM_END_EVENT;
		err = on_event(&b, &event);
		yaml_event_delete(&event);
		if (err)
			return err;
	}
	*ret_root = b.root;
	return 0;
}
