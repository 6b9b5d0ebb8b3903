/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/link.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "kernel/netlink.h"

#define ROOM 512

/* A request that grows; what does not fit makes it one that the kernel refuses. */
struct request {
	union {
		struct nlmsghdr head;
		char room[ROOM];
	};
};

static struct request request_of(uint16_t type, const void *body, size_t size)
{
	struct request request = {.head = {.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type}};

	memcpy(NLMSG_DATA(&request.head), body, size);
	return request;
}

static struct nlattr *put(struct request *request, uint16_t type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(request->head.nlmsg_len);
	struct nlattr *attr = (struct nlattr *)(request->room + at);

	if (at + NLA_HDRLEN + size > ROOM)
		return (struct nlattr *)request->room;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)attr + NLA_HDRLEN, data, size);
	request->head.nlmsg_len = at + NLA_ALIGN(attr->nla_len);
	return attr;
}

/* An attribute is around all that was put behind it. */
static void close_around(const struct request *request, struct nlattr *attr)
{
	attr->nla_len = request->room + request->head.nlmsg_len - (char *)attr;
}

static int do_request(struct request *request, uint16_t flags)
{
	_cleanup_close_ int fd = -1;
	int err = me_netlink_open(-1, NETLINK_ROUTE, 0, &fd);

	return err ? err : me_netlink_do(fd, &request->head, flags);
}

int me_link_up(const char *name)
{
	const struct ifinfomsg body = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request request = request_of(RTM_NEWLINK, &body, sizeof(body));

	return do_request(&request, 0);
}

int me_link_address(const char *device, const char *text, uint8_t prefix)
{
	uint8_t address[16];
	bool v4 = !strchr(text, ':');
	const struct ifaddrmsg body = {.ifa_family = v4 ? AF_INET : AF_INET6,
				       .ifa_prefixlen = prefix,
				       .ifa_flags = v4 ? 0 : IFA_F_NODAD,
				       .ifa_index = if_nametoindex(device)};
	struct request request = request_of(RTM_NEWADDR, &body, sizeof(body));
	int err = me_inet_parse(text, address);

	if (err)
		return err;
	put(&request, IFA_LOCAL, v4 ? address + 12 : address, v4 ? 4 : 16);
	put(&request, IFA_ADDRESS, v4 ? address + 12 : address, v4 ? 4 : 16);
	return do_request(&request, NLM_F_CREATE | NLM_F_EXCL);
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
	struct request request = request_of(RTM_NEWROUTE, &body, sizeof(body));
	int err = me_inet_parse(text, to);

	if (!err && via)
		err = me_inet_parse(via, hop);
	if (err)
		return err;
	if (prefix)
		put(&request, RTA_DST, v4 ? to + 12 : to, v4 ? 4 : 16);
	if (via)
		put(&request, RTA_GATEWAY, v4 ? hop + 12 : hop, v4 ? 4 : 16);
	else
		put(&request, RTA_OIF, &lo, sizeof(lo));
	return do_request(&request, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_pair(const char *name, const char *station, int other)
{
	const struct ifinfomsg body = {};
	struct request request = request_of(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info, *data, *peer;
	uint8_t mac[6];

	put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	if (station && sscanf(station, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			      &mac[3], &mac[4], &mac[5]) == 6)
		put(&request, IFLA_ADDRESS, mac, sizeof(mac));
	info = put(&request, IFLA_LINKINFO, NULL, 0);
	put(&request, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = put(&request, IFLA_INFO_DATA, NULL, 0);
	peer = put(&request, VETH_INFO_PEER, &body, sizeof(body));
	put(&request, IFLA_IFNAME, "eth0", sizeof("eth0"));
	put(&request, IFLA_NET_NS_FD, &other, sizeof(other));
	close_around(&request, peer);
	close_around(&request, data);
	close_around(&request, info);
	return do_request(&request, NLM_F_CREATE | NLM_F_EXCL);
}

int me_link_above(const char *below, const char *name, int other)
{
	const struct ifinfomsg body = {};
	const uint32_t index = if_nametoindex(below);
	struct request request = request_of(RTM_NEWLINK, &body, sizeof(body));
	struct nlattr *info;

	put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	put(&request, IFLA_LINK, &index, sizeof(index));
	put(&request, IFLA_NET_NS_FD, &other, sizeof(other));
	info = put(&request, IFLA_LINKINFO, NULL, 0);
	put(&request, IFLA_INFO_KIND, "macvlan", sizeof("macvlan"));
	close_around(&request, info);
	return do_request(&request, NLM_F_CREATE | NLM_F_EXCL);
}
