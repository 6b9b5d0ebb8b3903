/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_FILE_H
#define MEWATCH_BASE_FILE_H

/* Whole files, in and out. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Whether there is something at `path`, or nobody can tell: then to open it says why. Unlike access(2) it asks
 * for this process as it is, with the capabilities that a user other than root may have.
 */
bool me_file_exists(const char *path);

/*
 * Reads a regular file of at most `max` bytes. *ret_data is the caller's to free(); a NUL follows
 * the *ret_len bytes. 0; -EISDIR, -EINVAL (a device, pipe or socket), -EFBIG, -ENOMEM, or what
 * open(2) and read(2) say.
 */
int me_file_read(const char *path, size_t max, char **ret_data, size_t *ret_len);

/*
 * Replaces the file at `path`, mode `mode` whatever the umask: readers see the old content or the
 * new, whole. 0, -ENOMEM, or what the failing call says; then the old file is as it was.
 */
int me_file_write_atomic(const char *path, const void *data, size_t len, mode_t mode);

#endif
