/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/digest.h"

#include <stdint.h>
#include <sys/types.h>
#include <sha2.h>

_Static_assert(ME_DIGEST_LEN == SHA256_DIGEST_STRING_LENGTH, "64 digits and a NUL");

void me_digest_texts(const char *first, size_t n_first, const char *second, size_t n_second,
		     char out[ME_DIGEST_LEN])
{
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)first, n_first);
	SHA256Update(&sha, (const uint8_t *)second, n_second);
	SHA256End(&sha, out);
}
