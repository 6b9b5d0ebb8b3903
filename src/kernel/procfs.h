/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_PROCFS_H
#define MEWATCH_KERNEL_PROCFS_H

#include <stdint.h>

/*
 * Calls `fn` for each entry of the folder `path` whose name is a number: the processes in /proc, the
 * descriptors in /proc/PID/fd; both in ascending order. A return other than 0 ends the walk and is
 * its result. 0, what `fn` returned, or an errno of opening the folder.
 */
int me_procfs_each(const char *path, int (*fn)(uint32_t number, void *userdata), void *userdata);

#endif
