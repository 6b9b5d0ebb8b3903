/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/remoting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "kernel/netns.h"
#include "kernel/owner.h"
#include "kernel/sockdiag.h"
#include "mewatch/daemon.h"
#include "mewatch/judge.h"
#include "mewatch/surroundings.h"
#include "policy/policy.h"

struct search {
	struct me_daemon *daemon;
	struct me_table *found; /* socket cookie -> struct me_socket */
	size_t refused;
};

ME_DEFINE_CLEANUP(struct me_table *, me_table_free)

/* Whether the policy names the program as one of the product's own. One that is not known is none. */
static bool is_own(const struct me_policy *policy, const struct me_proc *exe)
{
	const char *path = exe->exe + ME_EXE_LEN - exe->len;

	for (size_t i = 0; i < policy->n_remoting_processes; i++) {
		const char *own = policy->remoting_processes[i];

		if (!exe->truncated && strlen(own) == exe->len && !memcmp(own, path, exe->len))
			return true;
	}
	return false;
}

static bool is_remoting(const struct me_image *image, uint16_t port)
{
	const struct me_head *head = image->head;

	return head->column[head->slot[me_slot(IPPROTO_TCP, port)]].flags & ME_COLUMN_REMOTING;
}

/* --- As it happens ------------------------------------------------------------------------------ */

static void listener_told(struct me_daemon *daemon, const struct me_record *record)
{
	uint64_t cookie = record->key.opener.cookie;
	struct me_proc exe = {};

	if (me_swept_known(&daemon->kept->listeners, cookie))
		return;
	me_kernel_proc(daemon->kernel, &record->flow.origin.proc, &exe);
	if (is_own(daemon->policy, &exe))
		return;
	/* In this order: a kill in between tells it twice rather than never. */
	me_events_record(daemon->events, record);
	me_swept_count(&daemon->kept->listeners, cookie);
}

bool me_remoting_record(struct me_daemon *daemon, const struct me_record *record)
{
	const struct me_flow *flow = &record->flow;

	if (record->kind != ME_RECORD_FINDING || record->key.vantage != ME_HOST)
		return false;
	if (record->what == ME_FINDING_FOREIGN_LISTENER) {
		listener_told(daemon, record);
		return true;
	}
	/* A namespace whose addresses the programs had not been told yet. */
	return record->what == ME_FINDING_INBOUND_REMOTING &&
	       (me_surroundings_facts(daemon->surroundings, flow->origin.netns, &record->key.peer) &
		ME_FACT_OWN);
}

/* --- What was there before ---------------------------------------------------------------------- */

/* Listening subflows of MPTCP have no inode, and so no owner that could be found. */
static int see(const struct me_socket *socket, void *userdata)
{
	struct search *search = userdata;
	struct me_daemon *daemon = search->daemon;
	void *value;
	int r;

	if (socket->proto != IPPROTO_TCP || !socket->inode ||
	    !is_remoting(daemon->image, socket->sport) ||
	    !me_cgroup_is_below(daemon->cgroups, socket->cgroup,
				(const char *const *)daemon->watched, daemon->n_watched) ||
	    me_swept_known(&daemon->kept->listeners, socket->cookie))
		return 0;
	r = me_table_put(search->found, &socket->cookie, &value);
	if (r >= 0)
		memcpy(value, socket, sizeof(*socket));
	search->refused += r == -ENOSPC;
	return r < 0 && r != -ENOSPC ? r : 0;
}

static void tell(struct me_daemon *daemon, const struct me_socket *socket,
		 const struct me_owner *owner)
{
	struct me_flow_key key = {
		.opener = {.cookie = socket->cookie}, .proto = IPPROTO_TCP, .vantage = ME_HOST};
	struct me_flow flow = {.origin = {.cgroup = socket->cgroup,
					  .netns = socket->netns,
					  .uid = socket->uid,
					  .proc = {.tgid = owner->pid, .exe = socket->cookie}},
			       .src = socket->local,
			       .sport = socket->sport,
			       .direction = ME_DIRECTION_IN};
	char name[32];
	struct me_finding_report report = {.kind = ME_FINDING_FOREIGN_LISTENER,
					   .key = name,
					   .detail = me_finding_help(ME_FINDING_FOREIGN_LISTENER),
					   .ts_ns = daemon->now_ns,
					   .count = 1,
					   .flow_key = &key,
					   .flow = &flow};

	memcpy(flow.origin.comm, owner->comm, sizeof(flow.origin.comm));
	if (owner->pid)
		me_kernel_proc_put(daemon->kernel, &flow.origin.proc, &owner->exe);
	snprintf(name, sizeof(name), "socket-%llu", (unsigned long long)socket->cookie);
	me_events_finding(daemon->events, &report);
	me_swept_count(&daemon->kept->listeners, socket->cookie);
}

static int tell_foreign(struct search *search)
{
	struct me_daemon *daemon = search->daemon;
	_cleanup_free_ struct me_owner *owners =
		calloc(me_table_count(search->found) + 1, sizeof(*owners));
	const uint64_t *cookie;
	struct me_socket *socket;
	size_t cursor = 0, n = 0;
	int err;

	if (!owners)
		return -ENOMEM;
	while (me_table_next(search->found, &cursor, (const void **)&cookie, (void **)&socket))
		owners[n++].inode = socket->inode;
	err = n ? me_owners_find(owners, n) : 0;
	if (err)
		return err;
	cursor = n = 0;
	while (me_table_next(search->found, &cursor, (const void **)&cookie, (void **)&socket)) {
		const struct me_owner *owner = &owners[n++];

		if (!is_own(daemon->policy, &owner->exe))
			tell(daemon, socket, owner);
	}
	return 0;
}

void me_remoting_sweep(struct me_daemon *daemon, const struct me_netns *netns)
{
	_cleanup_(me_table_freep) struct me_table *found =
		me_table_new(sizeof(uint64_t), sizeof(struct me_socket), ME_REMOTING_LISTENERS_MAX);
	struct search search = {.daemon = daemon, .found = found};
	int err = found ? 0 : -ENOMEM;

	if (!err && daemon->n_watched) /* else no process is watched */
		err = me_sockdiag_each(netns, me_sockdiag_listeners, see, &search);
	if (!err)
		err = tell_foreign(&search);
	if (err)
		me_log_warning("who listens on remoting ports cannot all be found: %s",
			       strerror(-err));
	if (search.refused)
		me_log_warning("%zu more sockets than %u listen on remoting ports", search.refused,
			       ME_REMOTING_LISTENERS_MAX);
}
