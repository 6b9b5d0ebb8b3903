/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ALIASES_H
#define MEWATCH_LEDGER_ALIASES_H

/*
 * Names that stand for others: a resolver that keeps the pieces of a chain of CNAMEs apart asks for the
 * target alone, and what it is answered belongs to the names in front of it as well. Bounded. Times
 * are CLOCK_MONOTONIC nanoseconds; names are as me_name_to_text() gives them.
 */
#include <stddef.h>
#include <stdint.h>

#define ME_ALIASES_TARGETS_MAX 4096u /* beyond it a new target is not remembered */
#define ME_ALIASES_OF_ONE_MAX 8u     /* names of one target; the one that ends first makes room */

struct me_aliases;

/* NULL without memory. */
struct me_aliases *me_aliases_new(void);
void me_aliases_free(struct me_aliases **aliases);

/* `name` leads to `target` until then; what is known is prolonged. 0, -ENOSPC or -ENOMEM. */
int me_aliases_put(struct me_aliases *aliases, const char *target, const char *name,
		   uint64_t until_ns);

/*
 * The names that lead to `target` at `now_ns`: start with *cursor 0, until NULL. Valid until the next
 * change.
 */
const char *me_aliases_next(const struct me_aliases *aliases, const char *target, uint64_t now_ns,
			    size_t *cursor);

/* All of them: calls `fn` for each that holds at `now_ns`. `fn` changes nothing here. */
void me_aliases_each(const struct me_aliases *aliases, uint64_t now_ns,
		     void (*fn)(const char *target, const char *name, uint64_t until_ns,
				void *userdata),
		     void *userdata);

/* Forgets what ended before. */
void me_aliases_expire(struct me_aliases *aliases, uint64_t before_ns);

#endif
