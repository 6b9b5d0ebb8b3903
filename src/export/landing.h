/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_LANDING_H
#define MEWATCH_EXPORT_LANDING_H

/* The page at the root of the metrics port: what this is, and where the metrics are. */
#include "base/strbuf.h"
#include "export/status.h"

#define ME_LANDING_TYPE "text/html; charset=utf-8"

/*
 * Appends the page. Whoever has an account on the machine may read it, so it tells version, uptime,
 * the policy's profile and digest, and how many of each hook are attached; no address, no path and no
 * process. 0 or -ENOMEM.
 */
int me_landing_write(const struct me_status *status, struct me_strbuf *out);

#endif
