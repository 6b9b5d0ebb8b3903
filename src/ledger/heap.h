/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_HEAP_H
#define MEWATCH_LEDGER_HEAP_H

/*
 * The earliest among numbered slots: a binary heap over arrays of the owner. Slot 0 is never used;
 * entries[1] is the earliest. Among equal times any may be first.
 */
#include <stdint.h>

struct me_heap_entry {
	uint64_t time;
	uint32_t slot;
};

struct me_heap {
	struct me_heap_entry *entries; /* as many as slots; [0] is never used */
	uint32_t *places;              /* of each slot in `entries` */
	uint32_t count;
};

static inline void me_heap_set(struct me_heap *heap, uint32_t at, struct me_heap_entry entry)
{
	heap->entries[at] = entry;
	heap->places[entry.slot] = at;
}

/* Fills the hole at `at` with what belongs there when `entry` is put in. */
static inline void me_heap_fill(struct me_heap *heap, uint32_t at, struct me_heap_entry entry)
{
	for (; at > 1 && heap->entries[at / 2].time > entry.time; at /= 2)
		me_heap_set(heap, at, heap->entries[at / 2]);
	for (uint32_t child = 2 * at; child <= heap->count; child = 2 * at) {
		if (child < heap->count &&
		    heap->entries[child + 1].time < heap->entries[child].time)
			child++;
		if (heap->entries[child].time >= entry.time)
			break;
		me_heap_set(heap, at, heap->entries[child]);
		at = child;
	}
	me_heap_set(heap, at, entry);
}

/* Puts in a slot that is not there yet. */
static inline void me_heap_add(struct me_heap *heap, uint32_t slot, uint64_t time)
{
	heap->count++;
	me_heap_fill(heap, heap->count, (struct me_heap_entry){.time = time, .slot = slot});
}

/* Gives a slot that is there another time. */
static inline void me_heap_change(struct me_heap *heap, uint32_t slot, uint64_t time)
{
	me_heap_fill(heap, heap->places[slot], (struct me_heap_entry){.time = time, .slot = slot});
}

/* Takes out a slot that is there. */
static inline void me_heap_remove(struct me_heap *heap, uint32_t slot)
{
	struct me_heap_entry last = heap->entries[heap->count--];

	if (last.slot != slot)
		me_heap_fill(heap, heap->places[slot], last);
}

#endif
