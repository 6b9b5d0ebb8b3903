/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_LINT_H
#define MEWATCH_POLICY_LINT_H

/* What a policy says that it hardly means. It can be used all the same. */
#include "policy/diagnostics.h"

/*
 * Adds findings and notes on `policy`. What stands in a shipped profile is a note: its user cannot
 * change it. `now_epoch_ns` is for `until:`. 0 or -ENOMEM.
 */
int me_lint(const struct me_policy *policy, uint64_t now_epoch_ns,
	    struct me_diagnostics *diagnostics);

/* Of a lint run: shared by the files of the linter. */
struct me_linter {
	const struct me_policy *policy;
	uint64_t now_epoch_ns;
	struct me_diagnostics *diagnostics;
};

/* Adds a finding at `at`, or a note if it stands in a shipped profile. */
void me_lint_tell(struct me_linter *linter, const struct me_place *at, const char *kind,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whether the rule has all ports of a protocol. */
bool me_lint_every_port(const struct me_rule *rule);

/* Interfaces and mail hosts, as far as they can be known without the machine. 0 or -ENOMEM. */
int me_lint_watch(struct me_linter *linter);

/* Rules whose `mode:` another one takes from them. */
void me_lint_modes(struct me_linter *linter);

/* Ports of `to: any` that other rules have for their destinations alone. 0 or -ENOMEM. */
int me_lint_any(struct me_linter *linter);

/* Names inside a wildcard of the same rule. 0 or -ENOMEM. */
int me_lint_names(struct me_linter *linter);

/* Destinations that are listed twice, or lie inside a prefix of the same rule. 0 or -ENOMEM. */
int me_lint_overlap(struct me_linter *linter);

/* Services that are spelled almost like another. 0 or -ENOMEM. */
int me_lint_services(struct me_linter *linter);

#endif
