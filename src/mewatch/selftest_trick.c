/* SPDX-License-Identifier: GPL-2.0-only */
/* A trick, done, and what came of it. */
#include "mewatch/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "base/log.h"
#include "selftest/trick.h"

#define FINAL_NS (20 * ME_NS_PER_S) /* for a verdict that waits for what is said */

struct trick {
	me_trick_fn *run;
	struct me_trick trick;
	char target[ME_INET_LEN];
};

static void do_trick(void *userdata, struct me_truth *truth)
{
	struct trick *what = userdata;

	what->trick.truth = truth;
	what->run(&what->trick);
}

/* The flow that was opened last to where the trick said, or from there. */
static const struct me_ledger_flow *find_flow(const struct me_daemon *daemon,
					      enum me_vantage vantage, const struct me_truth *truth)
{
	const enum me_direction direction = truth->called ? ME_DIRECTION_IN : ME_DIRECTION_OUT;
	const struct me_ledger_flow *flow, *last = NULL;
	struct me_addr to;
	size_t cursor = 0;

	memcpy(to.byte, truth->to, sizeof(to.byte));
	while ((flow = me_ledger_next_flow(daemon->ledger, &cursor)))
		if (me_addr_equal(&flow->dst, &to) && flow->dport == truth->port &&
		    flow->vantage == vantage && flow->direction == direction &&
		    (!last || flow->first_ns >= last->first_ns))
			last = flow;
	return last;
}

/* Where the peer calls, all attempts since are known. */
static bool is_attempt_too_much(struct me_daemon *daemon, const struct me_selftest_counts *before,
				const struct me_truth *truth, struct me_seen *ret_seen)
{
	struct me_selftest_counts now;
	uint64_t attempts = 0;

	if (!truth->called)
		return false;
	now = me_selftest_count(daemon);
	for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		attempts += now.attempts[v] - before->attempts[v];
	if (attempts == truth->attempts)
		return false;
	*ret_seen = (struct me_seen){.sight = ME_SIGHT_OTHER};
	snprintf(ret_seen->why, sizeof(ret_seen->why), "attempts %lu, counted %llu",
		 truth->attempts, (unsigned long long)attempts);
	return true;
}

/* What came of a trick, as its flow shows it. */
static void look_at_flow(const struct me_ledger_flow *flow, const struct me_truth *truth,
			 struct me_seen *ret_seen)
{
	struct me_seen seen = {.sight = ME_SIGHT_OTHER};

	if (flow && me_state_is_final(flow->state))
		seen.sight =
			me_sight_of(flow->state.verdict, flow->state.reason, flow->state.evidence);
	else if (!flow && truth->called)
		seen.sight = ME_SIGHT_NOTHING;
	if (seen.sight == ME_SIGHT_OTHER && flow)
		snprintf(seen.why, sizeof(seen.why), "%s, %s, evidence %s%s",
			 me_verdict_label(flow->state.verdict), me_reason_label(flow->state.reason),
			 me_evidence_label(flow->state.evidence),
			 me_state_is_final(flow->state) ? "" : ", not final");
	else if (seen.sight == ME_SIGHT_OTHER)
		snprintf(seen.why, sizeof(seen.why), "not seen");
	*ret_seen = seen;
}

/* Answers are read before their reader has them. */
static void look_at_learned(struct me_daemon *daemon, const struct me_truth *truth,
			    struct me_seen *ret_seen)
{
	struct me_learned learned;
	struct me_addr to;

	memcpy(to.byte, truth->to, sizeof(to.byte));
	*ret_seen = (struct me_seen){.sight = me_kernel_learned(daemon->kernel, &to, &learned)
						      ? ME_SIGHT_LEARNED
						      : ME_SIGHT_NOT_LEARNED};
}

/* Once the verdict is as declared, or no more will come of it. */
static int watch_trick(struct me_selftest *selftest, enum me_vantage vantage,
		       const struct me_selftest_counts *before, const struct me_truth *truth,
		       enum me_sight declared, struct me_seen *ret_seen)
{
	uint64_t end = me_clock_now(CLOCK_MONOTONIC) + FINAL_NS;
	struct me_daemon *daemon = &selftest->daemon;

	for (;;) {
		me_daemon_read(daemon);
		me_daemon_walk(daemon);
		if (!truth->port)
			look_at_learned(daemon, truth, ret_seen);
		else if (!is_attempt_too_much(daemon, before, truth, ret_seen))
			look_at_flow(find_flow(daemon, vantage, truth), truth, ret_seen);
		if (ret_seen->sight == declared || me_clock_now(CLOCK_MONOTONIC) > end)
			return 0;
		if (!me_selftest_attend(selftest, ME_SELFTEST_TICK_MS))
			return -EINTR;
	}
}

int me_selftest_trick(struct me_selftest *selftest, const struct me_path *path,
		      enum me_vantage vantage, struct me_seen *ret_seen)
{
	const struct me_addr target = me_network_address(false, false, ++selftest->used);
	struct trick what = {
		.run = me_trick_find(path->name),
		.trick = {.mail = selftest->network.mail,
			  .far = selftest->network.far,
			  .cgroup = vantage == ME_HOST ? selftest->watched : selftest->other,
			  .number = selftest->used,
			  .target = what.target},
	};
	const struct me_selftest_counts before = me_selftest_count(&selftest->daemon);
	struct me_errand errand;
	int err;

	me_inet_format(target.byte, what.target);
	err = me_errand_begin(&errand, NULL, -1, do_trick, &what);
	if (err) {
		me_log_error("a process: %s", strerror(-err));
		return err;
	}
	err = me_selftest_await(selftest, &errand, NULL, NULL);
	if (!err && errand.state == ME_ERRAND_DONE)
		err = watch_trick(selftest, vantage, &before, errand.truth, path->sight[vantage],
				  ret_seen);
	else
		me_selftest_not_done(&errand, ret_seen);
	me_errand_end(&errand);
	return err;
}
