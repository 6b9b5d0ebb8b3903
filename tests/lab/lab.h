/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_H
#define MEWATCH_LAB_H

/*
 * What the traffic programs share: reading their arguments, moving bytes, and saying what they did.
 * A program that cannot do its path because the kernel has no such thing exits with LAB_ABSENT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/text.h"

#define LAB_ABSENT 77
#define LAB_CHUNK 16384u /* bytes on their way before the echo is awaited */
#define LAB_DEADLINE_S 5 /* for one answer */
#define LAB_COUNT_MAX 10000000u
#define LAB_ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* What a program did, in the words of the monitor: the ground truth of a scenario. */
struct lab_truth {
	unsigned long attempts;  /* connects, or first datagrams of (socket, peer) */
	unsigned long probes;    /* UDP connects */
	unsigned long datagrams; /* sent */
	unsigned long sent;      /* payload bytes */
	unsigned long received;  /* payload bytes */
	int error;               /* errno of the last call that failed, or 0 */
};

/* Where it goes; IPv4 and IPv6 as given, and IPv4 in mapped form on request. */
struct lab_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

/* The number that `text` is; anything else, or more than `max`, ends the program. */
static inline unsigned long lab_number(const char *text, unsigned long max)
{
	uint64_t value;

	if (!me_text_parse_u64(text, 0, max, &value))
		errx(2, "%s: expected a number up to %lu", text, max);
	return value;
}

static inline struct lab_peer lab_peer(const char *address, unsigned int port)
{
	struct lab_peer peer = {.len = sizeof(peer.in)};

	peer.in.sin_port = htons(port);
	if (inet_pton(AF_INET, address, &peer.in.sin_addr) == 1) {
		peer.in.sin_family = AF_INET;
		return peer;
	}
	if (inet_pton(AF_INET6, address, &peer.in6.sin6_addr) != 1)
		errx(2, "%s: expected an address", address);
	peer.in6.sin6_family = AF_INET6;
	peer.len = sizeof(peer.in6);
	return peer;
}

/* The same peer as seen by an IPv6 socket. */
static inline struct lab_peer lab_mapped(const struct lab_peer *v4)
{
	struct lab_peer peer = {
		.in6 = {.sin6_family = AF_INET6, .sin6_port = v4->in.sin_port},
		.len = sizeof(peer.in6),
	};

	if (v4->sa.sa_family != AF_INET)
		errx(2, "a mapped address is made from an IPv4 address");
	peer.in6.sin6_addr.s6_addr[10] = 0xff;
	peer.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&peer.in6.sin6_addr.s6_addr[12], &v4->in.sin_addr, 4);
	return peer;
}

/* The peer `n` ports further on. */
static inline struct lab_peer lab_next_port(const struct lab_peer *peer, unsigned int n)
{
	struct lab_peer next = *peer;

	next.in.sin_port =
		htons(ntohs(peer->in.sin_port) + n); /* at the same place in both families */
	return next;
}

/* A socket whose receive calls give up after the deadline. */
static inline int lab_socket(int family, int type, int protocol)
{
	struct timeval deadline = {.tv_sec = LAB_DEADLINE_S};
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT ||
		       errno == ESOCKTNOSUPPORT || errno == EAFNOSUPPORT)) {
		printf("absent=socket(%d,%d,%d)\n", family, type, protocol);
		exit(LAB_ABSENT);
	}
	if (fd < 0)
		err(1, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)))
		err(1, "SO_RCVTIMEO");
	return fd;
}

/* Receives exactly `want` bytes from a stream. False at its end, at an error and at the deadline. */
static inline bool lab_receive(int fd, size_t want, struct lab_truth *truth)
{
	char buffer[LAB_CHUNK];
	ssize_t n;

	while (want) {
		n = recv(fd, buffer, want < sizeof(buffer) ? want : sizeof(buffer), 0);
		if (n <= 0) {
			truth->error = n ? errno : EPIPE;
			return false;
		}
		truth->received += n;
		want -= n;
	}
	return true;
}

/* Ends a stream in order: our FIN, then everything up to the peer's. */
static inline void lab_finish(int fd, struct lab_truth *truth)
{
	char buffer[256];
	ssize_t n;

	if (shutdown(fd, SHUT_WR)) {
		truth->error = errno;
		return;
	}
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		truth->received += n;
	if (n < 0)
		truth->error = errno;
}

/* Sends `bytes` to an echoing peer and receives them again. False if that did not work. */
static inline bool lab_echo(int fd, size_t bytes, struct lab_truth *truth)
{
	static const char zeros[LAB_CHUNK];
	ssize_t n;

	while (bytes) {
		n = send(fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_NOSIGNAL);
		if (n < 0) {
			truth->error = errno;
			return false;
		}
		truth->sent += n;
		bytes -= n;
		if (!lab_receive(fd, n, truth))
			return false;
	}
	return true;
}

/* The same, and the stream ends in order. */
static inline void lab_exchange(int fd, size_t bytes, struct lab_truth *truth)
{
	if (lab_echo(fd, bytes, truth))
		lab_finish(fd, truth);
}

/* One datagram from the peer, or the deadline. */
static inline void lab_await_datagram(int fd, struct lab_truth *truth)
{
	char buffer[65536];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n < 0)
		truth->error = errno;
	else
		truth->received += n;
}

static inline void lab_say(const char *path, const struct lab_truth *truth)
{
	printf("path=%s pid=%d attempts=%lu probes=%lu datagrams=%lu sent=%lu received=%lu errno=%d\n",
	       path, getpid(), truth->attempts, truth->probes, truth->datagrams, truth->sent,
	       truth->received, truth->error);
	fflush(stdout);
}

/* Keeps the sockets open until there is something on our input, or its end. */
static inline void lab_hold(void)
{
	char byte;

	if (read(STDIN_FILENO, &byte, 1) < 0)
		err(1, "standard input");
}

/* One path of a program: it may leave sockets open, they end with the process. */
struct lab_path {
	const char *name;
	void (*run)(const struct lab_peer *peer, unsigned long count, struct lab_truth *truth);
};

/* The main of a program of paths: [-k] NAME DEST PORT [COUNT]; -k holds the sockets open. */
static inline int lab_main(int argc, char **argv, const struct lab_path *paths, size_t n_paths)
{
	struct lab_truth truth = {0};
	bool hold = argc > 1 && !strcmp(argv[1], "-k");
	struct lab_peer peer;

	argc -= hold;
	argv += hold;
	if (argc < 4 || argc > 5)
		errx(2, "usage: [-k] NAME DEST PORT [COUNT]");
	peer = lab_peer(argv[2], lab_number(argv[3], 65535));
	for (size_t i = 0; i < n_paths; i++) {
		if (strcmp(paths[i].name, argv[1]))
			continue;
		paths[i].run(&peer, argc > 4 ? lab_number(argv[4], LAB_COUNT_MAX) : 1, &truth);
		lab_say(argv[1], &truth);
		if (hold)
			lab_hold();
		return 0;
	}
	errx(2, "%s: no such path", argv[1]);
}

#endif
