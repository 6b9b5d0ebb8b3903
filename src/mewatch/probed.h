/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PROBED_H
#define MEWATCH_MEWATCH_PROBED_H

/* What `mewatch probe` found, on standard output: a table, or one JSON object. 0, -ENOMEM or -EIO. */
#include "probe/probe.h"

int me_probed_print(const struct me_probe *probe);
int me_probed_print_json(const struct me_probe *probe);

#endif
