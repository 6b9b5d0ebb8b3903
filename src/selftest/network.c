/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "kernel/enter.h"
#include "selftest/link.h"

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
	err = me_link_up("lo");
	if (!err)
		err = me_link_up(end->device);
	if (!err)
		err = me_link_address(end->device, end->address4, 24);
	if (!err)
		err = me_link_address(end->device, end->address6, 64);
	if (!err && end->via4)
		err = me_link_route("0.0.0.0", 0, end->via4);
	if (!err && end->via6)
		err = me_link_route("::", 0, end->via6);
	return err;
}

static int furnish_far(void *userdata)
{
	int err = furnish(userdata);

	if (!err)
		err = me_link_route("198.18.0.0", 15, NULL);
	return err ? err : me_link_route("2001:db8:18::", 47, NULL);
}

static int furnish_gateway(void)
{
	struct end lan = {"lan0", "192.0.2.1", "2001:db8:2::1", NULL, NULL};
	struct end wan = {"wan0", "198.51.100.1", "2001:db8:51::1", NULL, NULL};
	int err = furnish(&lan);

	if (!err)
		err = furnish(&wan);
	if (!err)
		err = me_link_route("198.18.0.0", 15, "198.51.100.2");
	if (!err)
		err = me_link_route("2001:db8:18::", 47, "2001:db8:51::2");
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

static int make_child_link(void *userdata)
{
	const int *child = userdata;

	return me_link_above("eth0", "child0", *child);
}

int me_network_child(uint8_t number)
{
	_cleanup_close_ int mail = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int child = -1;
	char address4[INET_ADDRSTRLEN], address6[INET6_ADDRSTRLEN];
	struct end end = {"child0", address4, address6, "192.0.2.1", "2001:db8:2::1"};
	int err;

	snprintf(address4, sizeof(address4), "192.0.2.%d", number);
	snprintf(address6, sizeof(address6), "2001:db8:2::%d", number);
	if (mail < 0)
		return -errno;
	err = new_namespace(&child);
	if (!err)
		err = me_enter_netns(mail, make_child_link, &child);
	return err ? err : furnish(&end);
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
		err = me_link_pair("lan0", ME_STATION, n->mail);
	}
	if (!err)
		err = me_link_pair("wan0", NULL, n->far);
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

bool me_network_twins(const struct me_addr *a, const struct me_addr *b)
{
	return !memcmp(a->byte, b->byte, 15) && !((a->byte[15] ^ b->byte[15]) & ~ME_TWIN);
}
