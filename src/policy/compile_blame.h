/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_BLAME_H
#define MEWATCH_POLICY_COMPILE_BLAME_H

#include <stdint.h>

struct me_policy;
struct me_diagnostics;

/*
 * Diagnoses, as an error, that a bound of the compiler is exceeded: the formatted text, and the
 * three rules with the largest of `shares` (one a rule of the policy, counted in `unit`) with their
 * places. The diagnostic stands at the first of them.
 */
void me_compile_blame(struct me_diagnostics *diagnostics, const struct me_policy *policy,
		      const uint32_t *shares, const char *unit, const char *kind,
		      const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
