/* SPDX-License-Identifier: GPL-2.0-only */
/* What was counted in all: by service and verdict, and over time. */
#include <errno.h>
#include <string.h>
#include "mewatch/types.h"
#include "report/gather.h"
#include "report/sums.h"

struct traffic {
	struct me_gather *gather;
	struct me_sheet *timeline, *ftp;
	struct me_sums *services;
	uint64_t step_ns; /* of the row being filled */
	struct me_cell *row;
};

static const enum me_verdict verdicts[] = {ME_ALLOWED, ME_LOCAL, ME_VIOLATION, ME_UNRESOLVED};

/* Which of `verdicts`; their number for another word. */
static size_t place_of(const char *label)
{
	size_t i = 0;

	while (i < ME_ARRAY_SIZE(verdicts) && strcmp(label, me_verdict_label(verdicts[i])))
		i++;
	return i;
}

static int take_service(void *data, const struct me_past_count *count)
{
	struct traffic *traffic = data;
	size_t place = place_of(count->kind);
	uint64_t *sums = me_sums_at(traffic->services, count->service, count->vantage, NULL);

	if (!sums)
		return -ENOMEM;
	if (place < ME_ARRAY_SIZE(verdicts))
		sums[place] += count->count;
	return 0;
}

/* The row of the step: they come by time. */
static int take_step(void *data, const struct me_past_count *count)
{
	struct traffic *traffic = data;
	size_t place = place_of(count->kind);

	if (!traffic->row || traffic->step_ns != count->start_ns) {
		traffic->step_ns = count->start_ns;
		traffic->row = me_sheet_row(traffic->gather->document, traffic->timeline);
		me_cell_number(&traffic->row[0], count->start_ns);
		for (size_t i = 0; i <= ME_ARRAY_SIZE(verdicts); i++)
			me_cell_number(&traffic->row[1 + i], 0);
	}
	if (place < ME_ARRAY_SIZE(verdicts))
		traffic->row[1 + place].number += count->count;
	traffic->row[1 + ME_ARRAY_SIZE(verdicts)].number += count->late;
	return 0;
}

static int take_ftp(void *data, const struct me_past_count *count)
{
	struct traffic *traffic = data;
	struct me_cell *row = me_sheet_row(traffic->gather->document, traffic->ftp);

	me_cell_text(traffic->gather->document, &row[0], count->kind);
	me_cell_text(traffic->gather->document, &row[1], count->detail);
	me_cell_number(&row[2], count->count);
	return 0;
}

static void fill_services(struct traffic *traffic, struct me_sheet *sheet)
{
	struct me_document *document = traffic->gather->document;

	for (size_t i = 0; i < me_sums_count(traffic->services); i++) {
		const struct me_sum *sum = me_sums_get(traffic->services, i);
		struct me_cell *row = me_sheet_row(document, sheet);

		me_cell_text(document, &row[0], me_sums_word(traffic->services, sum, 0));
		me_cell_text(document, &row[1], me_sums_word(traffic->services, sum, 1));
		for (size_t k = 0; k < ME_ARRAY_SIZE(verdicts); k++)
			me_cell_number(&row[2 + k], sum->values[k]);
	}
	me_sheet_sort(sheet, 1);
	me_sheet_sort(sheet, 0);
}

int me_gather_traffic(struct me_gather *gather)
{
	static const struct me_sheet_column services[] = {
		{"service", "Service", ME_SHEET_TEXT},
		{"vantage", "Vantage", ME_SHEET_TEXT},
		{"allowed", "Allowed", ME_SHEET_NUMBER},
		{"local", "Local", ME_SHEET_NUMBER},
		{"violation", "Violations", ME_SHEET_NUMBER},
		{"unresolved", "Unresolved", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column timeline[] = {
		{"start", "From", ME_SHEET_TIME},
		{"allowed", "Allowed", ME_SHEET_NUMBER},
		{"local", "Local", ME_SHEET_NUMBER},
		{"violation", "Violations", ME_SHEET_NUMBER},
		{"unresolved", "Unresolved", ME_SHEET_NUMBER},
		{"late", "Of these late", ME_SHEET_NUMBER},
	};
	static const struct me_sheet_column ftp[] = {
		{"mode", "Mode", ME_SHEET_TEXT},
		{"evidence", "Evidence", ME_SHEET_TEXT},
		{"count", "Data connections", ME_SHEET_NUMBER},
	};
	_cleanup_sums_ struct me_sums *sums = me_sums_new(gather->document->texts);
	struct traffic traffic = {.gather = gather, .services = sums};
	struct me_sheet *sheet;
	int err;

	if (!sums)
		return -ENOMEM;
	sheet = me_document_sheet(gather->document, &(struct me_sheet){.key = "services",
								       .title = "Flows by service",
								       .none = "There was none.",
								       ME_COLUMNS(services)});
	traffic.timeline = me_document_sheet(
		gather->document,
		&(struct me_sheet){.key = "timeline",
				   .title = "Flows over time",
				   .note = "Late: counted while no daemon ran or nothing could be "
					   "written, and booked when that ended.",
				   .none = "There was none.",
				   ME_COLUMNS(timeline)});
	traffic.ftp = me_document_sheet(gather->document,
					&(struct me_sheet){.key = "ftp",
							   .title = "FTP data connections",
							   .none = "There was none.",
							   ME_COLUMNS(ftp)});
	err = me_past_counts(gather->past, &gather->period, 0, ME_SERIES_CONNECTIONS, take_service,
			     &traffic);
	if (!err)
		err = me_past_counts(gather->past, &gather->period, gather->document->step_ns,
				     ME_SERIES_CONNECTIONS, take_step, &traffic);
	if (!err)
		err = me_past_counts(gather->past, &gather->period, 0, ME_SERIES_FTP, take_ftp,
				     &traffic);
	if (!err)
		fill_services(&traffic, sheet);
	return err;
}
