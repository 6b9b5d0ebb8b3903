/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_ENTRIES_H
#define MEWATCH_POLICY_COMPILE_ENTRIES_H

/*
 * First step of the compiler: the rules in force become entries, strongest first, and the addresses
 * and prefixes that belong to them. An entry is one endpoint of one rule; addresses of a rule share
 * one, and so do its prefixes of one length, because these differ in strength.
 */
#include "policy/compile.h"

/* An address (128 bits) or prefix that means something. */
struct me_target {
	struct me_addr address;
	uint32_t entry; /* rank; 0: no rule names it here */
	uint8_t bits;
	uint8_t flags; /* ME_DEST_RESOLVER … and ME_TARGET_… */
};

#define ME_TARGET_DIRECT 64u   /* a resolver in its own right, not only a stub's upstream */
#define ME_TARGET_SPECIAL 128u /* `any` does not reach it: me_addr_kind() does not call it global */

struct me_entries {
	struct me_entry *list; /* [0] is unused */
	struct me_image_source *sources;
	uint32_t count;            /* the unused one included */
	struct me_target *targets; /* sorted by (address, bits, entry) */
	size_t n_targets;
};

/*
 * Fills `ret_entries`, which starts out zeroed and is to be freed whatever happens. 0, -EINVAL
 * (diagnosed: no more ids) or -ENOMEM.
 */
int me_compile_entries(const struct me_policy *policy, const struct me_environment *environment,
		       struct me_registry *registry, struct me_diagnostics *diagnostics,
		       struct me_entries *ret_entries);
void me_entries_free(struct me_entries *entries);

#endif
