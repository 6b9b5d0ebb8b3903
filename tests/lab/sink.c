/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The far side: sink SPEC…, where a spec is KIND/PORT or KIND/LOW-HIGH and the kinds are
 *
 *	tcp, mptcp      echo every byte until the peer's FIN, then FIN
 *	reset           take a byte, then reset
 *	udp, udplite    echo every datagram from the address that it was sent to
 *	mute            take datagrams and stay silent
 *
 * It serves IPv4 and IPv6, says `ready` when all is bound, and at SIGTERM what it saw.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include "lab.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
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
	ROLE_SIGNAL
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

struct sink {
	int epoll;
	unsigned char role[FDS_MAX]; /* of each fd */
	unsigned long connections, datagrams, bytes;
};

static void watch(struct sink *sink, int fd, enum role role)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if ((unsigned int)fd >= FDS_MAX)
		errx(1, "too many sockets");
	sink->role[fd] = role;
	if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
}

static void serve(struct sink *sink, size_t kind, unsigned int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, off = 0, queue = 1024;
	int fd = socket(AF_INET6, kinds[kind].type | SOCK_CLOEXEC | SOCK_NONBLOCK,
			kinds[kind].protocol);

	if (fd < 0) {
		printf("absent=%s\n", kinds[kind].name);
		exit(LAB_ABSENT);
	}
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		err(1, "%s/%u", kinds[kind].name, port);
	if (kinds[kind].type == SOCK_STREAM) {
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
		if (listen(fd, 4096))
			err(1, "listen");
	}
	watch(sink, fd, kinds[kind].role);
}

static void serve_spec(struct sink *sink, const char *spec)
{
	size_t length = strcspn(spec, "/");
	char range[16];
	char *dash;
	unsigned int low, high;

	if (!spec[length] ||
	    (size_t)snprintf(range, sizeof(range), "%s", spec + length + 1) >= sizeof(range))
		errx(2, "%s: expected KIND/PORT or KIND/LOW-HIGH", spec);
	dash = strchr(range, '-');
	if (dash)
		*dash++ = '\0';
	low = lab_number(range, 65535);
	high = dash ? lab_number(dash, 65535) : low;
	for (size_t kind = 0; kind < LAB_ARRAY_SIZE(kinds); kind++) {
		if (strlen(kinds[kind].name) != length || memcmp(kinds[kind].name, spec, length))
			continue;
		for (unsigned int port = low; port <= high; port++)
			serve(sink, kind, port);
		return;
	}
	errx(2, "%s: no such kind", spec);
}

static void drop(struct sink *sink, int fd)
{
	sink->role[fd] = ROLE_NONE;
	close(fd);
}

static void take_all(struct sink *sink, int fd)
{
	enum role role = sink->role[fd] == ROLE_RESETTER ? ROLE_RESET : ROLE_ECHO;
	int taken;

	while ((taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		sink->connections++;
		watch(sink, taken, role);
	}
}

/* The clients wait for the echo of each chunk, so that it always fits the send buffer. */
static void echo(struct sink *sink, int fd)
{
	char buffer[65536];
	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || send(fd, buffer, n, MSG_NOSIGNAL) != n) {
		drop(sink, fd);
		return;
	}
	sink->bytes += n;
}

static void reset(struct sink *sink, int fd)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	drop(sink, fd);
}

static void answer(struct sink *sink, int fd)
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
		sink->datagrams++;
		sink->bytes += n;
		if (sink->role[fd] == ROLE_MUTE)
			continue;
		part.iov_len = n;
		/* the control data names the address it came to: the answer leaves from there */
		if (message.msg_controllen) {
			struct in6_pktinfo *info = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));

			info->ipi6_ifindex = 0;
		}
		if (sendmsg(fd, &message, 0) < 0 && errno != ECONNREFUSED)
			warn("answer");
	}
}

static bool handle(struct sink *sink, int fd)
{
	switch ((enum role)sink->role[fd]) {
	case ROLE_LISTENER:
	case ROLE_RESETTER:
		take_all(sink, fd);
		break;
	case ROLE_ECHO:
		echo(sink, fd);
		break;
	case ROLE_RESET:
		reset(sink, fd);
		break;
	case ROLE_DATAGRAM:
	case ROLE_MUTE:
		answer(sink, fd);
		break;
	case ROLE_SIGNAL:
		return false;
	case ROLE_NONE:
		break;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct rlimit files = {FDS_MAX, FDS_MAX};
	struct sink *sink = calloc(1, sizeof(*sink));
	bool on = true;
	sigset_t end;

	if (!sink || argc < 2)
		errx(2, "usage: sink KIND/PORT[-PORT]…");
	setrlimit(RLIMIT_NOFILE, &files);
	sink->epoll = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	watch(sink, signalfd(-1, &end, SFD_CLOEXEC), ROLE_SIGNAL);
	for (int i = 1; i < argc; i++)
		serve_spec(sink, argv[i]);
	printf("ready\n");
	fflush(stdout);
	while (on) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(sink->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			on &= handle(sink, events[i].data.fd);
	}
	printf("connections=%lu datagrams=%lu bytes=%lu\n", sink->connections, sink->datagrams,
	       sink->bytes);
	free(sink);
	return 0;
}
