/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_REQUEST_H
#define MEWATCH_SELFTEST_REQUEST_H

/* A request by netlink, put together. What does not fit makes it one that the kernel refuses. */
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

#define ME_REQUEST_ROOM 512

struct me_request {
	union {
		struct nlmsghdr head;
		char room[ME_REQUEST_ROOM];
	};
};

/* With what follows the header. */
struct me_request me_request(uint16_t type, const void *body, size_t size);
/* Adds an attribute. */
struct nlattr *me_request_put(struct me_request *request, uint16_t type, const void *data,
			      size_t size);
/* An attribute is around all that was put behind it. */
void me_request_close(const struct me_request *request, struct nlattr *attr);
/* In the namespace that the thread is in. 0 or the kernel's errno. */
int me_request_do(struct me_request *request, int protocol, uint16_t flags);

#endif
