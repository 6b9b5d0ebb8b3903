/* SPDX-License-Identifier: GPL-2.0-only */

/* The same through io_uring: submitted by the task, by a worker thread, by the poller thread. */
#include <errno.h>
#include <liburing.h>
#include "base/cleanup.h"
#include "selftest/traffic.h"

#define BYTES 1000u

static const char payload[BYTES];

static struct io_uring ring_with(unsigned int flags)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(8, &ring, flags);

	errno = -rc;
	if (rc == -ENOSYS || rc == -EPERM)
		me_traffic_absent("io_uring");
	if (rc)
		me_traffic_die("io_uring");
	return ring;
}

/* Submits what was prepared and waits for its result: 0 or more, or a negative errno. */
static int complete(struct io_uring *ring, struct io_uring_sqe *sqe, unsigned int flags)
{
	struct io_uring_cqe *cqe;
	int rc;

	io_uring_sqe_set_flags(sqe, flags);
	rc = io_uring_submit_and_wait(ring, 1);
	if (rc < 0 || (rc = io_uring_wait_cqe(ring, &cqe))) {
		errno = -rc;
		me_traffic_die("io_uring");
	}
	rc = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return rc;
}

static void connect_by(unsigned int ring_flags, unsigned int sqe_flags, const struct me_peer *peer,
		       unsigned long count, struct me_truth *truth)
{
	struct io_uring ring = ring_with(ring_flags);

	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0), rc;
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		truth->attempts++;
		io_uring_prep_connect(sqe, fd, &peer->sa, peer->len);
		rc = complete(&ring, sqe, sqe_flags);
		if (rc)
			truth->error = -rc;
		else
			me_traffic_exchange(fd, BYTES, truth);
	}
	io_uring_queue_exit(&ring);
}

static void tcp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	connect_by(0, 0, peer, count, truth);
}

static void tcp_worker(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	connect_by(0, IOSQE_ASYNC, peer, count, truth);
}

static void tcp_sqpoll(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	connect_by(IORING_SETUP_SQPOLL, 0, peer, count, truth);
}

static int send_message(struct io_uring *ring, int fd, const struct me_peer *peer, int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct iovec part = {(void *)payload, sizeof(payload)};
	struct msghdr message = {
		.msg_name = (void *)&peer->sa,
		.msg_namelen = peer->len,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};

	io_uring_prep_sendmsg(sqe, fd, &message, flags);
	return complete(ring, sqe, 0);
}

static void tcp_fastopen(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct io_uring ring = ring_with(0);

	while (count--) {
		int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0), n;

		truth->attempts++;
		n = send_message(&ring, fd, peer, MSG_FASTOPEN);
		if (n < 0) {
			truth->error = -n;
			continue;
		}
		truth->sent += n;
		if (me_traffic_receive(fd, n, truth))
			me_traffic_finish(fd, truth);
	}
	io_uring_queue_exit(&ring);
}

static void udp_by(unsigned int ring_flags, const struct me_peer *peer, unsigned long count,
		   struct me_truth *truth)
{
	struct io_uring ring = ring_with(ring_flags);
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_DGRAM, 0);

	truth->attempts++;
	while (count--) {
		int n = send_message(&ring, fd, peer, 0);

		if (n < 0) {
			truth->error = -n;
			continue;
		}
		truth->datagrams++;
		truth->sent += n;
		me_traffic_await(fd, truth);
	}
	io_uring_queue_exit(&ring);
}

static void udp(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	udp_by(0, peer, count, truth);
}

static void udp_sqpoll(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	udp_by(IORING_SETUP_SQPOLL, peer, count, truth);
}

const struct me_traffic_path me_traffic_uring[] = {
	{"tcp-uring", tcp},
	{"tcp-uring-worker", tcp_worker},
	{"tcp-uring-sqpoll", tcp_sqpoll},
	{"tcp-uring-fastopen", tcp_fastopen},
	{"udp-uring", udp},
	{"udp-uring-sqpoll", udp_sqpoll},
	{NULL, NULL},
};
