/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/netlink.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "base/cleanup.h"
#include "kernel/enter.h"

/* The kernel fills at most this much of a dump at a time (NETLINK_GOODSIZE and netlink_dump()). */
#define BUFFER_SIZE 32768

struct opening {
	int protocol;
	uint32_t groups;
	int fd;
};

static int open_here(void *userdata)
{
	struct opening *o = userdata;
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = o->groups};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, o->protocol);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	o->fd = me_steal_fd(&fd);
	return 0;
}

int me_netlink_open(int ns_fd, int protocol, uint32_t groups, int *ret_fd)
{
	struct opening o = {.protocol = protocol, .groups = groups, .fd = -1};
	int r = ns_fd < 0 ? open_here(&o) : me_enter_netns(ns_fd, open_here, &o);

	if (r < 0)
		return r;
	*ret_fd = o.fd;
	return 0;
}

static int request(int fd, uint16_t type, const void *body, size_t len)
{
	struct nlmsghdr header = {
		.nlmsg_len = NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = NLMSG_HDRLEN},
		{.iov_base = (void *)body, .iov_len = len},
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = iov,
		.msg_iovlen = ME_ARRAY_SIZE(iov),
	};

	return sendmsg(fd, &message, 0) < 0 ? -errno : 0;
}

/* One datagram, waiting for it. Its length, or a negative errno. */
static int receive(int fd, void *buffer)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	for (;;) {
		ssize_t n = recv(fd, buffer, BUFFER_SIZE, MSG_TRUNC);

		if (n > BUFFER_SIZE)
			return -EMSGSIZE;
		if (n >= 0)
			return (int)n;
		if (errno == EAGAIN)
			poll(&poller, 1, -1);
		else if (errno != EINTR)
			return -errno;
	}
}

/* The errno that NLMSG_DONE and NLMSG_ERROR begin with. */
static int status(const struct nlmsghdr *message)
{
	int error;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(message), sizeof(error));
	return error;
}

int me_netlink_dump(int fd, uint16_t type, const void *body, size_t len, me_netlink_fn fn,
		    void *userdata)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	bool interrupted = false;
	int r = request(fd, type, body, len);

	if (r < 0)
		return r;
	for (;;) {
		int left = receive(fd, buffer);
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;

		if (left < 0)
			return left;
		if (!NLMSG_OK(message, left))
			return -EBADMSG;
		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
			if (message->nlmsg_type == NLMSG_DONE) {
				r = status(message);
				return r < 0 ? r : interrupted ? -EAGAIN : 0;
			}
			if (message->nlmsg_type == NLMSG_ERROR) {
				r = status(message);
				return r < 0 ? r : -EBADMSG;
			}
			r = fn(message, userdata);
			if (r)
				return r;
		}
	}
}

int me_netlink_do(int fd, struct nlmsghdr *message, uint16_t flags)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *answer = (const struct nlmsghdr *)buffer;
	int left;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	if (sendto(fd, message, message->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		return -errno;
	left = receive(fd, buffer);
	if (left < 0)
		return left;
	return NLMSG_OK(answer, left) && answer->nlmsg_type == NLMSG_ERROR ? status(answer)
									   : -EBADMSG;
}

int me_netlink_drain(int fd)
{
	char scrap[64];
	int i;

	for (i = 0; i < ME_NETLINK_DRAIN_MAX; i++) {
		if (recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) >= 0 || errno == EINTR)
			continue;
		return errno == EAGAIN ? i > 0 : -errno;
	}
	return 1;
}

static const struct nlattr *attr_at(const char *at, const char *end)
{
	const struct nlattr *attr = (const struct nlattr *)at;

	if (at > end || (size_t)(end - at) < sizeof(*attr) || attr->nla_len < sizeof(*attr) ||
	    attr->nla_len > end - at)
		return NULL;
	return attr;
}

static const char *end_of(const struct nlmsghdr *message)
{
	return (const char *)message + message->nlmsg_len;
}

const struct nlattr *me_netlink_first(const struct nlmsghdr *message, size_t fixed)
{
	return attr_at((const char *)message + NLMSG_SPACE(fixed), end_of(message));
}

const struct nlattr *me_netlink_next(const struct nlmsghdr *message, const struct nlattr *attr)
{
	return attr_at((const char *)attr + NLA_ALIGN(attr->nla_len), end_of(message));
}

const struct nlattr *me_netlink_inside(const struct nlattr *attr, const struct nlattr *previous)
{
	const char *at = previous ? (const char *)previous + NLA_ALIGN(previous->nla_len)
				  : (const char *)attr + NLA_HDRLEN;

	return attr_at(at, (const char *)attr + attr->nla_len);
}

bool me_netlink_get(const struct nlattr *attr, void *ret_value, size_t size)
{
	if (attr->nla_len < NLA_HDRLEN + size)
		return false;
	memcpy(ret_value, (const char *)attr + NLA_HDRLEN, size);
	return true;
}
