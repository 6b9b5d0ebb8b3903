/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_COLUMNS_H
#define MEWATCH_POLICY_COMPILE_COLUMNS_H

/*
 * Second step of the compiler: port slots become columns. Two slots share a column iff the same
 * rules cover them and they are of the same kind (DNS, remoting, …).
 */
#include "policy/compile_entries.h"

/* Which columns each rule covers: a bit set a rule. */
struct me_cover {
	uint64_t *bits;
	uint32_t words; /* of one rule's set */
	uint32_t columns;
};

/*
 * Fills head->slot, head->columns and head->column. `ret_cover` starts out zeroed and is to be freed
 * whatever happens. 0, -EINVAL (diagnosed: too many columns) or -ENOMEM.
 */
int me_compile_columns(const struct me_policy *policy, uint64_t now_epoch_ns,
		       const struct me_entries *entries, struct me_diagnostics *diagnostics,
		       struct me_head *head, struct me_cover *ret_cover);
void me_cover_free(struct me_cover *cover);

/* The first column at `from` or after it that the rule covers; cover->columns if there is none. */
static inline uint32_t me_cover_next(const struct me_cover *cover, uint32_t rule, uint32_t from)
{
	const uint64_t *set = cover->bits + (size_t)rule * cover->words;

	for (uint32_t word = from / 64; word < cover->words; word++) {
		uint64_t rest = set[word] & (word == from / 64 ? ~0ull << from % 64 : ~0ull);

		if (rest)
			return word * 64 + (uint32_t)__builtin_ctzll(rest);
	}
	return cover->columns;
}

#endif
