/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_ANSWERS_H
#define MEWATCH_LEDGER_ANSWERS_H

/*
 * All DNS answers that were seen, as pairs of the name that was asked for and an address: where the
 * names of flows come from, and what a reload and a restart begin with. Bounded. Times are
 * CLOCK_MONOTONIC nanoseconds. Not locked.
 *
 * At the bound the pair that ends first leaves. A heap keeps the ends in order, so that none has to be
 * searched for; an end that was put off is moved there only when its turn would have come, so that
 * the answers that come again, which are nearly all, cost a look-up.
 */
#include <stddef.h>
#include <stdint.h>
#include "ledger/intern.h"
#include "mewatch/address.h"

/* Pairs of a cache at the most: both texts of each find room, and those of the one that comes. */
#define ME_ANSWERS_MAX (ME_INTERN_MAX / 2 - 1)

/* Names of one address, and addresses of one name; the one seen least recently makes room. */
#define ME_ANSWERS_OF_ONE_MAX 256u

struct me_answers;

struct me_answer {
	const char *name;       /* lower case, no trailing dot, as me_name_to_text() gives it */
	const char *target;     /* the last name of its chain of CNAMEs, or NULL */
	struct me_addr address; /* network order */
	struct me_addr server;
	uint64_t since_ns; /* first seen */
	uint64_t last_ns;  /* last seen */
	uint64_t until_ns; /* its life ends */
	uint64_t count;    /* answers that gave it */
};

/* A cache of at most `max` pairs (1 to ME_ANSWERS_MAX). NULL without memory. */
struct me_answers *me_answers_new(size_t max);
void me_answers_free(struct me_answers **answers);

/*
 * Adds the pair, its texts copied. Merged with one that is known: `since_ns` stays the smaller,
 * `last_ns` and `until_ns` the larger, `count` adds up, `server` and `target` are those of the later.
 * A new one always gets in; who has to leave is counted. An empty name, the root's, is passed over.
 * 0; -ENOMEM, and then the pair is not there or as it was.
 */
int me_answers_add(struct me_answers *answers, const struct me_answer *answer);

/* Forgets what ended before. */
void me_answers_expire(struct me_answers *answers, uint64_t before_ns);

size_t me_answers_count(const struct me_answers *answers);

/* Pairs that left for want of room. */
uint64_t me_answers_evicted(const struct me_answers *answers);

/*
 * Walks: start with *cursor 0, until NULL. What is returned is the cache's, and it and the cursor are
 * valid until the cache changes. Those of an address or of a name (as in struct me_answer) come with
 * the latest `last_ns` first; all pairs come in no order that means anything.
 */
const struct me_answer *me_answers_next(const struct me_answers *answers, size_t *cursor);
const struct me_answer *me_answers_of_address(const struct me_answers *answers,
					      const struct me_addr *address, size_t *cursor);
const struct me_answer *me_answers_of_name(const struct me_answers *answers, const char *name,
					   size_t *cursor);

#endif
