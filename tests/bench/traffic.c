/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The measured process: reads one command a line from stdin, runs it, answers with one line.
 *
 *	pair WORKLOAD KIND SEED COUNT SIZE   -> nanoseconds of thread CPU time per operation
 *	storm KIND RATE SECONDS SIZE         -> datagrams sent, seconds, CPU seconds
 *	hold COUNT SIZE                      -> datagrams sent, each to another peer; the socket stays
 *	drop                                 -> 0; closes what `hold` opened
 *
 * WORKLOAD is udp-connect, udp-send, tcp-near or tcp-far. KIND is known (one listed peer, already
 * seen), new (another listed peer each time) or stranger (another unlisted peer each time). SEED
 * says which peers, so that every mode of a cycle meets the same ones. SIZE is the length of the
 * list that the policies hold. RATE is datagrams a second, 0 for as many as there can be.
 *
 * What keeps two runs comparable:
 * - One process, one thread, one CPU (the driver pins it). For TCP it is client and server in
 *   turn, so nothing sleeps and no scheduler decides anything. Loopback and veth deliver inside
 *   the sender's own softirq, which runs on the thread's account: the clock has both ends of the
 *   path, and the time of other processes not at all.
 * - Sockets belong to the cgroup in which they are born, so each command opens its own, and closes
 *   them outside the measured part (TCP: inside, closing is part of a connection).
 * - Peers are computed before the clock starts; an eighth more operations warm up caches, branch
 *   predictors and, for `known`, the flow itself.
 * - UDP leaves through a device without a reader: no receiver, no ICMP answer, no second softirq.
 * - TCP closes in order on both sides (FIN, FIN) and the namespaces keep no TIME_WAIT, so the
 *   tables of ports are as empty in the last round as in the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "peers.h"

#define NS_PER_S 1000000000ull
#define COUNT_MAX 4000000u
#define STORM_BATCH 200u  /* datagrams between two looks at the clock */
#define STORM_FLOWS 2000u /* datagrams of one socket */

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in *new_peers(const struct plan *plan, uint64_t seed, size_t count, bool udp)
{
	struct sockaddr_in *peers = calloc(count, sizeof(*peers));

	if (!peers)
		die("memory");
	for (size_t i = 0; i < count; i++)
		bench_peer(plan, plan->known ? seed : seed + i, udp, &peers[i]);
	return peers;
}

static int open_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static int open_listener(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(TCP_PORT)};
	int fd = open_socket(SOCK_STREAM), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 16))
		die("listener");
	return fd;
}

static int open_far_listener(const char *netns)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int far = open(netns, O_RDONLY | O_CLOEXEC);
	int fd;

	if (own < 0 || far < 0 || setns(far, CLONE_NEWNET))
		die(netns);
	fd = open_listener();
	if (setns(own, CLONE_NEWNET))
		die("own namespace");
	close(own);
	close(far);
	return fd;
}

static void send_one(int fd, const struct sockaddr_in *peer)
{
	static const char payload[32];

	if (sendto(fd, payload, sizeof(payload), 0, (const struct sockaddr *)peer, sizeof(*peer)) <
	    0)
		die("sendto");
}

static void connect_one(int fd, const struct sockaddr_in *peer)
{
	if (connect(fd, (const struct sockaddr *)peer, sizeof(*peer)))
		die("connect");
}

/* One connection from its birth to its end, at both ends. */
static void converse(int listener, const struct sockaddr_in *peer)
{
	int client = open_socket(SOCK_STREAM), server;

	connect_one(client, peer);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		die("accept");
	shutdown(client, SHUT_WR);
	shutdown(server, SHUT_WR);
	close(server);
	close(client);
}

static void measure(void (*one)(int fd, const struct sockaddr_in *peer), int fd,
		    const struct sockaddr_in *peers, size_t warm, size_t count)
{
	uint64_t start;

	for (size_t i = 0; i < warm; i++)
		one(fd, &peers[i]);
	start = now(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = warm; i < warm + count; i++)
		one(fd, &peers[i]);
	printf("%.1f\n", (double)(now(CLOCK_THREAD_CPUTIME_ID) - start) / (double)count);
}

static bool parse_kind(const char *kind, struct plan *plan)
{
	plan->known = strcmp(kind, "known") == 0;
	plan->stranger = strcmp(kind, "stranger") == 0;
	return plan->known || plan->stranger || strcmp(kind, "new") == 0;
}

static bool run_pair(const char *line, int far_listener)
{
	char workload[16], kind[16];
	struct plan plan = {.size = 0};
	struct sockaddr_in *peers;
	uint64_t seed;
	uint32_t count;
	size_t warm;
	bool udp;
	int fd;

	if (sscanf(line, "pair %15s %15s %" SCNu64 " %" SCNu32 " %" SCNu32, workload, kind, &seed,
		   &count, &plan.size) != 5 ||
	    !parse_kind(kind, &plan) || count > COUNT_MAX || plan.size < POOL_COUNT)
		return false;
	warm = count / 8;
	udp = strncmp(workload, "udp-", 4) == 0;
	plan.pool = udp ? POOL_SINK : strcmp(workload, "tcp-near") == 0 ? POOL_NEAR : POOL_FAR;
	peers = new_peers(&plan, seed, warm + count, udp);
	if (strcmp(workload, "udp-connect") == 0) {
		fd = open_socket(SOCK_DGRAM);
		measure(connect_one, fd, peers, warm, count);
		close(fd);
	} else if (udp) {
		fd = open_socket(SOCK_DGRAM);
		measure(send_one, fd, peers, warm, count);
		close(fd);
	} else if (plan.pool == POOL_NEAR) {
		fd = open_listener();
		measure(converse, fd, peers, warm, count);
		close(fd);
	} else {
		measure(converse, far_listener, peers, warm, count);
	}
	free(peers);
	return true;
}

/* Sleeps until `count` datagrams are due; a late start is caught up with. */
static void pace(uint64_t start, uint64_t count, uint64_t rate)
{
	uint64_t due = start + count * NS_PER_S / rate;
	struct timespec at = {.tv_sec = (time_t)(due / NS_PER_S),
			      .tv_nsec = (long)(due % NS_PER_S)};

	if (due > now(CLOCK_MONOTONIC))
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static bool run_storm(const char *line)
{
	uint64_t rate, seconds, start, end, cpu, sent = 0;
	struct plan plan = {.pool = POOL_SINK};
	char kind[16];

	if (sscanf(line, "storm %15s %" SCNu64 " %" SCNu64 " %" SCNu32, kind, &rate, &seconds,
		   &plan.size) != 4 ||
	    !parse_kind(kind, &plan) || plan.known || plan.size < POOL_COUNT)
		return false;
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	start = now(CLOCK_MONOTONIC);
	end = start + seconds * NS_PER_S;
	while (now(CLOCK_MONOTONIC) < end) {
		struct sockaddr_in *peers = new_peers(&plan, sent, STORM_FLOWS, true);
		int fd = open_socket(SOCK_DGRAM);

		for (size_t i = 0; i < STORM_FLOWS; i++, sent++) {
			if (rate && sent % STORM_BATCH == 0)
				pace(start, sent, rate);
			send_one(fd, &peers[i]);
		}
		close(fd);
		free(peers);
	}
	printf("%" PRIu64 " %.3f %.3f\n", sent, (double)(now(CLOCK_MONOTONIC) - start) / NS_PER_S,
	       (double)(now(CLOCK_THREAD_CPUTIME_ID) - cpu) / NS_PER_S);
	return true;
}

static bool run_hold(const char *line, int *held)
{
	struct plan plan = {.pool = POOL_SINK};
	struct sockaddr_in peer;
	uint32_t count;

	if (sscanf(line, "hold %" SCNu32 " %" SCNu32, &count, &plan.size) != 2 || *held >= 0 ||
	    count > COUNT_MAX || plan.size < POOL_COUNT)
		return false;
	*held = open_socket(SOCK_DGRAM);
	for (uint32_t i = 0; i < count; i++) {
		bench_peer(&plan, i, true, &peer);
		send_one(*held, &peer);
	}
	printf("%" PRIu32 "\n", count);
	return true;
}

static bool run_drop(int *held)
{
	if (*held < 0)
		return false;
	close(*held);
	*held = -1;
	puts("0");
	return true;
}

int main(int argc, char **argv)
{
	int far_listener, held = -1;
	char line[256];

	if (argc != 2) {
		fputs("usage: traffic NETNS-OF-THE-FAR-SERVER < commands\n", stderr);
		return 2;
	}
	far_listener = open_far_listener(argv[1]);
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		bool done = strncmp(line, "pair ", 5) == 0    ? run_pair(line, far_listener)
			    : strncmp(line, "storm ", 6) == 0 ? run_storm(line)
			    : strncmp(line, "hold ", 5) == 0
				    ? run_hold(line, &held)
				    : strcmp(line, "drop\n") == 0 && run_drop(&held);

		if (!done) {
			fprintf(stderr, "traffic: not a command: %s", line);
			return 2;
		}
	}
	return 0;
}
