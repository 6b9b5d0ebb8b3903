/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_GREETING_H
#define MEWATCH_PROBE_GREETING_H

/* What an FTP server says first, pure. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ME_GREETING_MAX 4096u /* bytes of a greeting; a longer one is none */
#define ME_GREETING_WELCOME 220

/* The code that a line begins with, or 0. */
static inline int me_greeting_code(const char *line, size_t length)
{
	if (length < 4 || line[0] < '1' || line[0] > '5' || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/*
 * Reads the first reply of the `length` bytes that came so far (RFC 959, section 4.2): its code, once
 * its last line is there; 0: there is more to come; -EPROTO: it is none.
 */
static inline int me_greeting_read(const char *text, size_t length)
{
	int first = 0;

	for (size_t at = 0; at < length;) {
		const char *line = text + at, *end = memchr(line, '\n', length - at);
		size_t n = end ? (size_t)(end - line) : length - at;
		int code = me_greeting_code(line, n);

		if (!end)
			break;
		if (!first && (!code || (line[3] != ' ' && line[3] != '-')))
			return -EPROTO;
		if (!first)
			first = code;
		if (code == first && line[3] == ' ')
			return first;
		at += n + 1;
	}
	return length >= ME_GREETING_MAX ? -EPROTO : 0;
}

#endif
