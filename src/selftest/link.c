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
#include "selftest/request.h"

int me_link_up(const char *name)
{
	const struct ifinfomsg body = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct me_request request = me_request(RTM_NEWLINK, &body, sizeof(body));

	return me_request_do(&request, NETLINK_ROUTE, 0);
}

int me_link_address(const char *device, const char *text, uint8_t prefix)
{
	uint8_t address[16];
	bool v4 = !strchr(text, ':');
	const struct ifaddrmsg body = {.ifa_family = v4 ? AF_INET : AF_INET6,
				       .ifa_prefixlen = prefix,
				       .ifa_flags = v4 ? 0 : IFA_F_NODAD,
				       .ifa_index = if_nametoindex(device)};
	struct me_request request = me_request(RTM_NEWADDR, &body, sizeof(body));
	int err = me_inet_parse(text, address);

	if (err)
		return err;
	me_request_put(&request, IFA_LOCAL, v4 ? address + 12 : address, v4 ? 4 : 16);
	me_request_put(&request, IFA_ADDRESS, v4 ? address + 12 : address, v4 ? 4 : 16);
	return me_request_do(&request, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
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
	struct me_request request = me_request(RTM_NEWROUTE, &body, sizeof(body));
	int err = me_inet_parse(text, to);

	if (!err && via)
		err = me_inet_parse(via, hop);
	if (err)
		return err;
	if (prefix)
		me_request_put(&request, RTA_DST, v4 ? to + 12 : to, v4 ? 4 : 16);
	if (via)
		me_request_put(&request, RTA_GATEWAY, v4 ? hop + 12 : hop, v4 ? 4 : 16);
	else
		me_request_put(&request, RTA_OIF, &lo, sizeof(lo));
	return me_request_do(&request, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_pair(const char *name, const char *station, int other)
{
	const struct ifinfomsg body = {};
	struct me_request request = me_request(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info, *data, *peer;
	uint8_t mac[6];

	me_request_put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	if (station && sscanf(station, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			      &mac[3], &mac[4], &mac[5]) == 6)
		me_request_put(&request, IFLA_ADDRESS, mac, sizeof(mac));
	info = me_request_put(&request, IFLA_LINKINFO, NULL, 0);
	me_request_put(&request, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = me_request_put(&request, IFLA_INFO_DATA, NULL, 0);
	peer = me_request_put(&request, VETH_INFO_PEER, &body, sizeof(body));
	me_request_put(&request, IFLA_IFNAME, "eth0", sizeof("eth0"));
	me_request_put(&request, IFLA_NET_NS_FD, &other, sizeof(other));
	me_request_close(&request, peer);
	me_request_close(&request, data);
	me_request_close(&request, info);
	return me_request_do(&request, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_above(const char *below, const char *name, int other)
{
	const struct ifinfomsg body = {};
	const uint32_t index = if_nametoindex(below);
	struct me_request request = me_request(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info;

	me_request_put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	me_request_put(&request, IFLA_LINK, &index, sizeof(index));
	me_request_put(&request, IFLA_NET_NS_FD, &other, sizeof(other));
	info = me_request_put(&request, IFLA_LINKINFO, NULL, 0);
	me_request_put(&request, IFLA_INFO_KIND, "macvlan", sizeof("macvlan"));
	me_request_close(&request, info);
	return me_request_do(&request, NETLINK_ROUTE, NLM_F_CREATE | NLM_F_EXCL);
}
