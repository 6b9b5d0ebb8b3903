/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_MEMBERS_H
#define MEWATCH_KERNEL_MEMBERS_H

/* The processes of a control group. */
#include <stdint.h>

struct me_cgroups;

#define ME_CGROUP_DEPTH_MAX 64 /* levels below the group: one descriptor each */

/*
 * Calls `fn` for each process of the group `path` and of those below it; some twice if they move
 * meanwhile. Of groups in threaded mode the threads are told, whose folders in /proc are like those of
 * processes. Processes of a PID namespace that is not ours are left out: nobody could name them. A
 * return other than 0 ends the walk and is its result.
 * 0, what `fn` returned, an errno of me_cgroup_open(), -ELOOP: deeper than ME_CGROUP_DEPTH_MAX.
 */
int me_cgroup_members(const struct me_cgroups *cgroups, const char *path,
		      int (*fn)(uint32_t pid, void *userdata), void *userdata);

#endif
