/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "kernel/enter.h"
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

/* --- What there is in a namespace: each function is for the one that the thread is in --------------- */

static int bring_up(const char *name)
{
	const struct ifinfomsg body = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request request = request_of(RTM_NEWLINK, &body, sizeof(body));

	return do_request(&request, 0);
}

/* `address` and `prefix` of 16 bytes, IPv4 mapped. */
static int add_address(const char *device, const char *text, uint8_t prefix)
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

/* By way of `via`, or NULL: every address of it is one of this namespace. */
static int add_route(const char *text, uint8_t prefix, const char *via)
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

/* A pair: `name` here, eth0 in the other namespace. */
static int add_pair(const char *name, const char *station, int other)
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

/* Of a kernel that has no such setting nothing is wanted. */
static void set(const char *setting, const char *value)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", setting);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		return;
}

/* --- The three ------------------------------------------------------------------------------------ */

struct end {
	const char *device, *address4, *address6, *via4, *via6;
};

/* A namespace with one interface, and a way out of it. */
static int furnish(void *userdata)
{
	const struct end *end = userdata;
	int err;

	set("ipv6/conf/all/disable_ipv6", "0");
	set("ipv6/conf/default/disable_ipv6", "0");
	set("ipv4/tcp_fastopen", "3");
	set("ipv4/ping_group_range", "0 2147483647");
	err = bring_up("lo");
	if (!err)
		err = bring_up(end->device);
	if (!err)
		err = add_address(end->device, end->address4, 24);
	if (!err)
		err = add_address(end->device, end->address6, 64);
	if (!err && end->via4)
		err = add_route("0.0.0.0", 0, end->via4);
	if (!err && end->via6)
		err = add_route("::", 0, end->via6);
	return err;
}

static int furnish_far(void *userdata)
{
	int err = furnish(userdata);

	if (!err)
		err = add_route("198.18.0.0", 15, NULL);
	return err ? err : add_route("2001:db8:18::", 47, NULL);
}

static int furnish_gateway(void)
{
	struct end lan = {"lan0", "192.0.2.1", "2001:db8:2::1", NULL, NULL};
	struct end wan = {"wan0", "198.51.100.1", "2001:db8:51::1", NULL, NULL};
	int err = furnish(&lan);

	if (!err)
		err = furnish(&wan);
	if (!err)
		err = add_route("198.18.0.0", 15, "198.51.100.2");
	if (!err)
		err = add_route("2001:db8:18::", 47, "2001:db8:51::2");
	set("ipv4/ip_forward", "1");
	set("ipv6/conf/all/forwarding", "1");
	return err;
}

/* The thread goes into a new one. */
static int new_namespace(int *ret_fd)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int me_network_make(struct me_network *ret_network, struct me_why *why)
{
	struct end mail = {"eth0", ME_MAIL4, ME_MAIL6, "192.0.2.1", "2001:db8:2::1"};
	struct end far = {"eth0", "198.51.100.2", "2001:db8:51::2", "198.51.100.1",
			  "2001:db8:51::1"};
	struct me_network *n = ret_network;
	const char *what = "a network namespace";
	int err;

	*n = (struct me_network){-1, -1, -1};
	err = new_namespace(&n->mail);
	if (!err)
		err = new_namespace(&n->far);
	if (!err)
		err = new_namespace(&n->gateway);
	if (!err) {
		what = "a veth pair";
		err = add_pair("lan0", ME_STATION, n->mail);
	}
	if (!err)
		err = add_pair("wan0", NULL, n->far);
	if (!err) {
		what = "addresses and routes in a network namespace";
		err = furnish_gateway();
	}
	if (!err)
		err = me_enter_netns(n->mail, furnish, &mail);
	if (!err)
		err = me_enter_netns(n->far, furnish_far, &far);
	if (err)
		snprintf(why->text, sizeof(why->text), "%s cannot be made: %s", what,
			 strerror(-err));
	return err;
}

void me_network_free(struct me_network *network)
{
	me_closep(&network->mail);
	me_closep(&network->gateway);
	me_closep(&network->far);
}

struct me_addr me_network_address(bool v6, bool listed, uint16_t n)
{
	struct me_addr address = {};

	if (v6) {
		me_inet_parse(listed ? "2001:db8:18::" : "2001:db8:19::", address.byte);
	} else {
		me_inet_parse(listed ? "198.18.0.0" : "198.19.0.0", address.byte);
	}
	address.byte[14] = n >> 8;
	address.byte[15] = n & 255;
	return address;
}
