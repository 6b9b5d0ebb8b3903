/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_PACKETDIAG_H
#define MEWATCH_KERNEL_PACKETDIAG_H

/*
 * Packet sockets (AF_PACKET): what they send passes none of the cgroup hooks, so they are looked for.
 */
#include <stddef.h>
#include <stdint.h>
#include "kernel/owner.h"

struct me_netns;

#define ME_PACKET_SOCKETS_MAX 4096 /* known at one time */

struct me_packet_socket {
	uint64_t cookie;
	uint64_t netns; /* cookie */
	uint32_t uid;
	uint32_t ifindex;   /* 0: bound to no interface */
	uint16_t ethertype; /* host order, ETH_P_*; 0: receives nothing, only sends */
	uint8_t type;       /* SOCK_RAW, SOCK_DGRAM */
	struct me_owner owner;
};

struct me_packet_sweep;

/* An empty memory of what was seen; NULL without memory. */
struct me_packet_sweep *me_packet_sweep_new(void);
void me_packet_sweep_free(struct me_packet_sweep **sweep);

/*
 * Lists the packet sockets of every namespace in `netns` and calls `fn` for each that the last run
 * did not see. Their owners are looked up in one walk. Beyond ME_PACKET_SOCKETS_MAX sockets are
 * counted (me_packet_sweep_refused()) and not told.
 * 0; -ENOMEM; or the first error of a namespace (an errno of me_sockdiag_open() or
 * me_netlink_dump(); -ENOENT: the kernel lacks packet_diag), after the others have been listed: its
 * known sockets stay known.
 */
int me_packet_sweep_run(struct me_packet_sweep *sweep, const struct me_netns *netns,
			void (*fn)(const struct me_packet_socket *socket, void *userdata),
			void *userdata);

/* Packet sockets open at the last run, and those since the start for which there was no room. */
size_t me_packet_sweep_open(const struct me_packet_sweep *sweep);
uint64_t me_packet_sweep_refused(const struct me_packet_sweep *sweep);

#endif
