/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_NEEDS_H
#define MEWATCH_KERNEL_NEEDS_H

/*
 * What the programs need of a kernel that kernels before 6.1 may lack, each found by trying it alone: the
 * word for a load that failed, of which the kernel itself says no more than EINVAL.
 */
#include <stddef.h>
#include "kernel/kernel.h"

/*
 * Writes what this kernel lacks as one list of words, cut off at `size`, each with the version of Linux
 * that brought it. How many; 0: nothing of what is known. What cannot be tried counts as there.
 */
size_t me_needs_missing(char *out, size_t size);

/*
 * Tells of a load of `what` that failed by `err`. Returns -ENOSYS for what kernels say of programs that they
 * do not understand, and what is missing stands in *why; else `err`.
 */
int me_needs_refused(struct me_why *why, int err, const char *what);

#endif
