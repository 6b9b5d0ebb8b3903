/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses a socket, and where it was born: NAME DEST PORT COUNT [ARGUMENT]. The argument is the
 * cgroup directory to go to, or for `exec` the program of paths_tcp to become.
 */
#include "lab.h"

#define BYTES 1000u

/* One process, two programs: it connects, becomes the argument, and connects to the next port. */
static void becomes(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	char address[INET6_ADDRSTRLEN], port[8], times[24];

	for (unsigned long i = 0; i < count; i++) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

		truth->attempts++;
		if (connect(fd, &peer->sa, peer->len))
			truth->error = errno;
		else
			me_traffic_echo(fd, BYTES, truth);
	}
	lab_say("exec", truth);
	inet_ntop(peer->sa.sa_family,
		  peer->sa.sa_family == AF_INET ? (void *)&peer->in.sin_addr
						: (void *)&peer->in6.sin6_addr,
		  address, sizeof(address));
	snprintf(port, sizeof(port), "%u", ntohs(peer->in.sin_port) + 1);
	snprintf(times, sizeof(times), "%lu", count);
	execl(truth->argument, truth->argument, "tcp", address, port, times, NULL);
	err(1, "%s", truth->argument);
}

int main(int argc, char **argv)
{
	bool hold = argc > 1 && !strcmp(argv[1], "-k");
	struct me_truth truth = {0};
	me_traffic_fn *run;
	struct me_peer peer;
	bool needs_argument;

	argc -= hold;
	argv += hold;
	if (argc < 5 || argc > 6)
		errx(2, "usage: [-k] NAME DEST PORT COUNT [CGROUP | PROGRAM]");
	peer = lab_peer(argv[2], lab_number(argv[3], 65534));
	run = !strcmp(argv[1], "exec") ? becomes : me_traffic_find(me_traffic_task, argv[1]);
	if (!run)
		errx(2, "%s: no such path", argv[1]);
	needs_argument = strcmp(argv[1], "short-lived") && strcmp(argv[1], "unix");
	if (needs_argument != (argc == 6))
		errx(2, "%s: one argument too many or too few", argv[1]);
	truth.argument = argv[5];
	run(&peer, lab_number(argv[4], LAB_COUNT_MAX), &truth);
	lab_say(argv[1], &truth);
	if (hold)
		lab_hold();
	return 0;
}
