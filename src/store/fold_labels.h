/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_FOLD_LABELS_H
#define MEWATCH_STORE_FOLD_LABELS_H

/* The labels of a counter, as /metrics has them. */
#include <stdint.h>
#include "ledger/names.h"
#include "store/series.h"

/* Which counter: a series, and the numbers that stand for its labels. */
struct me_counter {
	uint32_t series; /* enum me_series */
	uint32_t a, b, c;
};

#define ME_FTP_MODES 2u /* passive, active */

/* Each may be NULL. */
struct me_labels {
	const char *vantage, *service, *endpoint, *kind, *detail;
};

void me_labels_of(const struct me_names *names, const struct me_counter *counter,
		  struct me_labels *ret_labels);

#endif
