/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_PROFILES_H
#define MEWATCH_POLICY_PROFILES_H

/* What two profiles list, side by side. */
#include "base/strbuf.h"
#include "policy/policy.h"

/* One destination of one service; `before` or `after` is NULL if that profile does not have it. */
struct me_profile_change {
	const struct me_to *to;
	const struct me_rule *before;
	const struct me_rule *after;
};

/*
 * What `after` lists otherwise than `before`, by service and destination: added, dropped, or with
 * other ports, retirement or FTP mode. The list is the caller's to free(); it points into both. 0 or
 * -ENOMEM.
 */
int me_profile_diff(const struct me_policy *before, const struct me_policy *after,
		    struct me_profile_change **ret_changes, size_t *ret_n);

/* Appends "tcp/80, tcp/443, retired": what a rule says of its destinations. */
void me_profile_describe(const struct me_rule *rule, struct me_strbuf *out);

#endif
