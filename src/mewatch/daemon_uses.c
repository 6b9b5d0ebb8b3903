/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/daemon_uses.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "mewatch/daemon.h"
#include "mewatch/uses_file.h"
#include "policy/uses.h"

/* What the ledger knows of the endpoints that are in the policy. */
static int gather(const struct me_daemon *daemon, struct me_uses *uses)
{
	const struct me_names *names = me_ledger_names(daemon->ledger);
	uint64_t now = me_clock_now(CLOCK_REALTIME);
	struct me_endpoint endpoint;
	int err = 0;

	for (size_t cursor = 0;
	     !err && me_ledger_next_endpoint(daemon->ledger, &cursor, &endpoint);) {
		const struct me_use use = {
			.service = names->endpoint_service(names->data, endpoint.id),
			.endpoint = names->endpoint(names->data, endpoint.id),
			.since_ns = now,
			.attempt_ns = me_ledger_last_attempt(daemon->ledger, &endpoint),
			.success_ns = me_ledger_last_success(daemon->ledger, &endpoint),
			.overdue = endpoint.state == ME_ENDPOINT_OVERDUE,
			.failing =
				endpoint.failing ? me_failure_label(endpoint.kept->failure) : NULL,
		};

		if (endpoint.rule && use.service && use.endpoint)
			err = me_uses_add(uses, &use);
	}
	return err;
}

static enum me_failure failure_of(const char *label)
{
	for (enum me_failure i = ME_FAILURE_NONE + 1; label && i < ME_FAILURE_COUNT; i++)
		if (!strcmp(me_failure_label(i), label))
			return i;
	return ME_FAILURE_NONE;
}

void me_daemon_uses_load(const struct me_daemon *daemon)
{
	const struct me_names *names = me_ledger_names(daemon->ledger);
	_cleanup_uses_ struct me_uses uses = {0};
	struct me_endpoint endpoint;
	size_t damaged;

	/* What is wrong with the file is said when it is saved. */
	if (me_uses_read(daemon->options.state, &uses, &damaged))
		return;
	for (size_t cursor = 0; me_ledger_next_endpoint(daemon->ledger, &cursor, &endpoint);) {
		const char *service = names->endpoint_service(names->data, endpoint.id);
		const char *text = names->endpoint(names->data, endpoint.id);
		const struct me_use *use =
			service && text ? me_uses_find(&uses, service, text) : NULL;

		if (use)
			me_ledger_endpoint_before(daemon->ledger, endpoint.id,
						  &(struct me_endpoint_before){
							  .attempt_ns = use->attempt_ns,
							  .success_ns = use->success_ns,
							  .overdue = use->overdue,
							  .failing = failure_of(use->failing),
						  });
	}
}

void me_daemon_uses_save(const struct me_daemon *daemon)
{
	const char *state = daemon->options.state;
	_cleanup_uses_ struct me_uses uses = {0}, older = {0};
	size_t damaged = 0;
	int err = me_uses_read(state, &older, &damaged);

	if (err && err != -ENOENT)
		me_log_warning("%s/%s: the use of endpoints before is not known: %s", state,
			       ME_USES_FILE, strerror(-err));
	if (damaged)
		me_log_warning("%s/%s: %zu lines were no use and are left out", state, ME_USES_FILE,
			       damaged);
	err = gather(daemon, &uses);
	if (!err) {
		me_uses_merge(&uses, &older);
		me_uses_sort(&uses);
		err = me_uses_write(state, &uses);
	}
	if (err)
		me_log_warning("%s/%s: cannot be written: %s", state, ME_USES_FILE, strerror(-err));
}
