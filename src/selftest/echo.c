/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/cleanup.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#define FDS_MAX 65536u
#define EVENTS 256

enum role {
	ROLE_NONE,
	ROLE_LISTENER,
	ROLE_RESETTER,
	ROLE_ECHO,
	ROLE_RESET,
	ROLE_DATAGRAM,
	ROLE_MUTE,
	ROLE_STOP
};

static const struct {
	const char *name;
	enum role role;
	int type;
	int protocol;
} kinds[] = {
	{"tcp", ROLE_LISTENER, SOCK_STREAM, IPPROTO_TCP},
	{"mptcp", ROLE_LISTENER, SOCK_STREAM, IPPROTO_MPTCP},
	{"reset", ROLE_RESETTER, SOCK_STREAM, IPPROTO_TCP},
	{"udp", ROLE_DATAGRAM, SOCK_DGRAM, IPPROTO_UDP},
	{"udplite", ROLE_DATAGRAM, SOCK_DGRAM, IPPROTO_UDPLITE},
	{"mute", ROLE_MUTE, SOCK_DGRAM, IPPROTO_UDP},
};

struct me_echo {
	int epoll;
	unsigned char role[FDS_MAX]; /* of each fd */
	struct me_echo_counts counts;
};

static int watch(struct me_echo *echo, int fd, enum role role)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0 || (unsigned int)fd >= FDS_MAX)
		return -EMFILE;
	echo->role[fd] = role;
	return epoll_ctl(echo->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Over both families. */
static int serve(struct me_echo *echo, size_t kind, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, off = 0, queue = 1024, err;
	_cleanup_close_ int fd = socket(AF_INET6, kinds[kind].type | SOCK_CLOEXEC | SOCK_NONBLOCK,
					kinds[kind].protocol);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	/* a whole prefix may be local: it answers from an address that no interface has */
	setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		return -errno;
	if (kinds[kind].type == SOCK_STREAM) {
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
		if (listen(fd, 4096))
			return -errno;
	}
	err = watch(echo, fd, kinds[kind].role);
	if (!err)
		me_steal_fd(&fd); /* it is held until the end of the process */
	return err;
}

int me_echo_serve(struct me_echo *echo, const char *kind, uint16_t port)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, kind))
			return serve(echo, i, port);
	return -ENOENT;
}

static void drop(struct me_echo *echo, int fd)
{
	echo->role[fd] = ROLE_NONE;
	close(fd);
}

static void take_all(struct me_echo *echo, int fd)
{
	enum role role = echo->role[fd] == ROLE_RESETTER ? ROLE_RESET : ROLE_ECHO;
	int taken;

	while ((taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		echo->counts.connections++;
		if (watch(echo, taken, role))
			close(taken);
	}
}

/* The clients wait for the echo of each chunk, so that it always fits the send buffer. */
static void return_bytes(struct me_echo *echo, int fd)
{
	char buffer[65536];
	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || send(fd, buffer, n, MSG_NOSIGNAL) != n) {
		drop(echo, fd);
		return;
	}
	echo->counts.bytes += n;
}

static void reset(struct me_echo *echo, int fd)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	drop(echo, fd);
}

static void answer(struct me_echo *echo, int fd)
{
	char buffer[65536], control[256];
	struct sockaddr_in6 peer;
	struct iovec part = {.iov_base = buffer};
	struct msghdr message = {
		.msg_name = &peer,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
	};

	for (;;) {
		ssize_t n;

		part.iov_len = sizeof(buffer);
		message.msg_namelen = sizeof(peer);
		message.msg_controllen = sizeof(control);
		n = recvmsg(fd, &message, MSG_DONTWAIT);
		if (n < 0)
			return;
		echo->counts.datagrams++;
		echo->counts.bytes += n;
		if (echo->role[fd] == ROLE_MUTE)
			continue;
		part.iov_len = n;
		/* the control data names the address it came to: the answer leaves from there */
		if (message.msg_controllen) {
			struct in6_pktinfo *info = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));

			info->ipi6_ifindex = 0;
		}
		if (sendmsg(fd, &message, 0) < 0)
			echo->counts.unanswered++;
	}
}

static bool handle(struct me_echo *echo, int fd)
{
	switch ((enum role)echo->role[fd]) {
	case ROLE_LISTENER:
	case ROLE_RESETTER:
		take_all(echo, fd);
		break;
	case ROLE_ECHO:
		return_bytes(echo, fd);
		break;
	case ROLE_RESET:
		reset(echo, fd);
		break;
	case ROLE_DATAGRAM:
	case ROLE_MUTE:
		answer(echo, fd);
		break;
	case ROLE_STOP:
		return false;
	case ROLE_NONE:
		break;
	}
	return true;
}

int me_echo_new(struct me_echo **ret_echo)
{
	struct me_echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return -ENOMEM;
	echo->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (echo->epoll < 0) {
		int err = -errno;

		free(echo);
		return err;
	}
	*ret_echo = echo;
	return 0;
}

struct me_echo_counts me_echo_run(struct me_echo *echo, int stop)
{
	bool on = stop < 0 || !watch(echo, stop, ROLE_STOP);

	while (on) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(echo->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			on &= handle(echo, events[i].data.fd);
	}
	return echo->counts;
}
