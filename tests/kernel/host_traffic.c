/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets of watched and unwatched processes, and what goes over them. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "host.h"

#define DATAGRAM_MAX 65536

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *ret_at)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_at;

	memset(ret_at, 0, sizeof(*ret_at));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

int host_socket(struct host *host, int family, int type, int protocol)
{
	return world_socket(host->world.ns, family, type, protocol);
}

int host_server(struct host *host, int type, const char *address, uint16_t *ret_port)
{
	int fd;

	host_leave(host);
	fd = host_socket(host, strchr(address, ':') ? AF_INET6 : AF_INET, type, 0);
	host_enter(host);
	*ret_port = world_bind(fd, address, *ret_port);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

int host_connect(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t size = address_of(address, port, &at);

	return connect(fd, (struct sockaddr *)&at, size) ? -errno : 0;
}

int host_try_send(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t size = address_of(address, port, &at);

	return sendto(fd, "x", 1, 0, (struct sockaddr *)&at, size) < 0 ? -errno : 0;
}

void host_send(int fd, const char *address, uint16_t port, size_t size)
{
	_cleanup_free_ char *bytes = calloc(1, size + 1);
	struct sockaddr_storage at;
	socklen_t length = address_of(address, port, &at);

	assert_int_equal(sendto(fd, bytes, size, 0, (struct sockaddr *)&at, length), size);
}

void host_answer(int server, size_t size)
{
	_cleanup_free_ char *bytes = calloc(1, DATAGRAM_MAX);
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);

	assert_true(recvfrom(server, bytes, DATAGRAM_MAX, 0, (struct sockaddr *)&from, &length) >=
		    0);
	if (size)
		assert_int_equal(sendto(server, bytes, size, 0, (struct sockaddr *)&from, length),
				 size);
}

void host_write(int fd, size_t size)
{
	_cleanup_free_ char *bytes = calloc(1, size);
	ssize_t n;

	for (size_t done = 0; done < size; done += n) {
		n = send(fd, bytes, size - done, MSG_NOSIGNAL);
		assert_true(n > 0);
	}
}

void host_read(int fd, size_t size)
{
	_cleanup_free_ char *bytes = malloc(size);
	ssize_t n;

	for (size_t done = 0; done < size; done += n) {
		n = read(fd, bytes, size - done);
		assert_true(n > 0);
	}
}

struct host_pair host_pair_open(struct host *host, const char *address)
{
	struct host_pair p = {.address = address};

	p.server = host_server(host, SOCK_STREAM, address, &p.port);
	p.client = host_socket(host, strchr(address, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(p.client, address, p.port), 0);
	p.accepted = accept4(p.server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.accepted >= 0);
	return p;
}

void host_pair_close(struct host_pair *pair)
{
	close(pair->client);
	close(pair->accepted);
	close(pair->server);
}
