/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_DIGEST_H
#define MEWATCH_POLICY_DIGEST_H

#include <stddef.h>

#define ME_DIGEST_LEN 65 /* SHA-256 in hexadecimal and a NUL */

/* The SHA-256 of two texts one after the other; NULL is an empty one. */
void me_digest_texts(const char *first, size_t n_first, const char *second, size_t n_second,
		     char out[ME_DIGEST_LEN]);

#endif
