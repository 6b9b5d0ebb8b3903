/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_FEATURE_H
#define MEWATCH_KERNEL_FEATURE_H

/*
 * What this kernel can do, found by trying, and what else is on the same hooks. Nothing is attached,
 * pinned or left behind.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/kernel.h"

/*
 * Loads all programs and maps of both vantages, as the daemon does, into maps of their own, and lets
 * go of them. *ret_programs: how many. 0; -ENOSYS: the kernel lacks something; -EPERM; others, with one
 * line in *why.
 */
int me_feature_load(size_t *ret_programs, struct me_why *why);

/* A program of somebody else on a hook that mewatch uses, too. */
struct me_foreign {
	const char *hook;
	char name[16]; /* as its maker called it; may be empty */
	uint32_t id;
	bool before; /* it runs before ours, or would */
};

/*
 * Calls `fn` for each program, other than those attached through the pins below `pins`, that runs for
 * the cgroup opened at `cgroup`, its own and those of the groups above. `id` is the cgroup's. A return
 * other than 0 ends it. 0, what `fn` returned; -EINVAL: the kernel does not know a hook, which is
 * *ret_hook; -EPERM; others.
 */
int me_feature_foreign(const char *pins, int cgroup, uint64_t id,
		       int (*fn)(const struct me_foreign *foreign, void *userdata), void *userdata,
		       const char **ret_hook);

/* Whether an XDP program is attached to the interface: it sees packets before tc. 0 or an errno. */
int me_feature_xdp(uint32_t interface, bool *ret_attached);

/*
 * Counts the flowtables of the calling thread's network namespace whose flows the hardware forwards:
 * what it does passes no program. 0 or an errno; -EPERM.
 */
int me_feature_offload(size_t *ret_n);

/* Folders below `pins` with maps of another layout than this version's. 0; -ENOENT: no pins; others. */
int me_feature_older(const char *pins, size_t *ret_n);

#endif
