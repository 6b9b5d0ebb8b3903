/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon watches, and the policy read again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "mewatch/daemon.h"
#include "mewatch/interfaces.h"
#include "mewatch/surroundings.h"
#include "policy/compile.h"
#include "policy/policy.h"

/* --- The cgroups -------------------------------------------------------------------------------- */

static void free_paths(char ***paths, size_t *n)
{
	for (size_t i = 0; *paths && i < *n; i++)
		free((*paths)[i]);
	free(*paths);
	*paths = NULL;
	*n = 0;
}

/* The paths that the policy names, in normal form, only the topmost. */
static int wanted_cgroups(struct me_daemon *daemon, const struct me_policy *policy,
			  char ***ret_paths, size_t *ret_n)
{
	const char *const *from = policy->cgroups;
	size_t n = policy->n_cgroups, done = 0;
	char **paths;
	int err = 0;

	paths = calloc(n + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	while (!err && done < n) {
		err = me_cgroup_normalize(daemon->cgroups, from[done], &paths[done]);
		if (err)
			me_log_error("cgroup %s: %s", from[done],
				     err == -EINVAL ? "not an absolute path below the cgroup2 mount"
						    : strerror(-err));
		else
			done++;
	}
	if (err) {
		free_paths(&paths, &done);
		return err;
	}
	*ret_n = me_cgroup_reduce(paths, n);
	*ret_paths = paths;
	return 0;
}

static int open_cgroups(struct me_daemon *daemon, char **paths, size_t n, int *fds, uint64_t *ids)
{
	for (size_t i = 0; i < n; i++) {
		int err = me_cgroup_open(daemon->cgroups, paths[i], &fds[i], &ids[i]);

		if (err) {
			me_log_error("cgroup %s: %s", paths[i],
				     err == -ENOENT
					     ? "there is none; make it first, or name another"
					     : strerror(-err));
			return err;
		}
	}
	return 0;
}

int me_daemon_watch(struct me_daemon *daemon, const struct me_policy *policy)
{
	_cleanup_free_ uint64_t *ids = NULL;
	_cleanup_free_ int *fds = NULL;
	struct me_why why = {};
	char **paths = NULL;
	size_t n = 0;
	int err = wanted_cgroups(daemon, policy, &paths, &n);

	if (err)
		return err;
	ids = calloc(n + 1, sizeof(*ids));
	fds = calloc(n + 1, sizeof(*fds));
	for (size_t i = 0; fds && i < n; i++)
		fds[i] = -1;
	err = ids && fds ? open_cgroups(daemon, paths, n, fds, ids) : -ENOMEM;
	if (!err)
		err = me_interfaces_watch(daemon->interfaces, policy);
	if (!err) {
		err = me_kernel_watch(daemon->kernel, ids, fds, n, &why);
		if (err)
			me_log_error("%s", why.text);
	}
	for (size_t i = 0; fds && i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (err) {
		free_paths(&paths, &n);
		return err;
	}
	free_paths(&daemon->watched, &daemon->n_watched);
	daemon->watched = paths;
	daemon->n_watched = n;
	return 0;
}

void me_daemon_unwatch(struct me_daemon *daemon)
{
	free_paths(&daemon->watched, &daemon->n_watched);
}

void me_daemon_reload(struct me_daemon *daemon)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(me_image_freep) struct me_image *image = NULL;
	int err = me_daemon_policy_read(daemon, &policy, &image);

	/* First the new attachments, then the policy: nothing is judged by a policy not in force. */
	if (!err) {
		err = me_daemon_watch(daemon, policy);
		if (err)
			snprintf(daemon->last_error, sizeof(daemon->last_error),
				 "what is to be watched cannot be: %s", strerror(-err));
	}
	if (!err)
		err = me_daemon_policy_use(daemon, &policy, &image);
	if (err) {
		me_log_error("the policy was not reloaded; the one in force stays");
	} else {
		me_log_info("policy reloaded: generation %u", me_kernel_generation(daemon->kernel));
		me_surroundings_listeners(daemon->surroundings);
	}
	me_events_notice(daemon->events, ME_EVENT_RELOAD, err ? "failed" : "ok",
			 me_kernel_generation(daemon->kernel), err ? daemon->last_error : NULL);
}
