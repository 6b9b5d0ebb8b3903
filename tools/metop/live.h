/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_LIVE_H
#define METOP_LIVE_H

/* The live view: keys, signals, replies and the clock, in one loop. */
#include "metop/options.h"
#include "metop/screen.h"

/*
 * Runs until the user or a signal ends it. `restore` is filled before the terminal is changed; with
 * it a signal handler can give the terminal back. 0, -ENOTTY where a live view is not possible,
 * -EINVAL for a source that cannot be one, or another error of the system.
 */
int me_live(const struct me_options *options, struct me_screen_restore *restore);

#endif
