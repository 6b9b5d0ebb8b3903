/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done about violations: the policy's mode, what was said instead, and for how long it holds. */
#include "mewatch/daemon_mode.h"

#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "policy/policy.h"

/* With `on_exit: open` the programs act for so long after they have heard of the daemon. */
#define LEASE_NS (10 * ME_NS_PER_S)
#define FOREVER UINT64_MAX

static void say(struct me_daemon_kept *kept, enum me_mode mode, uint64_t until_ns, bool command)
{
	kept->said = 0;
	kept->said_until_ns = until_ns;
	kept->said_by_command = command;
	kept->said = 1 + mode;
}

/*
 * A command holds over a restart. So does the time of `--for` when the daemon of before was killed: it
 * does not begin again.
 */
void me_daemon_mode_open(struct me_daemon *daemon)
{
	const struct me_daemon_options *o = &daemon->options;
	struct me_daemon_kept *kept = daemon->kept;
	bool past = kept->said_until_ns <= daemon->now_ns;
	bool crashed = kept->said && !kept->stopped;

	kept->stopped = 0;
	if (kept->said && kept->said_by_command && !past) {
		if (o->enforce && kept->said != 1 + ME_MODE_ENFORCE)
			me_log_warning(
				"--enforce: `mewatch %s` was said before and holds; `mewatch "
				"enforce` ends it",
				me_mode_label(kept->said - 1));
		return;
	}
	if (o->enforce && o->enforce_ns && crashed && !kept->said_by_command &&
	    kept->said_until_ns != FOREVER)
		return;
	kept->said = 0;
	if (o->enforce)
		say(kept, ME_MODE_ENFORCE, o->enforce_ns ? daemon->now_ns + o->enforce_ns : FOREVER,
		    false);
}

static void renew_lease(struct me_daemon *daemon)
{
	me_kernel_lease(daemon->kernel,
			daemon->policy->on_exit_open
				? me_daemon_clock(daemon, CLOCK_MONOTONIC) + LEASE_NS
				: FOREVER);
}

void me_daemon_mode_apply(struct me_daemon *daemon)
{
	const struct me_daemon_kept *kept = daemon->kept;
	const struct me_kernel_mode mode = {
		.until_ns = kept->said_until_ns,
		.strict_ns = daemon->policy->strict_names
				     ? kept->fresh_ns + daemon->policy->limits.warmup_ns
				     : FOREVER,
		.said = (uint32_t)kept->said,
		.most = ME_MODE_ENFORCE,
	};

	me_kernel_mode(daemon->kernel, &mode);
	renew_lease(daemon);
}

static bool said_holds(const struct me_daemon *daemon)
{
	return daemon->kept->said && daemon->now_ns < daemon->kept->said_until_ns;
}

static enum me_mode now(const struct me_daemon *daemon, uint32_t mode)
{
	return me_kernel_mode_now(daemon->kernel, mode, daemon->now_ns);
}

void me_daemon_mode_status(const struct me_daemon *daemon, struct me_mode_status *ret_status)
{
	struct me_mode_status s = {
		.mode = now(daemon, daemon->image->head->mode),
		.keep = !daemon->policy->on_exit_open,
		.said = said_holds(daemon) ? (int)daemon->kept->said - 1 : -1,
	};

	if (s.said >= 0 && daemon->kept->said_until_ns != FOREVER)
		s.until_ns = me_daemon_clock(daemon, CLOCK_REALTIME) + daemon->kept->said_until_ns -
			     daemon->now_ns;
	s.enforcing = s.mode == ME_MODE_ENFORCE;
	for (size_t i = 0; i < daemon->policy->n_rules; i++) {
		const struct me_rule *rule = &daemon->policy->rules[i];

		if (!rule->has_mode)
			continue;
		s.rules[rule->mode]++;
		s.enforcing |= now(daemon, ME_MODE_OWN | rule->mode) == ME_MODE_ENFORCE;
	}
	*ret_status = s;
}

/* A change is an event, be it that a time is over. */
static void tell_change(struct me_daemon *daemon)
{
	struct me_mode_status s;
	uint64_t word;

	me_daemon_mode_status(daemon, &s);
	word = s.mode | (uint64_t)s.enforcing << 8 | (uint64_t)(s.said + 1) << 16;
	if (word == daemon->kept->mode_told)
		return;
	daemon->kept->mode_told = word;
	me_log_info("mode: %s%s", me_mode_label(s.mode),
		    s.enforcing && s.mode != ME_MODE_ENFORCE ? ", rules enforce" : "");
	me_events_notice(daemon->events, ME_EVENT_MODE, me_mode_label(s.mode), 0,
			 s.said >= 0 ? "it was said" : "by the policy");
}

void me_daemon_mode_round(struct me_daemon *daemon)
{
	renew_lease(daemon);
	tell_change(daemon);
}

void me_daemon_mode_stop(struct me_daemon *daemon)
{
	daemon->kept->stopped = 1;
	if (daemon->policy->on_exit_open)
		me_kernel_lease(daemon->kernel, 0);
}

void me_daemon_mode_say(struct me_daemon *daemon, int mode, uint64_t for_ns)
{
	uint64_t at = me_daemon_clock(daemon, CLOCK_MONOTONIC);

	if (mode < 0)
		daemon->kept->said = 0;
	else
		say(daemon->kept, (enum me_mode)mode, for_ns ? at + for_ns : FOREVER, true);
	me_daemon_mode_apply(daemon);
	daemon->now_ns = at;
	tell_change(daemon);
}
