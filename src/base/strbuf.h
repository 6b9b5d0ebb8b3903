/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_STRBUF_H
#define MEWATCH_BASE_STRBUF_H

/*
 * A string that grows. Zero-initialised it is empty. An error sticks in `err`: later additions do
 * nothing, so a writer checks once, at the end.
 */
#include <stddef.h>
#include "base/cleanup.h"

struct me_strbuf {
	char *data; /* NUL-terminated; NULL while nothing was added */
	size_t len; /* without the NUL */
	size_t cap;
	int err; /* 0 or -ENOMEM */
};

/* Appends `n` bytes, which may hold NULs. */
void me_strbuf_add(struct me_strbuf *buffer, const void *bytes, size_t n);

/* Appends a string. */
void me_strbuf_adds(struct me_strbuf *buffer, const char *string);

/* Appends one byte. */
void me_strbuf_addc(struct me_strbuf *buffer, char c);

/* Appends formatted text. */
void me_strbuf_addf(struct me_strbuf *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Releases the memory; the buffer is empty and without error again. */
void me_strbuf_free(struct me_strbuf *buffer);

#define _cleanup_strbuf_ _cleanup_(me_strbuf_free)

#endif
