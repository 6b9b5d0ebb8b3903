/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes that the kernel moves by itself: out of a file, out of a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "selftest/traffic.h"

#define BYTES 1000u

static int connected(const struct me_peer *peer, int type, struct me_truth *truth)
{
	int fd = me_traffic_socket(peer->sa.sa_family, type, 0);

	truth->attempts++;
	truth->probes += type == SOCK_DGRAM;
	if (connect(fd, &peer->sa, peer->len)) {
		truth->error = errno;
		return -1;
	}
	return fd;
}

static int zeros(void)
{
	int fd = memfd_create("zeros", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, BYTES))
		me_traffic_die("memfd");
	return fd;
}

static void by_sendfile(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--) {
		int fd = connected(peer, SOCK_STREAM, truth);
		off_t at = 0;

		if (fd < 0)
			continue;
		if (sendfile(fd, zeros(), &at, BYTES) != BYTES)
			truth->error = errno;
		else if (me_traffic_receive(fd, BYTES, truth))
			me_traffic_finish(fd, truth);
	}
}

static void by_splice(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	static const char bytes[BYTES];

	while (count--) {
		int fd = connected(peer, SOCK_STREAM, truth), ends[2];

		if (fd < 0)
			continue;
		if (pipe2(ends, O_CLOEXEC) || write(ends[1], bytes, BYTES) != BYTES)
			me_traffic_die("pipe");
		if (splice(ends[0], NULL, fd, NULL, BYTES, 0) != BYTES)
			truth->error = errno;
		else if (me_traffic_receive(fd, BYTES, truth))
			me_traffic_finish(fd, truth);
	}
}

static void datagram_by_sendfile(const struct me_peer *peer, unsigned long count,
				 struct me_truth *truth)
{
	int fd = connected(peer, SOCK_DGRAM, truth);

	while (count-- && !truth->error) {
		off_t at = 0;

		if (sendfile(fd, zeros(), &at, BYTES) != BYTES)
			truth->error = errno;
		else
			me_traffic_await(fd, truth);
	}
}

const struct me_traffic_path me_traffic_file[] = {
	{"tcp-sendfile", by_sendfile},
	{"tcp-splice", by_splice},
	{"udp-sendfile", datagram_by_sendfile},
	{NULL, NULL},
};
