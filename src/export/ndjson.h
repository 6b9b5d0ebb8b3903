/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_NDJSON_H
#define MEWATCH_EXPORT_NDJSON_H

/*
 * Events as lines of JSON (DESIGN, "Events"), into a file or to standard output. Whole lines only:
 * what a full disk or a kill left of one is removed, or in a pipe ended. A pipe that nobody reads
 * does not stop the daemon: the event counts as not written.
 */
#include "base/strbuf.h"
#include "ledger/events.h"

struct me_ndjson;

/*
 * Opens `path` for appending, made with mode 0640; "-" is standard output, NULL is nowhere (every
 * write succeeds). `ledger` gives the names; both are borrowed. 0, -ENOMEM, or what open(2) says.
 */
int me_ndjson_open(const char *path, const struct me_ledger *ledger, struct me_ndjson **ret_ndjson);
void me_ndjson_close(struct me_ndjson **ndjson);

/* Opens the path anew, after logrotate moved the file. On failure the old file stays. 0 or errno. */
int me_ndjson_reopen(struct me_ndjson *ndjson);

/* The sink for me_events_new(); valid until the close. */
struct me_event_sink me_ndjson_sink(struct me_ndjson *ndjson);

/* Appends the line of an event. 0 or -ENOMEM. */
int me_ndjson_format(const struct me_event *event, const struct me_ledger *ledger,
		     struct me_strbuf *out);

#endif
