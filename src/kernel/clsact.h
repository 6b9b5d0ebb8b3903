/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_CLSACT_H
#define MEWATCH_KERNEL_CLSACT_H

/*
 * clsact: tc programs as filters of a qdisc that has no other use, for kernels without tcx. A filter
 * belongs to nobody: ours is the one that runs a program of ours. Interfaces are those of the calling
 * thread's network namespace.
 *
 * Filters run by priority, those of one priority from the last added to the first. Ours has priority
 * 1, where it is in front of all that are there; or the next one that is free, where another kind of
 * filter, which leaves no place beside it, has that.
 */
#include <stdbool.h>
#include <stdint.h>

#define ME_CLSACT_PRIORITIES 16 /* priorities that are tried */

struct me_clsact_filter {
	uint32_t priority;
	uint32_t handle;
	bool first;  /* no other filter runs before it */
	bool behind; /* one does that it could be put in front of */
};

/*
 * Makes the qdisc unless there is one. 0; -EBUSY: a qdisc of another kind has its place (ingress);
 * -ENODEV: no such interface; others.
 */
int me_clsact_make(uint32_t interface, bool *ret_made);

/*
 * Removes the qdisc if no filter is left on it. A filter that somebody adds just then goes with it.
 * 0, also when something is left; -ENOENT: there is no qdisc; -ENODEV; others.
 */
int me_clsact_remove(uint32_t interface);

/* The filter that runs the program of this id. 0; -ENOENT: none; others. */
int me_clsact_find(uint32_t interface, bool egress, uint32_t program_id,
		   struct me_clsact_filter *ret_filter);

/*
 * Adds a filter. 0; -ENOSPC: ME_CLSACT_PRIORITIES priorities are taken; -EINVAL: no qdisc, or the
 * priority was taken just now; -EOPNOTSUPP: the qdisc shares its filters (tc block); -ENODEV; others.
 */
int me_clsact_attach(int program, uint32_t interface, bool egress);

/* Exchanges the program of a filter in its place: each packet meets either the old or the new one. */
int me_clsact_replace(int program, uint32_t interface, bool egress,
		      const struct me_clsact_filter *filter);

int me_clsact_detach(uint32_t interface, bool egress, const struct me_clsact_filter *filter);

#endif
