/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/doctor_parse.h"

#include <stdio.h>
#include <string.h>

static const char blank[] = " \t";

/* The line after this one; NULL: there is none. */
static const char *next_line(const char *text)
{
	text = strchr(text, '\n');
	return text ? text + 1 : NULL;
}

bool me_doctor_lockdown_level(const char *text, char *out, size_t size)
{
	const char *begin = strchr(text, '['), *end = begin ? strchr(begin, ']') : NULL;

	if (!end)
		return false;
	snprintf(out, size, "%.*s", (int)(end - begin - 1), begin + 1);
	return true;
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && !strncmp(text, word, length);
}

bool me_doctor_nsswitch_first(const char *text, const char *service)
{
	static const char key[] = "hosts:";

	for (; text; text = next_line(text)) {
		const char *word = text + strspn(text, blank);

		if (strncmp(word, key, sizeof(key) - 1))
			continue;
		for (word += sizeof(key) - 1; *word && !strchr("\n#", *word);) {
			size_t length;

			word += strspn(word, blank);
			/* "[!UNAVAIL=return]" is about the service before. */
			length = *word == '[' ? strcspn(word, "]\n") : strcspn(word, " \t\n#[");
			length += word[length] == ']';
			if (is_word(word, length, service))
				return true;
			if (is_word(word, length, "dns"))
				return false;
			word += length;
		}
	}
	return false;
}

bool me_doctor_setting(const char *text, const char *key, char *out, size_t size)
{
	bool found = false;

	for (; text; text = next_line(text)) {
		const char *word = text + strspn(text, blank);
		size_t length;

		if (strncmp(word, key, strlen(key)))
			continue;
		word += strlen(key);
		word += strspn(word, blank);
		if (*word++ != '=')
			continue;
		word += strspn(word, blank);
		length = strcspn(word, "\r\n");
		while (length && strchr(blank, word[length - 1]))
			length--;
		snprintf(out, size, "%.*s", (int)length, word);
		found = true;
	}
	return found;
}
