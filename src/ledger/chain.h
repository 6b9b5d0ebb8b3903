/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_CHAIN_H
#define MEWATCH_LEDGER_CHAIN_H

/*
 * Order among numbered slots: a doubly linked list over an array of links. Slot 0 is never used, so
 * 0 is "none".
 */
#include <stdint.h>

struct me_link {
	uint32_t before, after;
};

struct me_chain {
	uint32_t first, last;
};

/* Puts a slot that is in no chain at the end. */
static inline void me_chain_add(struct me_chain *chain, struct me_link *links, uint32_t slot)
{
	links[slot] = (struct me_link){.before = chain->last};
	if (chain->last)
		links[chain->last].after = slot;
	else
		chain->first = slot;
	chain->last = slot;
}

/* Takes a slot out of the chain that it is in. */
static inline void me_chain_remove(struct me_chain *chain, struct me_link *links, uint32_t slot)
{
	struct me_link link = links[slot];

	if (link.before)
		links[link.before].after = link.after;
	else
		chain->first = link.after;
	if (link.after)
		links[link.after].before = link.before;
	else
		chain->last = link.before;
}

#endif
