/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_CELLS_H
#define MEWATCH_REPORT_CELLS_H

/* Cells as text, for the writers. */
#include "report/document.h"

#define ME_CELL_LEN 512

/* A time in the local zone, "2026-11-27 04:10:11+01:00"; in UTC as RFC 3339 has it. */
void me_cell_local(uint64_t epoch_ns, char out[ME_CELL_LEN]);

/*
 * The cell for people: local times, "1d 02:03:04", "1.2 MiB", "99.95 %"; text from outside escaped as
 * base/text.h has it. "" for an absent one.
 */
void me_cell_show(const struct me_sheet_column *column, const struct me_cell *cell,
		  char out[ME_CELL_LEN]);

/*
 * The cell for programs: RFC 3339, whole seconds, whole bytes, "99.95". Text from outside is escaped in
 * the same way. "" for an absent one.
 */
void me_cell_plain(const struct me_sheet_column *column, const struct me_cell *cell,
		   char out[ME_CELL_LEN]);

#endif
