/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <jansson.h>
#include "base/strbuf.h"
#include "metop/answer.h"
#include "metop/format.h"

static void free_json(json_t **json)
{
	json_decref(*json);
}

/* An object, or NULL. Strings with a NUL inside are refused by the library. */
static json_t *load(const char *body, size_t len)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);

	if (json && !json_is_object(json)) {
		json_decref(json);
		json = NULL;
	}
	return json;
}

static const char *scalar_text(const json_t *value, char out[ME_FORMAT_LEN])
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(out, ME_FORMAT_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return out;
	case JSON_REAL:
		snprintf(out, ME_FORMAT_LEN, "%g", json_real_value(value));
		return out;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	default:
		return "";
	}
}

static void add_scalar(struct me_rows *rows, const char *name, const json_t *value)
{
	char number[ME_FORMAT_LEN];

	if (json_is_number(value))
		me_rows_add_number(rows, name, json_number_value(value),
				   scalar_text(value, number));
	else
		me_rows_add_text(rows, name, scalar_text(value, number));
}

static void add_list(struct me_rows *rows, const char *name, const json_t *list)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};
	char number[ME_FORMAT_LEN];
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (i)
			me_strbuf_adds(&text, ", ");
		me_strbuf_adds(&text, scalar_text(item, number));
	}
	if (text.err)
		rows->err = text.err;
	else
		me_rows_add_text(rows, name, text.data ? text.data : "");
}

/* Adds a field of a row; objects inside become fields "object.field". */
static int add_value(struct me_rows *rows, const char *name, json_t *value, int depth)
{
	const char *key;
	json_t *inner;

	if (depth > ME_ANSWER_DEPTH_MAX)
		return -EBADMSG;
	if (json_is_array(value)) {
		add_list(rows, name, value);
		return 0;
	}
	if (!json_is_object(value)) {
		add_scalar(rows, name, value);
		return 0;
	}
	json_object_foreach(value, key, inner) {
		_cleanup_strbuf_ struct me_strbuf path = {0};
		int r;

		me_strbuf_addf(&path, "%s.%s", name, key);
		if (path.err)
			return path.err;
		r = add_value(rows, path.data, inner, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_fields(struct me_rows *rows, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		int r = add_value(rows, name, value, 1);

		if (r < 0)
			return r;
	}
	return 0;
}

static int set_key(struct me_rows *rows, const json_t *object, const char *const *keys, size_t n)
{
	_cleanup_strbuf_ struct me_strbuf key = {0};
	char number[ME_FORMAT_LEN];

	for (size_t i = 0; i < n; i++) {
		const json_t *part = json_object_get(object, keys[i]);

		/* The lengths keep ("a", "bc") and ("ab", "c") apart. */
		if (part) {
			const char *text = scalar_text(part, number);

			me_strbuf_addf(&key, "%zu:%s", strlen(text), text);
		}
		me_strbuf_addc(&key, ' ');
	}
	if (key.err)
		return key.err;
	me_rows_set_key(rows, key.data ? key.data : "");
	return 0;
}

static int set_time(struct me_rows *rows, const json_t *root)
{
	const char *ts = json_string_value(json_object_get(root, "ts"));

	return ts && !me_format_parse_time(ts, &rows->ts_ns) ? 0 : -EBADMSG;
}

static uint64_t count_of(const json_t *root, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(root, name));

	return value < 0 ? 0 : (uint64_t)value;
}

int me_answer_list(const char *body, size_t len, const char *list, const char *const *keys,
		   size_t n_keys, struct me_rows **ret_rows)
{
	_cleanup_(free_json) json_t *root = load(body, len);
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	json_t *array, *object;
	size_t i;
	int r;

	if (!rows)
		return -ENOMEM;
	array = json_object_get(root, list);
	r = set_time(rows, root);
	if (r < 0 || !json_is_array(array))
		return -EBADMSG;
	rows->total = count_of(root, "total");
	rows->matched = count_of(root, json_object_get(root, "lines") ? "lines" : "matched");
	rows->offset = json_object_get(root, "offset") ? count_of(root, "offset") : UINT64_MAX;
	rows->serial = count_of(root, "serial");
	json_array_foreach(array, i, object) {
		if (!json_is_object(object))
			return -EBADMSG;
		me_rows_begin(rows);
		r = add_fields(rows, object);
		if (r < 0)
			return r;
		r = set_key(rows, object, keys, n_keys);
		if (r < 0)
			return r;
	}
	if (rows->err)
		return rows->err;
	*ret_rows = me_steal_ptr(&rows);
	return 0;
}

static int add_tree(struct me_rows *rows, const char *section, const char *item, json_t *value,
		    int depth);

static int add_branch(struct me_rows *rows, const char *section, const char *item, const char *name,
		      json_t *value, int depth)
{
	_cleanup_strbuf_ struct me_strbuf path = {0};

	me_strbuf_addf(&path, "%s%s%s", item, *item ? "." : "", name);
	if (path.err)
		return path.err;
	return add_tree(rows, section, path.data, value, depth + 1);
}

static int add_leaf(struct me_rows *rows, const char *section, const char *item, json_t *value)
{
	_cleanup_strbuf_ struct me_strbuf key = {0};
	int r = 0;

	me_strbuf_addf(&key, "%s%s%s", section, *item ? "." : "", item);
	if (key.err)
		return key.err;
	me_rows_begin(rows);
	me_rows_set_key(rows, key.data);
	me_rows_add_text(rows, "section", section);
	if (json_is_object(value)) {
		r = add_fields(rows, value);
	} else {
		me_rows_add_text(rows, "item", item);
		add_scalar(rows, "value", value);
	}
	return r;
}

static int add_tree(struct me_rows *rows, const char *section, const char *item, json_t *value,
		    int depth)
{
	const char *name;
	json_t *inner;
	size_t i;
	int r = 0;

	if (depth > ME_ANSWER_DEPTH_MAX)
		return -EBADMSG;
	if (json_is_object(value)) {
		json_object_foreach(value, name, inner) {
			r = add_branch(rows, section, item, name, inner, depth);
			if (r < 0)
				return r;
		}
		return 0;
	}
	if (json_is_array(value)) {
		json_array_foreach(value, i, inner) {
			_cleanup_strbuf_ struct me_strbuf path = {0};

			me_strbuf_addf(&path, "%s%s%zu", item, *item ? "." : "", i);
			r = path.err ? path.err : add_leaf(rows, section, path.data, inner);
			if (r < 0)
				return r;
		}
		return 0;
	}
	return add_leaf(rows, section, item, value);
}

int me_answer_tree(const char *body, size_t len, struct me_rows **ret_rows)
{
	_cleanup_(free_json) json_t *root = load(body, len);
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	const char *section;
	json_t *value;
	int r;

	if (!rows)
		return -ENOMEM;
	r = set_time(rows, root);
	if (r < 0)
		return r;
	json_object_foreach(root, section, value) {
		r = add_tree(rows, section, "", value, 0);
		if (r < 0)
			return r;
	}
	if (rows->err)
		return rows->err;
	rows->total = rows->matched = rows->n;
	*ret_rows = me_steal_ptr(&rows);
	return 0;
}

char *me_answer_error(const char *body, size_t len)
{
	_cleanup_(free_json) json_t *root = load(body, len);
	const char *error = json_string_value(json_object_get(root, "error"));

	return error ? strdup(error) : NULL;
}

char *me_answer_ascii(const char *body, size_t len)
{
	_cleanup_(free_json) json_t *root = load(body, len);

	return json_dumps(root, JSON_ENSURE_ASCII | JSON_COMPACT);
}
