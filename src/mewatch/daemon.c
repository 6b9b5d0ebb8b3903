/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "kernel/mounts.h"
#include "mewatch/command.h"
#include "mewatch/daemon_mode.h"
#include "mewatch/daemon_uses.h"
#include "mewatch/interfaces.h"
#include "mewatch/memory.h"
#include "mewatch/outputs.h"
#include "mewatch/recording.h"
#include "mewatch/surroundings.h"
#include "policy/compile.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "store/history.h"

/* Room for endpoints that later policies bring. */
#define ENDPOINTS_SPARE 4096u
/*
 * Reading the flow table takes at most one part in so many of the time: for answers, whose number is
 * the askers' choice, and for rounds, which make room in the table. Answers are from a table read less
 * than WALK_MIN_NS ago unless that is too often; beyond WALK_MAX_NS the ledger would soon take open
 * flows for gone (ME_LEDGER_UNSEEN_NS).
 */
#define WALK_ANSWER 5u
#define WALK_ROUND 2u
#define WALK_MIN_NS (100 * ME_NS_PER_MS)
#define WALK_MAX_NS (5 * ME_NS_PER_S)
/* Programs of processes that are gone are kept for this long. */
#define PROCS_KEPT_NS (60ull * 1000000000ull)
/* Between two times that the use of endpoints is saved. */
#define USES_ROUNDS 60u
#define TRIM_ROUNDS 10u /* rounds between two times that free memory is given back */

static int open_cgroups(struct me_daemon *daemon)
{
	_cleanup_free_ char *mount = NULL;
	const char *remedy = NULL;
	int err = me_mounts_cgroup2(&mount, &remedy);

	if (!err)
		err = me_cgroups_new(mount, &daemon->cgroups);
	if (!err)
		return ME_EXIT_OK;
	me_log_error("cgroup2: %s", remedy ? remedy : strerror(-err));
	return ME_EXIT_KERNEL;
}

/* The state folder, and the lock on it. */
static int open_state(struct me_daemon *daemon)
{
	const char *state = daemon->options.state;

	if (mkdir(state, 0750) && errno != EEXIST) {
		me_log_error("--state %s: cannot be made: %m", state);
		return ME_EXIT_USAGE;
	}
	daemon->state = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (daemon->state < 0) {
		me_log_error("--state %s: %m", state);
		return ME_EXIT_USAGE;
	}
	if (flock(daemon->state, LOCK_EX | LOCK_NB)) {
		me_log_error("--state %s: another mewatch runs on it", state);
		return ME_EXIT_STATE;
	}
	return ME_EXIT_OK;
}

static int open_kernel(struct me_daemon *daemon, const struct me_policy *policy)
{
	struct me_kernel_options options = {.pins = daemon->options.pins,
					    .flows = policy->limits.flows,
					    .learned = policy->limits.learned,
					    .kept_size = sizeof(struct me_daemon_kept),
					    .each_size = sizeof(struct me_endpoint_kept)};
	struct me_why why = {}, cleared;
	bool fresh = !me_file_exists(options.pins);
	int err;

	options.endpoints = me_registry_count(daemon->registry, ME_ID_ENDPOINT) + ENDPOINTS_SPARE;
	err = me_kernel_open(&options, &daemon->kernel, &why);
	if (!err) {
		if (*why.text)
			me_log_warning("%s", why.text);
		if (me_kernel_flows_max(daemon->kernel) != options.flows)
			me_log_warning("limits.flows: the flow table keeps its %u entries until "
				       "`mewatch detach`",
				       me_kernel_flows_max(daemon->kernel));
		daemon->kept = me_kernel_kept(daemon->kernel);
		return ME_EXIT_OK;
	}
	me_log_error("%s", why.text);
	if (fresh) /* what this start made of it goes */
		me_kernel_detach(options.pins, &cleared);
	return err == -EBUSY || err == -EPROTO ? ME_EXIT_STATE : ME_EXIT_KERNEL;
}

/* The ledger shows as many closed flows as the table has room for open ones. */
static int open_ledger(struct me_daemon *daemon)
{
	struct me_ledger_limits limits = {.flows = 2 * me_kernel_flows_max(daemon->kernel)};
	uint64_t epoch_ns = me_clock_now(CLOCK_REALTIME);
	struct me_names *names = &daemon->names;
	uint32_t n;

	*names = me_daemon_names;
	names->data = daemon;
	daemon->cells = calloc(ME_CELL_COUNT, sizeof(*daemon->cells));
	if (!daemon->cells || me_ledger_new(&limits, &daemon->kept->ledger, names, daemon->now_ns,
					    epoch_ns, &daemon->ledger)) {
		me_log_error("out of memory");
		return ME_EXIT_KERNEL;
	}
	me_kernel_endpoints(daemon->kernel, &n);
	me_ledger_keep_endpoints(daemon->ledger, me_kernel_kept_each(daemon->kernel), n);
	return ME_EXIT_OK;
}

/* The clocks that run on over restarts. */
static void resume_clocks(struct me_daemon *daemon)
{
	struct me_daemon_kept *kept = daemon->kept;

	daemon->now_ns = daemon->started_ns = me_clock_now(CLOCK_MONOTONIC);
	if (!kept->fresh_ns)
		kept->fresh_ns = daemon->now_ns;
	if (kept->heartbeat_ns)
		daemon->downtime_ns = daemon->started_ns - kept->heartbeat_ns;
}

/* A second compilation, with the ids that an earlier daemon gave out. */
static int recompile(struct me_daemon *daemon, struct me_policy **policy, struct me_image **image)
{
	me_registry_free(&daemon->registry);
	me_policy_free(policy);
	me_image_free(image);
	daemon->registry = me_registry_new();
	if (!daemon->registry || me_daemon_ids_restore(daemon)) {
		me_log_error("%s: the ids kept there cannot be used; run: mewatch detach",
			     daemon->options.pins);
		return ME_EXIT_STATE;
	}
	return me_daemon_policy_read(daemon, policy, image);
}

static int start_watching(struct me_daemon *daemon, struct me_policy **policy,
			  struct me_image **image)
{
	int err = me_surroundings_new(daemon, &daemon->surroundings);

	if (err) {
		me_log_error("network namespaces cannot be listed: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	err = me_interfaces_new(daemon, &daemon->interfaces);
	if (err) {
		me_log_error("network interfaces cannot be listed: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	if (me_daemon_policy_use(daemon, policy, image))
		return ME_EXIT_KERNEL;
	if (!me_kernel_resumed(daemon->kernel))
		me_daemon_uses_load(daemon);
	err = me_daemon_watch(daemon, daemon->policy);
	if (err)
		return err == -ENOENT || err == -EINVAL || err == -ENOTDIR ? ME_EXIT_USAGE
									   : ME_EXIT_KERNEL;
	me_surroundings_survey(daemon->surroundings);
	return ME_EXIT_OK;
}

int me_daemon_open(struct me_daemon *daemon, const struct me_daemon_options *options)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(me_image_freep) struct me_image *image = NULL;
	int code;

	*daemon = (struct me_daemon){.options = *options, .state = -1};
	daemon->registry = me_registry_new();
	if (!daemon->registry)
		return ME_EXIT_KERNEL;
	code = me_daemon_policy_read(daemon, &policy, &image);
	if (!code)
		code = open_cgroups(daemon);
	if (!code)
		code = open_state(daemon);
	if (!code)
		code = open_kernel(daemon, policy);
	if (code)
		return code;
	daemon->opened = true;
	resume_clocks(daemon);
	me_daemon_mode_open(daemon);
	code = recompile(daemon, &policy, &image);
	if (!code)
		code = open_ledger(daemon);
	if (!code)
		code = me_recording_open(daemon);
	if (!code)
		code = me_outputs_open(daemon);
	if (!code && me_daemon_dns_open(daemon)) {
		me_log_error("out of memory");
		code = ME_EXIT_KERNEL;
	}
	if (!code)
		code = start_watching(daemon, &policy, &image);
	if (code)
		return code;
	daemon->watching = true;
	me_daemon_dns_replay(daemon);
	me_daemon_drain(daemon);
	me_surroundings_listeners(daemon->surroundings);
	me_events_notice(daemon->events, ME_EVENT_START, NULL, me_kernel_generation(daemon->kernel),
			 NULL);
	return ME_EXIT_OK;
}

void me_daemon_close(struct me_daemon *daemon)
{
	bool fresh = daemon->opened && !daemon->watching && !me_kernel_resumed(daemon->kernel);
	struct me_why why;

	me_outputs_close(daemon);
	me_daemon_dns_close(daemon);
	me_events_free(&daemon->events);
	me_recording_close(daemon);
	me_ledger_free(&daemon->ledger);
	me_surroundings_free(&daemon->surroundings);
	me_interfaces_free(&daemon->interfaces);
	me_kernel_close(&daemon->kernel);
	/* A start that failed leaves nothing behind. */
	if (fresh)
		me_kernel_detach(daemon->options.pins, &why);
	me_cgroups_free(&daemon->cgroups);
	me_image_free(&daemon->image);
	me_policy_free(&daemon->policy);
	me_registry_free(&daemon->registry);
	me_daemon_unwatch(daemon);
	me_table_free(&daemon->released);
	free(daemon->cells);
	me_closep(&daemon->state);
}

static void walk_if_due(struct me_daemon *daemon, unsigned int part)
{
	uint64_t pause = part * daemon->walk_ns;

	pause = pause < WALK_MIN_NS ? WALK_MIN_NS : pause > WALK_MAX_NS ? WALK_MAX_NS : pause;
	if (daemon->now_ns - daemon->walked_ns >= pause)
		me_daemon_walk(daemon);
}

void me_daemon_refresh(struct me_daemon *daemon)
{
	me_daemon_read(daemon);
	walk_if_due(daemon, WALK_ANSWER);
}

static void end_round(struct me_daemon *daemon, bool flush)
{
	me_events_tick(daemon->events, flush);
	__atomic_store_n(&daemon->kept->heartbeat_ns, daemon->now_ns, __ATOMIC_RELAXED);
}

void me_daemon_round(struct me_daemon *daemon)
{
	uint64_t boot = me_clock_now(CLOCK_BOOTTIME);

	me_daemon_read(daemon);
	walk_if_due(daemon, WALK_ROUND);
	me_daemon_mode_round(daemon);
	end_round(daemon, false);
	me_daemon_dns_round(daemon);
	me_surroundings_survey(daemon->surroundings);
	me_surroundings_sweep(daemon->surroundings);
	if (daemon->rounds % USES_ROUNDS == 0)
		me_daemon_uses_save(daemon);
	if (daemon->rounds % 10 == 0 && boot > PROCS_KEPT_NS)
		me_kernel_procs_expire(daemon->kernel, boot - PROCS_KEPT_NS);
	me_outputs_round(daemon);
	me_recording_round(daemon);
	if (daemon->rounds % TRIM_ROUNDS == 0)
		me_memory_trim();
	daemon->rounds++;
}

void me_daemon_stop(struct me_daemon *daemon)
{
	me_daemon_read(daemon);
	me_daemon_walk(daemon);
	end_round(daemon, true);
	me_daemon_mode_stop(daemon);
	me_events_notice(daemon->events, ME_EVENT_STOP, NULL, me_kernel_generation(daemon->kernel),
			 NULL);
	me_daemon_names_save(daemon);
	me_daemon_uses_save(daemon);
	me_recording_stop(daemon);
	me_outputs_round(daemon);
}
