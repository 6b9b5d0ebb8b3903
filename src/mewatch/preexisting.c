/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/preexisting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "kernel/netns.h"
#include "kernel/owner.h"
#include "kernel/sockdiag.h"
#include "mewatch/daemon.h"
#include "mewatch/judge.h"

#define ME_PREEXISTING_MAX 65536u

/* Ids of these flows: no CPU has this number. */
#define ME_PREEXISTING_ID (0xffffull << 48)

struct me_preexisting {
	struct me_daemon *daemon;
	const struct me_netns *netns;
	struct me_table *open; /* socket cookie -> struct me_flow_key: being followed */
	struct me_table *seen; /* socket cookies of the present listing -> struct me_socket */
};

ME_DEFINE_CLEANUP(struct me_preexisting *, me_preexisting_free)

int me_preexisting_new(struct me_daemon *daemon, const struct me_netns *netns,
		       struct me_preexisting **ret_preexisting)
{
	_cleanup_(me_preexisting_freep) struct me_preexisting *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->daemon = daemon;
	p->netns = netns;
	p->open = me_table_new(sizeof(uint64_t), sizeof(struct me_flow_key), ME_PREEXISTING_MAX);
	p->seen = me_table_new(sizeof(uint64_t), sizeof(struct me_socket), ME_PREEXISTING_MAX);
	if (!p->open || !p->seen)
		return -ENOMEM;
	*ret_preexisting = me_steal_ptr(&p);
	return 0;
}

void me_preexisting_free(struct me_preexisting **preexisting)
{
	struct me_preexisting *p = *preexisting;

	if (!p)
		return;
	me_table_free(&p->open);
	me_table_free(&p->seen);
	free(p);
	*preexisting = NULL;
}

/* Sockets of watched cgroups that this side opened, or may have. */
static int see(const struct me_socket *socket, void *userdata)
{
	struct me_preexisting *p = userdata;
	const struct me_daemon *daemon = p->daemon;
	void *value;

	if (socket->direction == ME_DIRECTION_IN ||
	    !me_cgroup_is_below(daemon->cgroups, socket->cgroup,
				(const char *const *)daemon->watched, daemon->n_watched))
		return 0;
	if (me_table_put(p->seen, &socket->cookie, &value) >= 0)
		memcpy(value, socket, sizeof(*socket));
	return 0;
}

/* Lists the sockets of every namespace into p->seen. */
static int list(struct me_preexisting *p)
{
	uint64_t cookie;
	size_t cursor = 0;
	int err = 0;

	me_table_free(&p->seen);
	p->seen = me_table_new(sizeof(uint64_t), sizeof(struct me_socket), ME_PREEXISTING_MAX);
	if (!p->seen)
		return -ENOMEM;
	while (!err && me_netns_next(p->netns, &cursor, &cookie)) {
		_cleanup_close_ int ns = -1;
		struct me_sockdiag diag;

		if (me_netns_open(p->netns, cookie, &ns) || me_sockdiag_open(ns, &diag))
			continue;
		err = me_sockdiag_flows(&diag, see, p);
		close(diag.fd);
	}
	return err;
}

/* Flows that the hooks know already are none of these; known ones are followed again. */
static int leave_out_known(const struct me_flow_key *key, const struct me_flow *flow,
			   void *userdata)
{
	struct me_preexisting *p = userdata;
	void *value;

	me_table_remove(p->seen, &key->opener.cookie);
	if ((flow->flags & ME_FLOW_PREEXISTING) && !(flow->flags & ME_FLOW_CLOSED) &&
	    me_table_put(p->open, &key->opener.cookie, &value) >= 0)
		memcpy(value, key, sizeof(*key));
	return 0;
}

static void set_owner(struct me_preexisting *p, const struct me_owner *owner,
		      const struct me_socket *socket, struct me_origin *origin)
{
	origin->cgroup = socket->cgroup;
	origin->netns = socket->netns;
	origin->uid = socket->uid;
	origin->proc.tgid = owner->pid;
	origin->proc.exe = socket->cookie;
	memcpy(origin->comm, owner->comm, sizeof(origin->comm));
	if (owner->pid)
		me_kernel_proc_put(p->daemon->kernel, &origin->proc, &owner->exe);
}

static void judge(struct me_preexisting *p, const struct me_flow_key *key, struct me_flow *flow)
{
	struct me_judgement judged;

	if (flow->direction != ME_DIRECTION_OUT) {
		flow->state.verdict = ME_UNRESOLVED;
		return;
	}
	me_daemon_judge(p->daemon, key, flow->origin.netns, &judged);
	/* No deadline runs for it, so what a name might explain is left open. */
	flow->state.verdict = judged.verdict == ME_PENDING ? ME_UNRESOLVED : judged.verdict;
	flow->state.reason = judged.verdict == ME_VIOLATION ? judged.reason : ME_REASON_NONE;
	flow->state.evidence = judged.evidence;
	flow->endpoint = judged.endpoint;
	flow->rule = judged.rule;
	flow->service = judged.service;
}

static int add_flow(struct me_preexisting *p, const struct me_socket *socket,
		    const struct me_owner *owner)
{
	struct me_flow_key key = {.opener = {.cookie = socket->cookie},
				  .peer = socket->peer,
				  .port = socket->dport,
				  .proto = socket->proto,
				  .vantage = ME_HOST};
	struct me_flow flow = {.id = ME_PREEXISTING_ID | (socket->cookie & ~ME_PREEXISTING_ID),
			       .first_ns = p->daemon->now_ns,
			       .last_ns = p->daemon->now_ns,
			       .seen_ns = p->daemon->now_ns,
			       .bytes_sent = socket->bytes_sent,
			       .bytes_received = socket->bytes_received,
			       .src = socket->local,
			       .sport = socket->sport,
			       .direction = socket->direction,
			       .generation = me_kernel_generation(p->daemon->kernel),
			       .flags = ME_FLOW_PREEXISTING | ME_FLOW_SENT};
	void *value;
	int err;

	set_owner(p, owner, socket, &flow.origin);
	judge(p, &key, &flow);
	if (socket->proto == IPPROTO_TCP && socket->state != 2 /* TCP_SYN_SENT */)
		flow.outcome = ME_OUTCOME_ESTABLISHED;
	err = me_kernel_flow_put(p->daemon->kernel, &key, &flow);
	if (!err && me_table_put(p->open, &socket->cookie, &value) >= 0)
		memcpy(value, &key, sizeof(key));
	return me_ledger_preexisting(p->daemon->ledger, &key, &flow);
}

int me_preexisting_find(struct me_preexisting *p)
{
	_cleanup_free_ struct me_owner *owners = NULL;
	const uint64_t *cookie;
	struct me_socket *socket;
	size_t cursor = 0, n = 0;
	int err = list(p);

	if (!err)
		err = me_kernel_flows_each(p->daemon->kernel, leave_out_known, p);
	if (err)
		return err;
	owners = calloc(me_table_count(p->seen) + 1, sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	while (me_table_next(p->seen, &cursor, (const void **)&cookie, (void **)&socket))
		owners[n++].inode = socket->inode;
	err = me_owners_find(owners, n);
	for (cursor = n = 0;
	     !err && me_table_next(p->seen, &cursor, (const void **)&cookie, (void **)&socket); n++)
		err = add_flow(p, socket, &owners[n]);
	return err;
}

/* Brings one flow up to date; `socket` NULL: it is gone. */
static void update(struct me_preexisting *p, const struct me_flow_key *key,
		   const struct me_socket *socket)
{
	struct me_flow flow;

	if (!me_kernel_flow_get(p->daemon->kernel, key, &flow))
		return;
	if (!socket) {
		flow.flags |= ME_FLOW_CLOSED;
		flow.closed_ns = p->daemon->now_ns;
	} else if (key->proto == IPPROTO_TCP) {
		if (flow.bytes_sent != socket->bytes_sent ||
		    flow.bytes_received != socket->bytes_received)
			flow.last_ns = p->daemon->now_ns;
		flow.bytes_sent = socket->bytes_sent;
		flow.bytes_received = socket->bytes_received;
	} else {
		return; /* datagrams are counted by the programs */
	}
	me_kernel_flow_put(p->daemon->kernel, key, &flow);
}

void me_preexisting_follow(struct me_preexisting *p)
{
	const uint64_t *cookie;
	struct me_flow_key *key;
	size_t cursor = 0;

	if (!me_table_count(p->open) || list(p))
		return;
	while (me_table_next(p->open, &cursor, (const void **)&cookie, (void **)&key)) {
		const struct me_socket *socket = me_table_get(p->seen, cookie);

		update(p, key, socket);
		if (!socket)
			me_table_remove(p->open, cookie);
	}
}
