/* SPDX-License-Identifier: GPL-2.0-only */
#include <langinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include "metop/shown.h"

#define PIECE_MAX 12 /* "\U0010ffff" and a NUL */

/* One character as it is shown. */
struct piece {
	char text[PIECE_MAX];
	size_t bytes;   /* of the source */
	size_t columns; /* 0 at the end of the source */
};

bool me_shown_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Decodes one character (RFC 3629); the number of its bytes, 0 if there is none. */
static size_t decode(const unsigned char *s, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80             ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	uint32_t code;

	if (!n)
		return 0;
	code = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return n;
}

static struct piece next_piece(const char *text, bool utf8)
{
	struct piece piece = {.bytes = 1};
	uint32_t code = 0;
	size_t n;
	int width;

	if (!*text)
		return (struct piece){0};
	n = decode((const unsigned char *)text, &code);
	if (!n) {
		piece.columns = (size_t)snprintf(piece.text, sizeof(piece.text), "\\x%02x",
						 (unsigned char)*text);
		return piece;
	}
	piece.bytes = n;
	/* Characters of no width are escaped too: they hide, or turn the text around. */
	width = code < 0x80 || utf8 ? wcwidth((wchar_t)code) : -1;
	if (width > 0) {
		memcpy(piece.text, text, n);
		piece.columns = (size_t)width;
		return piece;
	}
	piece.columns = (size_t)snprintf(piece.text, sizeof(piece.text),
					 code < 0x80      ? "\\x%02x"
					 : code < 0x10000 ? "\\u%04x"
							  : "\\U%08x",
					 code);
	return piece;
}

size_t me_shown_width(const char *text)
{
	bool utf8 = me_shown_utf8();
	size_t columns = 0;
	struct piece piece;

	for (; (piece = next_piece(text, utf8)).columns; text += piece.bytes)
		columns += piece.columns;
	return columns;
}

size_t me_shown_bytes(const char *text, size_t columns)
{
	bool utf8 = me_shown_utf8();
	size_t bytes = 0, used = 0;
	struct piece piece;

	while ((piece = next_piece(text + bytes, utf8)).columns) {
		if (bytes && used + piece.columns > columns)
			break;
		used += piece.columns;
		bytes += piece.bytes;
	}
	return bytes;
}

size_t me_shown_fit(char *out, const char *text, size_t columns)
{
	bool utf8 = me_shown_utf8();
	size_t used = 0, cut = 0, len = 0, cut_len = 0;
	struct piece piece;

	/* `cut` is the last place from which an ellipsis would still fit. */
	for (; (piece = next_piece(text, utf8)).columns; text += piece.bytes) {
		size_t n = strlen(piece.text);

		if (used + piece.columns > columns)
			break;
		memcpy(out + len, piece.text, n);
		len += n;
		used += piece.columns;
		if (used < columns) {
			cut = used;
			cut_len = len;
		}
	}
	if (piece.columns && columns) {
		const char *ellipsis = utf8 ? "\xe2\x80\xa6" : "~";

		memcpy(out + cut_len, ellipsis, strlen(ellipsis));
		len = cut_len + strlen(ellipsis);
		used = cut + 1;
	}
	out[len] = '\0';
	return used;
}
