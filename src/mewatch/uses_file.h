/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_USES_FILE_H
#define MEWATCH_MEWATCH_USES_FILE_H

/*
 * `endpoints` in the state folder: when each endpoint of the policy was used, one JSON object a line.
 * It is replaced as a whole, so it can be read beside a running daemon, and it outlives the machine's
 * restart, which the counts in the kernel do not.
 */
#include <stddef.h>

struct me_uses;

#define ME_USES_FILE "endpoints"

/*
 * Reads it, sorted. Lines that are no use are passed over; *ret_damaged says how many. 0, what reading
 * the file said, or -ENOMEM.
 */
int me_uses_read(const char *state, struct me_uses *ret_uses, size_t *ret_damaged);

/* Writes it. 0, what writing the file said, or -ENOMEM. */
int me_uses_write(const char *state, const struct me_uses *uses);

#endif
