/* SPDX-License-Identifier: GPL-2.0-only */

/* The ways a UDP or UDP-Lite datagram is sent. */
#include <errno.h>
#include <netinet/udp.h>
#include "base/cleanup.h"
#include "selftest/traffic.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BYTES 100u
#define BATCH_MAX 64u

static const char payload[BYTES * BATCH_MAX];

/* One datagram and its echo; to the connected peer if `peer` is NULL. */
static void exchange(int fd, const struct me_peer *peer, struct me_truth *truth)
{
	ssize_t n = sendto(fd, payload, BYTES, 0, peer ? &peer->sa : NULL, peer ? peer->len : 0);

	if (n < 0) {
		truth->error = errno;
		return;
	}
	truth->datagrams++;
	truth->sent += n;
	me_traffic_await(fd, truth);
}

static int connected(const struct me_peer *peer, int protocol, struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, protocol);

	if (connect(fd, &peer->sa, peer->len))
		truth->error = errno;
	truth->probes += protocol == 0; /* the hook does not see UDP-Lite */
	return fd;
}

/* What resolvers do to sort addresses: nothing is sent. */
static void probe(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--)
		connected(peer, 0, truth);
}

static void connect_send(const struct me_peer *peer, unsigned long count, int protocol,
			 struct me_truth *truth)
{
	int fd = connected(peer, protocol, truth);

	truth->attempts++;
	while (count--)
		exchange(fd, NULL, truth);
}

static void send_to(const struct me_peer *peer, unsigned long count, int protocol,
		    struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, protocol);

	truth->attempts++;
	while (count--)
		exchange(fd, peer, truth);
}

static void udp_connect(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	connect_send(peer, count, 0, truth);
}

static void udp_sendto(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	send_to(peer, count, 0, truth);
}

static void udplite_connect(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	connect_send(peer, count, IPPROTO_UDPLITE, truth);
}

static void udplite_sendto(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	send_to(peer, count, IPPROTO_UDPLITE, truth);
}

static void mapped_connect(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer v6 = me_peer_mapped(peer);

	connect_send(&v6, count, 0, truth);
}

static void mapped_sendto(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer v6 = me_peer_mapped(peer);

	send_to(&v6, count, 0, truth);
}

/* An IPv6 socket that is handed a plain IPv4 address. */
static void v6_socket_v4_peer(const struct me_peer *peer, unsigned long count,
			      struct me_truth *truth)
{
	int fd = me_traffic_socket(AF_INET6, SOCK_DGRAM, 0);

	truth->attempts++;
	while (count--)
		exchange(fd, peer, truth);
}

/* Several peers, one call: each datagram has a peer of its own, on consecutive ports. */
static void batch(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, 0), sent;
	struct me_peer to[BATCH_MAX];
	struct mmsghdr messages[BATCH_MAX] = {0};
	struct iovec part = {(void *)payload, BYTES};

	if (count > BATCH_MAX)
		me_traffic_die("a batch has at most %u datagrams", BATCH_MAX);
	for (unsigned long i = 0; i < count; i++) {
		to[i] = me_peer_next_port(peer, i);
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i].sa,
			.msg_namelen = to[i].len,
			.msg_iov = &part,
			.msg_iovlen = 1,
		};
	}
	sent = sendmmsg(fd, messages, count, 0);
	if (sent < 0) {
		truth->attempts = 1; /* the first one stops the others */
		truth->error = errno;
		return;
	}
	truth->attempts = truth->datagrams = sent;
	truth->sent = sent * BYTES;
	while (sent--)
		me_traffic_await(fd, truth);
}

/* One send that the kernel cuts into `count` datagrams. */
static void segmented(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, 0), size = BYTES;
	ssize_t n;

	if (count > BATCH_MAX)
		me_traffic_die("a batch has at most %u datagrams", BATCH_MAX);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		me_traffic_die("UDP_SEGMENT");
	truth->attempts++;
	n = sendto(fd, payload, BYTES * count, 0, &peer->sa, peer->len);
	if (n < 0) {
		truth->error = errno;
		return;
	}
	truth->datagrams = count;
	truth->sent = n;
	while (count--)
		me_traffic_await(fd, truth);
}

/* Connected to one peer, and a datagram to another one on the next port. */
static void to_another(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer other = me_peer_next_port(peer, 1);
	int fd = connected(peer, 0, truth);

	truth->attempts = 2;
	while (count--) {
		exchange(fd, NULL, truth);
		if (sendto(fd, payload, BYTES, 0, &other.sa, other.len) < 0) {
			truth->error = errno;
			return;
		}
		truth->datagrams++; /* its echo does not reach a socket connected elsewhere */
		truth->sent += BYTES;
	}
}

/* Several sends that become one datagram. */
static void corked(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int fd = connected(peer, 0, truth);

	truth->attempts++;
	while (count-- && !truth->error) {
		if (send(fd, payload, BYTES, MSG_MORE) < 0 || send(fd, payload, BYTES, 0) < 0) {
			truth->error = errno;
			return;
		}
		truth->datagrams++;
		truth->sent += 2 * BYTES;
		me_traffic_await(fd, truth);
	}
}

const struct me_traffic_path me_traffic_udp[] = {
	{"udp-cork", corked},
	{"udp-probe", probe},
	{"udp-connect", udp_connect},
	{"udp-sendto", udp_sendto},
	{"udp-sendmmsg", batch},
	{"udp-gso", segmented},
	{"udp-another", to_another},
	{"udp-mapped-connect", mapped_connect},
	{"udp-mapped-sendto", mapped_sendto},
	{"udp-v6-socket-v4-peer", v6_socket_v4_peer},
	{"udplite-connect", udplite_connect},
	{"udplite-sendto", udplite_sendto},
	{NULL, NULL},
};
