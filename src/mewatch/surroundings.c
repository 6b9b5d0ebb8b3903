/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/surroundings.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "base/table.h"
#include "kernel/enter.h"
#include "mewatch/daemon.h"
#include "mewatch/judge.h"
#include "mewatch/remoting.h"
#include "mewatch/survey.h"

#define ME_OWN_ADDRESSES_MAX 16384u

struct me_surroundings {
	struct me_daemon *daemon;
	struct me_netns *netns;
	struct me_sweeps *sweeps;
	struct me_table *own;   /* struct me_own_key: what the programs were told */
	struct me_table *known; /* namespaces whose addresses were all told -> last sync, ns */
	uint64_t home;          /* cookie of the daemon's own namespace */
	struct me_survey *survey;
	bool full_told;
};

ME_DEFINE_CLEANUP(struct me_surroundings *, me_surroundings_free)

static void namespace_event(enum me_netns_event event, const struct me_own_key *own, void *userdata)
{
	struct me_surroundings *surroundings = userdata;
	int err = 0;

	switch (event) {
	case ME_NETNS_ADDRESS_ADDED:
		err = me_table_put(surroundings->own, own, NULL);
		if (err >= 0)
			err = me_kernel_own(surroundings->daemon->kernel, own, true);
		break;
	case ME_NETNS_ADDRESS_REMOVED:
		me_table_remove(surroundings->own, own);
		err = me_kernel_own(surroundings->daemon->kernel, own, false);
		break;
	case ME_NETNS_KNOWN:
		err = me_table_put(surroundings->known, &own->netns, NULL);
		if (err >= 0)
			err = me_kernel_netns(surroundings->daemon->kernel, own->netns, true);
		if (own->netns == surroundings->home)
			me_kernel_home(surroundings->daemon->kernel, own->netns);
		break;
	case ME_NETNS_GONE:
		me_table_remove(surroundings->known, &own->netns);
		err = me_kernel_netns(surroundings->daemon->kernel, own->netns, false);
		break;
	}
	if (err < 0 && !surroundings->full_told) {
		surroundings->full_told = true;
		me_log_warning("an own address could not be noted (%s): flows to it will be judged",
			       strerror(-err));
	}
}

/* What an earlier daemon told the programs and is no longer so. */
static void forget_stale(const struct me_own_key *own, void *userdata)
{
	struct me_surroundings *surroundings = userdata;

	if (!me_table_get(surroundings->own, own))
		me_kernel_own(surroundings->daemon->kernel, own, false);
}

/* The cookie of the daemon's own namespace; 0 if the kernel does not tell. */
static uint64_t own_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length))
		return 0;
	return cookie;
}

/* A namespace that is not known now: should it be met again, its addresses are read first. */
static void forget_namespace(uint64_t cookie, void *userdata)
{
	struct me_surroundings *surroundings = userdata;

	if (!me_table_get(surroundings->known, &cookie))
		me_kernel_netns(surroundings->daemon->kernel, cookie, false);
}

int me_surroundings_new(struct me_daemon *daemon, struct me_surroundings **ret_surroundings)
{
	_cleanup_(me_surroundings_freep) struct me_surroundings *surroundings =
		calloc(1, sizeof(*surroundings));
	int err;

	if (!surroundings)
		return -ENOMEM;
	surroundings->daemon = daemon;
	surroundings->own = me_table_new(sizeof(struct me_own_key), 0, ME_OWN_ADDRESSES_MAX);
	surroundings->known = me_table_new(sizeof(uint64_t), sizeof(uint64_t), 0);
	surroundings->sweeps = me_sweeps_new(daemon);
	if (!surroundings->own || !surroundings->known || !surroundings->sweeps)
		return -ENOMEM;
	surroundings->home = own_cookie();
	err = me_netns_new(namespace_event, surroundings, &surroundings->netns);
	if (!err)
		err = me_netns_scan(surroundings->netns);
	if (!err)
		err = me_kernel_own_each(daemon->kernel, forget_stale, surroundings);
	if (!err)
		err = me_kernel_netns_each(daemon->kernel, forget_namespace, surroundings);
	if (!err)
		err = me_survey_new(daemon, &surroundings->survey);
	if (err)
		return err;
	*ret_surroundings = me_steal_ptr(&surroundings);
	return 0;
}

void me_surroundings_free(struct me_surroundings **surroundings)
{
	struct me_surroundings *s = *surroundings;

	if (!s)
		return;
	me_netns_free(&s->netns);
	me_sweeps_free(&s->sweeps);
	me_table_free(&s->own);
	me_table_free(&s->known);
	me_survey_free(&s->survey);
	free(s);
	*surroundings = NULL;
}

int me_surroundings_fd(const struct me_surroundings *surroundings)
{
	return me_netns_fd(surroundings->netns);
}

void me_surroundings_dispatch(struct me_surroundings *surroundings)
{
	int err = me_netns_dispatch(surroundings->netns);

	if (err)
		me_log_warning("network namespaces cannot be followed: %s", strerror(-err));
}

void me_surroundings_meet(struct me_surroundings *surroundings, const struct me_origin *origin)
{
	/* A process that went already leaves its namespace to the next scan. */
	me_netns_add_pid(surroundings->netns, origin->proc.tgid, origin->netns);
}

uint8_t me_surroundings_facts(const struct me_surroundings *surroundings, uint64_t netns,
			      const struct me_addr *address)
{
	struct me_own_key own = {.netns = netns, .address = *address};

	if (me_table_get(surroundings->own, &own))
		return ME_FACT_OWN;
	return me_table_get(surroundings->known, &netns) ? 0 : ME_FACT_OWN_UNKNOWN;
}

static int sync_streams(void *userdata)
{
	struct me_surroundings *surroundings = userdata;

	return me_kernel_sync_streams(surroundings->daemon->kernel);
}

void me_surroundings_sync(struct me_surroundings *surroundings)
{
	const uint64_t *cookie;
	uint64_t *synced;
	size_t cursor = 0;

	while (me_table_next(surroundings->known, &cursor, (const void **)&cookie,
			     (void **)&synced)) {
		_cleanup_close_ int ns = -1;

		if (!me_netns_open(surroundings->netns, *cookie, &ns) &&
		    !me_enter_netns(ns, sync_streams, surroundings))
			*synced = surroundings->daemon->now_ns;
	}
}

uint64_t me_surroundings_synced(const struct me_surroundings *surroundings, uint64_t netns)
{
	const uint64_t *synced = me_table_get(surroundings->known, &netns);

	return synced ? *synced : 0;
}

void me_surroundings_survey(struct me_surroundings *surroundings)
{
	me_survey_run(surroundings->survey, surroundings->netns);
}

void me_surroundings_listeners(struct me_surroundings *surroundings)
{
	me_remoting_sweep(surroundings->daemon, surroundings->netns);
}

void me_surroundings_sweep(struct me_surroundings *surroundings)
{
	me_sweeps_round(surroundings->sweeps, surroundings->netns);
}

void me_surroundings_sweep_now(struct me_surroundings *surroundings)
{
	me_sweeps_now(surroundings->sweeps, surroundings->netns);
}

struct me_netns_stats me_surroundings_netns(const struct me_surroundings *surroundings)
{
	return me_netns_stats(surroundings->netns);
}

struct me_sweeps_stats me_surroundings_sweeps(const struct me_surroundings *surroundings)
{
	return me_sweeps_stats(surroundings->sweeps);
}
