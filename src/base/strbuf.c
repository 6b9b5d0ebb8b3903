/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define FIRST_CAPACITY 64u

/* Makes room for `n` more bytes and the NUL. */
static bool reserve(struct me_strbuf *buffer, size_t n)
{
	size_t cap = buffer->cap ? buffer->cap : FIRST_CAPACITY;
	char *data;

	if (buffer->err)
		return false;
	if (n < buffer->cap - buffer->len)
		return true;
	while (cap - buffer->len <= n && cap <= SIZE_MAX / 2)
		cap *= 2;
	data = cap - buffer->len > n ? realloc(buffer->data, cap) : NULL;
	if (!data) {
		buffer->err = -ENOMEM;
		return false;
	}
	buffer->data = data;
	buffer->cap = cap;
	return true;
}

void me_strbuf_add(struct me_strbuf *buffer, const void *bytes, size_t n)
{
	if (!reserve(buffer, n))
		return;
	if (n)
		memcpy(buffer->data + buffer->len, bytes, n);
	buffer->len += n;
	buffer->data[buffer->len] = '\0';
}

void me_strbuf_adds(struct me_strbuf *buffer, const char *string)
{
	me_strbuf_add(buffer, string, strlen(string));
}

void me_strbuf_addc(struct me_strbuf *buffer, char c)
{
	me_strbuf_add(buffer, &c, 1);
}

void me_strbuf_addf(struct me_strbuf *buffer, const char *format, ...)
{
	va_list arguments, again;
	size_t room = buffer->err ? 0 : buffer->cap - buffer->len;
	int n;

	va_start(arguments, format);
	va_copy(again, arguments);
	/* Where there is room, which is mostly, the text is made once. */
	n = vsnprintf(room ? buffer->data + buffer->len : NULL, room, format, arguments);
	va_end(arguments);
	if (n < 0)
		buffer->err = -ENOMEM;
	else if ((size_t)n < room)
		buffer->len += (size_t)n;
	else if (reserve(buffer, (size_t)n)) {
		vsnprintf(buffer->data + buffer->len, (size_t)n + 1, format, again);
		buffer->len += (size_t)n;
	} else if (room) {
		buffer->data[buffer->len] = '\0';
	}
	va_end(again);
}

void me_strbuf_free(struct me_strbuf *buffer)
{
	free(buffer->data);
	*buffer = (struct me_strbuf){0};
}
