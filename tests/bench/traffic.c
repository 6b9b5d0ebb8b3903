/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The measured process: reads one command a line from stdin, runs it, answers with one line.
 *
 *	pair WORKLOAD KIND SEED COUNT SIZE   -> nanoseconds of thread CPU time per operation
 *	storm KIND RATE SECONDS SIZE         -> datagrams sent, seconds, CPU seconds
 *	resolve SOCKETS RATE SECONDS         -> DNS exchanges made, seconds, CPU seconds
 *	hold COUNT SIZE                      -> datagrams sent, each to another peer; the socket stays
 *	drop                                 -> 0; closes what `hold` opened
 *
 * WORKLOAD is udp-connect, udp-send, tcp-near or tcp-far, or one of exchange.h. KIND is known (one
 * listed peer, already seen), new (another listed peer each time) or stranger (another unlisted peer
 * each time). SEED says which peers, so that every mode of a cycle meets the same ones. SIZE is the
 * length of the list that the policies hold. RATE is a second, 0 for as many as there can be.
 * SOCKETS is one for all exchanges, or each its own.
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
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "exchange.h"
#include "peers.h"
#include "work.h"

#define COUNT_MAX 4000000u
#define STORM_BATCH 200u  /* datagrams between two looks at the clock */
#define STORM_FLOWS 2000u /* datagrams of one socket */

static struct sockaddr_in *new_peers(const struct plan *plan, uint64_t seed, size_t count, bool udp)
{
	struct sockaddr_in *peers = calloc(count, sizeof(*peers));

	if (!peers)
		die("memory");
	for (size_t i = 0; i < count; i++)
		bench_peer(plan, plan->known ? seed : seed + i, udp, &peers[i]);
	return peers;
}

static void send_to(int fd, const struct sockaddr_in *peer)
{
	static const char payload[32];

	if (sendto(fd, payload, sizeof(payload), 0, (const struct sockaddr *)peer, sizeof(*peer)) <
	    0)
		die("sendto");
}

/* The socket of a round, for TCP the listener, and its peers. */
struct round {
	int fd;
	const struct sockaddr_in *peers;
};

static void send_one(void *context, size_t i)
{
	const struct round *round = context;

	send_to(round->fd, &round->peers[i]);
}

static void connect_one(void *context, size_t i)
{
	const struct round *round = context;

	connect_to(round->fd, &round->peers[i]);
}

static void talk_one(void *context, size_t i)
{
	const struct round *round = context;

	converse(round->fd, &round->peers[i], NULL, 0);
}

static bool parse_kind(const char *kind, struct plan *plan)
{
	plan->known = strcmp(kind, "known") == 0;
	plan->stranger = strcmp(kind, "stranger") == 0;
	return plan->known || plan->stranger || strcmp(kind, "new") == 0;
}

static void run_round(const char *workload, const struct plan *plan, const struct far *far,
		      uint64_t seed, size_t warm, size_t count)
{
	struct sockaddr_in *peers = new_peers(plan, seed, warm + count, plan->pool == POOL_SINK);
	struct round round = {.fd = far->plain, .peers = peers};

	if (plan->pool == POOL_SINK)
		round.fd = open_socket(SOCK_DGRAM);
	else if (plan->pool == POOL_NEAR)
		round.fd = open_listener(TCP_PORT);
	measure(plan->pool != POOL_SINK                ? talk_one
		: strcmp(workload, "udp-connect") == 0 ? connect_one
						       : send_one,
		&round, warm, count);
	if (round.fd != far->plain)
		close(round.fd);
	free(peers);
}

static bool parse_pool(const char *workload, enum pool *ret_pool)
{
	if (strcmp(workload, "udp-connect") == 0 || strcmp(workload, "udp-send") == 0)
		*ret_pool = POOL_SINK;
	else if (strcmp(workload, "tcp-near") == 0)
		*ret_pool = POOL_NEAR;
	else if (strcmp(workload, "tcp-far") == 0)
		*ret_pool = POOL_FAR;
	else
		return false;
	return true;
}

static bool run_pair(const char *line, const struct far *far)
{
	char workload[16], kind[16];
	struct plan plan = {.size = 0};
	uint64_t seed;
	uint32_t count;

	if (sscanf(line, "pair %15s %15s %" SCNu64 " %" SCNu32 " %" SCNu32, workload, kind, &seed,
		   &count, &plan.size) != 5 ||
	    !count || count > COUNT_MAX || plan.size < POOL_COUNT)
		return false;
	if (run_exchange(workload, kind, far, count / 8, count))
		return true;
	if (!parse_kind(kind, &plan) || !parse_pool(workload, &plan.pool))
		return false;
	run_round(workload, &plan, far, seed, count / 8, count);
	return true;
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
			send_to(fd, &peers[i]);
		}
		close(fd);
		free(peers);
	}
	tell_run(sent, start, cpu);
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
		send_to(*held, &peer);
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
	struct far far;
	int held = -1;
	char line[256];

	if (argc != 2) {
		fputs("usage: traffic NETNS-OF-THE-FAR-SERVERS < commands\n", stderr);
		return 2;
	}
	far = open_far(argv[1]);
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		bool done = strncmp(line, "pair ", 5) == 0      ? run_pair(line, &far)
			    : strncmp(line, "resolve ", 8) == 0 ? run_resolve(line, &far)
			    : strncmp(line, "storm ", 6) == 0   ? run_storm(line)
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
