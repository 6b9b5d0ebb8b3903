/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PROFILES_DIFF_H
#define MEWATCH_MEWATCH_PROFILES_DIFF_H

/* What one profile lists otherwise than another, for people and for scripts. */
#include <stdbool.h>

struct me_policy;

/*
 * Prints what `after` has more, less, retired or otherwise than `before`; nothing, or as JSON an object
 * that says so, where they list the same. An exit code: ME_EXIT_OK, they list the same;
 * ME_EXIT_FINDINGS, they do not; ME_EXIT_USAGE (logged), it cannot be told.
 */
int me_profiles_print_diff(const struct me_policy *before, const struct me_policy *after,
			   bool json);

#endif
