/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/link.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include "base/inet.h"
#include "selftest/order.h"

int me_link_up(const char *name)
{
	const struct ifinfomsg body = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct me_order order = me_order(RTM_NEWLINK, &body, sizeof(body));

	return me_order_do(&order, NETLINK_ROUTE, 0);
}

int me_link_address(const char *device, const char *text, uint8_t prefix)
{
	uint8_t address[16];
	bool v4 = !strchr(text, ':');
	const struct ifaddrmsg body = {.ifa_family = v4 ? AF_INET : AF_INET6,
				       .ifa_prefixlen = prefix,
				       .ifa_flags = v4 ? 0 : IFA_F_NODAD,
				       .ifa_index = if_nametoindex(device)};
	struct me_order order = me_order(RTM_NEWADDR, &body, sizeof(body));
	int err = me_inet_parse(text, address);

	if (err)
		return err;
	me_order_put(&order, IFA_LOCAL, v4 ? address + 12 : address, v4 ? 4 : 16);
	me_order_put(&order, IFA_ADDRESS, v4 ? address + 12 : address, v4 ? 4 : 16);
	return me_order_do(&order, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_route(const char *text, uint8_t prefix, const char *via)
{
	uint8_t to[16], hop[16];
	bool v4 = !strchr(text, ':');
	const uint32_t lo = if_nametoindex("lo");
	const struct rtmsg body = {.rtm_family = v4 ? AF_INET : AF_INET6,
				   .rtm_dst_len = prefix,
				   .rtm_table = via ? RT_TABLE_MAIN : RT_TABLE_LOCAL,
				   .rtm_protocol = RTPROT_STATIC,
				   .rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST,
				   .rtm_type = via ? RTN_UNICAST : RTN_LOCAL};
	struct me_order order = me_order(RTM_NEWROUTE, &body, sizeof(body));
	int err = me_inet_parse(text, to);

	if (!err && via)
		err = me_inet_parse(via, hop);
	if (err)
		return err;
	if (prefix)
		me_order_put(&order, RTA_DST, v4 ? to + 12 : to, v4 ? 4 : 16);
	if (via)
		me_order_put(&order, RTA_GATEWAY, v4 ? hop + 12 : hop, v4 ? 4 : 16);
	else
		me_order_put(&order, RTA_OIF, &lo, sizeof(lo));
	return me_order_do(&order, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_pair(const char *name, const char *station, int other)
{
	const struct ifinfomsg body = {};
	struct me_order order = me_order(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info, *data, *peer;
	uint8_t mac[6];

	me_order_put(&order, IFLA_IFNAME, name, strlen(name) + 1);
	if (station && sscanf(station, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			      &mac[3], &mac[4], &mac[5]) == 6)
		me_order_put(&order, IFLA_ADDRESS, mac, sizeof(mac));
	info = me_order_put(&order, IFLA_LINKINFO, NULL, 0);
	me_order_put(&order, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = me_order_put(&order, IFLA_INFO_DATA, NULL, 0);
	peer = me_order_put(&order, VETH_INFO_PEER, &body, sizeof(body));
	me_order_put(&order, IFLA_IFNAME, "eth0", sizeof("eth0"));
	me_order_put(&order, IFLA_NET_NS_FD, &other, sizeof(other));
	me_order_close(&order, peer);
	me_order_close(&order, data);
	me_order_close(&order, info);
	return me_order_do(&order, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_above(const char *below, const char *name, int other)
{
	const struct ifinfomsg body = {};
	const uint32_t index = if_nametoindex(below);
	struct me_order order = me_order(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info;

	me_order_put(&order, IFLA_IFNAME, name, strlen(name) + 1);
	me_order_put(&order, IFLA_LINK, &index, sizeof(index));
	me_order_put(&order, IFLA_NET_NS_FD, &other, sizeof(other));
	info = me_order_put(&order, IFLA_LINKINFO, NULL, 0);
	me_order_put(&order, IFLA_INFO_KIND, "macvlan", sizeof("macvlan"));
	me_order_close(&order, info);
	return me_order_do(&order, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}
