/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/cells.h"

const char *me_stage_label(enum me_stage stage)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_STAGE_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	return text[stage];
}

static uint64_t sum_kind(const uint64_t *cells, uint32_t vantage, uint32_t kind)
{
	uint64_t sum = 0;

	for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
		for (uint32_t what = 0; what < ME_CELL_ENDS; what++)
			sum += cells[me_cell(vantage, service, kind, what)];
	return sum;
}

uint64_t me_cells_kind(const uint64_t *cells, enum me_cell_kind kind)
{
	uint64_t sum = 0;

	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		sum += sum_kind(cells, vantage, kind);
	return sum;
}

uint64_t me_cells_attempts(const uint64_t *cells, uint32_t vantage)
{
	return sum_kind(cells, vantage, ME_CELL_FINAL) + sum_kind(cells, vantage, ME_CELL_OPENED);
}

uint64_t me_cells_pending(const uint64_t *cells, uint32_t vantage)
{
	uint64_t opened = sum_kind(cells, vantage, ME_CELL_OPENED);
	uint64_t ended = sum_kind(cells, vantage, ME_CELL_VIA);

	return opened > ended ? opened - ended : 0;
}

uint64_t me_cells_ended(const uint64_t *cells, uint32_t vantage, uint32_t service, uint32_t end)
{
	return cells[me_cell(vantage, service, ME_CELL_FINAL, end)] +
	       cells[me_cell(vantage, service, ME_CELL_VIA, end)];
}

uint64_t me_cells_verdict(const uint64_t *cells, enum me_verdict verdict)
{
	uint32_t first = me_cell_end(verdict, 0);
	uint32_t after = verdict == ME_VIOLATION ? first + ME_REASON_COUNT : first + 1;
	uint64_t sum = 0;

	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
			for (uint32_t end = first; end < after; end++)
				sum += me_cells_ended(cells, vantage, service, end);
	return sum;
}

uint64_t me_cells_unnamed(const uint64_t *cells)
{
	uint64_t sum = 0;

	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
			for (uint32_t end = ME_UNRESOLVED; end < ME_CELL_ENDS; end++)
				sum += cells[me_cell(vantage, service, ME_CELL_VIA, end)];
	return sum;
}

uint64_t me_cells_violations(const uint64_t *cells, uint32_t vantage, uint32_t service,
			     uint32_t reason, enum me_stage stage)
{
	uint32_t end = me_cell_end(ME_VIOLATION, (__u8)reason);

	if (reason == ME_REASON_NONE) /* flows that are held */
		return 0;
	switch (stage) {
	case ME_STAGE_PROVISIONAL:
		return cells[me_cell(vantage, service, ME_CELL_FINAL, end)] +
		       cells[me_cell(vantage, service, ME_CELL_OPENED, reason)] +
		       cells[me_cell(vantage, service, ME_CELL_GAINED, reason)];
	case ME_STAGE_CONFIRMED:
		return me_cells_ended(cells, vantage, service, end);
	default:
		return cells[me_cell(vantage, service, ME_CELL_SHED, reason)];
	}
}

uint64_t me_cells_violations_sum(const uint64_t *cells, enum me_stage stage)
{
	uint64_t sum = 0;

	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
			for (uint32_t reason = 0; reason < ME_REASON_COUNT; reason++)
				sum += me_cells_violations(cells, vantage, service, reason, stage);
	return sum;
}

uint64_t me_cells_events(const uint64_t *cells, uint32_t vantage, uint32_t service, uint32_t reason,
			 enum me_stage stage)
{
	if (stage == ME_STAGE_PROVISIONAL && reason != ME_REASON_NONE)
		return cells[me_cell(vantage, service, ME_CELL_OPENED, reason)];
	return me_cells_violations(cells, vantage, service, reason, stage);
}
