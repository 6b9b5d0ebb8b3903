/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_NAMES_H
#define MEWATCH_POLICY_COMPILE_NAMES_H

/* The names of a policy: the rows of their endpoints, and what a DNS answer for them means. */
#include "policy/compile_rows.h"

/* Fills the image's rows of endpoints that are names. 0 or -ENOMEM. */
int me_compile_endpoints(const struct me_entries *entries, struct me_rows *rows,
			 struct me_image *image);

/*
 * Fills the image's name entries and head->name_depths: the names of rules, the zones of block lists
 * and the domains of SpamRazer. 0, -EINVAL (diagnosed: too many endpoints of one name, too many
 * zones, two names with one hash) or -ENOMEM.
 */
int me_compile_names(const struct me_policy *policy, const struct me_entries *entries,
		     struct me_registry *registry, struct me_diagnostics *diagnostics,
		     struct me_image *image);

#endif
