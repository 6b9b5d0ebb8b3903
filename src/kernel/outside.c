/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/outside.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "kernel/members.h"
#include "kernel/netns.h"
#include "kernel/procfs.h"

#define PROC_PATH_LEN sizeof("/proc/4294967295/fd/4294967295")

/* A socket that a process inside holds. */
struct held {
	uint64_t run; /* the last one that saw it */
	uint32_t pid; /* who holds it */
	bool settled; /* it is known whether it is outside, or it is of another kind */
	bool outside;
};

struct me_outside {
	struct me_table *held; /* inode -> struct held */
	uint64_t runs;
	uint64_t refused;
	size_t open;
};

struct run {
	struct me_outside *outside;
	uint32_t pid; /* whose descriptors are read */
	size_t unsettled;
	int closed; /* errno of a process that may not be looked into; 0: none */
	struct me_cgroups *cgroups;
	const char *const *tops;
	size_t n_tops;
	me_outside_fn fn;
	void *userdata;
};

struct me_outside *me_outside_new(void)
{
	struct me_outside *outside = calloc(1, sizeof(*outside));

	if (!outside)
		return NULL;
	outside->held = me_table_new(sizeof(uint32_t), sizeof(struct held), ME_OUTSIDE_SOCKETS_MAX);
	if (!outside->held)
		me_outside_free(&outside);
	return outside;
}

void me_outside_free(struct me_outside **outside)
{
	if (!*outside)
		return;
	me_table_free(&(*outside)->held);
	free(*outside);
	*outside = NULL;
}

/* Removes what the run `but` did not see; counts what is outside. */
static void drop_unseen(struct me_outside *outside, uint64_t but)
{
	const void *key;
	size_t cursor = 0;
	void *value;

	outside->open = 0;
	while (me_table_next(outside->held, &cursor, &key, &value)) {
		const struct held *held = value;
		uint32_t inode = *(const uint32_t *)key;

		if (held->run != but)
			me_table_remove(outside->held, &inode);
		else
			outside->open += held->outside;
	}
}

void me_outside_forget(struct me_outside *outside)
{
	drop_unseen(outside, UINT64_MAX);
}

/* Whether sock_diag would list it; in doubt it is asked. */
static bool is_listed(const char *path)
{
	static const char *const listed[] = {"TCP", "TCPv6", "UDP", "UDPv6"};
	char name[32] = "";

	if (getxattr(path, "system.sockprotoname", name, sizeof(name) - 1) < 0)
		return true;
	for (size_t i = 0; i < ME_ARRAY_SIZE(listed); i++)
		if (!strcmp(name, listed[i]))
			return true;
	return false;
}

static int on_descriptor(uint32_t number, void *userdata)
{
	struct run *run = userdata;
	struct me_outside *outside = run->outside;
	char path[PROC_PATH_LEN];
	struct held *held;
	uint32_t inode;
	void *value;
	int r;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", run->pid, number);
	if (!me_owner_socket(path, &inode))
		return 0;
	r = me_table_put(outside->held, &inode, &value);
	outside->refused += r == -ENOSPC;
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	held = value;
	if (r == 0)
		held->settled = !is_listed(path);
	if (held->run != outside->runs)
		run->unsettled += !held->settled;
	held->run = outside->runs;
	held->pid = run->pid;
	return 0;
}

static int on_process(uint32_t pid, void *userdata)
{
	struct run *run = userdata;
	char path[PROC_PATH_LEN];
	int r;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	run->pid = pid;
	r = me_procfs_each(path, on_descriptor, run);
	if (r == -EACCES || r == -EPERM)
		run->closed = r;
	return r == -ENOMEM ? r : 0; /* one that went has none */
}

static int on_socket(const struct me_socket *socket, void *userdata)
{
	struct run *run = userdata;
	struct held *held = me_table_get(run->outside->held, &socket->inode);
	struct me_owner holder = {.inode = socket->inode};

	if (!held || held->settled || held->run != run->outside->runs)
		return 0;
	run->unsettled--;
	held->settled = true;
	held->outside = socket->cgroup &&
			!me_cgroup_is_below(run->cgroups, socket->cgroup, run->tops, run->n_tops);
	if (!held->outside)
		return 0;
	holder.pid = (pid_t)held->pid;
	me_owner_read(&holder);
	run->fn(socket, &holder, run->userdata);
	return 0;
}

/* What a dump passes over because the table changed meanwhile the next run will see. */
static int ask(struct run *run, const struct me_netns *netns, uint64_t cookie)
{
	struct me_sockdiag diag = {.fd = -1};
	_cleanup_close_ int ns = -1;
	int r = me_netns_open(netns, cookie, &ns);

	if (r == 0)
		r = me_sockdiag_open(ns, &diag);
	if (r == 0)
		r = me_sockdiag_flows(&diag, on_socket, run);
	if (r == 0)
		r = me_sockdiag_listeners(&diag, on_socket, run);
	me_closep(&diag.fd);
	return r == -EAGAIN || r == -ENOENT ? 0 : r;
}

int me_outside_run(struct me_outside *outside, const struct me_netns *netns,
		   struct me_cgroups *cgroups, const char *const *tops, size_t n, me_outside_fn fn,
		   void *userdata)
{
	struct run run = {.outside = outside,
			  .cgroups = cgroups,
			  .tops = tops,
			  .n_tops = n,
			  .fn = fn,
			  .userdata = userdata};
	size_t cursor = 0;
	uint64_t cookie;
	int result = 0, r;

	outside->runs++;
	for (size_t i = 0; i < n; i++) {
		r = me_cgroup_members(cgroups, tops[i], on_process, &run);
		result = result || r == -ENOENT ? result : r;
	}
	while (run.unsettled && me_netns_next(netns, &cursor, &cookie)) {
		r = ask(&run, netns, cookie);
		result = result ? result : r;
	}
	drop_unseen(outside, outside->runs);
	return result ? result : run.closed;
}

size_t me_outside_open(const struct me_outside *outside)
{
	return outside->open;
}

uint64_t me_outside_refused(const struct me_outside *outside)
{
	return outside->refused;
}
