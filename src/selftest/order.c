/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/order.h"

#include <string.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"

struct me_order me_order(uint16_t type, const void *body, size_t size)
{
	struct me_order order = {.head = {.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type}};

	memcpy(NLMSG_DATA(&order.head), body, size);
	return order;
}

struct nlattr *me_order_put(struct me_order *order, uint16_t type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(order->head.nlmsg_len);
	struct nlattr *attr = (struct nlattr *)(order->room + at);

	if (at + NLA_HDRLEN + size > ME_ORDER_ROOM)
		return (struct nlattr *)order->room;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)attr + NLA_HDRLEN, data, size);
	order->head.nlmsg_len = at + NLA_ALIGN(attr->nla_len);
	return attr;
}

void me_order_close(const struct me_order *order, struct nlattr *attr)
{
	attr->nla_len = order->room + order->head.nlmsg_len - (char *)attr;
}

int me_order_do(struct me_order *order, int protocol, uint16_t flags)
{
	_cleanup_close_ int fd = -1;
	int err = me_netlink_open(-1, protocol, 0, &fd);

	return err ? err : me_netlink_do(fd, &order->head, flags);
}
