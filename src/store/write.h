/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_WRITE_H
#define MEWATCH_STORE_WRITE_H

/* Writes a batch to an open file. */
#include "store/batch.h"
#include "store/db.h"

/*
 * Writes the batch in one transaction and fills in the ids of what is new; a `run` of 0 begins a run and gets its
 * id, `minutes` counts the rows of that table. 0 or a negative errno, and then nothing is written.
 */
int me_history_write(struct me_db *db, struct me_batch *batch, const char *version, uint64_t *run,
		     uint64_t *minutes);

#endif
