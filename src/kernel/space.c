/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/space.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/own.h"
#include "kernel/sockdiag.h"

struct me_space {
	me_netns_fn fn;
	void *userdata;
	uint64_t cookie;
	uint64_t inode;
	struct me_own *own;
	int route;
	bool known;
	bool stale;
};

void me_space_free(struct me_space **space)
{
	if (!*space)
		return;
	me_own_free(&(*space)->own);
	me_closep(&(*space)->route);
	free(*space);
	*space = NULL;
}

ME_DEFINE_CLEANUP(struct me_space *, me_space_free)

int me_space_open(const char *path, uint64_t cookie, me_netns_fn fn, void *userdata,
		  struct me_space **ret_space)
{
	_cleanup_(me_space_freep) struct me_space *space = calloc(1, sizeof(*space));
	_cleanup_close_ int fd = -1;
	socklen_t size = sizeof(space->cookie);
	struct stat st;
	int r;

	if (!space)
		return -ENOMEM;
	space->route = -1;
	space->fn = fn;
	space->userdata = userdata;
	space->own = me_own_new();
	if (!space->own)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	space->inode = st.st_ino;
	r = me_netlink_open(fd, NETLINK_ROUTE, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			    &space->route);
	if (r < 0)
		return r;
	if (getsockopt(space->route, SOL_SOCKET, SO_NETNS_COOKIE, &space->cookie, &size) < 0)
		return -errno;
	if (cookie && cookie != space->cookie)
		return -ENOENT;
	*ret_space = me_steal_ptr(&space);
	return 0;
}

static void tell(const struct me_space *space, enum me_netns_event event,
		 const struct me_addr *address)
{
	struct me_own_key own = {.netns = space->cookie};

	if (address)
		own.address = *address;
	space->fn(event, &own, space->userdata);
}

static void tell_address(const struct me_addr *address, bool added, void *userdata)
{
	tell(userdata, added ? ME_NETNS_ADDRESS_ADDED : ME_NETNS_ADDRESS_REMOVED, address);
}

void me_space_close(struct me_space **space)
{
	me_own_clear((*space)->own, tell_address, *space);
	tell(*space, ME_NETNS_GONE, NULL);
	me_space_free(space);
}

/* A socket knows its namespace, so that no descriptor of the namespace itself need be kept. */
int me_space_enter_fd(const struct me_space *space, int *ret_fd)
{
	int fd = ioctl(space->route, SIOCGSKNS);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int me_space_sync(struct me_space *space)
{
	_cleanup_close_ int fd = -1;
	int r = me_space_enter_fd(space, &fd);

	if (r == 0)
		r = me_own_sync(space->own, fd, tell_address, space);
	space->stale = r < 0;
	if (r == 0 && !space->known) {
		space->known = true;
		tell(space, ME_NETNS_KNOWN, NULL);
	}
	return r;
}

bool me_space_is_stale(const struct me_space *space)
{
	return space->stale;
}

uint64_t me_space_cookie(const struct me_space *space)
{
	return space->cookie;
}

uint64_t me_space_inode(const struct me_space *space)
{
	return space->inode;
}

int me_space_fd(const struct me_space *space)
{
	return space->route;
}

size_t me_space_refused(const struct me_space *space)
{
	return me_own_refused(space->own);
}

bool me_space_holds_sockets(const struct me_space *space)
{
	struct me_sockdiag diag = {.fd = -1};
	_cleanup_close_ int fd = -1;
	int r = me_space_enter_fd(space, &fd);

	if (r == 0)
		r = me_sockdiag_open(fd, &diag);
	if (r == 0)
		r = me_sockdiag_in_use(&diag);
	me_closep(&diag.fd);
	return r != 0;
}
