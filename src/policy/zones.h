/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_ZONES_H
#define MEWATCH_POLICY_ZONES_H

/* The DNS blocklists that are known without being told; `dns:` adds to them. */
#include "policy/policy.h"

/* Makes the zones of `policy` the built-in ones. 0 or -ENOMEM. */
int me_zones_default(struct me_policy *policy);

#endif
