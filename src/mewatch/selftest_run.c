/* SPDX-License-Identifier: GPL-2.0-only */
/* A path, done and measured. */
#include "mewatch/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "base/log.h"
#include "mewatch/daemon_mode.h"
#include "mewatch/surroundings.h"

#define PATH_NS (30 * ME_NS_PER_S) /* for what a path does */
#define LATE_NS (5 * ME_NS_PER_S)  /* for what is to be seen of it */
#define WALK_NS ME_NS_PER_S        /* between two looks at the flows, as the daemon's */

struct errand {
	me_traffic_fn *run;
	struct me_peer peer;
	unsigned int times;
	const char *argument;
	char far[32];
};

struct me_selftest_counts me_selftest_count(struct me_daemon *daemon)
{
	struct me_selftest_counts counts = {};

	me_daemon_read(daemon);
	for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++) {
			const uint64_t *final =
				&daemon->cells[me_cell(v, service, ME_CELL_FINAL, 0)];
			const uint64_t *opened =
				&daemon->cells[me_cell(v, service, ME_CELL_OPENED, 0)];
			const uint64_t *settled =
				&daemon->cells[me_cell(v, service, ME_CELL_VIA, 0)];
			const uint64_t *denied =
				&daemon->cells[me_cell(v, service, ME_CELL_DENIED, 0)];

			for (uint32_t end = 0; end < ME_CELL_ENDS; end++) {
				counts.attempts[v] += final[end] + opened[end];
				counts.denied[v] += denied[end];
				if (end >= ME_VIOLATION)
					counts.violations[v] += final[end] + settled[end];
			}
			counts.allowed[v] += final[ME_ALLOWED] + settled[ME_ALLOWED];
		}
	return counts;
}

/* Flows to the destination, as the daemon lists them. */
static void look_at_flows(const struct me_daemon *daemon, const struct me_addr *to,
			  struct me_run *run)
{
	enum me_verdict verdict = run->listed ? ME_ALLOWED : ME_VIOLATION;
	const struct me_ledger_flow *flow;
	size_t cursor = 0;

	run->flows = run->right = run->inbound = 0;
	while ((flow = me_ledger_next_flow(daemon->ledger, &cursor))) {
		if (!me_network_twins(&flow->dst, to) || flow->vantage != run->vantage)
			continue;
		run->flows++;
		run->inbound += flow->direction == ME_DIRECTION_IN;
		run->right += flow->state.verdict == verdict &&
			      flow->direction == ME_DIRECTION_OUT &&
			      (run->vantage != ME_HOST || flow->tgid);
	}
}

static void measure(struct me_selftest *selftest, const struct me_addr *to,
		    const struct me_selftest_counts *before, const struct me_truth *truth,
		    struct me_run *run)
{
	struct me_daemon *daemon = &selftest->daemon;
	struct me_selftest_counts now = me_selftest_count(daemon);

	me_daemon_walk(daemon);
	for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		run->counted[v] = now.attempts[v] - before->attempts[v];
	run->allowed = now.allowed[run->vantage] - before->allowed[run->vantage];
	run->violations = now.violations[run->vantage] - before->violations[run->vantage];
	run->denied = now.denied[run->vantage] - before->denied[run->vantage];
	look_at_flows(daemon, to, run);
	run->found = truth->cookie && (me_swept_known(&daemon->kept->packet, truth->cookie) ||
				       me_swept_known(&daemon->kept->outside, truth->cookie));
}

static void do_errand(void *userdata, struct me_truth *truth)
{
	const struct errand *errand = userdata;

	truth->argument = errand->argument;
	truth->far = errand->far;
	errand->run(&errand->peer, errand->times, truth);
}

static struct me_peer peer_of(const struct me_addr *address, uint16_t port)
{
	struct me_peer peer = {};

	if (me_addr_is_v4(address)) {
		peer.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&peer.in.sin_addr, address->byte + 12, 4);
		peer.len = sizeof(peer.in);
	} else {
		peer.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&peer.in6.sin6_addr, address->byte, 16);
		peer.len = sizeof(peer.in6);
	}
	return peer;
}

/* In which control group the process begins, and to which it goes if it is of those. */
static const char *place(const struct me_selftest *selftest, const struct me_path *path,
			 enum me_vantage vantage, struct errand *errand)
{
	bool host = vantage == ME_HOST;

	errand->argument = strcmp(path->run, "tun") ? ME_STATION : ME_MAIL4_TUN;
	snprintf(errand->far, sizeof(errand->far), "/proc/%d/ns/net", selftest->far.pid);
	if (path->where == ME_WHERE_INTO)
		errand->argument = host ? selftest->watched : selftest->other;
	if (path->where == ME_WHERE_OUT_OF || !strcmp(path->run, "accepted"))
		errand->argument = selftest->other;
	return host && path->where != ME_WHERE_INTO ? selftest->watched : selftest->other;
}

/* Whether the addresses of the namespace that the process has made are read; in transit nobody does. */
static void tell_known(const struct me_selftest *selftest, const struct me_run *run,
		       struct me_truth *truth)
{
	const struct me_addr any = {};

	if (truth->netns)
		truth->known =
			run->vantage != ME_HOST ||
			!me_surroundings_facts(selftest->daemon.surroundings, truth->netns, &any);
}

int me_selftest_await(struct me_selftest *selftest, struct me_errand *errand,
		      const struct me_run *run, const struct me_selftest_counts *before)
{
	uint64_t end = me_clock_now(CLOCK_MONOTONIC) + PATH_NS;

	while (me_errand_look(errand) == ME_ERRAND_RUNS) {
		if (run && run->enforced && run->vantage == ME_TRANSIT &&
		    me_selftest_count(&selftest->daemon).denied[ME_TRANSIT] !=
			    before->denied[ME_TRANSIT])
			errand->state = ME_ERRAND_DONE;
		if (!me_selftest_attend(selftest, 2))
			return -EINTR;
		if (run)
			tell_known(selftest, run, errand->truth);
		if (me_clock_now(CLOCK_MONOTONIC) > selftest->daemon.walked_ns + WALK_NS) {
			me_daemon_read(&selftest->daemon);
			me_daemon_walk(&selftest->daemon);
		}
		if (me_clock_now(CLOCK_MONOTONIC) > end) {
			errand->state = ME_ERRAND_BROKEN;
			snprintf(errand->words, sizeof(errand->words),
				 "it does not come to an end");
		}
	}
	return 0;
}

void me_selftest_not_done(const struct me_errand *errand, struct me_seen *ret_seen)
{
	struct me_seen seen = {.sight = errand->state == ME_ERRAND_ABSENT ? ME_SIGHT_ABSENT
									  : ME_SIGHT_OTHER};

	snprintf(seen.why, sizeof(seen.why), "%.150s", errand->words);
	*ret_seen = seen;
}

/* What is to be seen may be so a moment later, or when the sweep has come by. 0 or an errno. */
static int watch(struct me_selftest *selftest, const struct me_addr *to,
		 const struct me_selftest_counts *before, const struct me_truth *truth,
		 enum me_sight declared, struct me_run *run, struct me_seen *ret_seen)
{
	uint64_t end = me_clock_now(CLOCK_MONOTONIC) + LATE_NS;
	int err = me_tap_count(selftest->tap, &run->arrived);

	if (err) {
		me_log_error("the far end is not reached: %s", strerror(-err));
		return err;
	}
	run->attempts = truth->attempts;
	run->accepted = truth->accepted;
	run->error = truth->error;
	for (;;) {
		measure(selftest, to, before, truth, run);
		me_run_seen(run, ret_seen);
		if (me_sight_holds(declared, ret_seen->sight) ||
		    me_clock_now(CLOCK_MONOTONIC) > end)
			return 0;
		if (!me_selftest_attend(selftest, ME_SELFTEST_TICK_MS))
			return -EINTR;
		if (declared == ME_SIGHT_FOUND)
			me_surroundings_sweep_now(selftest->daemon.surroundings);
	}
}

/* To whom, and what is done about it. */
enum way { WAY_LISTED, WAY_VIOLATION, WAY_DENIED, WAYS };

/* What one run has to show of what is declared. */
static enum me_sight awaited(enum me_sight declared, bool enforced)
{
	bool deniable = declared == ME_SIGHT_DENIABLE || declared == ME_SIGHT_DROPPED ||
			declared == ME_SIGHT_DENIED;

	return deniable && !enforced ? ME_SIGHT_JUDGED : declared;
}

/* Addresses that nothing was sent to yet. */
static uint16_t next_twins(struct me_selftest *selftest)
{
	selftest->used = (selftest->used | ME_TWIN) + 1;
	return selftest->used;
}

static int run_once(struct me_selftest *selftest, const struct me_path *path,
		    enum me_vantage vantage, bool v6, enum way way, struct me_seen *ret_seen)
{
	const bool listed = way == WAY_LISTED;
	const struct me_addr to = me_network_address(v6, listed, next_twins(selftest));
	struct me_run run = {.vantage = vantage, .listed = listed, .enforced = way == WAY_DENIED};
	struct errand what = {.run = me_traffic_find(NULL, path->run),
			      .peer = peer_of(&to, path->port),
			      .times = path->times};
	const char *cgroup = place(selftest, path, vantage, &what);
	struct me_selftest_counts before = me_selftest_count(&selftest->daemon);
	struct me_errand errand;
	int err;

	me_tap_watch(selftest->tap, &to);
	if (run.enforced)
		me_daemon_mode_say(&selftest->daemon, ME_MODE_ENFORCE, 0);
	err = me_errand_begin(&errand, cgroup, selftest->network.mail, do_errand, &what);
	if (err) {
		me_log_error("a process: %s", strerror(-err));
		return err;
	}
	err = me_selftest_await(selftest, &errand, &run, &before);
	if (!err && errand.state == ME_ERRAND_DONE)
		err = watch(selftest, &to, &before, errand.truth,
			    awaited(path->sight[vantage], run.enforced), &run, ret_seen);
	else
		me_selftest_not_done(&errand, ret_seen);
	me_errand_end(&errand);
	if (run.enforced)
		me_daemon_mode_say(&selftest->daemon, -1, 0);
	return err;
}

/* Over each family. */
static int run_families(struct me_selftest *selftest, const struct me_path *path,
			enum me_vantage vantage, enum way way, struct me_seen *seen)
{
	struct me_seen one;
	int err = 0;

	for (int v6 = 0; v6 < 2 && !err; v6++) {
		if (path->families == (v6 ? 4 : 6))
			continue;
		err = run_once(selftest, path, vantage, v6, way, &one);
		if (!err)
			me_seen_add(seen, &one);
	}
	return err;
}

/* To a listed destination, and to another one; to that once more, denied. */
static int run_path(struct me_selftest *selftest, const struct me_path *path,
		    enum me_vantage vantage, struct me_seen *ret_seen)
{
	struct me_seen seen = {.sight = ME_SIGHT_COUNT}, denied = {.sight = ME_SIGHT_COUNT};
	int err = run_families(selftest, path, vantage, WAY_LISTED, &seen);

	if (!err)
		err = run_families(selftest, path, vantage, WAY_VIOLATION, &seen);
	if (!err && seen.sight == ME_SIGHT_JUDGED)
		err = run_families(selftest, path, vantage, WAY_DENIED, &denied);
	me_seen_deny(&seen, &denied);
	*ret_seen = seen;
	return err;
}

int me_selftest_path(struct me_selftest *selftest, const struct me_path *path,
		     enum me_vantage vantage, struct me_seen *ret_seen)
{
	return path->run ? run_path(selftest, path, vantage, ret_seen)
			 : me_selftest_trick(selftest, path, vantage, ret_seen);
}
