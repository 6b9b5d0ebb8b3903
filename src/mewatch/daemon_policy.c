/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy of the daemon: read, compiled, put in force. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mewatch/command.h"
#include "mewatch/daemon.h"
#include "mewatch/daemon_mode.h"
#include "mewatch/here.h"
#include "mewatch/recording.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/lint.h"
#include "policy/policy.h"
#include "policy/registry.h"

/* Logs errors and findings; the first error is what a failed reload says. */
static void log_diagnostics(struct me_daemon *daemon, const struct me_diagnostics *diagnostics)
{
	bool again =
		daemon->opened && !daemon->watching; /* told when it was read for the first time */
	bool first = true;

	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];
		char file[256] = "", line[sizeof(daemon->last_error)];

		if (d->severity == ME_NOTE || (d->severity == ME_FINDING && again))
			continue;
		if (d->at.file)
			me_text_escape(file, sizeof(file), d->at.file, strlen(d->at.file));
		if (d->at.line)
			snprintf(line, sizeof(line), "%s:%u:%u: %s", file, d->at.line, d->at.column,
				 d->text);
		else
			snprintf(line, sizeof(line), "%s%s%s", file, *file ? ": " : "", d->text);
		me_log(d->severity == ME_ERROR ? ME_LOG_ERROR : ME_LOG_WARNING, "%s", line);
		if (d->severity == ME_ERROR && first) {
			memcpy(daemon->last_error, line, sizeof(daemon->last_error));
			first = false;
		}
	}
	if (diagnostics->dropped)
		me_log_warning("and %zu more", diagnostics->dropped);
}

static int compile(struct me_daemon *daemon, const struct me_policy *policy,
		   struct me_diagnostics *diagnostics, struct me_image **ret_image)
{
	uint32_t generation = daemon->kernel ? me_kernel_generation(daemon->kernel) + 1 : 1;
	struct me_here here;

	me_here_read(&here);
	here.environment.now_epoch_ns = me_daemon_clock(daemon, CLOCK_REALTIME);
	return me_compile(policy, &here.environment, daemon->registry, generation ? generation : 1,
			  diagnostics, ret_image);
}

/* Options about what is watched replace `watch:`. */
static int watch_of_options(const struct me_daemon *daemon, struct me_policy *policy,
			    struct me_diagnostics *diagnostics)
{
	const struct me_daemon_options *o = &daemon->options;
	struct me_watch_options watch = {.cgroups = o->cgroups,
					 .n_cgroups = o->n_cgroups,
					 .interfaces = o->interfaces,
					 .n_interfaces = o->n_interfaces,
					 .hosts = o->hosts,
					 .n_hosts = o->n_hosts};

	return me_policy_watch(policy, &watch, diagnostics);
}

int me_daemon_policy_read(struct me_daemon *daemon, struct me_policy **ret_policy,
			  struct me_image **ret_image)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(me_image_freep) struct me_image *image = NULL;
	const char *path = me_here_policy(daemon->options.policy);
	struct me_diagnostics diagnostics = {};
	int err;

	err = me_policy_load(path, daemon->options.profile, &diagnostics, &policy);
	if (!err)
		err = watch_of_options(daemon, policy, &diagnostics);
	if (!err)
		err = compile(daemon, policy, &diagnostics, &image);
	if (!err &&
	    !daemon->time) /* a replay judges by it; `mewatch check` says what it is worth */
		err = me_lint(policy, me_daemon_clock(daemon, CLOCK_REALTIME), &diagnostics);
	log_diagnostics(daemon, &diagnostics);
	me_diagnostics_clear(&diagnostics);
	if (err == -ENOMEM)
		me_log_error("out of memory");
	if (err)
		return ME_EXIT_USAGE;
	*ret_policy = me_steal_ptr(&policy);
	*ret_image = me_steal_ptr(&image);
	return ME_EXIT_OK;
}

/* --- Stable ids --------------------------------------------------------------------------------- */

static int restore_id(const struct me_id_key *key, uint32_t id, void *userdata)
{
	struct me_daemon *daemon = userdata;

	if (key->kind >= ME_ID_KINDS || memchr(key->service, 0, sizeof(key->service)) == NULL ||
	    memchr(key->text, 0, sizeof(key->text)) == NULL)
		return -EINVAL;
	return me_registry_restore(daemon->registry, key->kind, key->service, key->text, id);
}

int me_daemon_ids_restore(struct me_daemon *daemon)
{
	int err = me_kernel_id_each(daemon->kernel, restore_id, daemon);

	for (int kind = 0; !err && kind < ME_ID_KINDS; kind++)
		daemon->ids_saved[kind] = me_registry_count(daemon->registry, kind);
	return err;
}

/* Pins the ids given out since the last time: before anything is counted under them. */
static int save_ids(struct me_daemon *daemon)
{
	for (int kind = 0; kind < ME_ID_KINDS; kind++) {
		uint32_t count = me_registry_count(daemon->registry, kind);

		for (uint32_t id = daemon->ids_saved[kind]; id < count; id++) {
			const struct me_id_entry *entry =
				me_registry_get(daemon->registry, kind, id);
			struct me_id_key key = {.kind = kind};
			int err;

			if (!entry)
				continue;
			if (strlen(entry->service) >= sizeof(key.service) ||
			    strlen(entry->text) >= sizeof(key.text))
				return -ENAMETOOLONG;
			memcpy(key.service, entry->service, strlen(entry->service));
			memcpy(key.text, entry->text, strlen(entry->text));
			err = me_kernel_id_put(daemon->kernel, &key, id);
			if (err)
				return err;
		}
		daemon->ids_saved[kind] = count;
	}
	return 0;
}

/* --- In force ----------------------------------------------------------------------------------- */

static bool is_wildcard(const struct me_daemon *daemon, uint32_t endpoint)
{
	const struct me_id_entry *entry =
		me_registry_get(daemon->registry, ME_ID_ENDPOINT, endpoint);

	return entry && entry->text[0] == '*';
}

/* The board of endpoints: one row for each entry, the strongest where there are several. */
static int tell_ledger(struct me_daemon *daemon, const struct me_policy *policy,
		       const struct me_image *image)
{
	_cleanup_free_ struct me_endpoint_entry *entries =
		calloc(image->head->entries + 1, sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return -ENOMEM;
	for (uint32_t rank = 1; rank < image->head->entries; rank++) {
		const struct me_entry *entry = &image->entries[rank];
		const struct me_rule *rule = &policy->rules[image->sources[rank].rule];

		entries[n++] = (struct me_endpoint_entry){
			.endpoint = entry->endpoint,
			.rule = entry->rule,
			.retired = entry->flags & ME_ENTRY_RETIRED,
			.wildcard = is_wildcard(daemon, entry->endpoint),
			.expect_ns = rule->expect_ns,
		};
	}
	return me_ledger_policy(daemon->ledger, entries, n);
}

int me_daemon_policy_use(struct me_daemon *daemon, struct me_policy **policy,
			 struct me_image **image)
{
	struct me_why why = {};
	uint32_t capacity;
	int err;

	me_kernel_endpoints(daemon->kernel, &capacity);
	if (me_registry_count(daemon->registry, ME_ID_ENDPOINT) > capacity) {
		snprintf(daemon->last_error, sizeof(daemon->last_error),
			 "more than %u endpoints since the first start; stop, run `mewatch detach` "
			 "and start again",
			 capacity - 1);
		me_log_error("%s", daemon->last_error);
		return -ENOSPC;
	}
	err = save_ids(daemon);
	if (!err)
		err = tell_ledger(daemon, *policy, *image);
	if (err)
		snprintf(why.text, sizeof(why.text), "the policy's ids cannot be kept: %s",
			 strerror(-err));
	else
		err = me_kernel_policy(daemon->kernel, *image, &why);
	if (err) {
		memcpy(daemon->last_error, why.text, sizeof(daemon->last_error));
		me_log_error("%s", why.text);
		return err;
	}
	me_image_free(&daemon->image);
	me_policy_free(&daemon->policy);
	daemon->image = me_steal_ptr(image);
	daemon->policy = me_steal_ptr(policy);
	me_daemon_mode_apply(daemon);
	daemon->loaded_epoch_ns = me_daemon_clock(daemon, CLOCK_REALTIME);
	daemon->last_error[0] = '\0';
	me_events_expect_dns(daemon->events, daemon->image->head->flags & ME_HEAD_NAMES);
	me_daemon_dns_follow(daemon);
	me_daemon_dns_relearn(daemon);
	me_recording_policy(daemon);
	return 0;
}
