/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_STREAMS_H
#define MEWATCH_BENCH_STREAMS_H

/* Connections across a gateway; see forward.c. */
#include <netinet/tcp.h>
#include <string.h>
#include "network.h"

#define SEGMENT_SIZE 1448u
#define BULK_SIZE 65536u

/* What a round of connections needs; `client` and `server` are those of the one that lasts. */
struct talk {
	int listener, client, server;
	size_t size; /* of a write */
	uint64_t seed;
	uint8_t bytes[BULK_SIZE];
};

static inline void far_peer(uint64_t n, struct sockaddr_in *ret_peer)
{
	static const struct plan plan = {.size = LIST_SIZE, .pool = POOL_FAR};

	bench_peer(&plan, n, false, ret_peer);
}

static inline void talk_one(void *context, size_t i)
{
	const struct talk *talk = context;
	struct sockaddr_in peer;

	far_peer(talk->seed + i, &peer);
	converse(talk->listener, &peer, NULL, 0);
}

static inline void write_one(void *context, size_t i)
{
	struct talk *talk = context;

	(void)i;
	if (send(talk->client, talk->bytes, talk->size, 0) != (ssize_t)talk->size)
		die("send");
	if (recv(talk->server, talk->bytes, talk->size, MSG_WAITALL) != (ssize_t)talk->size)
		die("recv");
}

static inline void open_talk(struct talk *talk)
{
	struct sockaddr_in peer;
	int one = 1;

	talk->client = open_socket(SOCK_STREAM);
	/* Without it a small write waits for the acknowledgement of the one before. */
	if (setsockopt(talk->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
	force_buffer(talk->client, SO_SNDBUFFORCE);
	far_peer(talk->seed, &peer);
	connect_to(talk->client, &peer);
	talk->server = accept_one(talk->listener);
	expect_answers(talk->server);
}

static inline void close_talk(struct talk *talk)
{
	shutdown(talk->client, SHUT_WR);
	shutdown(talk->server, SHUT_WR);
	close(talk->server);
	close(talk->client);
}

static inline void forward_stream(const struct network *net, uint32_t lane, size_t size,
				  uint64_t seed, size_t count)
{
	struct talk talk = {.listener = net->listener, .size = size, .seed = seed};

	enter(net->lanes[lane].host);
	if (size) {
		open_talk(&talk);
		measure(write_one, &talk, count / 8, count);
		close_talk(&talk);
	} else {
		measure(talk_one, &talk, count / 8, count);
	}
	enter(net->own);
}

#endif
