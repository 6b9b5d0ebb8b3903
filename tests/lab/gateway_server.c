/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The servers of gateway_client: gateway_server PORT…, over IPv4 and IPv6. Says `ready` when all ports
 * are bound, then a line a connection: `ID RECEIVED SENT`, the payload bytes of either way; the id is
 * `-` when no request came.
 */
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include "gateway.h"

#define PORTS_MAX 64
#define ACKNOWLEDGED_US 1000

static unsigned long unacknowledged(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) ? 0 : bytes;
}

static void finish(int fd, enum gateway_end end)
{
	switch (end) {
	case GATEWAY_END_SERVER:
		shutdown(fd, SHUT_WR);
		gateway_receive(fd, 1);
		break;
	case GATEWAY_END_SERVER_RESET:
		while (unacknowledged(fd))
			usleep(ACKNOWLEDGED_US); /* a reset throws away what has not arrived */
		gateway_reset(fd);
		break;
	case GATEWAY_END_TOGETHER:
		break;
	default:
		gateway_receive(fd, 1);
	}
}

static void serve(int fd)
{
	struct gateway_request request;
	unsigned long received, sent, up;
	uint64_t random;

	received = recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request)
			   ? sizeof(request)
			   : 0;
	if (!received || request.magic != htonl(GATEWAY_MAGIC)) {
		printf("- %lu 0\n", received);
		return;
	}
	random = ntohl(request.id);
	up = ntohl(request.up) - received;
	/* what the client says is all: more would show as bytes that it did not count */
	received += gateway_receive(fd, ntohl(request.end) == GATEWAY_END_HALF ? up + 1 : up);
	sent = gateway_send(fd, ntohl(request.down), &random);
	printf("%u %lu %lu\n", ntohl(request.id), received, sent);
	finish(fd, ntohl(request.end));
}

static void *serve_thread(void *argument)
{
	int fd = (int)(intptr_t)argument;

	gateway_prepare(fd);
	serve(fd);
	close(fd);
	return NULL;
}

static int listen_to(unsigned int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, SOMAXCONN))
		err(1, "port %u", port);
	return fd;
}

static void take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pthread_attr_t detached;
	pthread_t thread;

	if (fd < 0)
		return;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &detached, serve_thread, (void *)(intptr_t)fd))
		errx(1, "no thread");
	pthread_attr_destroy(&detached);
}

int main(int argc, char **argv)
{
	struct pollfd listeners[PORTS_MAX];
	int n = argc - 1;

	if (n < 1 || n > PORTS_MAX)
		errx(2, "usage: gateway_server PORT…");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < n; i++)
		listeners[i] = (struct pollfd){
			.fd = listen_to(lab_number(argv[i + 1], 65535)),
			.events = POLLIN,
		};
	printf("ready\n");
	for (;;) {
		if (poll(listeners, n, -1) < 0)
			err(1, "poll");
		for (int i = 0; i < n; i++)
			if (listeners[i].revents)
				take(listeners[i].fd);
	}
}
