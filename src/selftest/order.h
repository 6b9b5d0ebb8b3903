/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_ORDER_H
#define MEWATCH_SELFTEST_ORDER_H

/* An order to the kernel by netlink, put together. What does not fit makes it one that the kernel refuses. */
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

#define ME_ORDER_ROOM 512

struct me_order {
	union {
		struct nlmsghdr head;
		char room[ME_ORDER_ROOM];
	};
};

/* With what follows the header. */
struct me_order me_order(uint16_t type, const void *body, size_t size);
/* Adds an attribute. */
struct nlattr *me_order_put(struct me_order *order, uint16_t type, const void *data, size_t size);
/* An attribute is around all that was put behind it. */
void me_order_close(const struct me_order *order, struct nlattr *attr);
/* In the namespace that the thread is in. 0 or the kernel's errno. */
int me_order_do(struct me_order *order, int protocol, uint16_t flags);

#endif
