/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_PROFILES_H
#define MEWATCH_POLICY_PROFILES_H

/* What two profiles list, side by side. */
#include "base/strbuf.h"
#include "policy/policy.h"

enum me_profile_change_kind {
	ME_PROFILE_SAME, /* no change */
	ME_PROFILE_MORE,
	ME_PROFILE_LESS,
	ME_PROFILE_RETIRED,   /* as before, but retired now */
	ME_PROFILE_OTHERWISE, /* with other ports, another FTP mode, … or no longer retired */
};
const char *me_profile_change_label(enum me_profile_change_kind kind);

/* One destination of one service; `before` or `after` is NULL if that profile does not have it. */
struct me_profile_change {
	enum me_profile_change_kind kind;
	const struct me_to *to;
	const struct me_rule *before;
	const struct me_rule *after;
};

/*
 * What `after` lists otherwise than `before`, by service and destination. The list is the caller's to
 * free(); it points into both. 0 or -ENOMEM.
 */
int me_profile_diff(const struct me_policy *before, const struct me_policy *after,
		    struct me_profile_change **ret_changes, size_t *ret_n);

/* "announced", "documented", "any"; NULL where a rule does not say. */
const char *me_profile_passive_label(enum me_rule_passive passive);

/* Appends "tcp/80, tcp/443, every 1d, retired": what a rule says of its destinations. */
void me_profile_describe(const struct me_rule *rule, struct me_strbuf *out);

#endif
