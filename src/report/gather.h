/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_GATHER_H
#define MEWATCH_REPORT_GATHER_H

/* What the parts of me_report_read() share: each fills sheets of its own, and says what it can say. */
#include "report/document.h"
#include "store/past.h"

struct me_gather {
	struct me_past *past;
	struct me_period period;
	uint64_t written_ns; /* the history's end */
	bool running;        /* a daemon wrote it last, and is there */
	struct me_document *document;
};

/* 0 or a negative errno; without memory the document's `err` says so too. */
int me_gather_coverage(struct me_gather *gather);
int me_gather_traffic(struct me_gather *gather);
int me_gather_violations(struct me_gather *gather);
int me_gather_endpoints(struct me_gather *gather);
int me_gather_dns(struct me_gather *gather);

#endif
