/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_NOTICES_H
#define MEWATCH_LEDGER_NOTICES_H

/* The events that are about no violation: findings, endpoints, start, stop, reload. */
#include "ledger/events.h"

struct me_notices;

/* Both arguments are borrowed. NULL without memory. */
struct me_notices *me_notices_new(struct me_ledger *ledger, const struct me_event_sink *sink);
void me_notices_free(struct me_notices **notices);

/* A socket of a blind kind: raw and packet sockets are findings. */
void me_notices_socket(struct me_notices *notices, const struct me_record *record);

/* What the programs found about a flow (ME_RECORD_FINDING). */
void me_notices_flow(struct me_notices *notices, const struct me_record *record);

/* Counts the finding and tells it unless its key was told in the last ME_EVENTS_FINDING_NS. */
void me_notices_finding(struct me_notices *notices, const struct me_finding_report *finding);

/* As me_events_expect_dns(). */
void me_notices_expect_dns(struct me_notices *notices, bool expected);

/* Findings that show in counters: coverage-lost, no-dns-seen, blocklist-refuses, retired-used. */
void me_notices_tick(struct me_notices *notices);

/* Endpoints that are overdue or failing, and those that have recovered: one event each way. */
void me_notices_endpoints(struct me_notices *notices);

void me_notices_tell(struct me_notices *notices, enum me_event_kind kind, const char *state,
		     uint32_t generation, const char *detail);

#endif
