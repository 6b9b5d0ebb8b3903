/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_OUTSIDE_H
#define MEWATCH_KERNEL_OUTSIDE_H

/*
 * Sockets that were born outside some control groups and are held inside: received over a Unix
 * socket, inherited, or brought along by a process that moved. A socket belongs to the group of its
 * birth for ever, so no hook of the groups sees what they send; they are looked for.
 *
 * TCP and UDP; a TCP socket is found once it is bound, listens or is connected. MPTCP is not.
 */
#include <stddef.h>
#include <stdint.h>
#include "kernel/owner.h"
#include "kernel/sockdiag.h"

struct me_cgroups;
struct me_netns;
struct me_outside;

#define ME_OUTSIDE_SOCKETS_MAX 65536 /* sockets held inside, of whatever birth and kind */

/* One that the last run did not know. */
typedef void (*me_outside_fn)(const struct me_socket *socket, const struct me_owner *holder,
			      void *userdata);

/* An empty memory of what was seen; NULL without memory. */
struct me_outside *me_outside_new(void);
void me_outside_free(struct me_outside **outside);
/* Forgets what was seen: it was for other groups. */
void me_outside_forget(struct me_outside *outside);

/*
 * Looks into every process of the groups `tops` (`n` paths in normal form) for sockets that are new
 * there, and asks every namespace of `netns` where those were born. Where none is new nothing is asked
 * but the processes. Beyond ME_OUTSIDE_SOCKETS_MAX sockets are counted (me_outside_refused()) and not
 * looked at.
 * 0; -ENOMEM; or the first other error of a group or a namespace, after the rest was looked at, or
 * -EACCES if a process is closed to us. A group that is gone is no error.
 */
int me_outside_run(struct me_outside *outside, const struct me_netns *netns,
		   struct me_cgroups *cgroups, const char *const *tops, size_t n, me_outside_fn fn,
		   void *userdata);

/* How many are held now, as of the last run. */
size_t me_outside_open(const struct me_outside *outside);
uint64_t me_outside_refused(const struct me_outside *outside);

#endif
