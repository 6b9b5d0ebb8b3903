/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_IMPLIED_H
#define MEWATCH_POLICY_IMPLIED_H

/* Rules that follow from settings. */
#include "policy/rules.h"
#include "policy/settings.h"

/*
 * `remoting:` allows its ports on the host itself; `proxy:` allows the proxy at its port, unless a
 * rule of the site says `to: proxy`. The rules go to the end of the site's or the profile's, after
 * where the setting stands. 0 or -ENOMEM.
 */
int me_imply_rules(struct me_reader *reader, const struct me_policy *policy,
		   const struct me_sections *site_sections, struct me_rules *site,
		   const struct me_sections *profile_sections, struct me_rules *profile);

#endif
