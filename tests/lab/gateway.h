/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_GATEWAY_H
#define MEWATCH_LAB_GATEWAY_H

/*
 * What client and server of a TCP connection agree on, so that each can write down every byte: the
 * client sends a request and the rest of `up` bytes, then the server sends `down` bytes, and they end.
 */
#include <netinet/tcp.h>
#include "lab.h"
#include "../seed.h"

#define GATEWAY_MAGIC 0x6d657761u
#define GATEWAY_DEADLINE_S 90    /* losses, and cables that are out, are made good until then */
#define GATEWAY_BYTES_MAX 16384u /* of one call */

/* How a connection ends, once all bytes have come. */
#define GATEWAY_END_LIST(X)                                                                        \
	X(CLIENT, "client-first")                                                                  \
	X(SERVER, "server-first")                                                                  \
	X(HALF, "half-open") /* the client's FIN comes before the server's bytes */                \
	X(TOGETHER, "together")                                                                    \
	X(SILENT, "silent") /* no request: the client connects, and closes */                      \
	X(CLIENT_RESET, "client-reset")                                                            \
	X(SERVER_RESET, "server-reset")

#define GATEWAY_PICK(constant, label) GATEWAY_END_##constant,
enum gateway_end { GATEWAY_END_LIST(GATEWAY_PICK) GATEWAY_ENDS };
#undef GATEWAY_PICK

/* In network order. */
struct gateway_request {
	uint32_t magic, id, end, up, down;
};

/* Sends `bytes` in pieces of all sizes. Returns how many it could. */
static inline unsigned long gateway_send(int fd, unsigned long bytes, uint64_t *random)
{
	static const char zeros[GATEWAY_BYTES_MAX];
	unsigned long sent = 0;

	while (sent < bytes) {
		unsigned long left = bytes - sent,
			      piece = 1 + me_seed_next(random) % GATEWAY_BYTES_MAX;
		ssize_t n = send(fd, zeros, piece < left ? piece : left, MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += n;
	}
	return sent;
}

/* Receives until there are `bytes`, or the end. Returns how many came. */
static inline unsigned long gateway_receive(int fd, unsigned long bytes)
{
	char buffer[GATEWAY_BYTES_MAX];
	unsigned long received = 0;

	while (received < bytes) {
		unsigned long left = bytes - received;
		ssize_t n = recv(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer), 0);

		if (n <= 0)
			break;
		received += n;
	}
	return received;
}

/* Closing resets the connection. */
static inline void gateway_reset(int fd)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static inline void gateway_prepare(int fd)
{
	struct timeval deadline = {.tv_sec = GATEWAY_DEADLINE_S};
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

#endif
