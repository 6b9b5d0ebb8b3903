/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_PRUNE_H
#define MEWATCH_STORE_PRUNE_H

/* Keeps the history within its bounds: the oldest goes first, a little at a time. */
#include <stdbool.h>
#include "store/db.h"

struct me_history_bounds {
	uint64_t keep_ns; /* what is older goes */
	uint64_t size;    /* bytes that are in use */
};

/* What it took up after the last look, and how far back it reaches. */
struct me_history_extent {
	uint64_t bytes;     /* of the file; free pages in it included */
	uint64_t used;      /* without them */
	uint64_t oldest_ns; /* epoch; 0: there is nothing */
};

#define ME_PRUNE_NS (100ull * 1000000ull) /* after so long a call begins nothing new */

/*
 * Removes what is beyond the bounds at `now_ns` (epoch), and gives free pages back to the file system. *ret_more:
 * there is more to do. `minutes` counts the rows of that table. 0 or a negative errno.
 */
int me_history_prune(struct me_db *db, const struct me_history_bounds *bounds, uint64_t now_ns,
		     uint64_t *minutes, struct me_history_extent *ret_extent, bool *ret_more);

#endif
