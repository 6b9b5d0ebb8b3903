/* SPDX-License-Identifier: GPL-2.0-only */
/* What the paths share: sockets, moving bytes, and giving up. */
#include "selftest/traffic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/cleanup.h"

me_traffic_fn *me_traffic_find(const struct me_traffic_path *list, const char *name)
{
	const struct me_traffic_path *all[] = {me_traffic_tcp, me_traffic_udp,   me_traffic_uring,
					       me_traffic_raw, me_traffic_task,  me_traffic_file,
					       me_traffic_tun, me_traffic_netns, me_traffic_xdp};

	if (!list) {
		me_traffic_fn *found = NULL;

		for (size_t i = 0; !found && i < ME_ARRAY_SIZE(all); i++)
			found = me_traffic_find(all[i], name);
		return found;
	}
	while (list->name && strcmp(list->name, name))
		list++;
	return list->run;
}

void me_traffic_absent(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("absent=", stdout);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	fflush(stdout);
	_exit(ME_TRAFFIC_ABSENT);
}

void me_traffic_die(const char *format, ...)
{
	const char *why = errno ? strerror(errno) : NULL;
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, why ? ": %s\n" : "\n", why);
	_exit(1);
}

struct me_peer me_peer_mapped(const struct me_peer *v4)
{
	struct me_peer peer = {
		.in6 = {.sin6_family = AF_INET6, .sin6_port = v4->in.sin_port},
		.len = sizeof(peer.in6),
	};

	peer.in6.sin6_addr.s6_addr[10] = 0xff;
	peer.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&peer.in6.sin6_addr.s6_addr[12], &v4->in.sin_addr, 4);
	return peer;
}

struct me_peer me_peer_next_port(const struct me_peer *peer, unsigned int n)
{
	struct me_peer next = *peer;

	/* at the same place in both families */
	next.in.sin_port = htons((uint16_t)(ntohs(peer->in.sin_port) + n));
	return next;
}

int me_traffic_socket(int family, int type, int protocol)
{
	struct timeval deadline = {.tv_sec = ME_TRAFFIC_DEADLINE_S};
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT ||
		       errno == ESOCKTNOSUPPORT || errno == EAFNOSUPPORT))
		me_traffic_absent("socket(%d,%d,%d)", family, type, protocol);
	if (fd < 0)
		me_traffic_die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)))
		me_traffic_die("SO_RCVTIMEO");
	return fd;
}

void me_traffic_cookie(int fd, struct me_truth *truth)
{
	socklen_t size = sizeof(truth->cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &truth->cookie, &size))
		me_traffic_die("SO_COOKIE");
}

bool me_traffic_receive(int fd, size_t want, struct me_truth *truth)
{
	char buffer[ME_TRAFFIC_CHUNK];
	ssize_t n;

	while (want) {
		n = recv(fd, buffer, want < sizeof(buffer) ? want : sizeof(buffer), 0);
		if (n <= 0) {
			truth->error = n ? errno : EPIPE;
			return false;
		}
		truth->received += n;
		want -= n;
	}
	return true;
}

void me_traffic_finish(int fd, struct me_truth *truth)
{
	char buffer[256];
	ssize_t n;

	if (shutdown(fd, SHUT_WR)) {
		truth->error = errno;
		return;
	}
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		truth->received += n;
	if (n < 0)
		truth->error = errno;
}

bool me_traffic_echo(int fd, size_t bytes, struct me_truth *truth)
{
	static const char zeros[ME_TRAFFIC_CHUNK];
	ssize_t n;

	while (bytes) {
		n = send(fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_NOSIGNAL);
		if (n < 0) {
			truth->error = errno;
			return false;
		}
		truth->sent += n;
		bytes -= n;
		if (!me_traffic_receive(fd, n, truth))
			return false;
	}
	return true;
}

void me_traffic_exchange(int fd, size_t bytes, struct me_truth *truth)
{
	if (me_traffic_echo(fd, bytes, truth))
		me_traffic_finish(fd, truth);
}

void me_traffic_await(int fd, struct me_truth *truth)
{
	char buffer[65536];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n < 0)
		truth->error = errno;
	else
		truth->received += n;
}
