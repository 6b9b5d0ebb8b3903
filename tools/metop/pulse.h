/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_PULSE_H
#define METOP_PULSE_H

/*
 * How much happens: rates of the last minutes, out of counters that are looked at now and then. What
 * a counter grew by between two looks is spread over the time between them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ME_PULSE_STEP_S 5u /* seconds of a step, the smallest thing that a bar can be */
#define ME_PULSE_STEPS 60u /* that are shown: five minutes */
#define ME_PULSE_COLUMNS_MAX 60u
#define ME_PULSE_LEN (3 * ME_PULSE_COLUMNS_MAX + 1) /* bytes of the bars, at the most */

/* constant, label */
#define ME_PULSE_LIST(X)                                                                           \
	X(ATTEMPTS, "attempts/s")                                                                  \
	X(VIOLATIONS, "violations/s")                                                              \
	X(BYTES, "bytes/s")

#define ME_PICK_PULSE(constant, label) ME_PULSE_##constant,
enum me_pulse_series { ME_PULSE_LIST(ME_PICK_PULSE) ME_PULSE_SERIES };
#undef ME_PICK_PULSE

const char *me_pulse_label(enum me_pulse_series series);

struct me_pulse {
	uint64_t ts_ns;                   /* of the last look, by the daemon's clock; 0: none */
	uint64_t counts[ME_PULSE_SERIES]; /* then */
	double rate[ME_PULSE_SERIES];     /* since the look before; negative: not known */
	uint64_t step;                    /* the latest one, counted from the epoch */
	double seconds[ME_PULSE_STEPS];   /* of each step that were looked at; by step modulo */
	double grown[ME_PULSE_SERIES][ME_PULSE_STEPS];
};

void me_pulse_init(struct me_pulse *pulse);

/* A look. One without a newer time is none; where a counter fell all begins anew. */
void me_pulse_take(struct me_pulse *pulse, uint64_t ts_ns, const uint64_t counts[ME_PULSE_SERIES]);

/*
 * Writes bars in at most `columns` columns, the latest at the right, the tallest as high as a line; a dot
 * is nothing, a space not known. *ret_most is the rate of the tallest.
 */
void me_pulse_bars(const struct me_pulse *pulse, enum me_pulse_series series, size_t columns,
		   char out[ME_PULSE_LEN], double *ret_most);

#endif
