/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_INTERFACES_H
#define MEWATCH_MEWATCH_INTERFACES_H

/*
 * The interfaces of the policy, as they come and go. One that is not there is waited for. One that is
 * renamed stays watched until another one has its name: nothing is let go without need.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct me_daemon;
struct me_interfaces;
struct me_policy;

/* Freed with me_interfaces_free(). 0 or a negative errno of netlink. */
int me_interfaces_new(struct me_daemon *daemon, struct me_interfaces **ret_interfaces);
void me_interfaces_free(struct me_interfaces **interfaces);

/* Readable when me_interfaces_dispatch() has something to do. */
int me_interfaces_fd(const struct me_interfaces *interfaces);
void me_interfaces_dispatch(struct me_interfaces *interfaces);

/*
 * Attaches to the interfaces of `policy`, and lets go of others. -EINVAL: two of them carry the same
 * packets; or an errno of attaching (both logged); then those of before are watched as they were.
 */
int me_interfaces_watch(struct me_interfaces *interfaces, const struct me_policy *policy);

/* One interface of the policy. */
struct me_interface_state {
	const char *name;
	uint32_t index; /* 0: there is none of that name */
	bool up;        /* and switched on */
	bool refused;   /* it carries the packets of another one, which is watched */
};
/* Starts with *cursor 0; false: no more. */
bool me_interfaces_next(const struct me_interfaces *interfaces, size_t *cursor,
			struct me_interface_state *ret_state);

#endif
