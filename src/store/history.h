/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_HISTORY_H
#define MEWATCH_STORE_HISTORY_H

/*
 * The history that a daemon writes: what the counters grew, minute by minute, and what is told of it. Every
 * ME_HISTORY_FLUSH_NS, when a minute is over, and soon after an event, what is new goes to a thread that writes
 * it in one transaction; nobody waits for it. store/schema.h says what stands in the file, store/past.h reads
 * it, also while it is written.
 *
 * Exactly once: with what a counter grew the counter itself is written, and the next daemon goes on from
 * there. What cannot be written now is written later, and marked as late.
 *
 * The caller's round, after the ledger's: me_history_due(), and if it is, me_history_flush().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "ledger/events.h"
#include "ledger/ledger.h"
#include "store/past.h"
#include "store/prune.h"

#define ME_HISTORY_FLUSH_NS (10ull * 1000000000ull)
#define ME_HISTORY_RETRY_NS (10ull * 1000000000ull) /* after something could not be written */
/* Counted over a longer time than this, it is late: the minute is another than that in which it was counted. */
#define ME_HISTORY_LATE_NS (30ull * 1000000000ull)
#define ME_HISTORY_STEP_NS (2ull * 1000000000ull) /* a clock that moves by more was set */
/* A clock that was set forward is believed after so long: until then nothing is too old by it alone. */
#define ME_HISTORY_BELIEVE_NS (86400ull * 1000000000ull)
#define ME_HISTORY_PATIENCE_NS                                                                     \
	(10ull * 1000000000ull)     /* with a disk that does not answer, at a stop */
#define ME_HISTORY_GAPS_MAX 4096u   /* as well */
#define ME_HISTORY_EVENTS_MAX 4096u /* that wait to be written */

struct me_history;

struct me_history_options {
	const char *path;
	const char *version; /* of the program */
	/* Which attachment the counters are of: when it is another, they began at zero. */
	const char *attachment;
	bool resumed; /* it was there before this daemon */
	struct me_ledger *ledger;
};

/* When it is: epoch, and a clock that is not set and goes on while the machine sleeps (CLOCK_BOOTTIME). */
struct me_history_time {
	uint64_t epoch_ns, boot_ns;
};

/* What is watched, and by which policy. */
struct me_history_watch {
	const char *hook, *target;
	bool attached;
};

struct me_history_facts {
	struct me_history_watch *watches;
	size_t n_watches;
	const char *profile, *path, *sha256; /* `path` may be NULL */
	uint32_t generation;
};

#define ME_HISTORY_STATE_LIST(X)                                                                   \
	X(OFF, "off")                                                                              \
	X(OPENING, "opening")                                                                      \
	X(WRITING, "writing")                                                                      \
	X(FAILING, "failing")                                                                      \
	X(REFUSED, "refused")

#define ME_PICK_HISTORY(constant, label) ME_HISTORY_##constant,
enum me_history_state { ME_HISTORY_STATE_LIST(ME_PICK_HISTORY) };
#undef ME_PICK_HISTORY

const char *me_history_state_label(enum me_history_state state);

struct me_history_status {
	enum me_history_state state;
	const char *why;     /* of FAILING and REFUSED, in words, not escaped */
	const char *aside;   /* where a damaged file was moved to; "": there was none */
	uint64_t asides;     /* how often that happened */
	uint64_t removals;   /* how often somebody took the file away */
	uint64_t errors;     /* times that something could not be written or read */
	uint64_t bytes;      /* of the files */
	uint64_t cached;     /* bytes of memory that pages of them take */
	uint64_t minutes;    /* rows with counts */
	uint64_t oldest_ns;  /* the oldest minute, epoch; 0: none */
	uint64_t written_ns; /* when it was written last, epoch; 0: not yet */
	uint64_t dropped;    /* violations and events whose details found no room */
	uint64_t refused;    /* counters that are not booked, or that were smaller than before */
	uint64_t clock_steps;
	uint64_t took_ns; /* how long the last write took, in the thread */
	uint64_t held_ns; /* how long the last flush held up the caller */
};

/* Off until me_history_set(). `options` is copied, but the ledger, which is borrowed. 0 or -ENOMEM. */
int me_history_new(const struct me_history_options *options, const struct me_history_time *now,
		   struct me_history **ret_history);

/* Ends it without a last write; what is being written is waited for. */
void me_history_free(struct me_history **history);
ME_DEFINE_CLEANUP(struct me_history *, me_history_free)

/* On or off, and its bounds. */
void me_history_set(struct me_history *history, bool on, const struct me_history_bounds *bounds);

/* The sink that takes note of what goes through `inner`, which is copied; valid as long as `history`. */
struct me_event_sink me_history_sink(struct me_history *history, const struct me_event_sink *inner);

/* A ring record, after the ledger has it. */
void me_history_record(struct me_history *history, const struct me_record *record);

/* Takes note of what came of the last flush. Whether another is due. */
bool me_history_due(struct me_history *history, const struct me_history_time *now);
void me_history_flush(struct me_history *history, const struct me_history_facts *facts,
		      const struct me_history_time *now);

/*
 * Waits for what is being done, ME_HISTORY_PATIENCE_NS at the most. True: it is done, and what was to be written
 * is.
 */
bool me_history_wait(struct me_history *history, const struct me_history_time *now);

/*
 * The last flush, which is waited for. False: it is not written, which the next daemon makes up for; the details
 * are lost.
 */
bool me_history_stop(struct me_history *history, const struct me_history_facts *facts,
		     const struct me_history_time *now);

/* Valid until the next call. */
const struct me_history_status *me_history_status(struct me_history *history);

#endif
