/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_NETLINK_H
#define MEWATCH_KERNEL_NETLINK_H

/*
 * Netlink as far as it is needed here: ask for a dump, have something done, and hear that something
 * changed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

/* Called for each message of a dump. 0: go on; anything else ends the dump and is its result. */
typedef int (*me_netlink_fn)(const struct nlmsghdr *message, void *userdata);

/*
 * Opens a netlink socket of `protocol` (NETLINK_ROUTE, NETLINK_SOCK_DIAG), non-blocking, subscribed
 * to the legacy multicast `groups` (RTMGRP_*, 0 for none), inside the network namespace `ns_fd`, or
 * where the thread is now if that is negative. The caller closes *ret_fd. Negative errno otherwise.
 */
int me_netlink_open(int ns_fd, int protocol, uint32_t groups, int *ret_fd);

/*
 * Sends a dump request and passes each message of the answer to `fn`. The header is made here:
 * `type` is the message type, `body` what follows the header. The socket must be subscribed to
 * nothing; after an error it is of no use and should be closed.
 *
 * 0; what `fn` returned to stop; -EAGAIN: the kernel's table changed meanwhile, so that `fn` may
 * have seen entries twice or not at all: ask again on the same socket; -EMSGSIZE: a message was
 * larger than the buffer; -ENOBUFS: the socket overran; -EBADMSG: malformed; the kernel's own errno
 * (-ENOENT: it does not know what is asked, -EPERM).
 */
int me_netlink_dump(int fd, uint16_t type, const void *body, size_t len, me_netlink_fn fn,
		    void *userdata);

/*
 * Has the kernel do what `message` says, which is complete but for its flags and number; `flags` are
 * NLM_F_CREATE and the like. The socket is as above. 0, or the kernel's errno.
 */
int me_netlink_do(int fd, struct nlmsghdr *message, uint16_t flags);

/*
 * Throws away what waits on a subscribed socket: whoever hears of a change dumps anew, which is right
 * after an overrun, too. At most ME_NETLINK_DRAIN_MAX messages at once, the rest stays readable.
 * 0: nothing waited; 1: something did; -ENOBUFS: the kernel dropped notifications; other errno.
 */
#define ME_NETLINK_DRAIN_MAX 4096
int me_netlink_drain(int fd);

/* Attributes that follow the fixed part (`fixed` bytes) of a message; NULL after the last. */
const struct nlattr *me_netlink_first(const struct nlmsghdr *message, size_t fixed);
const struct nlattr *me_netlink_next(const struct nlmsghdr *message, const struct nlattr *attr);

/* Attributes inside of another: the first with `previous` NULL; NULL after the last. */
const struct nlattr *me_netlink_inside(const struct nlattr *attr, const struct nlattr *previous);

/* Copies the payload of an attribute if it has at least `size` bytes. */
bool me_netlink_get(const struct nlattr *attr, void *ret_value, size_t size);

#endif
