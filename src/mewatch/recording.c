/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/recording.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "export/status.h"
#include "gen/version.h"
#include "mewatch/command.h"
#include "mewatch/daemon.h"
#include "mewatch/outputs.h"
#include "policy/policy.h"
#include "store/history.h"

#define WORDS_LEN 512u

struct me_recording {
	struct me_history *history;
	struct me_strbuf path;
	char why[WORDS_LEN];
	/* what was logged */
	enum me_history_state state;
	uint64_t asides, removals, clock_steps;
	struct me_history_watch *watches;
	size_t room;
	struct me_history_view view;
};

static struct me_history_time time_now(void)
{
	return (struct me_history_time){.epoch_ns = me_clock_now(CLOCK_REALTIME),
					.boot_ns = me_clock_now(CLOCK_BOOTTIME)};
}

int me_recording_open(struct me_daemon *daemon)
{
	struct me_recording *recording = calloc(1, sizeof(*recording));
	_cleanup_strbuf_ struct me_strbuf attachment = {};
	const struct me_history_time now = time_now();
	struct me_history_options options = {
		.version = ME_VERSION,
		.resumed = me_kernel_resumed(daemon->kernel),
		.ledger = daemon->ledger,
	};

	daemon->recording = recording;
	if (recording) {
		me_strbuf_addf(&recording->path, "%s/%s", daemon->options.state, ME_HISTORY_FILE);
		/* Both are made with the counters, and are handed on with them. */
		me_strbuf_addf(&attachment, "%" PRIu64 "-%" PRIu64, daemon->kept->ledger.epoch,
			       daemon->kept->fresh_ns);
		options.path = recording->path.data;
		options.attachment = attachment.data;
	}
	if (recording && options.path && options.attachment &&
	    !me_history_new(&options, &now, &recording->history))
		return ME_EXIT_OK;
	me_log_error("out of memory");
	return ME_EXIT_KERNEL;
}

void me_recording_close(struct me_daemon *daemon)
{
	struct me_recording *recording = daemon->recording;

	if (!recording)
		return;
	me_history_free(&recording->history);
	me_strbuf_free(&recording->path);
	free(recording->watches);
	free(recording);
	daemon->recording = NULL;
}

struct me_history *me_recording_history(const struct me_daemon *daemon)
{
	return daemon->recording->history;
}

void me_recording_record(struct me_daemon *daemon, const struct me_record *record)
{
	me_history_record(daemon->recording->history, record);
}

void me_recording_policy(struct me_daemon *daemon)
{
	const struct me_history_bounds bounds = {.keep_ns = daemon->policy->history_keep_ns,
						 .size = daemon->policy->history_size};

	me_history_set(daemon->recording->history, !daemon->policy->history_off, &bounds);
}

/* --- Writing ------------------------------------------------------------------------------------ */

/* What is attached, as the metrics have it. */
static void take_watches(struct me_recording *recording, const struct me_status *status,
			 struct me_history_facts *facts)
{
	if (status->n_attached > recording->room) {
		void *moved = reallocarray(recording->watches, status->n_attached,
					   sizeof(*recording->watches));

		if (!moved)
			return;
		recording->watches = moved;
		recording->room = status->n_attached;
	}
	for (size_t i = 0; i < status->n_attached; i++)
		recording->watches[i] =
			(struct me_history_watch){.hook = status->attached[i].hook,
						  .target = status->attached[i].target,
						  .attached = status->attached[i].ok};
	facts->watches = recording->watches;
	facts->n_watches = status->n_attached;
}

static void take_facts(struct me_daemon *daemon, struct me_history_facts *facts)
{
	const struct me_status *status = me_outputs_status(daemon);

	*facts = (struct me_history_facts){
		.profile = status->policy.profile,
		.path = status->policy.path,
		.sha256 = status->policy.sha256,
		.generation = status->policy.generation,
	};
	take_watches(daemon->recording, status, facts);
}

/* What became different is said once. */
static void log_changes(struct me_recording *recording)
{
	const struct me_history_status *status = me_history_status(recording->history);
	enum me_history_state before = recording->state;
	char aside[WORDS_LEN];

	me_text_escape(recording->why, sizeof(recording->why), status->why, strlen(status->why));
	if (status->asides != recording->asides) {
		me_text_escape(aside, sizeof(aside), status->aside, strlen(status->aside));
		me_log_warning("the history was damaged; it is %s now, and a new one begins",
			       aside);
	}
	if (status->removals != recording->removals)
		me_log_warning("%s was taken away; a new history begins", recording->path.data);
	if (status->clock_steps != recording->clock_steps)
		me_log_warning("the clock was set: the history has it as a gap");
	recording->asides = status->asides;
	recording->removals = status->removals;
	recording->clock_steps = status->clock_steps;
	recording->state = status->state;
	if (status->state == before)
		return;
	if (status->state == ME_HISTORY_FAILING)
		me_log_warning("the history cannot be written: %s; it is tried again, and what is "
			       "counted meanwhile will stand in it late",
			       recording->why);
	else if (status->state == ME_HISTORY_REFUSED)
		me_log_error("%s: %s; it stays as it is, and there is no history",
			     recording->path.data, recording->why);
	else if (before == ME_HISTORY_FAILING && status->state == ME_HISTORY_WRITING)
		me_log_info("the history is written again");
}

void me_recording_round(struct me_daemon *daemon)
{
	struct me_recording *recording = daemon->recording;
	const struct me_history_time now = time_now();
	struct me_history_facts facts;

	if (me_history_due(recording->history, &now)) {
		take_facts(daemon, &facts);
		me_history_flush(recording->history, &facts, &now);
	}
	log_changes(recording);
}

void me_recording_stop(struct me_daemon *daemon)
{
	struct me_recording *recording = daemon->recording;
	const struct me_history_time now = time_now();
	struct me_history_facts facts;

	take_facts(daemon, &facts);
	if (!me_history_stop(recording->history, &facts, &now) &&
	    recording->state != ME_HISTORY_REFUSED)
		me_log_warning(
			"the last of the history is not written; the next start makes up for "
			"it");
}

void me_recording_status(struct me_daemon *daemon, struct me_status *status)
{
	struct me_recording *recording = daemon->recording;
	const struct me_history_status *s = me_history_status(recording->history);

	recording->view = (struct me_history_view){
		.state = me_history_state_label(s->state),
		.path = recording->path.data,
		.why = *recording->why ? recording->why : NULL,
		.aside = *s->aside ? s->aside : NULL,
		.off = s->state == ME_HISTORY_OFF,
		.writing = s->state == ME_HISTORY_WRITING,
		.bytes = s->bytes,
		.cached = s->cached,
		.rows = s->minutes,
		.oldest_ns = s->oldest_ns,
		.written_ns = s->written_ns,
		.errors = s->errors,
	};
	status->history = &recording->view;
}
