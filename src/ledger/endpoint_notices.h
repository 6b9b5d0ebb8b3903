/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ENDPOINT_NOTICES_H
#define MEWATCH_LEDGER_ENDPOINT_NOTICES_H

/*
 * Overdue, failing and recovered: one event each way, also over kill -9. That an event is out is noted
 * in the endpoint's flags (ledger/kept.h) after it is written, and what is being written before.
 */
#include "ledger/events.h"

/* Settles what a kill interrupted. */
void me_endpoint_notices_recover(struct me_ledger *ledger, const struct me_event_sink *sink);

/* Tells what has changed since it was told last. */
void me_endpoint_notices(struct me_ledger *ledger, const struct me_event_sink *sink);

#endif
