/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_ROWS_H
#define MEWATCH_PROBE_ROWS_H

/* From answers to ways: what there is to dial, and what need not be. Only for the probe itself. */
#include "probe/probe.h"

/* The questions of a name: the first for A, then that for AAAA. NULL: it is not asked for. */
struct me_lookup *me_probe_lookups(const struct me_probe *probe, const char *name);

/* Which of the servers that are asked has the address; -1: none. */
int me_probe_server(const struct me_probe *probe, const struct me_addr *address);

/* Whether there is a way through the proxy to the target. */
bool me_probe_is_proxied(const struct me_probe *probe, const struct me_probe_target *target);

/*
 * Adds the rows of a target, once all questions have their outcome. Rows to be dialled have a method;
 * the others have an outcome. 0 or -ENOMEM.
 */
int me_probe_add_rows(struct me_probe *probe, const struct me_probe_target *target);

#endif
