/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/own.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "kernel/netlink.h"

/* A table that changes between two parts of a dump is asked again so often. */
#define ATTEMPTS 16

struct me_own {
	struct me_table *addresses; /* struct me_addr -> stamp of the sync that last saw it */
	uint64_t stamp;
	size_t refused;
};

struct sync {
	struct me_own *own;
	me_own_fn fn;
	void *userdata;
};

struct me_own *me_own_new(void)
{
	struct me_own *own = calloc(1, sizeof(*own));

	if (!own)
		return NULL;
	own->addresses = me_table_new(sizeof(struct me_addr), sizeof(uint64_t), ME_OWN_MAX);
	if (!own->addresses)
		me_own_free(&own);
	return own;
}

void me_own_free(struct me_own **own)
{
	if (!*own)
		return;
	me_table_free(&(*own)->addresses);
	free(*own);
	*own = NULL;
}

/*
 * The address of this side: IFA_LOCAL where it is there (on point-to-point links IFA_ADDRESS is the
 * peer's), else IFA_ADDRESS, which is all that IPv6 gives (linux/if_addr.h).
 */
static bool parse(const struct nlmsghdr *message, struct me_addr *ret_address)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(message);
	bool local = false, found = false;
	struct me_addr address = {0};

	if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof(*ifa)) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return false;
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*ifa)); a;
	     a = me_netlink_next(message, a)) {
		__u32 v4;

		if (a->nla_type != IFA_LOCAL && (a->nla_type != IFA_ADDRESS || local))
			continue;
		if (ifa->ifa_family == AF_INET6) {
			if (!me_netlink_get(a, &address, sizeof(address)))
				return false;
		} else {
			if (!me_netlink_get(a, &v4, sizeof(v4)))
				return false;
			address = me_addr_v4(v4);
		}
		found = true;
		local = a->nla_type == IFA_LOCAL;
	}
	if (found)
		*ret_address = address;
	return found;
}

static int see(const struct nlmsghdr *message, void *userdata)
{
	struct sync *sync = userdata;
	struct me_own *own = sync->own;
	struct me_addr address;
	void *stamp;
	int r;

	if (!parse(message, &address) || me_addr_kind(&address) == ME_ADDR_LOOPBACK)
		return 0;
	r = me_table_put(own->addresses, &address, &stamp);
	if (r == -ENOSPC) {
		own->refused++;
		return 0;
	}
	if (r < 0)
		return r;
	*(uint64_t *)stamp = own->stamp;
	if (r == 0)
		sync->fn(&address, true, sync->userdata);
	return 0;
}

/* Drops every address that the sync `keep` has not seen. */
static void drop(struct me_own *own, uint64_t keep, me_own_fn fn, void *userdata)
{
	const void *key;
	size_t cursor = 0;
	void *stamp;

	while (me_table_next(own->addresses, &cursor, &key, &stamp)) {
		struct me_addr address;

		if (*(uint64_t *)stamp == keep)
			continue;
		memcpy(&address, key, sizeof(address));
		me_table_remove(own->addresses, &address);
		fn(&address, false, userdata);
	}
}

int me_own_sync(struct me_own *own, int ns_fd, me_own_fn fn, void *userdata)
{
	struct sync sync = {.own = own, .fn = fn, .userdata = userdata};
	const struct ifaddrmsg any = {.ifa_family = AF_UNSPEC};
	_cleanup_close_ int fd = -1;
	int r = me_netlink_open(ns_fd, NETLINK_ROUTE, 0, &fd);

	if (r < 0)
		return r;
	for (int i = 0; i < ATTEMPTS; i++) {
		own->stamp++;
		own->refused = 0;
		r = me_netlink_dump(fd, RTM_GETADDR, &any, sizeof(any), see, &sync);
		if (r != -EAGAIN)
			break;
	}
	if (r == 0)
		drop(own, own->stamp, fn, userdata);
	return r;
}

void me_own_clear(struct me_own *own, me_own_fn fn, void *userdata)
{
	drop(own, own->stamp + 1, fn, userdata); /* a stamp that no address carries */
}

size_t me_own_refused(const struct me_own *own)
{
	return own->refused;
}
