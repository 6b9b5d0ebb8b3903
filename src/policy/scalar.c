/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/read.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"

bool me_read_text(struct me_reader *reader, const struct me_node *node, const char *expected,
		  size_t max, const char **ret_text)
{
	const char *text;

	if (!node)
		return false;
	if (node->kind != ME_NODE_SCALAR || !node->count) {
		me_read_unexpected(reader, node, "wrong-type", expected);
		return false;
	}
	if (node->count > max) {
		me_read_error(reader, node, "limit", "a text of %u bytes, expected at most %zu",
			      node->count, max);
		return false;
	}
	text = me_read_copy(reader, node->text, node->count);
	if (!text)
		return false;
	*ret_text = text;
	return true;
}

bool me_read_bool(struct me_reader *reader, const struct me_node *node, bool *ret_value)
{
	bool yes;

	if (!node)
		return false;
	yes = node->kind == ME_NODE_SCALAR && !strcmp(node->text, "true");
	if (!yes && (node->kind != ME_NODE_SCALAR || strcmp(node->text, "false") != 0)) {
		me_read_unexpected(reader, node, "wrong-type", "true or false");
		return false;
	}
	*ret_value = yes;
	return true;
}

static void tell_unknown_word(struct me_reader *reader, const struct me_node *node,
			      const char *const *words, size_t n)
{
	_cleanup_strbuf_ struct me_strbuf expected = {0};
	const char *near = NULL;

	for (size_t i = 0; i < n; i++)
		me_strbuf_addf(&expected, "%s`%s`", !i ? "" : i + 1 < n ? ", " : " or ", words[i]);
	if (node->kind == ME_NODE_SCALAR && !me_diagnostics_full(reader->diagnostics))
		near = me_text_nearest(node->text, words, n);
	if (near)
		me_strbuf_addf(&expected, "; did you mean `%s`?", near);
	me_read_unexpected(reader, node, "unknown-word", expected.data ? expected.data : "");
}

bool me_read_word(struct me_reader *reader, const struct me_node *node, const char *const *words,
		  size_t n, size_t *ret_index)
{
	if (!node)
		return false;
	for (size_t i = 0; i < n && node->kind == ME_NODE_SCALAR; i++) {
		if (!strcmp(node->text, words[i])) {
			*ret_index = i;
			return true;
		}
	}
	tell_unknown_word(reader, node, words, n);
	return false;
}

bool me_read_mode(struct me_reader *reader, const struct me_node *node, enum me_mode *ret_mode)
{
	const char *words[ME_MODE_COUNT];
	size_t word;

	for (unsigned int mode = 0; mode < ME_MODE_COUNT; mode++)
		words[mode] = me_mode_label(mode);
	if (!me_read_word(reader, node, words, ME_MODE_COUNT, &word))
		return false;
	*ret_mode = (enum me_mode)word;
	return true;
}

bool me_read_count(struct me_reader *reader, const struct me_node *node, uint64_t min, uint64_t max,
		   uint64_t *ret_count)
{
	char expected[64];

	if (!node)
		return false;
	if (node->kind == ME_NODE_SCALAR && me_text_parse_u64(node->text, min, max, ret_count))
		return true;
	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	me_read_unexpected(reader, node, "bad-number", expected);
	return false;
}

static int parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	size_t digits = strspn(text, "0123456789");
	char number[20];
	uint64_t count;

	if (digits >= sizeof(number))
		return -1;
	memcpy(number, text, digits);
	number[digits] = '\0';
	for (unsigned int i = 0; i < ME_ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i]) != 0)
			continue;
		if (!me_text_parse_u64(number, 0, UINT64_MAX >> 10 * i, &count))
			return -1;
		*ret_bytes = count << 10 * i;
		return 0;
	}
	return -1;
}

/* A value with a unit, between two bounds written in the same way. */
static bool read_measure(struct me_reader *reader, const struct me_node *node, const char *kind,
			 int (*parse)(const char *, uint64_t *), const char *example,
			 const char *min, const char *max, uint64_t *ret_value)
{
	uint64_t value, low = 0, high = 0;
	char expected[128];

	if (!node)
		return false;
	parse(min, &low);
	parse(max, &high);
	if (node->kind == ME_NODE_SCALAR && !parse(node->text, &value) && value >= low &&
	    value <= high) {
		*ret_value = value;
		return true;
	}
	snprintf(expected, sizeof(expected), "%s from %s to %s", example, min, max);
	me_read_unexpected(reader, node, kind, expected);
	return false;
}

bool me_read_duration(struct me_reader *reader, const struct me_node *node, const char *min,
		      const char *max, uint64_t *ret_ns)
{
	return read_measure(reader, node, "bad-duration", me_clock_parse_duration,
			    "a duration such as `100ms`, `10s`, `30m`, `1h` or `400d`", min, max,
			    ret_ns);
}

bool me_read_size(struct me_reader *reader, const struct me_node *node, const char *min,
		  const char *max, uint64_t *ret_bytes)
{
	return read_measure(reader, node, "bad-size", parse_size,
			    "a size such as `64MiB` or `1GiB`", min, max, ret_bytes);
}
