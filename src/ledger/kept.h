/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_KEPT_H
#define MEWATCH_LEDGER_KEPT_H

/*
 * What user space counts and remembers beyond its own life. The caller provides the memory: a
 * pinned mmap-able array of sizeof(struct me_kept), zero at first, so that a kill at any
 * instruction leaves every store made before it; in replay and tests, ordinary memory. On a
 * handover to another layout the whole struct is copied.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include "ledger/cells.h"
#include "ledger/engines.h"

#define ME_EVENT_ID_LEN 48u

/* Told cells: (vantage, service, reason, stage). */
#define ME_TOLD_COUNT (ME_VANTAGE_KERNEL_COUNT * ME_SERVICES_MAX * ME_REASON_COUNT * ME_STAGE_COUNT)

static inline uint32_t me_told_cell(uint32_t vantage, uint32_t service, uint32_t reason,
				    enum me_stage stage)
{
	return ((vantage * ME_SERVICES_MAX + service) * ME_REASON_COUNT + reason) * ME_STAGE_COUNT +
	       stage;
}

/* Where in the sink a line begins; what it means is the sink's business. */
struct me_event_mark {
	uint64_t device;
	uint64_t inode;
	uint64_t offset;
};

/* The event that is being told, written down before it is written out. */
struct me_told_intent {
	uint64_t open; /* 1: the rest holds */
	uint64_t cell;
	uint64_t value;  /* of the cell when the event is out */
	uint64_t record; /* the ring record it came from; 0: an aggregate */
	uint64_t part;   /* which event of the record, from 1 */
	struct me_event_mark mark;
	char id[ME_EVENT_ID_LEN];
};

struct me_kept {
	uint64_t epoch;    /* when the counting began, epoch seconds: part of each event id */
	uint64_t sequence; /* of events that are about no flow */
	uint64_t findings[ME_FINDING_COUNT];
	uint64_t preexisting[ME_VANTAGE_KERNEL_COUNT][ME_VERDICT_COUNT];
	uint64_t reloads_ok;
	uint64_t reloads_failed;
	uint64_t events_lost_file; /* events that could not be written */
	uint64_t unresolved;  /* flows without a verdict, as far as the finding has told them */
	uint64_t unnamed;     /* pending flows that came to nothing, as far as it has told them */
	uint64_t last_record; /* the last ring record dealt with */
	uint64_t last_part;   /* and how many of its events are out, if not all */
	struct me_told_intent intent;
	uint64_t dns[ME_DNS_COUNTS];          /* what user space counted itself: DNS over TCP */
	uint64_t engine_ns[ME_ENGINE_COUNT];  /* CLOCK_MONOTONIC of their last updates; 0: none */
	uint64_t zone_refusals[ME_ZONES_MAX]; /* by zone id, as far as the finding has told them */
	uint64_t told[ME_TOLD_COUNT];         /* sum of `count` of the events so far */
};
_Static_assert(sizeof(struct me_kept) % 8 == 0, "whole array elements");

/*
 * The event id of a flow's violation at a stage: "<epoch>-<flow>-p", "-c" or "-r", so that a
 * retraction can name its violation without anybody's memory. Unique over detach and attach.
 */
static inline void me_event_id(const struct me_kept *kept, uint64_t flow, enum me_stage stage,
			       char out[ME_EVENT_ID_LEN])
{
	snprintf(out, ME_EVENT_ID_LEN, "%08" PRIx64 "-%016" PRIx64 "-%c", kept->epoch, flow,
		 me_stage_label(stage)[0]);
}

#endif
