/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_PAST_H
#define MEWATCH_STORE_PAST_H

/*
 * Reads a history: the file that a daemon writes, also while it does. What is read sees one moment, that
 * of me_past_open(). Times are epoch nanoseconds. Texts are as they came from outside, to be escaped
 * by whoever shows them; one that is not known is "", never NULL.
 *
 * Counts are kept by the minute: those of a period are those of the minutes that begin in it, and
 * the sum over a period is what the counter of /metrics grew between its ends. What was counted while no
 * daemon ran, or while nothing could be written, is in the minute in which it was booked, and `late`.
 *
 * Each function calls `each` for every row, in the order it names; what is passed is valid during the
 * call. It ends when `each` returns other than 0, and returns that; else 0 or a negative errno:
 * -EUCLEAN for a file that is damaged.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "store/series.h"

#define ME_HISTORY_FILE "history.db" /* in the state folder */

struct me_past;

/*
 * Opens the history in the folder `state`. -ENOENT: there is none; -EPROTO: one of another version, or
 * something else; -EUCLEAN: a file that is damaged; else a negative errno. `why` (maybe NULL) gets it in words.
 */
int me_past_open(const char *state, struct me_strbuf *why, struct me_past **ret_past);
void me_past_free(struct me_past **past);
ME_DEFINE_CLEANUP(struct me_past *, me_past_free)

/* From when to when there is something: the first minute, or span, and the last time it was written. */
int me_past_extent(struct me_past *past, uint64_t *ret_first_ns, uint64_t *ret_last_ns);

struct me_period {
	uint64_t since_ns, until_ns; /* [since, until) */
};

/* --- Counts -------------------------------------------------------------------------------------- */

struct me_past_count {
	enum me_series series;
	const char *vantage, *service, *endpoint;
	const char *kind, *detail; /* store/series.h says what they hold */
	uint64_t start_ns;         /* of the step */
	uint64_t count;            /* `late` included */
	uint64_t late;
};

/*
 * What was counted, by step: one row for each step and series that has something; `step_ns` in whole
 * minutes, steps begin at multiples of it since the epoch (days, in UTC). 0: one step, the whole period. By
 * time, then series. `series` ME_SERIES_COUNT: all of them.
 */
int me_past_counts(struct me_past *past, const struct me_period *period, uint64_t step_ns,
		   enum me_series series,
		   int (*each)(void *data, const struct me_past_count *count), void *data);

/* --- Violations ---------------------------------------------------------------------------------- */

struct me_past_violation {
	uint64_t first_ns, last_ns; /* when the first and the last of them began */
	const char *state;          /* "confirmed" or "retracted" (enum me_stage) */
	const char *vantage, *service, *reason;
	uint8_t proto;
	const char *dst; /* "": no more is known of these, they are only counted */
	uint16_t port;   /* host order */
	const char *name;
	const char *host; /* in transit: whose it was */
	const char *exe;  /* at the host */
	/* Of the last of them: the id of its event; that of the event that it takes back, or "". */
	const char *event, *retracts;
	uint64_t count; /* 0: a retraction of something that an earlier daemon told */
};

/* As they were booked, by time: those of a minute that are alike are one. */
int me_past_violations(struct me_past *past, const struct me_period *period,
		       int (*each)(void *data, const struct me_past_violation *violation),
		       void *data);

/* Those that are alike in all but time, `event` and `retracts` are one; the most frequent first. */
int me_past_violation_groups(struct me_past *past, const struct me_period *period,
			     int (*each)(void *data, const struct me_past_violation *violation),
			     void *data);

/* --- Events -------------------------------------------------------------------------------------- */

struct me_past_event {
	uint64_t ts_ns;
	const char *id;
	const char
		*type; /* "finding", "failing", "overdue", "recovered", "reload", "start", "stop" */
	const char *kind;  /* of a finding */
	const char *state; /* of a reload: "ok", "failed" */
	const char *service, *endpoint, *outcome;
	const char *vantage, *host, *exe;
	uint8_t proto;
	const char *dst; /* "": it is about no flow */
	uint16_t port;
	const char *name;
	uint64_t count;
	const char *detail; /* for people, what is from outside is escaped */
};

/* By time. */
int me_past_events(struct me_past *past, const struct me_period *period,
		   int (*each)(void *data, const struct me_past_event *event), void *data);

/* --- Spans --------------------------------------------------------------------------------------- */

/*
 * What held for some time. constant, label: subject, object, state, detail, number
 *	run       version, "", "running" "stopped" "killed", "", pid: the daemon ran
 *	watch     hook, target, "attached" "lost", "", 0: as mewatch_attached has it, also while no daemon
 *	          runs, as the hooks count on
 *	policy    profile, path or "", sha256, "", generation: the policy in force
 *	endpoint  endpoint, service, its state (enum me_endpoint_state), how it fails (enum me_failure) or
 *	          "", `expect:` in ns: for each endpoint of the policy and what it has counted
 *	gap       "", "", why (below), in words, 0
 */
#define ME_SPAN_LIST(X)                                                                            \
	X(RUN, "run")                                                                              \
	X(WATCH, "watch")                                                                          \
	X(POLICY, "policy")                                                                        \
	X(ENDPOINT, "endpoint")                                                                    \
	X(GAP, "gap")

#define ME_PICK_SPAN(constant, label) ME_SPAN_##constant,
enum me_span_kind { ME_SPAN_LIST(ME_PICK_SPAN) ME_SPAN_COUNT };
#undef ME_PICK_SPAN

const char *me_span_label(enum me_span_kind kind);

/* Why something is missing, or stands at another time than it happened. */
#define ME_GAP_LIST(X)                                                                             \
	X(DOWN, "down",                                                                            \
	  "no daemon ran; the hooks went on, what they counted was booked when it ended")          \
	X(UNWATCHED, "unwatched", "nothing was attached, and nothing was seen")                    \
	X(UNWRITTEN, "unwritten", "nothing could be written; it was booked when it ended")         \
	X(UNRECORDED, "unrecorded", "watched without a history, or it was lost: not known here")   \
	X(CLOCK, "clock", "the clock was set: back from `since`, or forward to `until`")

#define ME_PICK_GAP(constant, label, help) ME_GAP_##constant,
enum me_gap { ME_GAP_LIST(ME_PICK_GAP) ME_GAP_COUNT };
#undef ME_PICK_GAP

const char *me_gap_label(enum me_gap gap);
const char *me_gap_help(enum me_gap gap);

struct me_past_span {
	enum me_span_kind kind;
	const char *subject, *object, *state, *detail;
	uint64_t number;
	uint64_t since_ns;
	uint64_t until_ns; /* of one that is open: me_past_extent()'s last */
	bool open;         /* it held when the history was written last */
};

/* Spans of a kind (ME_SPAN_COUNT: all) that meet the period, not cut to it; by kind and `since`. */
int me_past_spans(struct me_past *past, const struct me_period *period, enum me_span_kind kind,
		  int (*each)(void *data, const struct me_past_span *span), void *data);

#endif
