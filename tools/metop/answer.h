/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_ANSWER_H
#define METOP_ANSWER_H

/* Answers of the API, read into rows. The only place that knows the JSON library. */
#include <stddef.h>
#include "metop/rows.h"

#define ME_ANSWER_DEPTH_MAX 16 /* objects inside objects; deeper ones are an error */

/*
 * Reads {"ts", "total", "matched" or "lines", "offset", LIST: [rows]}. The key of a row is made of the fields `keys`
 * (`n_keys` names). Lists inside a row become text with commas, objects become fields
 * "object.field". 0, -EBADMSG for anything that is not such an answer, or -ENOMEM.
 */
int me_answer_list(const char *body, size_t len, const char *list, const char *const *keys,
		   size_t n_keys, struct me_rows **ret_rows);

/*
 * Reads any object, each leaf a row: key "a.b.c", fields `section` ("a"), `item` ("b.c") and
 * `value`. An object inside a list is one row with its own fields beside `section`, and the key
 * "a.0". Errors as above.
 */
int me_answer_tree(const char *body, size_t len, struct me_rows **ret_rows);

/* What {"error": …} says, for the caller to free(), or NULL if the body is nothing of the kind. */
char *me_answer_error(const char *body, size_t len);

/*
 * The body again, as JSON in ASCII alone, which no terminal can take for anything else. For the
 * caller to free(); NULL if it is no object, or without memory.
 */
char *me_answer_ascii(const char *body, size_t len);

#endif
