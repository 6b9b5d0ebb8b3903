/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_RUN_OPTIONS_H
#define MEWATCH_MEWATCH_RUN_OPTIONS_H

/* The options of `mewatch run`. */
#include "mewatch/daemon.h"

#define ME_RUN_LISTS 3 /* options that may be given several times */

/*
 * Reads the options. `words` has room for ME_RUN_LISTS times `argc` pointers; the lists among the
 * options point into it. -1: run. Otherwise the exit code: help was asked for, or they make no sense
 * (logged).
 */
int me_run_options(int argc, char **argv, const char **words,
		   struct me_daemon_options *ret_options);

#endif
