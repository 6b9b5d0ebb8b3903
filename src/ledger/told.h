/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_TOLD_H
#define MEWATCH_LEDGER_TOLD_H

/*
 * Exactly once, also over a kill at any instruction. The intent is written down, the line is
 * written out, the intent is carried out; what a kill leaves behind is an open intent, and the
 * sink can say whether its line is out. The stores are ordered for the compiler alone: the next
 * reader is a later process on the same machine, and the memory does not outlive the machine.
 */
#include <stdbool.h>
#include "ledger/kept.h"

/* Opens the intent: when `id` is out, `cell` stands at `value` and `part` of `record` is told. */
void me_told_begin(struct me_kept *kept, uint32_t cell, uint64_t value, uint64_t record,
		   uint64_t part, const struct me_event_mark *mark, const char *id);

/* The line is out. */
void me_told_commit(struct me_kept *kept);

/* The line is not out and will not be. */
void me_told_abandon(struct me_kept *kept);

/* Whether this part (from 1) of the record was told. */
bool me_told_done(const struct me_kept *kept, uint64_t record, uint64_t part);

/* Whether the record was dealt with altogether. */
bool me_told_finished(const struct me_kept *kept, uint64_t record);

/* The record is dealt with, told or not. */
void me_told_finish(struct me_kept *kept, uint64_t record);

#endif
