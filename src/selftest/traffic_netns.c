/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths that go through another network namespace. Only for the network of the self-test. */
#include <errno.h>
#include <time.h>
#include "selftest/network.h"
#include "selftest/traffic.h"

#define BYTES 1000u

/* The last byte of the peer's address: no neighbour knows that of the last run by another station. */
static uint8_t number_of(const struct me_peer *peer)
{
	const uint8_t *last = peer->sa.sa_family == AF_INET6
				      ? &peer->in6.sin6_addr.s6_addr[15]
				      : (const uint8_t *)&peer->in.sin_addr + 3;

	return 100 + *last % 100;
}

static void enter_child(const struct me_peer *peer)
{
	int err = me_network_child(number_of(peer));

	errno = -err;
	if (err == -EOPNOTSUPP)
		me_traffic_absent("macvlan");
	if (err)
		me_traffic_die("a namespace of its own");
}

/* A UDP connect shows the namespace to the hooks, and sends nothing. */
static void become_known(const struct me_peer *peer, struct me_truth *truth)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, 0);
	socklen_t size = sizeof(truth->netns);

	truth->probes++;
	if (connect(fd, &peer->sa, peer->len) ||
	    getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &truth->netns, &size))
		me_traffic_die("the namespace");
	for (unsigned int tries = 0; !truth->known; tries++) {
		errno = 0;
		if (tries == ME_TRAFFIC_DEADLINE_S * 100)
			me_traffic_die("the addresses of the namespace are not read");
		nanosleep(&pause, NULL);
	}
}

/* The streams stay open: they are there when it is settled what they are. */
static void connect_all(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

		truth->attempts++;
		if (connect(fd, &peer->sa, peer->len))
			truth->error = errno;
		else
			me_traffic_echo(fd, BYTES, truth);
	}
}

static void child(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	enter_child(peer);
	become_known(peer, truth);
	connect_all(peer, count, truth);
}

static void new_child(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	enter_child(peer);
	connect_all(peer, count, truth);
}

const struct me_traffic_path me_traffic_netns[] = {
	{"child-netns", child},
	{"child-netns-new", new_child},
	{NULL, NULL},
};
