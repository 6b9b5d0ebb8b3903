/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/mptcp.h"

#include <errno.h>
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <string.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "selftest/order.h"

static int find_family(const struct nlmsghdr *message, void *userdata)
{
	const struct nlattr *attr = me_netlink_first(message, GENL_HDRLEN);
	char name[GENL_NAMSIZ] = "";
	uint16_t *id = userdata, one = 0;

	for (; attr; attr = me_netlink_next(message, attr)) {
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			me_netlink_get(attr, &one, sizeof(one));
		if (attr->nla_type == CTRL_ATTR_FAMILY_NAME)
			me_netlink_get(attr, name, sizeof(MPTCP_PM_NAME));
	}
	if (!strcmp(name, MPTCP_PM_NAME))
		*id = one;
	return 0;
}

static int family(uint16_t *ret_id)
{
	const struct genlmsghdr body = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	_cleanup_close_ int fd = -1;
	uint16_t id = 0;
	int err = me_netlink_open(-1, NETLINK_GENERIC, 0, &fd);

	if (!err)
		err = me_netlink_dump(fd, GENL_ID_CTRL, &body, sizeof(body), find_family, &id);
	if (!err && !id)
		err = -ENOENT;
	if (!err)
		*ret_id = id;
	return err;
}

static struct me_order command(uint16_t id, uint8_t cmd)
{
	const struct genlmsghdr body = {.cmd = cmd, .version = MPTCP_PM_VER};

	return me_order(id, &body, sizeof(body));
}

static int do_command(struct me_order *order)
{
	return me_order_do(order, NETLINK_GENERIC, 0);
}

int me_mptcp_allow(void)
{
	const uint32_t one = 1;
	struct me_order order;
	uint16_t id;
	int err = family(&id);

	if (err)
		return err;
	order = command(id, MPTCP_PM_CMD_SET_LIMITS);
	me_order_put(&order, MPTCP_PM_ATTR_RCV_ADD_ADDRS, &one, sizeof(one));
	me_order_put(&order, MPTCP_PM_ATTR_SUBFLOWS, &one, sizeof(one));
	return do_command(&order);
}

static int add(uint16_t id, const void *address, bool v6, uint16_t port)
{
	struct me_order order = command(id, MPTCP_PM_CMD_ADD_ADDR);
	const uint16_t inet = v6 ? AF_INET6 : AF_INET;
	const uint32_t flags = MPTCP_PM_ADDR_FLAG_SIGNAL;
	struct nlattr *entry = me_order_put(&order, NLA_F_NESTED | MPTCP_PM_ATTR_ADDR, NULL, 0);

	me_order_put(&order, MPTCP_PM_ADDR_ATTR_FAMILY, &inet, sizeof(inet));
	me_order_put(&order, v6 ? MPTCP_PM_ADDR_ATTR_ADDR6 : MPTCP_PM_ADDR_ATTR_ADDR4, address,
		     v6 ? 16 : 4);
	if (port)
		me_order_put(&order, MPTCP_PM_ADDR_ATTR_PORT, &port, sizeof(port));
	me_order_put(&order, MPTCP_PM_ADDR_ATTR_FLAGS, &flags, sizeof(flags));
	me_order_close(&order, entry);
	return do_command(&order);
}

int me_mptcp_announce(const void *address, bool v6, uint16_t port)
{
	struct me_order order;
	uint16_t id;
	int err = family(&id);

	if (err)
		return err;
	order = command(id, MPTCP_PM_CMD_FLUSH_ADDRS);
	err = do_command(&order);
	if (!err && address)
		err = add(id, address, v6, port);
	return err;
}
