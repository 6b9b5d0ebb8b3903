/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_HISTORY_PARTS_H
#define MEWATCH_STORE_HISTORY_PARTS_H

/* What history.c (when something is due, what comes of it) and history_flush.c (what is written) share. */
#include "base/strbuf.h"
#include "store/details.h"
#include "store/fold.h"
#include "store/history.h"
#include "store/spans.h"
#include "store/writer.h"

#define ME_MINUTE_NS (60ull * 1000000000ull)

enum me_history_phase {
	ME_PHASE_OFF,
	ME_PHASE_CLOSED,  /* to be opened at `retry_ns` */
	ME_PHASE_OPENING, /* the writer does it */
	ME_PHASE_READY,   /* open, and the writer is free */
	ME_PHASE_WRITING,
	ME_PHASE_PRUNING,
	ME_PHASE_STUCK,   /* the batch is to be written once more at `retry_ns` */
	ME_PHASE_REFUSED, /* the file is of no use, and stays as it is */
};

struct me_history {
	char *path, *version, *attachment;
	bool resumed;
	struct me_history_bounds bounds;
	struct me_ledger *ledger;
	struct me_event_sink inner;
	struct me_writer *writer; /* NULL while it is off */
	struct me_fold *fold;
	struct me_spans *spans;
	struct me_details *details;
	struct me_batch next; /* what is written with the next flush: events and gaps so far */
	struct me_left left;  /* between the opening and the first flush */
	enum me_history_phase phase;
	bool off_wanted;
	bool first;   /* the next flush is the first after the opening */
	bool written; /* this daemon has written something */
	bool urgent;  /* an event is to be written soon */
	bool more;    /* there is more to prune */
	bool stopping;
	uint64_t retry_ns;              /* boot */
	uint64_t started_ns;            /* epoch */
	struct me_history_time flushed; /* the last time */
	struct me_history_time seen;    /* the last time that the clocks were looked at */
	uint64_t before_step_ns; /* epoch, by a clock that was set since the last flush; or 0 */
	uint64_t ahead_ns;       /* that the clock was set forward of late */
	uint64_t ahead_boot_ns;  /* when that was */
	uint64_t dropped_events;
	struct me_strbuf why, aside;
	struct me_history_status status;
};

/* Gives the writer a job. */
void me_history_start(struct me_history *history, enum me_writer_job job,
		      const struct me_history_time *now);

/* Whether the writer has one. */
bool me_history_is_busy(const struct me_history *history);

#endif
