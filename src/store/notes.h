/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_NOTES_H
#define MEWATCH_STORE_NOTES_H

/* What events and records say, for the history. */
#include "ledger/events.h"
#include "store/batch.h"
#include "store/details.h"

/* A violation that is final, told by the ring, for `details`. Others are passed over. */
void me_notes_record(const struct me_ledger *ledger, const struct me_record *record,
		     struct me_details *details);

/* A retraction, for `details`. */
void me_notes_retraction(const struct me_ledger *ledger, const struct me_event *event,
			 struct me_details *details);

/* Whether the event gets a row. */
bool me_notes_is_kept(const struct me_event *event);

/* Any other event, for the batch. */
void me_notes_event(const struct me_ledger *ledger, const struct me_event *event,
		    struct me_batch *batch);

#endif
