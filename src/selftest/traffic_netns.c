/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths that go through another network namespace. Only for the network of the self-test. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "kernel/enter.h"
#include "selftest/errand.h"
#include "selftest/mptcp.h"
#include "selftest/network.h"
#include "selftest/paths.h"
#include "selftest/traffic.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#define BYTES 1000u

static uint8_t *last_byte(struct me_peer *peer)
{
	return peer->sa.sa_family == AF_INET6 ? &peer->in6.sin6_addr.s6_addr[15]
					      : (uint8_t *)&peer->in.sin_addr + 3;
}

/* By that of the peer: no neighbour knows that of the last run by another station. */
static uint8_t number_of(const struct me_peer *peer)
{
	struct me_peer copy = *peer;

	return 100 + *last_byte(&copy) % 100;
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

static void child(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	enter_child(peer);
	become_known(peer, truth);
	me_traffic_find(me_traffic_tcp, "tcp")(peer, count, truth);
}

static void new_child(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	enter_child(peer);
	me_traffic_find(me_traffic_tcp, "tcp-ask")(peer, count, truth);
}

static void new_child_udp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	enter_child(peer);
	me_traffic_find(me_traffic_udp, "udp-sendto")(peer, count, truth);
}

static struct me_peer mail_host(int family)
{
	struct me_peer own = {.sa.sa_family = family};

	if (family == AF_INET6) {
		inet_pton(AF_INET6, ME_MAIL6, &own.in6.sin6_addr);
		own.len = sizeof(own.in6);
	} else {
		inet_pton(AF_INET, ME_MAIL4, &own.in.sin_addr);
		own.len = sizeof(own.in);
	}
	return own;
}

/* The client, in a process at the far end, which returns what it hears. */
static _Noreturn void call(const struct me_peer *own, const struct me_peer *server,
			   unsigned long count, const struct me_truth *truth)
{
	int ns = open(truth->far, O_RDONLY | O_CLOEXEC), on = 1;
	char buffer[BYTES];
	ssize_t n;

	if (me_errand_enter(truth->argument) || ns < 0 || setns(ns, CLONE_NEWNET))
		me_traffic_die("the far end");
	while (count--) {
		int fd = me_traffic_socket(own->sa.sa_family, SOCK_STREAM, 0);

		/* no interface has that address */
		if (own->sa.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
		if (bind(fd, &own->sa, own->len) || connect(fd, &server->sa, server->len))
			me_traffic_die("a connection from the far end");
		while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
			send(fd, buffer, n, MSG_NOSIGNAL);
		close(fd);
	}
	_exit(0);
}

/* truth->argument is the control group that the client goes to. */
static void accepted(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer own = mail_host(peer->sa.sa_family);
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);
	pid_t client;

	if (bind(fd, &own.sa, own.len) || listen(fd, 8) || getsockname(fd, &own.sa, &own.len))
		me_traffic_die("listen");
	client = fork();
	if (client < 0)
		me_traffic_die("fork");
	if (!client)
		call(peer, &own, count, truth);
	while (count--) {
		int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (taken < 0)
			me_traffic_die("accept");
		truth->accepted++;
		me_traffic_exchange(taken, BYTES, truth);
	}
	waitpid(client, NULL, 0);
}

/* What the far end says. */
struct announcement {
	struct me_peer peer;
	uint16_t port; /* 0: the same */
};

static int announce(void *userdata)
{
	const struct announcement *what = userdata;
	int err = me_mptcp_allow();

	if (err)
		return err;
	if (what->peer.sa.sa_family == AF_INET6)
		return me_mptcp_announce(&what->peer.in6.sin6_addr, true, what->port);
	return me_mptcp_announce(&what->peer.in.sin_addr, false, what->port);
}

static int announce_nothing(void *userdata)
{
	return me_mptcp_announce(NULL, false, 0);
}

/* The far end names an address, to which the kernel connects. */
static void with_announced(const struct me_peer *peer, unsigned long count,
			   struct announcement *what, struct me_truth *truth)
{
	int ns = open(truth->far, O_RDONLY | O_CLOEXEC), err = me_mptcp_allow();

	errno = -err;
	if (err == -ENOENT)
		me_traffic_absent("MPTCP");
	if (!err)
		errno = -me_enter_netns(ns, announce, what);
	if (errno)
		me_traffic_die("an address to announce");
	me_traffic_find(me_traffic_tcp, "mptcp-other-peer")(peer, count, truth);
	me_enter_netns(ns, announce_nothing, NULL);
}

static void subflow(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct announcement twin = {.peer = *peer};

	*last_byte(&twin.peer) ^= ME_TWIN;
	with_announced(peer, count, &twin, truth);
}

static void subflow_port(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct announcement same = {.peer = *peer, .port = ME_MPTCP + 1};

	with_announced(peer, count, &same, truth);
}

const struct me_traffic_path me_traffic_netns[] = {
	{"mptcp-subflow", subflow},
	{"mptcp-subflow-port", subflow_port},
	{"accepted", accepted},
	{"child-netns", child},
	{"child-netns-new", new_child},
	{"child-netns-new-udp", new_child_udp},
	{NULL, NULL},
};
