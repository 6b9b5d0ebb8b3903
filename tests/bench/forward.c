/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The traffic that a gateway forwards: reads one command a line from stdin, runs it, answers with one
 * line.
 *
 *	pair WORKLOAD FLOWS LANE SEED COUNT  -> nanoseconds of thread CPU time per operation
 *	fill LANE FLOWS                      -> datagrams sent: one of each flow, each way
 *	attach LANE PROGRAM                  -> 0; a pinned program on both ways of the gateway's `lan`
 *	detach                               -> 0; takes it off again, from all lanes
 *	clocks                               -> thread CPU time, in percent of the time of that round
 *	                                        of which it was most
 *
 * WORKLOAD:
 *	udp-out      a frame of 64 bytes (60 and the FCS) from a mail host, of one of FLOWS flows
 *	udp-back     one of the other direction
 *	tcp-bulk     a write of 64 KiB, which crosses the gateway as few large segments
 *	tcp-segment  a write of one segment of 1448 bytes, which crosses it as it is
 *	tcp-connect  one connection from its birth to its end, to another peer each time
 *
 * A lane is a mail host and a gateway, a network namespace each; all lanes are alike, and lead to the
 * same far side (transit.sh). SEED says which flows and peers, so that every mode of a cycle meets
 * the same.
 *
 * What keeps two runs comparable, beside what traffic.c says of its clock:
 * - All that happens to a packet happens in the sender's softirq, up to the far end. A kernel that keeps the
 *   time of softirqs apart would leave it out of the clock: `clocks` tells.
 * - Datagrams come from packet sockets past the queueing discipline, which is the cheapest way there
 *   is. Nobody takes them: out, the route ends in a device without a reader; back, at a neighbour
 *   whose hardware address is nobody's, so that the receiver drops them first of all.
 * - `fill` meets the flows in order, rounds in another, so that tables that grew by the first order
 *   are not read as a stream.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "datagrams.h"
#include "network.h"
#include "streams.h"
#include "work.h"

#define FLOWS_MAX 1000000u
#define COUNT_MAX 1000000u

static bool run_workload(const char *workload, const struct network *net, uint32_t lane,
			 uint32_t flows, uint64_t seed, size_t count)
{
	if (strcmp(workload, "udp-out") == 0)
		forward_datagrams(net, lane, flows, seed, count, false);
	else if (strcmp(workload, "udp-back") == 0)
		forward_datagrams(net, lane, flows, seed, count, true);
	else if (strcmp(workload, "tcp-bulk") == 0)
		forward_stream(net, lane, BULK_SIZE, seed, count);
	else if (strcmp(workload, "tcp-segment") == 0)
		forward_stream(net, lane, SEGMENT_SIZE, seed, count);
	else if (strcmp(workload, "tcp-connect") == 0)
		forward_stream(net, lane, 0, seed, count);
	else
		return false;
	return true;
}

static bool run_pair(const char *line, struct network *net)
{
	uint64_t seed, cpu, start;
	uint32_t flows, lane, count;
	char workload[16];
	double share;
	bool done;

	if (sscanf(line, "pair %15s %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu32, workload, &flows,
		   &lane, &seed, &count) != 5 ||
	    lane >= net->n_lanes || !flows || flows > FLOWS_MAX || !count || count > COUNT_MAX)
		return false;
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	start = now(CLOCK_MONOTONIC);
	done = run_workload(workload, net, lane, flows, seed, count);
	share = 100 * (double)(now(CLOCK_THREAD_CPUTIME_ID) - cpu) /
		(double)(now(CLOCK_MONOTONIC) - start);
	if (share > net->share)
		net->share = share;
	return done;
}

static bool run_fill(const char *line, const struct network *net)
{
	uint32_t lane, flows;

	if (sscanf(line, "fill %" SCNu32 " %" SCNu32, &lane, &flows) != 2 || lane >= net->n_lanes ||
	    !flows || flows > FLOWS_MAX)
		return false;
	fill_one_way(net, lane, flows, false);
	fill_one_way(net, lane, flows, true);
	printf("%" PRIu32 "\n", 2 * flows);
	return true;
}

static bool run_attach(const char *line, struct network *net)
{
	char program[200];
	uint32_t lane;

	if (sscanf(line, "attach %" SCNu32 " %199s", &lane, program) != 2 || lane >= net->n_lanes)
		return false;
	enter(net->lanes[lane].gateway);
	tcx_attach(&net->tcx, "lan", program);
	enter(net->own);
	puts("0");
	return true;
}

static bool run_detach(struct network *net)
{
	tcx_detach(&net->tcx);
	puts("0");
	return true;
}

static bool run_clocks(const struct network *net)
{
	printf("%.1f\n", net->share);
	return true;
}

static bool run_command(const char *line, struct network *net)
{
	if (strncmp(line, "pair ", 5) == 0)
		return run_pair(line, net);
	if (strncmp(line, "fill ", 5) == 0)
		return run_fill(line, net);
	if (strncmp(line, "attach ", 7) == 0)
		return run_attach(line, net);
	if (strcmp(line, "detach\n") == 0)
		return run_detach(net);
	return strcmp(line, "clocks\n") == 0 && run_clocks(net);
}

int main(int argc, char **argv)
{
	struct network net = {.n_lanes = 0};
	char line[256];

	if (argc < 4 || argc % 2 || argc > 2 + 2 * (int)LANES_MAX) {
		fputs("usage: forward NETNS-OF-THE-FAR-SIDE {NETNS-OF-HOST NETNS-OF-GATEWAY}... < "
		      "commands\n",
		      stderr);
		return 2;
	}
	open_network(&net, argv + 1);
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!run_command(line, &net)) {
			fprintf(stderr, "forward: not a command: %s", line);
			return 2;
		}
	}
	return 0;
}
