/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_CELLS_H
#define MEWATCH_LEDGER_CELLS_H

/*
 * The formulas over the kernel's counter cells (abi.h, "Counter cells"). `cells` is always an array
 * of ME_CELL_COUNT values, summed over the CPUs; the reader takes the VIA cells before the OPENED
 * ones, so that what is pending is never negative.
 */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"

/* The stages at which a violation is counted and told. */
#define ME_STAGE_LIST(X, p)                                                                        \
	X(p, PROVISIONAL, "provisional", "a name rule may still allow it")                         \
	X(p, CONFIRMED, "confirmed", "final")                                                      \
	X(p, RETRACTED, "retracted", "was provisional, ended as something else")

#define ME_PICK_STAGE(p, constant, label, help) p##constant,
enum me_stage { ME_STAGE_LIST(ME_PICK_STAGE, ME_STAGE_) ME_STAGE_COUNT };
#undef ME_PICK_STAGE

const char *me_stage_label(enum me_stage stage);

/* Attempts of a vantage: everything judged outright, and everything that became pending. */
uint64_t me_cells_attempts(const uint64_t *cells, uint32_t vantage);

/* All cells of a kind, such as ME_CELL_DENIED. */
uint64_t me_cells_kind(const uint64_t *cells, enum me_cell_kind kind);

/* Pending flows of a vantage that have not ended. */
uint64_t me_cells_pending(const uint64_t *cells, uint32_t vantage);

/* Final flows of (vantage, service) with this end: me_cell_end(verdict, reason). */
uint64_t me_cells_ended(const uint64_t *cells, uint32_t vantage, uint32_t service, uint32_t end);

/* Final flows with this verdict, over all vantages, services and reasons. */
uint64_t me_cells_verdict(const uint64_t *cells, enum me_verdict verdict);

/*
 * Flows that were pending and came to nothing: no name was learned or claimed for them in time. They
 * ended unresolved, or as violations.
 */
uint64_t me_cells_unnamed(const uint64_t *cells);

/* Violations of (vantage, service, reason) that reached the stage. */
uint64_t me_cells_violations(const uint64_t *cells, uint32_t vantage, uint32_t service,
			     uint32_t reason, enum me_stage stage);

/* The same over all vantages, services and reasons. */
uint64_t me_cells_violations_sum(const uint64_t *cells, enum me_stage stage);

/*
 * What the events of (vantage, service, reason, stage) have to add up to. A violation judged
 * outright is one event, confirmed, although it counts as provisional as well.
 */
uint64_t me_cells_events(const uint64_t *cells, uint32_t vantage, uint32_t service, uint32_t reason,
			 enum me_stage stage);

#endif
