/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/cells.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/text.h"

void me_cell_local(uint64_t epoch_ns, char out[ME_CELL_LEN])
{
	time_t seconds = (time_t)(epoch_ns / ME_NS_PER_S);
	struct tm parts;
	char zone[8];

	localtime_r(&seconds, &parts);
	strftime(out, ME_CELL_LEN, "%Y-%m-%d %H:%M:%S", &parts);
	strftime(zone, sizeof(zone), "%z", &parts);
	snprintf(out + strlen(out), ME_CELL_LEN - strlen(out), "%.3s:%s", zone, zone + 3);
}

static void show_seconds(uint64_t ns, char out[ME_CELL_LEN])
{
	uint64_t s = ns / ME_NS_PER_S, days = s / 86400;

	out[0] = '\0';
	if (days)
		snprintf(out, ME_CELL_LEN, "%" PRIu64 "d ", days);
	snprintf(out + strlen(out), ME_CELL_LEN - strlen(out), "%02u:%02u:%02u",
		 (unsigned int)(s / 3600 % 24), (unsigned int)(s / 60 % 60),
		 (unsigned int)(s % 60));
}

static void show_bytes(uint64_t bytes, char out[ME_CELL_LEN])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0;
	double amount = (double)bytes;

	for (; amount >= 1024 && unit + 1 < ME_ARRAY_SIZE(units); unit++)
		amount /= 1024;
	snprintf(out, ME_CELL_LEN, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

static void show_share(uint64_t share, char out[ME_CELL_LEN])
{
	snprintf(out, ME_CELL_LEN, "%" PRIu64 ".%02" PRIu64, share / 100, share % 100);
}

void me_cell_plain(const struct me_sheet_column *column, const struct me_cell *cell,
		   char out[ME_CELL_LEN])
{
	out[0] = '\0';
	if (!cell->present)
		return;
	switch (column->kind) {
	case ME_SHEET_TEXT:
		me_text_escape(out, ME_CELL_LEN, cell->text, strlen(cell->text));
		return;
	case ME_SHEET_TIME:
		me_clock_rfc3339(cell->number, out);
		return;
	case ME_SHEET_SECONDS:
		snprintf(out, ME_CELL_LEN, "%llu", cell->number / ME_NS_PER_S);
		return;
	case ME_SHEET_SHARE:
		show_share(cell->number, out);
		return;
	case ME_SHEET_NUMBER:
	case ME_SHEET_BYTES:
		snprintf(out, ME_CELL_LEN, "%" PRIu64, cell->number);
	}
}

void me_cell_show(const struct me_sheet_column *column, const struct me_cell *cell,
		  char out[ME_CELL_LEN])
{
	out[0] = '\0';
	if (!cell->present)
		return;
	if (column->kind == ME_SHEET_TIME)
		me_cell_local(cell->number, out);
	else if (column->kind == ME_SHEET_SECONDS)
		show_seconds(cell->number, out);
	else if (column->kind == ME_SHEET_BYTES)
		show_bytes(cell->number, out);
	else
		me_cell_plain(column, cell, out);
	if (column->kind == ME_SHEET_SHARE)
		strcat(out, " %");
}
