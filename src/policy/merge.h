/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_MERGE_H
#define MEWATCH_POLICY_MERGE_H

/* The profile's rules as the site file leaves them: `remove:` and `override:`. */
#include "policy/rules.h"
#include "policy/settings.h"

/*
 * Adds to `merged` the rules of `profile`, in their order, without the entries that `site` removes;
 * an entry that it overrides becomes a rule of its own with the place of the override. An entry that
 * the profile does not have is diagnosed. The destinations of `profile` are rearranged. 0 or -ENOMEM.
 */
int me_merge(struct me_reader *reader, const struct me_sections *site, struct me_rules *profile,
	     struct me_rules *merged);

#endif
