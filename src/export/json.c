/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/json.h"

#include <errno.h>
#include <jansson.h>
#include "base/text.h"

#define TEXT_MAX 4096u /* bytes of one text that are shown */

struct me_json {
	json_t *value;
	bool failed;
};

static struct me_json *wrap(json_t *value)
{
	struct me_json *json = value ? calloc(1, sizeof(*json)) : NULL;

	if (!json) {
		json_decref(value);
		return NULL;
	}
	json->value = value;
	return json;
}

struct me_json *me_json_object(void)
{
	return wrap(json_object());
}

struct me_json *me_json_array(void)
{
	return wrap(json_array());
}

void me_json_free(struct me_json **json)
{
	if (!*json)
		return;
	json_decref((*json)->value);
	free(*json);
	*json = NULL;
}

static json_t *escaped(const char *text, size_t len)
{
	char out[ME_TEXT_ESCAPED(TEXT_MAX)];

	len = me_text_escape(out, sizeof(out), text, len < TEXT_MAX ? len : TEXT_MAX);
	return json_stringn(out, len);
}

/* A name has its own escape (me_name_to_text()); what does not look so gets ours. */
static json_t *name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return escaped(text, len);
	return json_stringn(text, len);
}

static json_t *names(const char *text, size_t len)
{
	json_t *array = json_array();
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		if (json_array_append_new(array, name(text, (size_t)(stop - text))) < 0) {
			json_decref(array);
			return NULL;
		}
		text = stop + 1;
	}
	return array;
}

static json_t *convert(const struct me_value *value)
{
	char buffer[ME_VALUE_LEN];
	size_t len = 0;
	const char *text;

	switch (value->kind) {
	case ME_VALUE_NUMBER:
		return json_integer((json_int_t)value->number);
	case ME_VALUE_TRUE:
		return json_true();
	case ME_VALUE_NAME:
		return name(value->text, value->len);
	case ME_VALUE_NAMES:
		return names(value->text, value->len);
	default:
		text = me_value_show(value, buffer, &len);
		return escaped(text, len);
	}
}

/* Takes `value` over. */
static void set(struct me_json *object, const char *key, json_t *value)
{
	if (!object)
		json_decref(value);
	else if (json_object_set_new_nocheck(object->value, key, value) < 0)
		object->failed = true;
}

void me_json_set(struct me_json *object, const char *key, struct me_value value)
{
	if (value.kind != ME_VALUE_NONE)
		set(object, key, convert(&value));
}

void me_json_set_text(struct me_json *object, const char *key, const char *text)
{
	me_json_set(object, key, me_value_text(text));
}

void me_json_set_number(struct me_json *object, const char *key, uint64_t number)
{
	me_json_set(object, key, me_value_number(number));
}

void me_json_set_bool(struct me_json *object, const char *key, bool truth)
{
	set(object, key, json_boolean(truth));
}

/* The value out of a child, which ends; NULL if it failed. */
static json_t *unwrap(struct me_json **child)
{
	json_t *value = *child && !(*child)->failed ? json_incref((*child)->value) : NULL;

	me_json_free(child);
	return value;
}

void me_json_set_child(struct me_json *object, const char *key, struct me_json **child)
{
	set(object, key, unwrap(child));
}

static void append(struct me_json *array, json_t *value)
{
	if (!array)
		json_decref(value);
	else if (json_array_append_new(array->value, value) < 0)
		array->failed = true;
}

void me_json_append(struct me_json *array, struct me_json **child)
{
	append(array, unwrap(child));
}

/* Not being UTF-8 shows that it was not safe. */
static json_t *safe(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : escaped(text, strlen(text));
}

void me_json_set_safe(struct me_json *object, const char *key, const char *text)
{
	if (text)
		set(object, key, safe(text));
}

void me_json_append_safe(struct me_json *array, const char *text)
{
	append(array, safe(text));
}

void me_json_append_number(struct me_json *array, uint64_t number)
{
	append(array, json_integer((json_int_t)number));
}

static int add_to_buffer(const char *bytes, size_t len, void *out)
{
	me_strbuf_add(out, bytes, len);
	return 0;
}

int me_json_write(const struct me_json *json, struct me_strbuf *out)
{
	if (!json || json->failed ||
	    json_dump_callback(json->value, add_to_buffer, out, JSON_COMPACT) < 0)
		return -ENOMEM;
	return out->err;
}
