/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/answers.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/chain.h"
#include "ledger/heap.h"

struct pair {
	struct me_answer answer;
	uint32_t name; /* the texts, as ids; 0: the slot is free */
	uint32_t target;
};

struct pair_key {
	struct me_addr address;
	uint32_t name;
	uint32_t zero;
};

/* What a pair belongs to besides itself. */
enum side { OF_ADDRESS, OF_NAME, SIDES };

/* The pairs of one address or of one name, the least recently seen first. */
struct family {
	struct me_chain chain;
	uint32_t count;
};

struct me_answers {
	struct me_intern *texts;
	struct me_table *index;           /* struct pair_key -> slot */
	struct me_table *families[SIDES]; /* address, or id of a name -> struct family */
	struct pair *pairs;               /* [0] is never used */
	struct me_link *links[SIDES];
	struct me_chain free; /* in links[OF_ADDRESS] */
	/*
	 * The ends of the pairs. A merge leaves its pair where it is: the time there may be too early,
	 * never too late.
	 */
	struct me_heap ends;
	uint32_t max;
	uint32_t used; /* slots that were ever used, slot 0 included */
	uint64_t evicted;
};

struct me_answers *me_answers_new(size_t max)
{
	struct me_answers *answers = calloc(1, sizeof(*answers));

	assert(max > 0 && max <= ME_ANSWERS_MAX);
	if (!answers)
		return NULL;
	answers->max = (uint32_t)max;
	answers->used = 1;
	answers->texts = me_intern_new();
	answers->index = me_table_new(sizeof(struct pair_key), sizeof(uint32_t), max);
	answers->families[OF_ADDRESS] =
		me_table_new(sizeof(struct me_addr), sizeof(struct family), max);
	answers->families[OF_NAME] = me_table_new(sizeof(uint32_t), sizeof(struct family), max);
	answers->pairs = calloc(max + 1, sizeof(*answers->pairs));
	answers->links[OF_ADDRESS] = calloc(max + 1, sizeof(struct me_link));
	answers->links[OF_NAME] = calloc(max + 1, sizeof(struct me_link));
	answers->ends.entries = calloc(max + 1, sizeof(*answers->ends.entries));
	answers->ends.places = calloc(max + 1, sizeof(*answers->ends.places));
	if (!answers->texts || !answers->index || !answers->families[OF_ADDRESS] ||
	    !answers->families[OF_NAME] || !answers->pairs || !answers->links[OF_ADDRESS] ||
	    !answers->links[OF_NAME] || !answers->ends.entries || !answers->ends.places)
		me_answers_free(&answers);
	return answers;
}

void me_answers_free(struct me_answers **answers)
{
	struct me_answers *held = me_steal_ptr(answers);

	if (!held)
		return;
	me_intern_free(&held->texts);
	me_table_free(&held->index);
	for (enum side side = 0; side < SIDES; side++) {
		me_table_free(&held->families[side]);
		free(held->links[side]);
	}
	free(held->pairs);
	free(held->ends.entries);
	free(held->ends.places);
	free(held);
}

/* --- One pair ------------------------------------------------------------------------------------ */

static struct pair_key key_of(const struct pair *pair)
{
	return (struct pair_key){.address = pair->answer.address, .name = pair->name};
}

/* What its family on that side is found by. */
static const void *relation(const struct pair *pair, enum side side)
{
	return side == OF_NAME ? (const void *)&pair->name : &pair->answer.address;
}

static struct family *family_of(const struct me_answers *answers, const struct pair *pair,
				enum side side)
{
	return me_table_get(answers->families[side], relation(pair, side));
}

/*
 * Puts the slot where its last_ns belongs. Answers come in order of time, or nearly: it is near the
 * end, and a family is not large.
 */
static void join(struct me_answers *answers, enum side side, uint32_t slot)
{
	struct family *family = family_of(answers, &answers->pairs[slot], side);
	struct me_link *links = answers->links[side];
	uint64_t last_ns = answers->pairs[slot].answer.last_ns;
	uint32_t before = family->chain.last, after;

	while (before && answers->pairs[before].answer.last_ns > last_ns)
		before = links[before].before;
	after = before ? links[before].after : family->chain.first;
	links[slot] = (struct me_link){.before = before, .after = after};
	*(before ? &links[before].after : &family->chain.first) = slot;
	*(after ? &links[after].before : &family->chain.last) = slot;
	family->count++;
}

static void leave(struct me_answers *answers, enum side side, uint32_t slot)
{
	struct family *family = family_of(answers, &answers->pairs[slot], side);

	me_chain_remove(&family->chain, answers->links[side], slot);
	family->count--;
}

/* Forgets the family of the pair on that side if nobody is left. */
static void forget_empty(struct me_answers *answers, const struct pair *pair, enum side side)
{
	const struct family *family = family_of(answers, pair, side);

	if (family && !family->count)
		me_table_remove(answers->families[side], relation(pair, side));
}

static void drop(struct me_answers *answers, uint32_t slot)
{
	struct pair *pair = &answers->pairs[slot];
	struct pair_key key = key_of(pair);

	for (enum side side = 0; side < SIDES; side++) {
		leave(answers, side, slot);
		forget_empty(answers, pair, side);
	}
	me_table_remove(answers->index, &key);
	me_heap_remove(&answers->ends, slot);
	me_intern_put(answers->texts, pair->name);
	me_intern_put(answers->texts, pair->target);
	*pair = (struct pair){0};
	me_chain_add(&answers->free, answers->links[OF_ADDRESS], slot);
}

static void evict(struct me_answers *answers, uint32_t slot)
{
	answers->evicted++;
	drop(answers, slot);
}

/* --- Adding -------------------------------------------------------------------------------------- */

/* The pair that ends first; 0: there is none. */
static uint32_t first_to_end(struct me_answers *answers)
{
	struct me_heap *ends = &answers->ends;

	while (ends->count) {
		uint32_t slot = ends->entries[1].slot;
		uint64_t until_ns = answers->pairs[slot].answer.until_ns;

		if (ends->entries[1].time == until_ns)
			return slot;
		me_heap_change(ends, slot, until_ns);
	}
	return 0;
}

/* Makes room for the pair, which is not there yet. */
static void make_room(struct me_answers *answers, const struct pair *pair)
{
	for (enum side side = 0; side < SIDES; side++) {
		const struct family *family = family_of(answers, pair, side);

		if (family && family->count >= ME_ANSWERS_OF_ONE_MAX)
			evict(answers, family->chain.first);
	}
	if (answers->ends.count >= answers->max)
		evict(answers, first_to_end(answers));
}

static uint32_t take_slot(struct me_answers *answers)
{
	uint32_t slot = answers->free.first;

	if (!slot)
		return answers->used++;
	me_chain_remove(&answers->free, answers->links[OF_ADDRESS], slot);
	return slot;
}

static int insert(struct me_answers *answers, struct pair *pair)
{
	struct pair_key key = key_of(pair);
	uint32_t slot;
	void *value;
	int r = 0;

	make_room(answers, pair);
	for (enum side side = 0; side < SIDES && r >= 0; side++)
		r = me_table_put(answers->families[side], relation(pair, side), NULL);
	if (r >= 0)
		r = me_table_put(answers->index, &key, &value);
	if (r < 0) {
		forget_empty(answers, pair, OF_ADDRESS);
		forget_empty(answers, pair, OF_NAME);
		return r;
	}
	slot = take_slot(answers);
	*(uint32_t *)value = slot;
	answers->pairs[slot] = *pair;
	pair->name = pair->target = 0;
	pair = &answers->pairs[slot];
	pair->answer.name = me_intern_text(answers->texts, pair->name);
	pair->answer.target = me_intern_text(answers->texts, pair->target);
	join(answers, OF_ADDRESS, slot);
	join(answers, OF_NAME, slot);
	me_heap_add(&answers->ends, slot, pair->answer.until_ns);
	return 0;
}

static void merge(struct me_answers *answers, uint32_t slot, struct pair *pair)
{
	struct me_answer *known = &answers->pairs[slot].answer;
	const struct me_answer *other = &pair->answer;
	uint32_t target = answers->pairs[slot].target;

	known->count += other->count;
	if (other->since_ns < known->since_ns)
		known->since_ns = other->since_ns;
	if (other->until_ns > known->until_ns)
		known->until_ns = other->until_ns;
	if (other->last_ns < known->last_ns)
		return;
	for (enum side side = 0; side < SIDES; side++)
		leave(answers, side, slot);
	known->last_ns = other->last_ns;
	for (enum side side = 0; side < SIDES; side++)
		join(answers, side, slot);
	known->server = other->server;
	known->target = me_intern_text(answers->texts, pair->target);
	answers->pairs[slot].target = pair->target;
	pair->target = target; /* for the caller to release */
}

/* The id of a text, for which others make room: those of the pairs that end first. 0: none, or no memory. */
static uint32_t keep_text(struct me_answers *answers, const char *text)
{
	uint32_t id = me_intern_get(answers->texts, text), slot;

	while (!id && text && *text && (slot = first_to_end(answers))) {
		evict(answers, slot);
		id = me_intern_get(answers->texts, text);
	}
	return id;
}

int me_answers_add(struct me_answers *answers, const struct me_answer *answer)
{
	bool has_target = answer->target && *answer->target;
	struct pair pair = {.answer = *answer};
	const uint32_t *known;
	struct pair_key key;
	int r = 0;

	if (!*answer->name)
		return 0;
	pair.name = keep_text(answers, answer->name);
	pair.target = keep_text(answers, answer->target);
	if (!pair.name || (has_target && !pair.target)) {
		r = -ENOMEM;
	} else {
		key = key_of(&pair);
		known = me_table_get(answers->index, &key);
		if (known)
			merge(answers, *known, &pair);
		else
			r = insert(answers, &pair);
	}
	/* What is not kept. */
	me_intern_put(answers->texts, pair.name);
	me_intern_put(answers->texts, pair.target);
	return r;
}

void me_answers_expire(struct me_answers *answers, uint64_t before_ns)
{
	for (;;) {
		uint32_t slot = first_to_end(answers);

		if (!slot || answers->pairs[slot].answer.until_ns >= before_ns)
			break;
		drop(answers, slot);
	}
}

/* --- Reading ------------------------------------------------------------------------------------- */

size_t me_answers_count(const struct me_answers *answers)
{
	return answers->ends.count;
}

uint64_t me_answers_evicted(const struct me_answers *answers)
{
	return answers->evicted;
}

const struct me_answer *me_answers_next(const struct me_answers *answers, size_t *cursor)
{
	while (*cursor + 1 < answers->used) {
		const struct pair *pair = &answers->pairs[++*cursor];

		if (pair->name)
			return &pair->answer;
	}
	return NULL;
}

/* Goes on in the family that is found by `key`. */
static const struct me_answer *next_of(const struct me_answers *answers, enum side side,
				       const void *key, size_t *cursor)
{
	const struct family *family = *cursor ? NULL : me_table_get(answers->families[side], key);
	uint32_t slot = *cursor  ? answers->links[side][*cursor].before
			: family ? family->chain.last
				 : 0;

	if (!slot)
		return NULL;
	*cursor = slot;
	return &answers->pairs[slot].answer;
}

const struct me_answer *me_answers_of_address(const struct me_answers *answers,
					      const struct me_addr *address, size_t *cursor)
{
	return next_of(answers, OF_ADDRESS, address, cursor);
}

const struct me_answer *me_answers_of_name(const struct me_answers *answers, const char *name,
					   size_t *cursor)
{
	uint32_t id = 0;

	if (!*cursor) {
		/* Its id is all that is wanted; a name that nobody holds is gone again. */
		id = me_intern_get(answers->texts, name);
		me_intern_put(answers->texts, id);
		if (!id)
			return NULL;
	}
	return next_of(answers, OF_NAME, &id, cursor);
}
