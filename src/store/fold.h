/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_FOLD_H
#define MEWATCH_STORE_FOLD_H

/*
 * The counters of the ledger against what was booked of them: what they grew goes into the batch. Not one is
 * ever negative: a counter that is smaller than before begins anew where it is, and books nothing.
 */
#include "ledger/ledger.h"
#include "store/batch.h"
#include "store/details.h"
#include "store/left.h"

#define ME_HISTORY_SERIES_MAX                                                                      \
	262144u /* counters that are kept; others are passed over, and counted */

/* How the first fold takes a counter that it sees for the first time. */
enum me_fold_start {
	ME_FOLD_GO_ON, /* from where it was booked last */
	ME_FOLD_FRESH, /* from zero: the counting has begun anew */
	ME_FOLD_LATER, /* from what it is: what was counted before is not of this history */
};

struct me_fold;

/* NULL without memory. */
struct me_fold *me_fold_new(void);
void me_fold_free(struct me_fold **fold);

/* Begins. `left` is borrowed until the first me_fold_take() is over. */
void me_fold_start(struct me_fold *fold, const struct me_left *left, enum me_fold_start how);

/* Adds all that has grown to the batch, and tells `details` how many violations there are. */
void me_fold_take(struct me_fold *fold, const struct me_ledger *ledger, struct me_details *details,
		  struct me_batch *batch);

/* The batch is written: takes the ids of what is new. */
void me_fold_written(struct me_fold *fold, const struct me_batch *batch);

/* Counters that were smaller than before, or for which there was no room. */
uint64_t me_fold_refused(const struct me_fold *fold);

#endif
