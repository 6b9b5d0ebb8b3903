/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/packetdiag.h"
#include <errno.h>
#include <string.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"
#include "kernel/sockdiag.h"

struct key {
	uint64_t netns;
	uint64_t cookie;
	uint64_t inode;
};

struct me_packet_sweep {
	struct me_table *seen; /* struct key -> number of the run that last saw it */
	uint64_t runs;
	uint64_t refused;
};

/* One run: the new sockets wait for their owners. */
struct run {
	struct me_packet_sweep *sweep;
	uint64_t netns;
	struct me_packet_socket *fresh;
	size_t n_fresh, room;
};

struct me_packet_sweep *me_packet_sweep_new(void)
{
	struct me_packet_sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		return NULL;
	sweep->seen = me_table_new(sizeof(struct key), sizeof(uint64_t), ME_PACKET_SOCKETS_MAX);
	if (!sweep->seen)
		me_packet_sweep_free(&sweep);
	return sweep;
}

void me_packet_sweep_free(struct me_packet_sweep **sweep)
{
	if (!*sweep)
		return;
	me_table_free(&(*sweep)->seen);
	free(*sweep);
	*sweep = NULL;
}

static int keep(struct run *run, const struct me_packet_socket *socket)
{
	if (run->n_fresh == run->room) {
		size_t room = run->room ? 2 * run->room : 16;
		void *moved = realloc(run->fresh, room * sizeof(*run->fresh));

		if (!moved)
			return -ENOMEM;
		run->fresh = moved;
		run->room = room;
	}
	run->fresh[run->n_fresh++] = *socket;
	return 0;
}

static int on_message(const struct nlmsghdr *message, void *userdata)
{
	const struct packet_diag_msg *d = NLMSG_DATA(message);
	struct run *run = userdata;
	struct packet_diag_info info;
	struct me_packet_socket s;
	struct key key;
	void *seen;
	int r;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*d)))
		return -EBADMSG;
	s = (struct me_packet_socket){
		.cookie = (uint64_t)d->pdiag_cookie[1] << 32 | d->pdiag_cookie[0],
		.netns = run->netns,
		.ethertype = d->pdiag_num,
		.type = d->pdiag_type,
		.owner.inode = d->pdiag_ino,
	};
	key = (struct key){.netns = s.netns, .cookie = s.cookie, .inode = d->pdiag_ino};
	r = me_table_put(run->sweep->seen, &key, &seen);
	run->sweep->refused += r == -ENOSPC;
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	*(uint64_t *)seen = run->sweep->runs;
	if (r > 0)
		return 0;
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*d)); a;
	     a = me_netlink_next(message, a)) {
		if (a->nla_type == PACKET_DIAG_UID)
			me_netlink_get(a, &s.uid, sizeof(s.uid));
		else if (a->nla_type == PACKET_DIAG_INFO && me_netlink_get(a, &info, sizeof(info)))
			s.ifindex = info.pdi_index;
	}
	r = keep(run, &s);
	if (r < 0)
		me_table_remove(run->sweep->seen, &key); /* not told: the next run will */
	return r;
}

static int list(struct run *run, const struct me_netns *netns)
{
	const struct packet_diag_req request = {
		.sdiag_family = AF_PACKET,
		.pdiag_show = PACKET_SHOW_INFO,
	};
	_cleanup_close_ int ns_fd = -1, fd = -1;
	int r = me_netns_open(netns, run->netns, &ns_fd);

	if (r == 0)
		r = me_netlink_open(ns_fd, NETLINK_SOCK_DIAG, 0, &fd);
	if (r == 0)
		r = me_netlink_dump(fd, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), on_message,
				    run);
	return r;
}

/* A namespace that could not be listed: what was known there is not taken for gone. */
static void see_all(const struct me_packet_sweep *sweep, uint64_t netns)
{
	const void *key;
	size_t cursor = 0;
	void *seen;

	while (me_table_next(sweep->seen, &cursor, &key, &seen)) {
		if (((const struct key *)key)->netns == netns)
			*(uint64_t *)seen = sweep->runs;
	}
}

static void drop_unseen(const struct me_packet_sweep *sweep)
{
	const void *at;
	size_t cursor = 0;
	void *seen;

	while (me_table_next(sweep->seen, &cursor, &at, &seen)) {
		const struct key key = *(const struct key *)at;

		if (*(uint64_t *)seen != sweep->runs)
			me_table_remove(sweep->seen, &key);
	}
}

/* Looks up the owners of all new sockets at once and tells them. */
static int tell(struct run *run, void (*fn)(const struct me_packet_socket *socket, void *userdata),
		void *userdata)
{
	_cleanup_free_ struct me_owner *owners = NULL;
	int r;

	if (run->n_fresh == 0)
		return 0;
	owners = calloc(run->n_fresh, sizeof(*owners));
	for (size_t i = 0; owners && i < run->n_fresh; i++)
		owners[i].inode = run->fresh[i].owner.inode;
	r = owners ? me_owners_find(owners, run->n_fresh) : -ENOMEM;
	/* A socket without its owner is still one to tell of. */
	for (size_t i = 0; i < run->n_fresh; i++) {
		if (owners)
			run->fresh[i].owner = owners[i];
		fn(&run->fresh[i], userdata);
	}
	return r;
}

int me_packet_sweep_run(struct me_packet_sweep *sweep, const struct me_netns *netns,
			void (*fn)(const struct me_packet_socket *socket, void *userdata),
			void *userdata)
{
	struct run run = {.sweep = sweep};
	_cleanup_free_ struct me_packet_socket *fresh = NULL;
	size_t cursor = 0;
	int result = 0, r;

	sweep->runs++;
	while (me_netns_next(netns, &cursor, &run.netns)) {
		r = list(&run, netns);
		if (r < 0) {
			see_all(sweep, run.netns);
			result = result ? result : r;
		}
	}
	fresh = run.fresh;
	drop_unseen(sweep);
	r = tell(&run, fn, userdata);
	return result ? result : r;
}

size_t me_packet_sweep_open(const struct me_packet_sweep *sweep)
{
	return me_table_count(sweep->seen);
}

uint64_t me_packet_sweep_refused(const struct me_packet_sweep *sweep)
{
	return sweep->refused;
}
