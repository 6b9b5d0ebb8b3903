/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_TROUBLES_H
#define MEWATCH_MEWATCH_TROUBLES_H

/* What the status says of bounds that were met, and of what somebody should look at. */
#include "export/status.h"

struct me_daemon;
struct me_troubles;

/* Nothing yet; NULL without memory. */
struct me_troubles *me_troubles_new(void);
void me_troubles_free(struct me_troubles **troubles);

/*
 * Sets limits and problems of *status as they are now, borrowed until the next call. Needs a daemon
 * that watches. `textfile` and `events` say what is wrong with these files, 0 or a negative errno,
 * `http_cut` is me_http_cut().
 */
void me_troubles_read(struct me_troubles *troubles, const struct me_daemon *daemon, int textfile,
		      int events, uint64_t http_cut, struct me_status *status);

#endif
