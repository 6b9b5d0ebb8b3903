/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_NETNS_H
#define MEWATCH_KERNEL_NETNS_H

/*
 * The network namespaces that are in use, and the own addresses of each.
 *
 * A namespace is in use while a process is in it, a mount names it (ip netns), or a process holds a
 * TCP or UDP socket of it. Its netlink socket here would keep it, and the other ends of its veth
 * pairs, alive for ever; so a pidfd of one of its processes and the mount table are watched, and it
 * is let go as soon as nobody else uses it. A walk every minute finds what those two do not tell.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "kernel/space.h"

#define ME_NETNS_MAX 256 /* two descriptors each: fits the usual limit of 1024 */

struct me_netns;

/*
 * Prepares the watch; me_netns_scan() begins it. `fn` is called from within me_netns_scan(),
 * _add_pid() and _dispatch(), never else: freeing tells nobody. 0, -ENOMEM, or an errno of epoll,
 * timerfd or opening /proc. Freed with me_netns_free().
 */
int me_netns_new(me_netns_fn fn, void *userdata, struct me_netns **ret_netns);
void me_netns_free(struct me_netns **netns);

/* An epoll descriptor that is readable when me_netns_dispatch() has something to do. */
int me_netns_fd(const struct me_netns *netns);

/*
 * Finds every namespace in use, the calling thread's own first, and lets go of those that are not.
 * A namespace that cannot be had is counted, no error. 0 or an errno of reading /proc.
 */
int me_netns_scan(struct me_netns *netns);

/*
 * Takes in the namespace `cookie`, which a process was just seen in. 0, also when it is known;
 * -ENOENT: the process went or is in another one (a scan will look for it soon); -ENOSPC: there are
 * ME_NETNS_MAX; or an errno of opening its sockets.
 */
int me_netns_add_pid(struct me_netns *netns, pid_t pid, uint64_t cookie);

/* Handles what is waiting: changed addresses, processes that ended, the walk. 0 or as _scan(). */
int me_netns_dispatch(struct me_netns *netns);

/* Goes through the namespaces: start with *cursor 0, until false. */
bool me_netns_next(const struct me_netns *netns, size_t *cursor, uint64_t *ret_cookie);

/*
 * A descriptor to enter the namespace (me_enter_netns(), me_sockdiag_open()); to be closed soon.
 * 0, -ENOENT: not known; -EMFILE.
 */
int me_netns_open(const struct me_netns *netns, uint64_t cookie, int *ret_fd);

struct me_netns_stats {
	size_t watched;       /* namespaces */
	size_t unwatched;     /* in use at the last scan, but no room or no permission */
	size_t own_refused;   /* addresses of watched ones beyond ME_OWN_MAX */
	uint64_t overruns;    /* notifications that the kernel dropped: each led to a new dump */
	uint64_t sync_failed; /* dumps that failed and are tried again by the next scan */
};

struct me_netns_stats me_netns_stats(const struct me_netns *netns);

#endif
