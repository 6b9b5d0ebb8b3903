/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_METRIC_H
#define MEWATCH_EXPORT_METRIC_H

/* The lines of the Prometheus text format. */
#include <stdint.h>
#include "base/strbuf.h"

#define ME_METRIC_LABELS_MAX 4u

struct me_label {
	const char *name;
	const char *value; /* NULL: shown as "" */
};

/* The HELP and TYPE lines of a metric: "counter" or "gauge". */
void me_metric_head(struct me_strbuf *out, const char *name, const char *type, const char *help);

/* One sample. Labels end at the first without a name, or at ME_METRIC_LABELS_MAX. */
void me_metric_sample(struct me_strbuf *out, const char *name,
		      const struct me_label labels[ME_METRIC_LABELS_MAX], uint64_t value);

/* The same with a fraction: `nano` is in billionths. */
void me_metric_sample_nano(struct me_strbuf *out, const char *name,
			   const struct me_label labels[ME_METRIC_LABELS_MAX], uint64_t nano);

#define ME_LABELS(...) ((const struct me_label[ME_METRIC_LABELS_MAX]){__VA_ARGS__})
#define ME_NO_LABELS ((const struct me_label[ME_METRIC_LABELS_MAX]){{NULL, NULL}})

#endif
