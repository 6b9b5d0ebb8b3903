/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"

#include <string.h>

bool me_text_parse_u64(const char *string, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!*string)
		return false;
	for (const char *c = string; *c; c++) {
		if (*c < '0' || *c > '9' || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*c - '0'), &number))
			return false;
	}
	if (number < min || number > max)
		return false;
	*ret_number = number;
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t me_text_distance(const char *a, const char *b)
{
	size_t rows[3][ME_TEXT_WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t n_a = strnlen(a, ME_TEXT_WORD_MAX + 1), n_b = strnlen(b, ME_TEXT_WORD_MAX + 1);

	if (n_a > ME_TEXT_WORD_MAX || n_b > ME_TEXT_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n_b; j++)
		above[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t change = lower(a[i - 1]) != lower(b[j - 1]);
			size_t best = smaller(above[j], row[j - 1]) + 1;

			best = smaller(best, above[j - 1] + change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				best = smaller(best, before[j - 2] + 1);
			row[j] = best;
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[n_b];
}

const char *me_text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t nearest = 1 + strlen(word) / 4;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t distance = me_text_distance(word, candidates[i]);

		/* Every letter changed is another word, not a near miss. */
		if (distance >= strlen(candidates[i]))
			continue;
		if (found ? distance < nearest : distance <= nearest) {
			nearest = distance;
			found = candidates[i];
		}
	}
	return found;
}

/*
 * The length of the UTF-8 character at `in` (RFC 3629, section 4) and its code point; 0 if there is
 * none: overlong forms, surrogates and what is beyond U+10FFFF are none.
 */
static size_t decode(const unsigned char *in, size_t len, uint32_t *ret_code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = in[0] < 0x80 ? 1 : in[0] >> 5 == 6 ? 2 : in[0] >> 4 == 14 ? 3 : 4;
	uint32_t code = n == 1 ? in[0] : in[0] & (0x7fu >> n);

	if (n > len || (n == 4 && in[0] >> 3 != 30))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (in[i] >> 6 != 2)
			return 0;
		code = code << 6 | (in[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || code >> 11 == 0x1b)
		return 0;
	*ret_code = code;
	return n;
}

/* Whether a character may be shown as it is. */
static bool is_plain(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	if (code == '\\' || code == '"' || code == '\'')
		return false;
	/* Line and paragraph separators, and the controls that reorder a line. */
	return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

size_t me_text_escape(char *out, size_t size, const char *in, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *bytes = (const unsigned char *)in;
	size_t written = 0;

	if (!size)
		return 0;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t n = decode(bytes + at, len - at, &code);
		bool plain = n && is_plain(code);

		n = n ? n : 1;
		if ((plain ? n : n * 4) >= size - written)
			break;
		for (size_t end = at + n; at < end; at++) {
			if (plain) {
				out[written++] = in[at];
				continue;
			}
			out[written++] = '\\';
			out[written++] = 'x';
			out[written++] = digit[bytes[at] >> 4];
			out[written++] = digit[bytes[at] & 15];
		}
	}
	out[written] = '\0';
	return written;
}
