/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_PROMETHEUS_H
#define MEWATCH_EXPORT_PROMETHEUS_H

/* The metrics, as Prometheus text (exposition format 0.0.4). */
#include "base/strbuf.h"
#include "export/status.h"
#include "ledger/ledger.h"

#define ME_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * Appends all metrics, in an order that does not change. Series that enumerations make are there
 * from the start, with 0: a rate over a series that appears with its first count misses that count.
 * 0 or -ENOMEM.
 */
int me_prometheus_write(const struct me_ledger *ledger, const struct me_status *status,
			struct me_strbuf *out);

/* The process_* metrics of this process, from /proc/self; what cannot be read is left out. */
void me_prometheus_process(struct me_strbuf *out);
/* Bytes of memory that this process has; 0: cannot be read. */
uint64_t me_process_resident(void);

/* Writes the metrics to a file, atomically, for a textfile collector. 0 or a negative errno. */
int me_prometheus_textfile(const struct me_ledger *ledger, const struct me_status *status,
			   const char *path);

#endif
