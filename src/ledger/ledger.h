/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_LEDGER_H
#define MEWATCH_LEDGER_LEDGER_H

/*
 * The ledger: what the kernel side read, folded into flows, groups of violations and endpoints.
 * Pure: no clock, no file, no kernel. The caller's round, about once a second, in this order:
 *
 *	1. me_ledger_tick()            the clocks
 *	2. me_ledger_counters()        the counters, VIA cells read before OPENED ones; only here;
 *	   me_ledger_dns()             and those of DNS
 *	3. me_ledger_record() and me_events_record() for each ring record, until the ring is empty
 *	4. me_ledger_flow()            each flow of the flow table; once more when it is closed,
 *	                               after which the caller deletes it from the table
 *	5. me_events_tick()            aggregates, overdue endpoints (ledger/events.h)
 *
 * Ring records may also be read between rounds (step 3 alone). Times are CLOCK_MONOTONIC
 * nanoseconds unless a name says epoch. Addresses are in network order, ports in host order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ledger/kept.h"
#include "ledger/names.h"

#define ME_LEDGER_FLOWS 131072u   /* default bound: flows shown, closed ones included */
#define ME_LEDGER_GROUPS 16384u   /* default bound: rows of /v1/violations */
#define ME_LEDGER_ANSWERS 131071u /* default bound: DNS answers remembered; no more can be */
#define ME_LEDGER_UNSEEN_NS (10ull * 1000000000ull) /* a flow no longer read for so long is over */

struct me_answers;
struct me_ledger;
struct me_minutes;
struct me_requests;
struct me_steps;

struct me_ledger_limits {
	uint32_t flows;
	uint32_t groups;
	uint32_t answers;
	uint64_t unseen_ns; /* a flow that is no longer read for so long is over */
};

/* Texts that were learned about a flow; each may be NULL, which leaves what is known. */
enum me_flow_text_id {
	ME_TEXT_NAME,  /* the name that the client looked up */
	ME_TEXT_NAMES, /* all names of the address, one a line */
	ME_TEXT_SNI,
	ME_TEXT_HTTP_HOST,
	ME_TEXT_HTTP_PATH,
	ME_TEXT_EXE,    /* from me_names */
	ME_TEXT_CGROUP, /* from me_names */
	ME_TEXT_COUNT
};
#define ME_TEXT_GIVEN ME_TEXT_EXE /* how many of them the caller gives */

struct me_flow_text {
	const char *text[ME_TEXT_GIVEN];
	uint64_t ts_ns; /* when it was said, CLOCK_MONOTONIC; 0: now */
};

/* A flow as the ledger keeps it: about 200 bytes, for there may be a million. */
struct me_ledger_flow {
	uint64_t id;
	uint64_t first_ns, last_ns;
	uint64_t closed_ns; /* 0: open */
	uint64_t seen_ns;   /* when it was last read */
	uint64_t bytes_sent, bytes_received;
	uint64_t packets_sent, packets_received;
	struct me_addr src; /* in transit the mail host; unspecified: not known */
	struct me_addr dst;
	char comm[ME_COMM_LEN];
	uint32_t text[ME_TEXT_COUNT]; /* me_ledger_text() */
	union me_state state;
	uint32_t generation, endpoint, rule;
	uint32_t tgid, uid;
	uint16_t service, sport, dport, flags;
	uint16_t answer;                     /* mewatch/answer.h */
	uint16_t sent_per_s, received_per_s; /* payload, of late; packed (ledger/rate.h) */
	uint8_t proto, vantage, outcome, direction;
	bool weighed; /* what it says of its endpoint was counted, when it was over */
};
_Static_assert(sizeof(struct me_ledger_flow) <= 192, "a million flows stay under 250 MB");

/* Violations with the same key; see tools/dist/api.md. */
struct me_group_key {
	struct me_addr dst;
	struct me_addr host; /* in transit; else unspecified */
	uint32_t exe;        /* me_ledger_text() */
	uint16_t service;
	uint16_t dport;
	uint8_t reason, stage, proto, vantage;
	uint32_t zero;
};

struct me_group {
	struct me_group_key key;
	uint64_t serial; /* a later group has a higher one */
	uint64_t count;
	uint64_t first_ns, last_ns;
	char last_id[ME_EVENT_ID_LEN]; /* event id of the last */
	uint32_t tgid, uid;            /* of the last */
	uint32_t cgroup, name, endpoint;
	char comm[ME_COMM_LEN];
};

/* An entry of the policy in force. */
struct me_endpoint_entry {
	uint32_t endpoint;
	uint32_t rule;
	bool retired;
	bool wildcard;      /* it has more than one name */
	uint64_t expect_ns; /* 0: none */
};

#define ME_ENDPOINT_STATE_LIST(X, p)                                                               \
	X(p, GOOD, "good", "the last attempt succeeded")                                           \
	X(p, FAILING, "failing", "attempts since the last success failed")                         \
	X(p, NEVER, "never", "never seen: no attempt succeeded or failed yet")                     \
	X(p, RETIRED, "retired", "later lists dropped the entry")                                  \
	X(p, GONE, "gone", "no longer in the policy")                                              \
	X(p, OVERDUE, "overdue", "no success for longer than the policy expects")

#define ME_PICK_STATE(p, constant, label, help) p##constant,
enum me_endpoint_state { ME_ENDPOINT_STATE_LIST(ME_PICK_STATE, ME_ENDPOINT_) };
#undef ME_PICK_STATE

const char *me_endpoint_state_label(enum me_endpoint_state state);

struct me_endpoint {
	uint32_t id;
	uint32_t rule; /* 0: gone */
	enum me_endpoint_state state;
	bool failing; /* also where the state is overdue */
	uint64_t expect_ns;
	uint64_t due_ns;                  /* from when on it is overdue; 0: never */
	uint64_t attempt_ns;              /* the last one, also by a proxy; 0: none since attach */
	struct me_endpoint_counts counts; /* as last read */
	const struct me_endpoint_kept *kept;
	const struct me_minutes
		*minutes; /* attempts of each minute (ledger/minutes.h); NULL: none */
	uint64_t minute;  /* the present one, for them */
};

/* What an earlier attachment, before a restart of the machine or a detach, knew of an endpoint. */
struct me_endpoint_before {
	uint64_t attempt_ns; /* epoch; 0: none */
	uint64_t success_ns; /* epoch; 0: none */
	bool overdue;
	enum me_failure failing; /* or ME_FAILURE_NONE */
};

/*
 * An empty ledger. `kept` and `names` are borrowed and stay until the ledger is freed; texts of
 * `names` may be asked for at any later call. The epoch of an empty `kept` is set from
 * `epoch_ns`. Limits of 0 stand for the defaults. 0 or -ENOMEM.
 */
int me_ledger_new(const struct me_ledger_limits *limits, struct me_kept *kept,
		  const struct me_names *names, uint64_t now_ns, uint64_t epoch_ns,
		  struct me_ledger **ret_ledger);
void me_ledger_free(struct me_ledger **ledger);

/*
 * Where to keep what is remembered of endpoints 0 to n - 1, beyond the ledger's life; borrowed, zero at
 * first. Right after me_ledger_new(), or the ledger keeps it in memory of its own.
 */
void me_ledger_keep_endpoints(struct me_ledger *ledger, struct me_endpoint_kept *kept, uint32_t n);

/* The time, in both clocks. Flows that are no longer read end here. */
void me_ledger_tick(struct me_ledger *ledger, uint64_t now_ns, uint64_t epoch_ns);
uint64_t me_ledger_now(const struct me_ledger *ledger);

/* How long the last reading of all flows took: none is over for not having been read meanwhile. */
void me_ledger_slow(struct me_ledger *ledger, uint64_t took_ns);

/* A CLOCK_MONOTONIC time as epoch time; 0 stays 0. */
uint64_t me_ledger_epoch(const struct me_ledger *ledger, uint64_t monotonic_ns);

/*
 * Copies the counters: cells (ME_CELL_COUNT), totals (ME_TOTALS_ALL); and the counts of endpoints 0
 * to n_endpoints - 1. 0 or -ENOMEM.
 */
int me_ledger_counters(struct me_ledger *ledger, const uint64_t *cells, const uint64_t *totals,
		       const struct me_endpoint_counts *endpoints, uint32_t n_endpoints);
const uint64_t *me_ledger_cells(const struct me_ledger *ledger);
const uint64_t *me_ledger_totals(const struct me_ledger *ledger);
/* Flows that were under way when they were seen first, by vantage and verdict. */
uint64_t me_ledger_underway(const struct me_ledger *ledger, enum me_vantage vantage,
			    enum me_verdict verdict);

/* A mail host that was seen in transit; its counts replace those of before. 0 or -ENOMEM. */
int me_ledger_host(struct me_ledger *ledger, const struct me_addr *address,
		   const struct me_host_counts *counts);
/* Walks them: start with *cursor 0. False: no more. */
bool me_ledger_next_host(const struct me_ledger *ledger, size_t *cursor,
			 const struct me_addr **ret_address,
			 const struct me_host_counts **ret_counts);

/*
 * Copies the counters of DNS: `counts` (ME_DNS_COUNTS), those of zones 0 to n_zones - 1, and how many
 * addresses are learned now. 0, or -EINVAL: more zones than ME_ZONES_MAX.
 */
int me_ledger_dns(struct me_ledger *ledger, const uint64_t *counts,
		  const struct me_zone_counts *zones, uint32_t n_zones, uint64_t learned);
const uint64_t *me_ledger_dns_counts(const struct me_ledger *ledger);
uint64_t me_ledger_learned(const struct me_ledger *ledger);

/* Counts by zone id; 0 for those that were not given. *ret_n is ME_ZONES_MAX. */
const struct me_zone_counts *me_ledger_zones(const struct me_ledger *ledger, uint32_t *ret_n);

/* The DNS answers that are remembered (ledger/answers.h): the caller adds, the ledger frees. */
struct me_answers *me_ledger_answers(const struct me_ledger *ledger);

/* What the proxy was asked for (ledger/requests.h): the caller adds, the ledger frees. */
struct me_requests *me_ledger_requests(const struct me_ledger *ledger);

/*
 * What happened to flows, by their ids, and to endpoints, by theirs (ledger/steps.h): the caller adds
 * what is a finding, the rest is noted by itself.
 */
struct me_steps *me_ledger_flow_steps(const struct me_ledger *ledger);
struct me_steps *me_ledger_endpoint_steps(const struct me_ledger *ledger);

/* Whether the flow is one of the violations of the group, as it stands now. */
bool me_group_holds(const struct me_group *group, const struct me_ledger_flow *flow);

/*
 * A flow as it is in the flow table. The same flow may come any number of times; ids tell flows
 * apart. `text` may be NULL. 0 or -ENOMEM.
 */
int me_ledger_flow(struct me_ledger *ledger, const struct me_flow_key *key,
		   const struct me_flow *flow, const struct me_flow_text *text);

/* When an engine was last updated, CLOCK_MONOTONIC; 0: never since attach. */
uint64_t me_ledger_engine(const struct me_ledger *ledger, enum me_engine engine);

/* A ring record. Kinds without a flow are passed over. 0 or -ENOMEM. */
int me_ledger_record(struct me_ledger *ledger, const struct me_record *record);

/*
 * A flow that was found under way at start: counts it among the preexisting ones and folds it. Once
 * for each, when the caller puts it into the flow table. 0 or -ENOMEM.
 */
int me_ledger_preexisting(struct me_ledger *ledger, const struct me_flow_key *key,
			  const struct me_flow *flow);

/* The entries of the policy now in force, copied. 0 or -ENOMEM, and the old ones stay. */
int me_ledger_policy(struct me_ledger *ledger, const struct me_endpoint_entry *entries,
		     size_t n_entries);

/*
 * An endpoint of the policy in force about which nothing is kept yet, as it was before. One that was
 * overdue or failing stays so until it works, and was told; any other gets one full period of `expect`.
 */
void me_ledger_endpoint_before(struct me_ledger *ledger, uint32_t endpoint,
			       const struct me_endpoint_before *before);

/*
 * A proxy asked the endpoint for a mail host, at `ts_ns` (CLOCK_MONOTONIC); `succeeded`: and it
 * answered as it should. It counts as the endpoint's last attempt and success, and in nothing else: the
 * proxy's own connection does.
 */
void me_ledger_proxied(struct me_ledger *ledger, uint32_t endpoint, uint64_t ts_ns, bool succeeded);

/* The flow with this id, or NULL; valid until the ledger changes. */
const struct me_ledger_flow *me_ledger_find(const struct me_ledger *ledger, uint64_t id);

/* Walks: start with *cursor 0, until NULL. What is returned is valid until the ledger changes. */
const struct me_ledger_flow *me_ledger_next_flow(const struct me_ledger *ledger, size_t *cursor);
const struct me_group *me_ledger_next_group(const struct me_ledger *ledger, size_t *cursor);

/* Endpoints in order of their id: those of the policy and those that counted something. */
bool me_ledger_next_endpoint(const struct me_ledger *ledger, size_t *cursor,
			     struct me_endpoint *ret_endpoint);

/* The last attempt and success of an endpoint, epoch nanoseconds, also from before attach; 0: none. */
uint64_t me_ledger_last_attempt(const struct me_ledger *ledger, const struct me_endpoint *endpoint);
uint64_t me_ledger_last_success(const struct me_ledger *ledger, const struct me_endpoint *endpoint);

/* What is remembered of an endpoint, to be changed; NULL: it is none. Valid until the ledger changes. */
struct me_endpoint_kept *me_ledger_endpoint_kept(const struct me_ledger *ledger, uint32_t endpoint);

/* The serial of the group that came last; 0: none came yet. */
uint64_t me_ledger_group_serial(const struct me_ledger *ledger);

/* Violations in the totals that are in no group: older than this process, or pushed out. */
uint64_t me_ledger_untold(const struct me_ledger *ledger);

/* Open flows that had to leave for want of room: the bound is too low for this machine. */
uint64_t me_ledger_evicted(const struct me_ledger *ledger);

/* An interned text of a flow or group, or NULL. */
const char *me_ledger_text(const struct me_ledger *ledger, uint32_t id);

/* How often there was no room for a text (ledger/intern.h): what was read of a flow again is tried again. */
uint64_t me_ledger_texts_refused(const struct me_ledger *ledger);

const struct me_names *me_ledger_names(const struct me_ledger *ledger);
struct me_kept *me_ledger_kept(const struct me_ledger *ledger);

#endif
