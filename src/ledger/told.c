/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/told.h"

#include <stdio.h>

/* Keeps the compiler from moving a store across. */
static void in_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void me_told_begin(struct me_kept *kept, uint32_t cell, uint64_t value, uint64_t record,
		   uint64_t part, const struct me_event_mark *mark, const char *id)
{
	struct me_told_intent *intent = &kept->intent;

	intent->cell = cell;
	intent->value = value;
	intent->record = record;
	intent->part = part;
	intent->mark = *mark;
	snprintf(intent->id, sizeof(intent->id), "%s", id);
	in_order();
	intent->open = 1;
	in_order();
}

void me_told_commit(struct me_kept *kept)
{
	const struct me_told_intent *intent = &kept->intent;

	in_order();
	if (intent->cell < ME_TOLD_COUNT)
		kept->told[intent->cell] = intent->value;
	if (intent->record) {
		kept->last_part = intent->part;
		kept->last_record = intent->record;
	}
	in_order();
	kept->intent.open = 0;
	in_order();
}

void me_told_abandon(struct me_kept *kept)
{
	kept->intent.open = 0;
	in_order();
}

bool me_told_done(const struct me_kept *kept, uint64_t record, uint64_t part)
{
	return kept->last_record == record && (!kept->last_part || part <= kept->last_part);
}

bool me_told_finished(const struct me_kept *kept, uint64_t record)
{
	return kept->last_record == record && !kept->last_part;
}

void me_told_finish(struct me_kept *kept, uint64_t record)
{
	/* In this order: in between, what is known is that the record before is finished. */
	kept->last_part = 0;
	in_order();
	kept->last_record = record;
	in_order();
}
