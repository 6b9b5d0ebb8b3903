/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_SOCKDIAG_H
#define MEWATCH_KERNEL_SOCKDIAG_H

/*
 * The sockets that are open in a network namespace, as sock_diag(7) lists them.
 */
#include <stdint.h>
#include "mewatch/address.h"

struct me_netns;

/* A way to ask one namespace. Plain data; the descriptor is the caller's to close. */
struct me_sockdiag {
	uint64_t netns; /* cookie */
	int fd;
	uint16_t ephemeral_low; /* net.ipv4.ip_local_port_range, both ends included */
	uint16_t ephemeral_high;
};

struct me_socket {
	uint64_t cookie;
	uint64_t netns;      /* cookie */
	uint64_t cgroup;     /* cgroup2 id of its birth; 0 unknown */
	uint64_t bytes_sent; /* TCP: payload, each byte once; 0 for UDP, which does not count */
	uint64_t bytes_received;
	struct me_addr local;
	struct me_addr peer;
	uint32_t inode; /* 0: no process holds it (orphaned, not accepted yet, of the kernel) */
	uint32_t uid;
	uint16_t sport;    /* local, host order */
	uint16_t dport;    /* of the peer, host order */
	uint8_t proto;     /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t state;     /* TCP_* of the kernel; UDP: TCP_ESTABLISHED connected, TCP_CLOSE not */
	uint8_t direction; /* enum me_direction */
};

/* 0: go on; anything else ends the listing and is its result. */
typedef int (*me_socket_fn)(const struct me_socket *socket, void *userdata);

/*
 * Opens a sock_diag socket in the network namespace `ns_fd` (negative: where the thread is). 0 or an
 * errno of me_netlink_open(). The caller closes ret_diag->fd, also after an error of the functions
 * below, which leaves the socket of no use.
 */
int me_sockdiag_open(int ns_fd, struct me_sockdiag *ret_diag);

/*
 * Calls `fn` for each TCP socket that listens and each UDP socket that is bound and not connected.
 * Their direction is ME_DIRECTION_IN. 0, what `fn` returned, or an errno of me_netlink_dump().
 */
int me_sockdiag_listeners(const struct me_sockdiag *diag, me_socket_fn fn, void *userdata);

/*
 * Calls `fn` for each flow under way: TCP sockets from SYN_SENT to LAST_ACK, connected UDP sockets.
 * TIME_WAIT is no flow: its owner has closed it. Subflows of MPTCP are TCP sockets without an inode.
 * Direction: `in` if something listens on the local port; `out` if the SYN is on its way, if the
 * local port is one that the kernel picks and the peer's lies below those, or if only the peer's is
 * privileged; else `unknown` (passive FTP data after its listener closed looks the same from both
 * ends).
 * 0, what `fn` returned, -ENOSPC: more than ME_LISTENERS_MAX listen, -ENOMEM, or an errno of
 * me_netlink_dump().
 */
#define ME_LISTENERS_MAX 65536
int me_sockdiag_flows(const struct me_sockdiag *diag, me_socket_fn fn, void *userdata);

/*
 * One of the two above in each namespace that is known; one that is gone, or cannot be asked, is passed
 * over. 0, or the first error of `list_fn`, which ends it.
 */
int me_sockdiag_each(const struct me_netns *netns,
		     int (*list_fn)(const struct me_sockdiag *diag, me_socket_fn fn,
				    void *userdata),
		     me_socket_fn fn, void *userdata);

/*
 * 1 if a process holds a TCP or UDP socket in the namespace, 0 if not; or an errno as above.
 */
int me_sockdiag_in_use(const struct me_sockdiag *diag);

#endif
