/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_NETWORK_H
#define MEWATCH_BENCH_NETWORK_H

/* The lanes of transit.sh, which knows the same names and numbers, as forward.c holds them. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include "peers.h"
#include "tcx.h"
#include "work.h"

#define LANES_MAX 16u
#define LIST_SIZE 4000u                        /* addresses of the policy; a quarter in each pool */
#define LAN_NETWORK 0xac1f0000u                /* 172.31.LANE.0/24 */
#define SILENT_HOST 3u                         /* the one that sends datagrams and takes none */
#define GATEWAY_MAC "\x02\x00\x00\x00\x00\x01" /* of each of its interfaces */
#define BUFFER_SIZE 262144                     /* of both ends of a connection */
#define SENDER_MAC "\x02\x00\x00\x00\x00\x02"

struct lane {
	int host, gateway; /* network namespaces */
	int out, back;     /* packet sockets: the mail host's, and one of the far side */
};

struct network {
	struct lane lanes[LANES_MAX];
	uint32_t n_lanes;
	int own;      /* network namespace */
	int listener; /* on the far side */
	struct tcx tcx;
	double share; /* see `clocks` */
};

static inline int open_netns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static inline void enter(int netns)
{
	if (setns(netns, CLONE_NEWNET))
		die("setns");
}

/* A socket that only sends, in the namespace where the process is. */
static inline int open_sender(const char *device)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	link.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || !link.sll_ifindex || bind(fd, (struct sockaddr *)&link, sizeof(link)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		die(device);
	return fd;
}

static inline void force_buffer(int fd, int which)
{
	int size = BUFFER_SIZE;

	if (setsockopt(fd, SOL_SOCKET, which, &size, sizeof(size)))
		die("buffer");
}

static inline void open_lane(struct network *net, const char *host, const char *gateway, int far)
{
	struct lane *lane = &net->lanes[net->n_lanes];
	char device[IF_NAMESIZE];

	snprintf(device, sizeof(device), "wan%" PRIu32, net->n_lanes++);
	enter(far);
	lane->back = open_sender(device);
	lane->gateway = open_netns(gateway);
	lane->host = open_netns(host);
	enter(lane->host);
	lane->out = open_sender("lan");
	enter(net->own);
}

/* Arguments as in main(). */
static inline void open_network(struct network *net, char **netns)
{
	int far = open_netns(*netns++);

	net->own = open_netns("/proc/self/ns/net");
	enter(far);
	net->listener = open_listener(TCP_PORT);
	force_buffer(net->listener, SO_RCVBUFFORCE);
	for (; *netns; netns += 2)
		open_lane(net, netns[0], netns[1], far);
	close(far);
}

#endif
