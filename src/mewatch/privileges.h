/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PRIVILEGES_H
#define MEWATCH_MEWATCH_PRIVILEGES_H

/* What the daemon may do, out of what it was started with. */
#include <stddef.h>

/*
 * Gives up every capability but those that watching, reloading and writing need, in all sets and for good, and
 * the way to get others by execve(2). Those that were not there stay away: what then cannot be done says so.
 * 0 or a negative errno.
 */
int me_privileges_drop(void);

/*
 * Writes the names of the capabilities that watching needs and this process lacks to `out`, separated by
 * spaces. 0: none is missing; else how many; or a negative errno.
 */
int me_privileges_missing(char *out, size_t size);

#endif
