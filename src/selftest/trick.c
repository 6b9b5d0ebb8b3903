/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tricks share. */
#include "selftest/trick.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "selftest/errand.h"

me_trick_fn *me_trick_find(const char *name)
{
	const struct me_trick_entry *all[] = {me_tricks_dns, me_tricks_dns_not, me_tricks_names,
					      me_tricks_ftp};

	for (size_t i = 0; i < ME_ARRAY_SIZE(all); i++)
		for (const struct me_trick_entry *entry = all[i]; entry->name; entry++)
			if (!strcmp(entry->name, name))
				return entry->run;
	return NULL;
}

struct me_peer me_trick_peer(const char *address, uint16_t port)
{
	struct me_peer peer = {.in = {.sin_family = AF_INET, .sin_port = htons(port)},
			       .len = sizeof(peer.in)};
	struct me_peer v6 = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)},
			     .len = sizeof(v6.in6)};

	if (inet_pton(AF_INET6, address, &v6.in6.sin6_addr) == 1)
		return v6;
	if (inet_pton(AF_INET, address, &peer.in.sin_addr) != 1)
		me_traffic_die("%s", address);
	return peer;
}

static int bound(int type, const char *address, uint16_t port)
{
	struct me_peer at = me_trick_peer(address, port);
	int on = 1, fd = me_traffic_socket(at.sa.sa_family, type, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &at.sa, at.len))
		me_traffic_die("%s port %u", address, port);
	return fd;
}

static void go_far(const struct me_trick *trick)
{
	if (setns(trick->far, CLONE_NEWNET))
		me_traffic_die("setns");
}

int me_trick_listen(const char *address, uint16_t port)
{
	int fd = bound(SOCK_STREAM, address, port);

	if (listen(fd, 8))
		me_traffic_die("%s port %u", address, port);
	return fd;
}

int me_trick_server(const struct me_trick *trick, int type, const char *address, uint16_t port)
{
	go_far(trick);
	return type == SOCK_STREAM ? me_trick_listen(address, port) : bound(type, address, port);
}

int me_trick_caller(const struct me_trick *trick, const char *address, uint16_t port)
{
	go_far(trick);
	return bound(SOCK_STREAM, address, port);
}

void me_trick_enter(const struct me_trick *trick)
{
	int err = setns(trick->mail, CLONE_NEWNET) ? -errno : me_errand_enter(trick->cgroup);

	if (!err)
		return;
	errno = -err;
	me_traffic_die("%s", trick->cgroup);
}

int me_trick_connect(const char *address, uint16_t port, int type)
{
	struct me_peer to = me_trick_peer(address, port);
	int fd = me_traffic_socket(to.sa.sa_family, type, 0);

	if (connect(fd, &to.sa, to.len))
		me_traffic_die("connect %s port %u", address, port);
	return fd;
}

static int accepted_by(int server)
{
	int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		me_traffic_die("accept");
	return fd;
}

void me_trick_pair(int server, const char *address, uint16_t port, int *ret_client,
		   int *ret_accepted)
{
	*ret_client = me_trick_connect(address, port, SOCK_STREAM);
	*ret_accepted = accepted_by(server);
}

void me_trick_send(int fd, const void *bytes, size_t size)
{
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		me_traffic_die("send");
}

size_t me_trick_receive(int fd, void *bytes, size_t size)
{
	ssize_t n = recv(fd, bytes, size, 0);

	if (n <= 0)
		me_traffic_die("nothing came");
	return (size_t)n;
}

void me_trick_pass(int from, int to, const void *bytes, size_t size)
{
	char buffer[4096];

	me_trick_send(from, bytes, size);
	for (size_t n = 0; n < size;)
		n += me_trick_receive(to, buffer, sizeof(buffer));
}

void me_trick_note(struct me_trick *trick, const char *address, uint16_t port)
{
	me_inet_parse(address, trick->truth->to);
	trick->truth->port = port;
}

void me_trick_try(struct me_trick *trick, const char *address, uint16_t port)
{
	struct me_peer to = me_trick_peer(address, port);
	int fd = me_traffic_socket(to.sa.sa_family, SOCK_STREAM, 0);

	me_trick_note(trick, address, port);
	trick->truth->error = connect(fd, &to.sa, to.len) ? errno : 0;
}

void me_trick_called(struct me_trick *trick, int listener, int caller, const char *address,
		     uint16_t port, unsigned long attempts)
{
	struct me_peer to = {.len = sizeof(to.in6)};

	if (getsockname(listener, &to.sa, &to.len) || connect(caller, &to.sa, to.len))
		me_traffic_die("the call from %s port %u", address, port);
	me_trick_pass(caller, accepted_by(listener), "x", 1);
	me_trick_note(trick, address, port);
	trick->truth->called = true;
	trick->truth->attempts = attempts;
}
