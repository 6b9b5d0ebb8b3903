/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_DESTINATIONS_H
#define MEWATCH_POLICY_COMPILE_DESTINATIONS_H

/* Third step of the compiler: addresses and prefixes become destinations with rows. */
#include "policy/compile_rows.h"

/*
 * Fills the image's addresses and prefixes. One sweep over the sorted targets: what lies in a prefix
 * has the prefix's entries too. What would be looked up with the same result without it is left out.
 * 0 or -ENOMEM.
 */
int me_compile_destinations(const struct me_entries *entries, struct me_rows *rows,
			    struct me_image *image);

#endif
