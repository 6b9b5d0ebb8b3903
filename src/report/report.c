/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/report.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "report/gather.h"

/* What a daemon has not written yet is no gap. */
#define UNWRITTEN_NS (60 * ME_NS_PER_S)
/* Bars of the timeline, at the most. */
#define STEPS_MAX 96u

static int last_run(void *data, const struct me_past_span *span)
{
	bool *running = data;

	/* While it runs it has the end that was written last. */
	*running = span->open || !strcmp(span->state, "running");
	return 0;
}

/* A step that people know: so many minutes that the period has at most STEPS_MAX of them. */
static uint64_t step_of(const struct me_period *period)
{
	static const uint64_t minutes[] = {1, 5, 15, 60, 180, 360, 1440, 7 * 1440, 30 * 1440};
	uint64_t length = period->until_ns - period->since_ns, step = 0;

	for (size_t i = 0; i < ME_ARRAY_SIZE(minutes); i++) {
		step = minutes[i] * 60 * ME_NS_PER_S;
		if (length / step < STEPS_MAX)
			break;
	}
	return step;
}

int me_report_read(struct me_past *past, const struct me_period *period, const char *version,
		   struct me_document **ret_document)
{
	_cleanup_(me_document_freep) struct me_document *document = me_document_new();
	struct me_gather gather = {.past = past, .period = *period, .document = document};
	int (*const parts[])(struct me_gather *) = {me_gather_coverage, me_gather_violations,
						    me_gather_endpoints, me_gather_traffic,
						    me_gather_dns};
	uint64_t first_ns;
	int err;

	if (!document)
		return -ENOMEM;
	err = me_past_extent(past, &first_ns, &gather.written_ns);
	if (!err)
		err = me_past_spans(past, period, ME_SPAN_RUN, last_run, &gather.running);
	if (gather.running && gather.written_ns < period->until_ns &&
	    period->until_ns - gather.written_ns < UNWRITTEN_NS &&
	    gather.written_ns > period->since_ns)
		gather.period.until_ns = gather.written_ns;
	document->version = version;
	document->since_ns = gather.period.since_ns;
	document->until_ns = gather.period.until_ns;
	document->made_ns = me_clock_now(CLOCK_REALTIME);
	document->step_ns = step_of(&gather.period);
	for (size_t i = 0; !err && i < ME_ARRAY_SIZE(parts); i++)
		err = parts[i](&gather);
	if (!err)
		err = document->err;
	if (!err)
		*ret_document = me_steal_ptr(&document);
	return err;
}
