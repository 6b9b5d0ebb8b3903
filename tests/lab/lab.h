/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_H
#define MEWATCH_LAB_H

/*
 * What the traffic programs share besides the traffic itself, which is that of the self-test: reading their
 * arguments, and saying what they did.
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
#include "selftest/traffic.h"

#define LAB_COUNT_MAX 10000000u
#define LAB_ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* The number that `text` is; anything else, or more than `max`, ends the program. */
static inline unsigned long lab_number(const char *text, unsigned long max)
{
	uint64_t value;

	if (!me_text_parse_u64(text, 0, max, &value))
		errx(2, "%s: expected a number up to %lu", text, max);
	return value;
}

static inline struct me_peer lab_peer(const char *address, unsigned int port)
{
	struct me_peer peer = {.len = sizeof(peer.in)};

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

static inline void lab_say(const char *path, const struct me_truth *truth)
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

/* The main of a program of paths: [-k] NAME DEST PORT [COUNT]; -k holds the sockets open. */
static inline int lab_main(int argc, char **argv, const struct me_traffic_path *paths)
{
	struct me_truth truth = {0};
	bool hold = argc > 1 && !strcmp(argv[1], "-k");
	me_traffic_fn *run;
	struct me_peer peer;

	argc -= hold;
	argv += hold;
	if (argc < 4 || argc > 5)
		errx(2, "usage: [-k] NAME DEST PORT [COUNT]");
	peer = lab_peer(argv[2], lab_number(argv[3], 65535));
	run = me_traffic_find(paths, argv[1]);
	if (!run)
		errx(2, "%s: no such path", argv[1]);
	run(&peer, argc > 4 ? lab_number(argv[4], LAB_COUNT_MAX) : 1, &truth);
	lab_say(argv[1], &truth);
	if (hold)
		lab_hold();
	return 0;
}

#endif
