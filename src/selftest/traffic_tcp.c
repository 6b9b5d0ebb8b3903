/* SPDX-License-Identifier: GPL-2.0-only */

/* The ways a connection is made: TCP, MPTCP, SCTP, DCCP. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>
#include "base/cleanup.h"
#include "selftest/traffic.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif
#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif
#define MPTCP_INFO_OPTION 1 /* MPTCP_INFO of <linux/mptcp.h>, which clashes with <netinet/in.h> */

#define BYTES 1000u

static void connect_and_exchange(int fd, const struct me_peer *peer, struct me_truth *truth)
{
	truth->attempts++;
	if (connect(fd, &peer->sa, peer->len))
		truth->error = errno;
	else
		me_traffic_exchange(fd, BYTES, truth);
}

static void plain(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		connect_and_exchange(me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0), peer,
				     truth);
}

static void mapped(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer v6 = me_peer_mapped(peer);

	plain(&v6, count, truth);
}

/* connect() again and again until it is through: one attempt. */
static void nonblocking(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		struct pollfd ready = {.fd = fd, .events = POLLOUT};

		truth->attempts++;
		while (connect(fd, &peer->sa, peer->len) && errno != EISCONN) {
			if (errno != EINPROGRESS && errno != EALREADY) {
				truth->error = errno;
				break;
			}
			poll(&ready, 1, 1);
		}
		fcntl(fd, F_SETFL, 0);
		if (!truth->error)
			me_traffic_exchange(fd, BYTES, truth);
	}
}

static void bound(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer any = {.sa.sa_family = peer->sa.sa_family, .len = peer->len};

	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

		if (bind(fd, &any.sa, any.len))
			me_traffic_die("bind");
		connect_and_exchange(fd, peer, truth);
	}
}

/* A second connect on the same socket, after the first one failed, is an attempt of its own. */
static void again(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

	while (count--) {
		truth->attempts++;
		if (connect(fd, &peer->sa, peer->len))
			truth->error = errno;
	}
}

/* The connection is opened by the call that sends its first bytes. */
static void fastopen(const struct me_peer *peer, unsigned long count, bool by_sendmsg,
		     struct me_truth *truth)
{
	char payload[BYTES] = {0};
	struct iovec part = {payload, sizeof(payload)};
	struct msghdr message = {
		.msg_name = (void *)&peer->sa,
		.msg_namelen = peer->len,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};

	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);
		ssize_t n;

		truth->attempts++;
		n = by_sendmsg ? sendmsg(fd, &message, MSG_FASTOPEN)
			       : sendto(fd, payload, sizeof(payload), MSG_FASTOPEN, &peer->sa,
					peer->len);
		if (n < 0) {
			truth->error = errno;
			continue;
		}
		truth->sent += n;
		if (me_traffic_receive(fd, n, truth))
			me_traffic_finish(fd, truth);
	}
}

static void fastopen_sendto(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	fastopen(peer, count, false, truth);
}

static void fastopen_sendmsg(const struct me_peer *peer, unsigned long count,
			     struct me_truth *truth)
{
	fastopen(peer, count, true, truth);
}

/* connect() only notes the peer; the first send opens. */
static void fastopen_connect(const struct me_peer *peer, unsigned long count,
			     struct me_truth *truth)
{
	int on = 1;

	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

		if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
			me_traffic_die("TCP_FASTOPEN_CONNECT");
		connect_and_exchange(fd, peer, truth);
	}
}

/* Exchanges, which makes the peer known to speak MPTCP, and waits for `count` further subflows. */
static void mptcp_with(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, IPPROTO_MPTCP);
	uint8_t info[128] = {0}; /* its first byte counts the extra subflows */
	socklen_t len;

	truth->attempts++;
	if (connect(fd, &peer->sa, peer->len)) {
		truth->error = errno;
		return;
	}
	if (!me_traffic_echo(fd, BYTES, truth))
		return;
	for (unsigned int tries = 0; info[0] < count; tries++) {
		if (tries == ME_TRAFFIC_DEADLINE_S * 100)
			me_traffic_die("the subflow did not come");
		len = sizeof(info);
		if (getsockopt(fd, SOL_MPTCP, MPTCP_INFO_OPTION, info, &len))
			me_traffic_die("MPTCP_INFO");
		nanosleep(&pause, NULL);
	}
	me_traffic_finish(fd, truth);
}

static void mptcp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		mptcp_with(peer, 0, truth);
}

static void mptcp_same_peer(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	mptcp_with(peer, count, truth);
}

/* Extra subflows to other addresses of the peer: attempts of their own. */
static void mptcp_other_peer(const struct me_peer *peer, unsigned long count,
			     struct me_truth *truth)
{
	mptcp_with(peer, count, truth);
	if (!truth->error)
		truth->attempts += count;
}

/* Whoever drops what leaves says nothing, so it does not wait for long. */
static void ask(const struct me_peer *peer, int type, int protocol, unsigned int patience_ms,
		struct me_truth *truth)
{
	const struct timeval patience = {.tv_sec = patience_ms / 1000,
					 .tv_usec = patience_ms % 1000 * 1000};
	int fd = me_traffic_socket(peer->sa.sa_family, type, protocol);

	truth->attempts++;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		me_traffic_die("SO_SNDTIMEO");
	if (connect(fd, &peer->sa, peer->len))
		truth->error = errno;
}

/* What counts is the SYN that leaves: when the peer's neighbour is found, or a second later once more. */
static void tcp_ask(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		ask(peer, SOCK_STREAM, 0, 2500, truth);
}

/* The same with the INIT of SCTP, for which nobody listens. */
static void sctp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		ask(peer, SOCK_STREAM, IPPROTO_SCTP, 500, truth);
}

/* The same with the REQUEST of DCCP. */
static void dccp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		ask(peer, SOCK_DCCP, IPPROTO_DCCP, 500, truth);
}

/* The server's side: `count` connections taken and echoed. No attempt. */
static void accepting(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int on = 1, fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &peer->sa, peer->len) || listen(fd, 64))
		me_traffic_die("listen");
	while (count--) {
		int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		char buffer[BYTES];
		ssize_t n;

		if (taken < 0)
			me_traffic_die("accept");
		while ((n = recv(taken, buffer, sizeof(buffer), 0)) > 0) {
			truth->received += n;
			truth->sent += send(taken, buffer, n, MSG_NOSIGNAL) > 0 ? n : 0;
		}
		shutdown(taken, SHUT_WR);
	}
}

const struct me_traffic_path me_traffic_tcp[] = {
	{"tcp", plain},
	{"tcp-mapped", mapped},
	{"tcp-nonblocking", nonblocking},
	{"tcp-bind", bound},
	{"tcp-again", again},
	{"tcp-fastopen-sendto", fastopen_sendto},
	{"tcp-fastopen-sendmsg", fastopen_sendmsg},
	{"tcp-fastopen-connect", fastopen_connect},
	{"mptcp", mptcp},
	{"mptcp-same-peer", mptcp_same_peer},
	{"mptcp-other-peer", mptcp_other_peer},
	{"tcp-ask", tcp_ask},
	{"sctp", sctp},
	{"dccp", dccp},
	{"accept", accepting},
	{NULL, NULL},
};
