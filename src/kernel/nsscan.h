/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_NSSCAN_H
#define MEWATCH_KERNEL_NSSCAN_H

#include <stdint.h>

/* One use of a network namespace. */
struct me_nsuse {
	uint64_t inode;   /* of the namespace in nsfs */
	uint32_t pid;     /* of the process that is in it; 0 for a mount */
	const char *path; /* opens the namespace; lives as long as the call */
};

/*
 * Calls `fn` for each use of a network namespace that this process may see: the calling thread's
 * own, every process's, every mount's. A return other than 0 ends the scan and is its result. 0,
 * what `fn` returned, or an errno of opening /proc or its mount table.
 */
int me_nsscan(int (*fn)(const struct me_nsuse *use, void *userdata), void *userdata);

#endif
