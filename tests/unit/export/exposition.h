/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_EXPORT_EXPOSITION_H
#define MEWATCH_TESTS_EXPORT_EXPOSITION_H

/* A reader of the text format of Prometheus that accepts what the format allows and nothing else. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct exposition {
	const char *at;
	char metric[128]; /* of the last TYPE line */
	char **series;    /* all seen: none twice */
	size_t count;
};

static inline void exposition_expect(bool holds, const struct exposition *reader)
{
	if (!holds)
		fail_msg("at: %.80s", reader->at);
}

static inline void exposition_pass(struct exposition *reader, const char *text)
{
	exposition_expect(!strncmp(reader->at, text, strlen(text)), reader);
	reader->at += strlen(text);
}

static inline void exposition_name(struct exposition *reader)
{
	exposition_expect(isalpha((unsigned char)*reader->at) || *reader->at == '_', reader);
	while (isalnum((unsigned char)*reader->at) || *reader->at == '_')
		reader->at++;
}

static inline void exposition_labels(struct exposition *reader)
{
	do {
		reader->at++;
		exposition_name(reader);
		exposition_pass(reader, "=\"");
		while (*reader->at != '"') {
			exposition_expect(*reader->at && *reader->at != '\n', reader);
			if (*reader->at == '\\') {
				reader->at++;
				exposition_expect(strchr("\\\"n", *reader->at), reader);
			}
			reader->at++;
		}
		reader->at++;
	} while (*reader->at == ',');
	exposition_pass(reader, "}");
}

static inline void exposition_head(struct exposition *reader)
{
	const char *name;
	size_t len;

	exposition_pass(reader, "# HELP ");
	name = reader->at;
	exposition_name(reader);
	len = (size_t)(reader->at - name);
	exposition_pass(reader, " ");
	reader->at = strchr(reader->at, '\n');
	exposition_expect(reader->at[-1] == '.', reader);
	exposition_pass(reader, "\n# TYPE ");
	exposition_expect(!strncmp(reader->at, name, len), reader);
	snprintf(reader->metric, sizeof(reader->metric), "%.*s", (int)len, name);
	reader->at += len;
	exposition_expect(!strncmp(reader->at, " counter\n", 9) ||
				  !strncmp(reader->at, " gauge\n", 7),
			  reader);
	reader->at = strchr(reader->at, '\n') + 1;
}

static inline void exposition_sample(struct exposition *reader)
{
	const char *begin = reader->at;
	char *series;

	exposition_name(reader);
	exposition_expect(strlen(reader->metric) == (size_t)(reader->at - begin) &&
				  !strncmp(begin, reader->metric, strlen(reader->metric)),
			  reader);
	if (*reader->at == '{')
		exposition_labels(reader);
	series = strndup(begin, (size_t)(reader->at - begin));
	reader->series = realloc(reader->series, (reader->count + 1) * sizeof(char *));
	reader->series[reader->count++] = series;
	exposition_pass(reader, " ");
	exposition_expect(isdigit((unsigned char)*reader->at), reader);
	reader->at += strspn(reader->at, "0123456789.");
	exposition_pass(reader, "\n");
}

static inline int exposition_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many samples there are. */
static inline size_t exposition_read(const char *text)
{
	struct exposition reader = {.at = text};

	while (*reader.at)
		if (*reader.at == '#')
			exposition_head(&reader);
		else
			exposition_sample(&reader);
	if (reader.count)
		qsort(reader.series, reader.count, sizeof(char *), exposition_compare);
	for (size_t i = 1; i < reader.count; i++)
		if (!strcmp(reader.series[i - 1], reader.series[i]))
			fail_msg("twice: %s", reader.series[i]);
	for (size_t i = 0; i < reader.count; i++)
		free(reader.series[i]);
	free(reader.series);
	return reader.count;
}

#endif
