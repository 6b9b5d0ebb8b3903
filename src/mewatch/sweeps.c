/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/sweeps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/outside.h"
#include "kernel/packetdiag.h"
#include "mewatch/daemon.h"

#define ME_SWEEP_ROUNDS 5u
/* A look into every process inside takes at most one part in so many of the time. */
#define OUTSIDE_PART 50u

struct me_sweeps {
	struct me_daemon *daemon;
	struct me_packet_sweep *packets;
	struct me_outside *outside;
	struct me_strbuf watched; /* the cgroups that `outside` remembers sockets of */
	uint64_t outside_due_ns;
	char last_outside[512];
	bool packets_failed, outside_failed; /* told */
};

struct me_sweeps *me_sweeps_new(struct me_daemon *daemon)
{
	struct me_sweeps *sweeps = calloc(1, sizeof(*sweeps));

	if (!sweeps)
		return NULL;
	sweeps->daemon = daemon;
	sweeps->packets = me_packet_sweep_new();
	sweeps->outside = me_outside_new();
	if (!sweeps->packets || !sweeps->outside)
		me_sweeps_free(&sweeps);
	return sweeps;
}

void me_sweeps_free(struct me_sweeps **sweeps)
{
	if (!*sweeps)
		return;
	me_packet_sweep_free(&(*sweeps)->packets);
	me_outside_free(&(*sweeps)->outside);
	me_strbuf_free(&(*sweeps)->watched);
	free(*sweeps);
	*sweeps = NULL;
}

bool me_swept_known(const struct me_swept *swept, uint64_t cookie)
{
	for (size_t i = 0; i < ME_SWEPT_KEPT; i++)
		if (swept->cookie[i] == cookie)
			return true;
	return false;
}

bool me_swept_count(struct me_swept *swept, uint64_t cookie)
{
	if (me_swept_known(swept, cookie))
		return false;
	__atomic_store_n(&swept->cookie[swept->count % ME_SWEPT_KEPT], cookie, __ATOMIC_RELAXED);
	__atomic_store_n(&swept->count, swept->count + 1, __ATOMIC_RELEASE);
	return true;
}

static void escape_comm(const struct me_owner *owner, char out[4 * ME_COMM_LEN])
{
	me_text_escape(out, 4 * ME_COMM_LEN, owner->comm, strnlen(owner->comm, ME_COMM_LEN));
}

/* A new packet socket: nothing that it sends passes our hooks. */
static void packet_found(const struct me_packet_socket *socket, void *userdata)
{
	struct me_sweeps *sweeps = userdata;
	struct me_daemon *daemon = sweeps->daemon;
	struct me_flow flow = {.origin = {.netns = socket->netns, .uid = socket->uid}};
	struct me_proc_key proc = {.tgid = socket->owner.pid, .exe = socket->cookie};
	char comm[4 * ME_COMM_LEN], key[64], detail[256];
	struct me_finding_report report = {.kind = ME_FINDING_PACKET_SOCKET,
					   .key = key,
					   .detail = detail,
					   .ts_ns = daemon->now_ns,
					   .count = 1,
					   .flow = &flow};

	if (socket->owner.pid == getpid() || !me_swept_count(&daemon->kept->packet, socket->cookie))
		return;
	flow.origin.proc = proc;
	memcpy(flow.origin.comm, socket->owner.comm, sizeof(flow.origin.comm));
	me_kernel_proc_put(daemon->kernel, &proc, &socket->owner.exe);
	escape_comm(&socket->owner, comm);
	snprintf(key, sizeof(key), "packet-%llu", (unsigned long long)socket->cookie);
	snprintf(detail, sizeof(detail),
		 "packet socket of pid %d (%s), EtherType 0x%04x, interface %u",
		 (int)socket->owner.pid, comm, socket->ethertype, socket->ifindex);
	me_events_finding(daemon->events, &report);
}

static void sweep_packets(struct me_sweeps *sweeps, const struct me_netns *netns)
{
	int err = me_packet_sweep_run(sweeps->packets, netns, packet_found, sweeps);

	if (err && !sweeps->packets_failed)
		me_log_warning("packet sockets cannot be listed everywhere: %s", strerror(-err));
	sweeps->packets_failed = err;
}

static void outside_found(const struct me_socket *socket, const struct me_owner *holder,
			  void *userdata)
{
	struct me_sweeps *sweeps = userdata;
	struct me_daemon *daemon = sweeps->daemon;
	const char *path = me_cgroup_path(daemon->cgroups, socket->cgroup);
	char comm[4 * ME_COMM_LEN], cgroup[256];

	me_swept_count(&daemon->kept->outside, socket->cookie);
	escape_comm(holder, comm);
	me_text_escape(cgroup, sizeof(cgroup), path, strlen(path));
	snprintf(sweeps->last_outside, sizeof(sweeps->last_outside),
		 "pid %d (%s), socket born in %s", (int)holder->pid, comm, cgroup);
}

/* Whether other cgroups are watched than those that the sockets are remembered of. */
static bool watch_changed(struct me_sweeps *sweeps)
{
	const struct me_daemon *daemon = sweeps->daemon;
	struct me_strbuf now = {};
	bool same;

	for (size_t i = 0; i < daemon->n_watched; i++)
		me_strbuf_addf(&now, "%s\n", daemon->watched[i]);
	same = now.len == sweeps->watched.len && !memcmp(now.data, sweeps->watched.data, now.len);
	me_strbuf_free(&sweeps->watched);
	sweeps->watched = now;
	return !same;
}

static void sweep_outside(struct me_sweeps *sweeps, const struct me_netns *netns)
{
	struct me_daemon *daemon = sweeps->daemon;
	uint64_t begin = me_clock_now(CLOCK_MONOTONIC);
	uint64_t cpu = me_clock_now(CLOCK_THREAD_CPUTIME_ID);
	int err;

	if (watch_changed(sweeps))
		me_outside_forget(sweeps->outside);
	else if (begin < sweeps->outside_due_ns)
		return;
	/* Nothing is born outside the root, and it covers all others. */
	if (daemon->n_watched == 1 && !strcmp(daemon->watched[0], "/"))
		return;
	err = me_outside_run(sweeps->outside, netns, daemon->cgroups,
			     (const char *const *)daemon->watched, daemon->n_watched, outside_found,
			     sweeps);
	if (err && !sweeps->outside_failed)
		me_log_warning("sockets from outside the watched cgroups cannot all be found: %s",
			       strerror(-err));
	sweeps->outside_failed = err;
	cpu = me_clock_now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	sweeps->outside_due_ns = begin + OUTSIDE_PART * cpu;
}

void me_sweeps_now(struct me_sweeps *sweeps, const struct me_netns *netns)
{
	sweeps->outside_due_ns = 0;
	sweep_packets(sweeps, netns);
	sweep_outside(sweeps, netns);
}

void me_sweeps_round(struct me_sweeps *sweeps, const struct me_netns *netns)
{
	if (sweeps->daemon->rounds % ME_SWEEP_ROUNDS)
		return;
	sweep_packets(sweeps, netns);
	sweep_outside(sweeps, netns);
}

struct me_sweeps_stats me_sweeps_stats(const struct me_sweeps *sweeps)
{
	return (struct me_sweeps_stats){
		.outside_open = me_outside_open(sweeps->outside),
		.outside_refused = me_outside_refused(sweeps->outside),
		.packet_refused = me_packet_sweep_refused(sweeps->packets),
		.last_outside = sweeps->last_outside,
	};
}
