/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_WORK_H
#define MEWATCH_BENCH_WORK_H

/*
 * What the workloads are made of: the clock, sockets here and on the far side, one connection.
 * Failures end the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "peers.h"

#define NS_PER_S 1000000000ull
#define ANSWER_SECONDS 5 /* nothing here takes so long unless it got lost */

static inline uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline _Noreturn void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline int open_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* Receiving on it fails after a while, rather than that the bench hangs. */
static inline void expect_answers(int fd)
{
	struct timeval wait = {.tv_sec = ANSWER_SECONDS};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
		die("SO_RCVTIMEO");
}

static inline void connect_to(int fd, const struct sockaddr_in *peer)
{
	if (connect(fd, (const struct sockaddr *)peer, sizeof(*peer)))
		die("connect");
}

static inline int open_listener(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = open_socket(SOCK_STREAM), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 16))
		die("listener");
	return fd;
}

static inline int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	return fd;
}

/* --- The far side ------------------------------------------------------------------------------- */

/* Sockets of the far side. */
struct far {
	int resolver;
	int echo;
	int plain; /* listens on TCP_PORT */
	int tls;   /* listens on TLS_PORT */
};

static inline struct sockaddr_in inet_peer(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(address),
	};
}

static inline int open_datagram_server(uint16_t port)
{
	struct sockaddr_in own = inet_peer(FAR_ADDRESS, port);
	int fd = open_socket(SOCK_DGRAM);

	if (bind(fd, (struct sockaddr *)&own, sizeof(own)))
		die("far server");
	expect_answers(fd);
	return fd;
}

/* Opens the far side's sockets in its network namespace, and comes back. */
static inline struct far open_far(const char *netns)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC);
	struct far far;

	if (own < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die(netns);
	far = (struct far){
		.resolver = open_datagram_server(DNS_PORT),
		.echo = open_datagram_server(ECHO_PORT),
		.plain = open_listener(TCP_PORT),
		.tls = open_listener(TLS_PORT),
	};
	if (setns(own, CLONE_NEWNET))
		die("own namespace");
	close(own);
	close(there);
	return far;
}

/* --- One connection ----------------------------------------------------------------------------- */

/* Writes at one end of a connection and reads at the other. */
static inline void pass_on(int from, int to, const void *payload, size_t size)
{
	uint8_t read[1024];

	if (size > sizeof(read) || send(from, payload, size, 0) != (ssize_t)size)
		die("send");
	if (recv(to, read, size, MSG_WAITALL) != (ssize_t)size)
		die("recv");
}

/* One connection from its birth to its end, at both ends; the client says something or nothing. */
static inline void converse(int listener, const struct sockaddr_in *peer, const void *payload,
			    size_t size)
{
	int client = open_socket(SOCK_STREAM), server;

	connect_to(client, peer);
	server = accept_one(listener);
	if (size)
		pass_on(client, server, payload, size);
	shutdown(client, SHUT_WR);
	shutdown(server, SHUT_WR);
	close(server);
	close(client);
}

/* --- The clock ---------------------------------------------------------------------------------- */

/* Runs operations 0 .. warm + count - 1, and tells what one of the last `count` took. */
static inline void measure(void (*one)(void *context, size_t i), void *context, size_t warm,
			   size_t count)
{
	uint64_t start;

	for (size_t i = 0; i < warm; i++)
		one(context, i);
	start = now(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = warm; i < warm + count; i++)
		one(context, i);
	printf("%.1f\n", (double)(now(CLOCK_THREAD_CPUTIME_ID) - start) / (double)count);
}

/* Sleeps until `count` operations are due; a late start is caught up with. */
static inline void pace(uint64_t start, uint64_t count, uint64_t rate)
{
	uint64_t due = start + count * NS_PER_S / rate;
	struct timespec at = {.tv_sec = (time_t)(due / NS_PER_S),
			      .tv_nsec = (long)(due % NS_PER_S)};

	if (due > now(CLOCK_MONOTONIC))
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* What a command at a pace came to: operations, seconds, CPU seconds. */
static inline void tell_run(uint64_t done, uint64_t start, uint64_t cpu)
{
	printf("%llu %.3f %.6f\n", (unsigned long long)done,
	       (double)(now(CLOCK_MONOTONIC) - start) / NS_PER_S,
	       (double)(now(CLOCK_THREAD_CPUTIME_ID) - cpu) / NS_PER_S);
}

#endif
