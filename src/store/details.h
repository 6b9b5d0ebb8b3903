/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_DETAILS_H
#define MEWATCH_STORE_DETAILS_H

/*
 * What is known of single violations, in groups, until it is written: never more of it than was counted, so
 * that the groups and the counters add up. What was counted and is in no group becomes one without details.
 */
#include "ledger/ledger.h"
#include "store/batch.h"

#define ME_HISTORY_GROUPS_MAX 16384u /* that wait; the others are only counted */
#define ME_HISTORY_DETAILS_DAY                                                                     \
	65536u /* rows with details in a day (UTC); the others are only counted */

struct me_details;

/* NULL without memory. */
struct me_details *me_details_new(void);
void me_details_free(struct me_details **details);

/* How many rows of the day of `now_ns` (epoch) are in the file already. */
void me_details_start(struct me_details *details, uint64_t now_ns, uint64_t rows);

/* A violation that was told. */
struct me_detail {
	enum me_stage stage; /* CONFIRMED or RETRACTED */
	const struct me_flow_key *key;
	const struct me_flow *flow; /* with the service and reason that it was counted under */
	bool uncounted;             /* it was counted under what is not known any more */
};
void me_details_add(struct me_details *details, const struct me_ledger *ledger,
		    const struct me_detail *detail);

/* Drops what was told so far: it was counted, and is not booked. */
void me_details_forget(struct me_details *details);

/* So many more were counted. Those that are retracted are counted under the vantage ME_HOST. */
void me_details_counted(struct me_details *details, uint32_t vantage, uint32_t service,
			uint32_t reason, enum me_stage stage, uint64_t n);

/* Moves what was counted into the batch; what was told ahead of it waits for the next time. */
void me_details_take(struct me_details *details, const struct me_ledger *ledger,
		     struct me_batch *batch);

/* Violations that were told and have no details in the history, for want of room. */
uint64_t me_details_dropped(const struct me_details *details);

#endif
