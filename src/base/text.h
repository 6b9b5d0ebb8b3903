/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_TEXT_H
#define MEWATCH_BASE_TEXT_H

/* Numbers out of text, near misses, and text from outside made safe to show. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest word that is compared for near misses. */
#define ME_TEXT_WORD_MAX 64u

/* Room for any `len` bytes after me_text_escape(), with the NUL. */
#define ME_TEXT_ESCAPED(len) ((len)*4 + 1)

/*
 * Reads a decimal number: the whole string is digits, min <= number <= max. False otherwise, and
 * *ret_number is as it was.
 */
bool me_text_parse_u64(const char *string, uint64_t min, uint64_t max, uint64_t *ret_number);

/*
 * Damerau-Levenshtein distance (optimal string alignment) of two words, ASCII letters of either
 * case being the same. SIZE_MAX if one is longer than ME_TEXT_WORD_MAX.
 */
size_t me_text_distance(const char *a, const char *b);

/*
 * The candidate that the writer of `word` most likely meant, the first of equals; NULL if none is
 * near: one edit, and one more for every four characters of the word.
 */
const char *me_text_nearest(const char *word, const char *const *candidates, size_t n);

/*
 * Copies text from outside so that it can be shown on a terminal and quoted: backslash, quotes,
 * control characters (C1 and the Unicode line and direction controls too) and bytes that are not
 * UTF-8 become \xNN. What does not fit in `size` is left out, a character whole. `out` is
 * NUL-terminated unless `size` is 0. Returns the length written.
 */
size_t me_text_escape(char *out, size_t size, const char *in, size_t len);

#endif
