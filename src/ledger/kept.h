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

/* How an endpoint can fail an attempt: DESIGN calls it an outcome, but some come after one. */
#define ME_FAILURE_LIST(X, p)                                                                      \
	X(p, NONE, "none", "it did not")                                                           \
	X(p, REFUSED, "refused", "reset in answer to the SYN")                                     \
	X(p, TIMEOUT, "timeout", "nobody answered the SYN")                                        \
	X(p, UNREACHABLE, "unreachable", "ICMP said so; not: no route here")                       \
	X(p, UNANSWERED, "unanswered", "no datagram came back")                                    \
	X(p, RESET, "reset", "established, and reset before a byte came")                          \
	X(p, HTTP_ERROR, "http-error", "its first answer was a status from 400 on")                \
	X(p, TLS_ALERT, "tls-alert", "its first answer was a fatal alert")                         \
	X(p, DNS, "dns", "the question for its addresses came to nothing")

#define ME_PICK_FAILURE(p, constant, label, help) p##constant,
enum me_failure { ME_FAILURE_LIST(ME_PICK_FAILURE, ME_FAILURE_) ME_FAILURE_COUNT };
#undef ME_PICK_FAILURE

const char *me_failure_label(enum me_failure failure);

/* me_endpoint_kept.flags */
#define ME_ENDPOINT_READ 1u /* its counts were read before: what grows now is news */
#define ME_ENDPOINT_OVERDUE_BEFORE                                                                 \
	2u /* it was overdue when an earlier attachment ended, and is still */
#define ME_ENDPOINT_TOLD_OVERDUE 4u /* the event is out, and the one that takes it back is not */
#define ME_ENDPOINT_TOLD_FAILING 8u

/*
 * What user space remembers of one endpoint, in a pinned array of its own, by endpoint id. Times are
 * CLOCK_MONOTONIC: neither a step of the wall clock nor a suspend is waiting. 0: never, none.
 */
struct me_endpoint_kept {
	uint64_t since_ns;       /* when the entry came into force */
	uint64_t proxied_try_ns; /* the last attempt that a proxy made for a mail host */
	uint64_t proxied_ns;     /* the last success that way */
	uint64_t success_ns;     /* the last success by either way, as of the last reading */
	uint64_t failed_ns;      /* the first failure after that one */
	uint64_t before_try_s;   /* the last attempt and success of earlier attachments, epoch */
	uint64_t before_s;       /* seconds: to be shown only */
	uint32_t unreachable;    /* flows that ICMP ended */
	uint32_t unheard;        /* flows that were reset before a byte came */
	uint32_t failure;        /* enum me_failure, the last one */
	uint32_t flags;          /* ME_ENDPOINT_READ … */
	uint32_t failures[ME_FAILURE_COUNT]; /* as of the last reading */
	uint32_t zero;
	uint64_t evidence[ME_EVIDENCE_COUNT]; /* attempts that are over, by what allowed them */
};
_Static_assert(sizeof(struct me_endpoint_kept) % 8 == 0, "whole array elements");

/* An event about an endpoint that is being told: what its flags are when it is out. */
struct me_endpoint_intent {
	uint64_t open; /* 1: the rest holds */
	uint32_t endpoint;
	uint32_t flags;
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
	struct me_endpoint_intent endpoint_intent;
	uint64_t dns[ME_DNS_COUNTS];          /* what user space counted itself: DNS over TCP */
	uint64_t engine_ns[ME_ENGINE_COUNT];  /* CLOCK_MONOTONIC of their last updates; 0: none */
	uint64_t zone_refusals[ME_ZONES_MAX]; /* by zone id, as far as the finding has told them */
	uint64_t told[ME_TOLD_COUNT];         /* sum of `count` of the events so far */
};
_Static_assert(sizeof(struct me_kept) % 8 == 0, "whole array elements");

/* The id of the next event that is about no flow. It is used up first: a kill never repeats one. */
static inline void me_event_next_id(struct me_kept *kept, char out[ME_EVENT_ID_LEN])
{
	snprintf(out, ME_EVENT_ID_LEN, "%08" PRIx64 "-e%" PRIx64, kept->epoch, ++kept->sequence);
}

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
