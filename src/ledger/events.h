/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_EVENTS_H
#define MEWATCH_LEDGER_EVENTS_H

/*
 * What is told, and how often. Violations are told one by one up to a budget for each cell (vantage,
 * service, reason, stage); every ME_EVENTS_WINDOW_NS one aggregate a cell carries what the single
 * ones have not. So over all events with state `confirmed` the sum of `count` (1 where it is absent)
 * is the confirmed counter, also over kill -9: see ledger/told.h, and struct me_kept for the memory.
 *
 * The order of work (ledger/ledger.h has the whole round): the counters are read first, then the
 * ring is drained, then me_events_tick() gets those counters. The kernel submits a record before it
 * counts, so what was counted and not told by then will not come as a single event any more.
 * At a stop: counters, drain, me_events_tick() with `flush`, then the stop event.
 *
 * With a sink that cannot be looked at (a pipe) a kill may leave one event told twice, with the
 * same id and count.
 */
#include <stdbool.h>
#include "ledger/ledger.h"

#define ME_EVENTS_BUDGET 100u /* single events of one cell in one window */
#define ME_EVENTS_WINDOW_NS (10ull * 1000000000ull)
#define ME_EVENTS_OPEN_MAX 65536u    /* provisional violations told one by one and not ended */
#define ME_EVENTS_FINDINGS_MAX 4096u /* findings remembered as told */
#define ME_EVENTS_NO_DNS_NS                                                                        \
	(60ull * 1000000000ull) /* a mail host is seen for so long without any */
#define ME_EVENTS_FINDING_NS (3600ull * 1000000000ull) /* each is told once in so long */

#define ME_EVENT_LIST(X, p)                                                                        \
	X(p, VIOLATION, "violation", "a flow that no rule allows")                                 \
	X(p, RETRACTION, "retraction", "a provisional violation turned out to be none")            \
	X(p, FINDING, "finding", "an observation that is no verdict")                              \
	X(p, OVERDUE, "overdue", "an endpoint had no success for longer than the policy expects")  \
	X(p, FAILING, "failing", "attempts to an endpoint fail")                                   \
	X(p, RECOVERED, "recovered", "an endpoint that was overdue or failing works again")        \
	X(p, RELOAD, "reload", "the policy was read again")                                        \
	X(p, MODE, "mode", "what is done about violations changed")                                \
	X(p, START, "start", "the daemon started")                                                 \
	X(p, STOP, "stop", "the daemon stopped")                                                   \
	X(p, AGGREGATE, "aggregate", "violations that were not told one by one")

#define ME_PICK_EVENT(p, constant, label, help) p##constant,
enum me_event_kind { ME_EVENT_LIST(ME_PICK_EVENT, ME_EVENT_) };
#undef ME_PICK_EVENT

const char *me_event_label(enum me_event_kind kind);

/* One event, for the sink; everything is borrowed for the call. Times are epoch nanoseconds. */
struct me_event {
	enum me_event_kind kind;
	const char *id;
	uint64_t ts_ns;
	const char *state;    /* a stage, "ok", "failed"; or NULL */
	const char *retracts; /* or NULL */
	const char *detail;   /* for people, what is from outside escaped; or NULL */
	bool has_count;       /* count, first and last hold; otherwise it is one */
	uint64_t count;
	uint64_t first_ns, last_ns;
	int finding;                   /* enum me_finding, or -1 */
	const struct me_flow_key *key; /* or NULL */
	const struct me_flow *flow;    /* or NULL; without a key only the origin holds */
	bool has_cell;                 /* vantage, service, reason and bytes of an aggregate */
	uint8_t vantage, reason;
	uint16_t service;
	uint64_t bytes_sent, bytes_received;
	uint64_t packets_sent, packets_received;
	uint32_t endpoint;   /* of OVERDUE, FAILING, RECOVERED and retired-used; 0: none */
	const char *outcome; /* of OVERDUE and FAILING: how the attempts fail; or NULL */
	uint32_t generation; /* of START and RELOAD; 0: none */
};

/* Where events go. `data` is passed to each function. */
struct me_event_sink {
	void *data;

	/* Writes one whole line or nothing. 0 or a negative errno. */
	int (*write)(void *data, const struct me_event *event);

	/* Where the next line will begin. */
	void (*mark)(void *data, struct me_event_mark *ret_mark);

	/*
	 * Whether the line with this id stands at the mark: 1 or 0 (what a kill left of it is removed);
	 * -ENOTSUP where that cannot be known.
	 */
	int (*check)(void *data, const struct me_event_mark *mark, const char *id);
};

struct me_events;

/*
 * Begins to tell. `ledger` and `sink` are borrowed. An event that a kill interrupted is settled
 * here. 0 or -ENOMEM.
 */
int me_events_new(struct me_ledger *ledger, const struct me_event_sink *sink,
		  struct me_events **ret_events);
void me_events_free(struct me_events **events);

/* Tells of a ring record what is to be told. The first one after a restart may be a known one. */
void me_events_record(struct me_events *events, const struct me_record *record);

/*
 * Endpoints that are overdue, failing or have recovered; and once a window aggregates and findings that
 * come from counters. Uses the ledger's counters and time. `flush`: now, whatever the window.
 */
void me_events_tick(struct me_events *events, bool flush);

/*
 * Whether the policy in force has rules with names, which need DNS answers to be seen; false at
 * first. Finding no-dns-seen.
 */
void me_events_expect_dns(struct me_events *events, bool expected);

/* A finding of the caller's. `key` makes it the same finding as before; `count` >= 1 is added. */
struct me_finding_report {
	enum me_finding kind;
	const char *key;
	const char *detail; /* for people, what is from outside escaped; or NULL */
	uint64_t ts_ns;     /* CLOCK_MONOTONIC */
	uint64_t count;
	const struct me_flow_key *flow_key; /* or NULL */
	const struct me_flow *flow;         /* or NULL; without a flow_key only the origin holds */
	uint32_t endpoint;                  /* 0: none */
};
void me_events_finding(struct me_events *events, const struct me_finding_report *finding);

/* START, STOP or RELOAD. `state` and `detail` may be NULL. A RELOAD is counted by its state "ok". */
void me_events_notice(struct me_events *events, enum me_event_kind kind, const char *state,
		      uint32_t generation, const char *detail);

#endif
