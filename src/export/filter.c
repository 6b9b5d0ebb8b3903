/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/filter.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "base/cleanup.h"
#include "base/text.h"

enum match { MATCH_EQUAL, MATCH_PREFIX, MATCH_CONTAINS };

#define FIELDS_OF_KEY 6u

/* What a key looks at: any of the fields may match. */
static const struct key {
	const char *name;
	enum match match;
	bool is_port;
	const char *fields[FIELDS_OF_KEY];
} keys[] = {
	{"port", MATCH_EQUAL, true, {"dport"}},
	{"proc", MATCH_CONTAINS, false, {"exe", "comm"}},
	{"name",
	 MATCH_CONTAINS,
	 false,
	 {"name", "names", "sni", "http_host", "endpoint", "target"}},
	{"verdict", MATCH_EQUAL, false, {"verdict"}},
	{"reason", MATCH_EQUAL, false, {"reason"}},
	{"rule", MATCH_CONTAINS, false, {"rule"}},
	{"service", MATCH_EQUAL, false, {"service"}},
	{"dst", MATCH_PREFIX, false, {"dst", "address"}},
	{"host", MATCH_PREFIX, false, {"src", "host"}},
	{"proto", MATCH_EQUAL, false, {"proto"}},
	{"state", MATCH_EQUAL, false, {"state"}},
};

struct term {
	bool negated;
	bool anywhere; /* free text */
	enum match match;
	unsigned int fields[FIELDS_OF_KEY];
	size_t n_fields;
	const char *value;
	size_t len;
};

struct me_filter {
	const struct me_fields *fields;
	struct term terms[ME_FILTER_TERMS_MAX];
	size_t count;
	char text[ME_FILTER_MAX + 1];
};

void me_filter_free(struct me_filter **filter)
{
	free(*filter);
	*filter = NULL;
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(keys); i++)
		if (!strcasecmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* A word before a colon that can be nothing but a key: an address may start with hex letters. */
static bool looks_like_key(const char *word)
{
	size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	return *word && !word[letters] && strspn(word, "abcdefABCDEF") != letters;
}

static int unknown_key(const char *word, struct me_strbuf *error)
{
	const char *names[ME_ARRAY_SIZE(keys)];
	char shown[ME_TEXT_ESCAPED(ME_FILTER_MAX)];
	const char *nearest;

	for (size_t i = 0; i < ME_ARRAY_SIZE(keys); i++)
		names[i] = keys[i].name;
	nearest = me_text_nearest(word, names, ME_ARRAY_SIZE(names));
	me_text_escape(shown, sizeof(shown), word, strlen(word));
	me_strbuf_addf(error, "filter: unknown term \"%s:\"", shown);
	if (nearest)
		me_strbuf_addf(error, ", did you mean \"%s:\"?", nearest);
	me_strbuf_adds(error, "; expected");
	for (size_t i = 0; i < ME_ARRAY_SIZE(names); i++)
		me_strbuf_addf(error, "%s %s:", i ? "," : "", names[i]);
	me_strbuf_adds(error, " or plain text");
	return -EINVAL;
}

static int set_key(struct me_filter *filter, struct term *term, const struct key *key,
		   const char *value, struct me_strbuf *error)
{
	uint64_t port;

	if (!*value) {
		me_strbuf_addf(error, "filter: nothing after \"%s:\"", key->name);
		return -EINVAL;
	}
	if (key->is_port && !me_text_parse_u64(value, 0, 65535, &port)) {
		me_strbuf_addf(error, "filter: \"%s:\" expects a number from 0 to 65535",
			       key->name);
		return -EINVAL;
	}
	term->match = key->match;
	term->value = value;
	for (size_t i = 0; i < FIELDS_OF_KEY && key->fields[i]; i++)
		for (unsigned int f = 0; f < filter->fields->count; f++)
			if (!strcmp(filter->fields->names[f], key->fields[i]))
				term->fields[term->n_fields++] = f;
	return 0;
}

static int add_term(struct me_filter *filter, char *word, struct me_strbuf *error)
{
	struct term *term = &filter->terms[filter->count];
	char *colon;
	int r = 0;

	if (filter->count == ME_FILTER_TERMS_MAX) {
		me_strbuf_addf(error, "filter: more than %u terms", ME_FILTER_TERMS_MAX);
		return -EINVAL;
	}
	*term = (struct term){.negated = word[0] == '-' && word[1]};
	word += term->negated;
	colon = strchr(word, ':');
	if (colon)
		*colon = '\0';
	if (colon && find_key(word)) {
		r = set_key(filter, term, find_key(word), colon + 1, error);
	} else if (colon && looks_like_key(word)) {
		r = unknown_key(word, error);
	} else {
		if (colon)
			*colon = ':';
		term->anywhere = true;
		term->match = MATCH_CONTAINS;
		term->value = word;
	}
	if (r < 0)
		return r;
	term->len = strlen(term->value);
	filter->count++;
	return 0;
}

int me_filter_new(const char *text, const struct me_fields *fields, struct me_strbuf *error,
		  struct me_filter **ret_filter)
{
	_cleanup_(me_filter_freep) struct me_filter *filter = calloc(1, sizeof(*filter));
	size_t len = strlen(text);
	char *rest;

	if (!filter)
		return -ENOMEM;
	if (len > ME_FILTER_MAX) {
		me_strbuf_addf(error, "filter: longer than %u bytes", ME_FILTER_MAX);
		return -EINVAL;
	}
	filter->fields = fields;
	memcpy(filter->text, text, len);
	rest = filter->text;
	for (char *word; (word = strsep(&rest, " \t"));) {
		int r = *word ? add_term(filter, word, error) : 0;

		if (r < 0)
			return r;
	}
	*ret_filter = me_steal_ptr(&filter);
	return 0;
}

static bool contains(const char *text, size_t len, const char *what, size_t what_len)
{
	int first = tolower((unsigned char)*what);

	for (size_t i = 0; i + what_len <= len; i++)
		if (tolower((unsigned char)text[i]) == first &&
		    !strncasecmp(text + i, what, what_len))
			return true;
	return false;
}

static bool value_matches(const struct term *term, const struct me_value *value)
{
	char buffer[ME_VALUE_LEN];
	size_t len;
	const char *text = me_value_show(value, buffer, &len);

	if (!text || len < term->len)
		return false;
	switch (term->match) {
	case MATCH_EQUAL:
		return len == term->len && !strncasecmp(text, term->value, len);
	case MATCH_PREFIX:
		return !strncasecmp(text, term->value, term->len);
	default:
		return contains(text, len, term->value, term->len);
	}
}

static bool is_text(const struct me_value *value)
{
	return value->text || value->kind == ME_VALUE_ADDRESS || value->kind == ME_VALUE_PROTO ||
	       value->kind == ME_VALUE_ANSWER;
}

static bool term_matches(const struct me_filter *filter, const struct term *term, const void *row)
{
	size_t n = term->anywhere ? filter->fields->count : term->n_fields;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int field = term->anywhere ? i : term->fields[i];
		struct me_value value = filter->fields->get(row, field);

		if ((!term->anywhere || is_text(&value)) && value_matches(term, &value))
			return true;
	}
	return false;
}

bool me_filter_matches(const struct me_filter *filter, const void *row)
{
	for (size_t i = 0; i < filter->count; i++)
		if (term_matches(filter, &filter->terms[i], row) == filter->terms[i].negated)
			return false;
	return true;
}
