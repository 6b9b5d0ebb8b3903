/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "kernel/netlink.h"
#include "kernel/nsscan.h"

#define SCAN_EVERY_NS 60000000000ull
#define SCAN_RETRY_NS 1000000000ull /* after a sync that failed */
#define SCAN_SOON_NS 100000000ull   /* one scan for all that a container's end brings at once */
#define MOUNTINFO "/proc/self/mountinfo"
#define UNWATCHED_MAX 65536 /* namespaces told apart in the count */

/* A namespace that is watched; without `space` a free place. */
struct place {
	struct me_space *space;
	uint64_t seen; /* number of the scan that last found it in use */
	int pidfd;     /* of a process in it, -1: none is known */
};

struct me_netns {
	me_netns_fn fn;
	void *userdata;
	int epoll;
	int timer;
	/*
	 * The mount table twice: a descriptor tells a change only to the first who asks, and of an
	 * epoll within the caller's that is not this module. The first wakes, the second knows.
	 */
	int mounts_wake;
	int mounts;
	bool hurried; /* the timer is set to SCAN_SOON_NS */
	uint64_t scans;
	struct me_table *unwatched; /* inodes */
	struct me_netns_stats stats;
	struct place place[ME_NETNS_MAX];
};

/* What epoll gives back: which place and which of its descriptors. */
enum source { TIMER, MOUNTS, ROUTE, PID };
#define SOURCE(kind, place) ((uint64_t)(place) << 8 | (kind))

static int watch(const struct me_netns *netns, int fd, uint32_t events, uint64_t source)
{
	struct epoll_event event = {.events = events, .data.u64 = source};

	return epoll_ctl(netns->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Before it is closed: where a child process has inherited it, closing alone would not end it. */
static void unwatch(const struct me_netns *netns, int fd)
{
	if (fd >= 0)
		epoll_ctl(netns->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void close_pidfd(const struct me_netns *netns, struct place *place)
{
	unwatch(netns, place->pidfd);
	me_closep(&place->pidfd);
	place->pidfd = -1;
}

static void scan_in(const struct me_netns *netns, uint64_t ns)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000u),
			     .tv_nsec = (long)(ns % 1000000000u)},
	};

	timerfd_settime(netns->timer, 0, &when, NULL);
}

static void scan_soon(struct me_netns *netns)
{
	if (!netns->hurried)
		scan_in(netns, SCAN_SOON_NS);
	netns->hurried = true;
}

void me_netns_free(struct me_netns **netns)
{
	struct me_netns *n = *netns;

	if (!n)
		return;
	for (size_t i = 0; i < ME_NETNS_MAX; i++) {
		me_space_free(&n->place[i].space);
		me_closep(&n->place[i].pidfd);
	}
	me_table_free(&n->unwatched);
	me_closep(&n->mounts);
	me_closep(&n->mounts_wake);
	me_closep(&n->timer);
	me_closep(&n->epoll);
	free(n);
	*netns = NULL;
}

ME_DEFINE_CLEANUP(struct me_netns *, me_netns_free)

int me_netns_new(me_netns_fn fn, void *userdata, struct me_netns **ret_netns)
{
	_cleanup_(me_netns_freep) struct me_netns *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->fn = fn;
	n->userdata = userdata;
	for (size_t i = 0; i < ME_NETNS_MAX; i++)
		n->place[i].pidfd = -1;
	n->timer = n->mounts = n->mounts_wake = -1;
	n->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll < 0)
		return -errno;
	n->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (n->timer < 0)
		return -errno;
	n->mounts_wake = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
	if (n->mounts_wake < 0)
		return -errno;
	n->mounts = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
	if (n->mounts < 0)
		return -errno;
	n->unwatched = me_table_new(sizeof(uint64_t), 0, UNWATCHED_MAX);
	if (!n->unwatched)
		return -ENOMEM;
	r = watch(n, n->timer, EPOLLIN, SOURCE(TIMER, 0));
	if (r == 0)
		r = watch(n, n->mounts_wake, EPOLLPRI, SOURCE(MOUNTS, 0)); /* proc(5) */
	if (r < 0)
		return r;
	*ret_netns = me_steal_ptr(&n);
	return 0;
}

int me_netns_fd(const struct me_netns *netns)
{
	return netns->epoll;
}

static void release(const struct me_netns *netns, struct place *place)
{
	unwatch(netns, me_space_fd(place->space));
	me_space_close(&place->space);
	close_pidfd(netns, place);
}

static void sync_place(struct me_netns *netns, const struct place *place)
{
	if (me_space_sync(place->space) < 0) {
		netns->stats.sync_failed++;
		scan_soon(netns);
	}
}

static struct place *find_inode(struct me_netns *netns, uint64_t inode)
{
	for (size_t i = 0; i < ME_NETNS_MAX; i++) {
		const struct me_space *space = netns->place[i].space;

		if (space && me_space_inode(space) == inode)
			return &netns->place[i];
	}
	return NULL;
}

static const struct me_space *find_cookie(const struct me_netns *netns, uint64_t cookie)
{
	for (size_t i = 0; i < ME_NETNS_MAX; i++) {
		const struct me_space *space = netns->place[i].space;

		if (space && me_space_cookie(space) == cookie)
			return space;
	}
	return NULL;
}

/* Takes in the namespace that `path` opens; see me_space_open() for `cookie`. */
static int add(struct me_netns *netns, const char *path, uint64_t cookie, struct place **ret_place)
{
	struct me_space *space;
	size_t i = 0;
	int r;

	while (i < ME_NETNS_MAX && netns->place[i].space)
		i++;
	if (i == ME_NETNS_MAX)
		return -ENOSPC;
	r = me_space_open(path, cookie, netns->fn, netns->userdata, &space);
	if (r < 0)
		return r;
	r = watch(netns, me_space_fd(space), EPOLLIN, SOURCE(ROUTE, i));
	if (r < 0) {
		me_space_free(&space);
		return r;
	}
	netns->place[i].space = space;
	sync_place(netns, &netns->place[i]);
	*ret_place = &netns->place[i];
	return 0;
}

/* The end of this process will be the moment to look who else is in the namespace. */
static void set_witness(const struct me_netns *netns, struct place *place, pid_t pid)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);

	if (fd >= 0 && watch(netns, fd, EPOLLIN, SOURCE(PID, place - netns->place)) == 0)
		place->pidfd = me_steal_fd(&fd);
}

static bool went(int error)
{
	return error == -ENOENT || error == -ESRCH;
}

static int on_use(const struct me_nsuse *use, void *userdata)
{
	struct me_netns *netns = userdata;
	struct place *place = find_inode(netns, use->inode);

	if (!place && !me_table_get(netns->unwatched, &use->inode)) {
		int r = add(netns, use->path, 0, &place);

		if (r < 0 && !went(r))
			me_table_put(netns->unwatched, &use->inode, NULL);
	}
	if (!place)
		return 0;
	place->seen = netns->scans;
	if (use->pid && place->pidfd < 0)
		set_witness(netns, place, (pid_t)use->pid);
	return 0;
}

static void forget_unwatched(const struct me_netns *netns)
{
	const void *at;
	size_t cursor = 0;

	while (me_table_next(netns->unwatched, &cursor, &at, NULL)) {
		const uint64_t inode = *(const uint64_t *)at;

		me_table_remove(netns->unwatched, &inode);
	}
}

int me_netns_scan(struct me_netns *netns)
{
	bool stale = false, released = false;
	int r;

	forget_unwatched(netns);
	netns->scans++;
	r = me_nsscan(on_use, netns);
	for (size_t i = 0; i < ME_NETNS_MAX && r == 0; i++) {
		struct place *place = &netns->place[i];

		if (!place->space)
			continue;
		if (place->seen != netns->scans && !me_space_holds_sockets(place->space)) {
			release(netns, place);
			released = true;
			continue;
		}
		if (me_space_is_stale(place->space))
			sync_place(netns, place);
		stale |= me_space_is_stale(place->space);
	}
	netns->hurried = false;
	if (released && me_table_count(netns->unwatched) > 0)
		scan_soon(netns); /* now there is room */
	else
		scan_in(netns, stale || r < 0 ? SCAN_RETRY_NS : SCAN_EVERY_NS);
	return r;
}

int me_netns_add_pid(struct me_netns *netns, pid_t pid, uint64_t cookie)
{
	char path[sizeof("/proc/-2147483648/ns/net")];
	struct place *place;
	int r;

	if (cookie == 0)
		return -ENOENT;
	if (find_cookie(netns, cookie))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	r = add(netns, path, cookie, &place);
	if (went(r)) {
		scan_soon(netns);
		return -ENOENT;
	}
	if (r == 0)
		set_witness(netns, place, pid);
	return r;
}

int me_netns_dispatch(struct me_netns *netns)
{
	struct pollfd mounts = {.fd = netns->mounts, .events = POLLPRI};
	struct epoll_event event[64];
	int n = epoll_wait(netns->epoll, event, ME_ARRAY_SIZE(event), 0);
	bool scan = false;

	for (int i = 0; i < n; i++) {
		struct place *place = &netns->place[event[i].data.u64 >> 8];

		switch ((enum source)(event[i].data.u64 & 0xff)) {
		case TIMER:
			scan = true;
			break;
		case MOUNTS: /* asked below, for it may not have come through */
			break;
		case ROUTE:
			netns->stats.overruns +=
				me_netlink_drain(me_space_fd(place->space)) == -ENOBUFS;
			sync_place(netns, place);
			break;
		case PID:
			close_pidfd(netns, place);
			scan_soon(netns);
			break;
		}
	}
	if (poll(&mounts, 1, 0) > 0)
		scan_soon(netns);
	/* Last, since it moves places about. */
	return scan ? me_netns_scan(netns) : 0;
}

bool me_netns_next(const struct me_netns *netns, size_t *cursor, uint64_t *ret_cookie)
{
	while (*cursor < ME_NETNS_MAX) {
		const struct me_space *space = netns->place[(*cursor)++].space;

		if (!space)
			continue;
		*ret_cookie = me_space_cookie(space);
		return true;
	}
	return false;
}

int me_netns_open(const struct me_netns *netns, uint64_t cookie, int *ret_fd)
{
	const struct me_space *space = find_cookie(netns, cookie);

	return space ? me_space_enter_fd(space, ret_fd) : -ENOENT;
}

struct me_netns_stats me_netns_stats(const struct me_netns *netns)
{
	struct me_netns_stats stats = netns->stats;

	stats.unwatched = me_table_count(netns->unwatched);
	for (size_t i = 0; i < ME_NETNS_MAX; i++) {
		if (!netns->place[i].space)
			continue;
		stats.watched++;
		stats.own_refused += me_space_refused(netns->place[i].space);
	}
	return stats;
}
