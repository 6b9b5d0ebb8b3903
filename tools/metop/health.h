/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_HEALTH_H
#define METOP_HEALTH_H

/* What /v1/health says: the rows of the view Health, and the numbers of the headline. */
#include <stdbool.h>
#include <stdint.h>
#include "metop/rows.h"

#define ME_HEALTH_TEXT 128

struct me_health {
	char version[ME_HEALTH_TEXT];
	char profile[ME_HEALTH_TEXT];
	char generation[ME_HEALTH_TEXT];
	char mode[ME_HEALTH_TEXT];  /* what is done about violations */
	char until[ME_HEALTH_TEXT]; /* RFC 3339: the end of that; or "" */
	bool enforcing;             /* some are denied */
	uint64_t ts_ns;
	uint64_t uptime_s;
	uint64_t hooks_ok, hooks_total;
	uint64_t attempts; /* of all vantages */
	uint64_t bytes;    /* payload of all endpoints, both ways */
	uint64_t allowed, local, violation, unresolved, pending;
	uint64_t lost; /* events that nobody will hear of */
	uint64_t problems;
};

/*
 * Reads the answer as me_answer_tree() gives it. What it does not say is 0 or "". The rows of the
 * view are made new: problems first, then the rest in the daemon's order. 0 or -ENOMEM.
 */
int me_health_read(const struct me_rows *tree, struct me_health *ret_health,
		   struct me_rows **ret_rows);

/* The rows alone. */
int me_health_rows(const struct me_rows *tree, struct me_rows **ret_rows);

/* Attempts a second between two answers; negative: not known. */
double me_health_attempt_rate(const struct me_health *now, const struct me_health *before);

#endif
