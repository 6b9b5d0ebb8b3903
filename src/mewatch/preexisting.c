/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/preexisting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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
#define ME_PREEXISTING_TOLD 1000u /* one event each; one more stands for the rest */

/* Ids of these flows: no CPU has this number. */
#define ME_PREEXISTING_ID (0xffffull << 48)

struct search {
	struct me_daemon *daemon;
	char *const *known; /* cgroups that were watched already */
	size_t n_known;
	struct me_table *seen; /* socket cookie -> struct me_socket */
	size_t told;
};

/* Sockets of cgroups now watched that this side opened, or may have. */
static int see(const struct me_socket *socket, void *userdata)
{
	struct search *search = userdata;
	struct me_daemon *daemon = search->daemon;
	void *value;
	int r;

	if (socket->direction == ME_DIRECTION_IN ||
	    !me_cgroup_is_below(daemon->cgroups, socket->cgroup,
				(const char *const *)daemon->watched, daemon->n_watched) ||
	    me_cgroup_is_below(daemon->cgroups, socket->cgroup, (const char *const *)search->known,
			       search->n_known))
		return 0;
	r = me_table_put(search->seen, &socket->cookie, &value);
	if (r >= 0)
		memcpy(value, socket, sizeof(*socket));
	daemon->preexisting_refused += r == -ENOSPC;
	return r < 0 && r != -ENOSPC ? r : 0;
}

/* Flows that the hooks, or an earlier daemon, know already are none of these. */
static int leave_out_known(const struct me_flow_key *key, const struct me_flow *flow,
			   void *userdata)
{
	struct search *search = userdata;

	me_table_remove(search->seen, &key->opener.cookie);
	return 0;
}

static void set_owner(struct me_daemon *daemon, const struct me_owner *owner,
		      const struct me_socket *socket, struct me_origin *origin)
{
	origin->cgroup = socket->cgroup;
	origin->netns = socket->netns;
	origin->uid = socket->uid;
	origin->proc.tgid = owner->pid;
	origin->proc.exe = socket->cookie;
	memcpy(origin->comm, owner->comm, sizeof(origin->comm));
	if (owner->pid)
		me_kernel_proc_put(daemon->kernel, &origin->proc, &owner->exe);
}

static void judge(struct me_daemon *daemon, const struct me_flow_key *key, struct me_flow *flow)
{
	struct me_judgement judged;

	if (flow->direction != ME_DIRECTION_OUT) {
		flow->state.verdict = ME_UNRESOLVED;
		return;
	}
	me_daemon_judge(daemon, key, flow, &judged);
	/* No deadline runs for it, so what a name might explain is left open. */
	flow->state.verdict = judged.verdict == ME_PENDING ? ME_UNRESOLVED : judged.verdict;
	flow->state.reason = judged.verdict == ME_VIOLATION ? judged.reason : ME_REASON_NONE;
	flow->state.evidence = judged.evidence;
	flow->endpoint = judged.endpoint;
	flow->rule = judged.rule;
	flow->service = judged.service;
}

/* `flow` may be NULL: then `count` of them. The key makes each a finding of its own. */
static void tell(struct me_daemon *daemon, const struct me_flow_key *key,
		 const struct me_flow *flow, uint64_t count)
{
	char name[24];
	struct me_finding_report report = {.kind = ME_FINDING_BEFORE_START,
					   .key = name,
					   .detail = me_finding_help(ME_FINDING_BEFORE_START),
					   .ts_ns = daemon->now_ns,
					   .count = count,
					   .flow_key = key,
					   .flow = flow};

	snprintf(name, sizeof(name), "%016" PRIx64, (uint64_t)(flow ? flow->id : daemon->now_ns));
	me_events_finding(daemon->events, &report);
}

static int add_flow(struct search *search, const struct me_socket *socket,
		    const struct me_owner *owner)
{
	struct me_daemon *daemon = search->daemon;
	struct me_flow_key key = {.opener = {.cookie = socket->cookie},
				  .peer = socket->peer,
				  .port = socket->dport,
				  .proto = socket->proto,
				  .vantage = ME_HOST};
	struct me_flow flow = {.id = ME_PREEXISTING_ID | (socket->cookie & ~ME_PREEXISTING_ID),
			       .first_ns = daemon->now_ns,
			       .last_ns = daemon->now_ns,
			       .seen_ns = daemon->now_ns,
			       .bytes_sent = socket->bytes_sent,
			       .bytes_received = socket->bytes_received,
			       .src = socket->local,
			       .sport = socket->sport,
			       .direction = socket->direction,
			       .generation = me_kernel_generation(daemon->kernel),
			       .flags = ME_FLOW_PREEXISTING | ME_FLOW_SENT};
	int err;

	set_owner(daemon, owner, socket, &flow.origin);
	judge(daemon, &key, &flow);
	if (socket->proto == IPPROTO_TCP && socket->state != 2 /* TCP_SYN_SENT */)
		flow.outcome = ME_OUTCOME_ESTABLISHED;
	/* What it did before, it did not do for the endpoint's counts. */
	flow.credited_sent = flow.bytes_sent;
	flow.credited_received = flow.bytes_received;
	if (flow.outcome)
		flow.flags |= ME_FLOW_OUTCOME;
	err = me_kernel_flow_put(daemon->kernel, &key, &flow);
	if (err && err != -E2BIG) /* a full table: it is shown as it is now */
		return err;
	err = me_ledger_preexisting(daemon->ledger, &key, &flow);
	if (!err && search->told++ < ME_PREEXISTING_TOLD)
		tell(daemon, &key, &flow, 1);
	return err;
}

static int add_all(struct search *search)
{
	_cleanup_free_ struct me_owner *owners =
		calloc(me_table_count(search->seen) + 1, sizeof(*owners));
	const uint64_t *cookie;
	struct me_socket *socket;
	size_t cursor = 0, n = 0;
	int err;

	if (!owners)
		return -ENOMEM;
	while (me_table_next(search->seen, &cursor, (const void **)&cookie, (void **)&socket))
		owners[n++].inode = socket->inode;
	err = me_owners_find(owners, n);
	cursor = n = 0;
	while (!err &&
	       me_table_next(search->seen, &cursor, (const void **)&cookie, (void **)&socket))
		err = add_flow(search, socket, &owners[n++]);
	if (search->told > ME_PREEXISTING_TOLD)
		tell(search->daemon, NULL, NULL, search->told - ME_PREEXISTING_TOLD);
	return err;
}

int me_preexisting_find(struct me_daemon *daemon, const struct me_netns *netns, char *const *known,
			size_t n_known)
{
	struct search search = {
		.daemon = daemon,
		.known = known,
		.n_known = n_known,
		.seen = me_table_new(sizeof(uint64_t), sizeof(struct me_socket),
				     ME_PREEXISTING_MAX),
	};
	int err = search.seen ? me_sockdiag_each(netns, me_sockdiag_flows, see, &search) : -ENOMEM;

	if (!err)
		err = me_kernel_flows_each(daemon->kernel, leave_out_known, &search);
	if (!err)
		err = add_all(&search);
	me_table_free(&search.seen);
	return err;
}
