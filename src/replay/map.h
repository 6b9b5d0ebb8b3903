/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPLAY_MAP_H
#define MEWATCH_REPLAY_MAP_H

/*
 * The kinds of BPF maps that the programs use, in memory. What the kernel promises holds: elements stay
 * where they are until they are deleted, and the memory of a deleted one is an element's for good, so
 * that who holds it still may write to it. One thread.
 *
 * Programs know a map by the address of a word that points to it; a map is such a word itself, which is
 * how one map lies in another.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum me_map_kind {
	ME_MAP_ARRAY, /* per CPU, too: there is one */
	ME_MAP_HASH,  /* full: -E2BIG */
	ME_MAP_LRU,   /* full: the one used least recently goes */
	ME_MAP_LPM,   /* keys begin with their length in bits, 32 of them */
	ME_MAP_RING,
};

struct me_map;

/* NULL without memory. */
struct me_map *me_map_new(enum me_map_kind kind, size_t key_size, size_t value_size,
			  size_t max_entries);
void me_map_free(struct me_map **map);

void *me_map_lookup(struct me_map *map, const void *key);
/* `flags` as of BPF_MAP_UPDATE_ELEM. 0, -EEXIST, -ENOENT, -E2BIG, -ENOMEM. */
int me_map_update(struct me_map *map, const void *key, const void *value, uint64_t flags);
int me_map_delete(struct me_map *map, const void *key);

/*
 * Goes through the elements of a hash in the order in which they came: start with a zeroed cursor, until
 * false. The element that was given last may be deleted.
 */
struct me_map_cursor {
	void *next;
	bool begun;
};
bool me_map_next(const struct me_map *map, struct me_map_cursor *cursor, const void **ret_key,
		 void **ret_value);

/*
 * A hash that is watched, from before its first element on, knows which elements somebody has looked up
 * since they were told to rest: with me_map_next_changed() one goes through those alone, and through those
 * whose rest was over at the last me_map_wake(). The element that was given last may be deleted or told to
 * rest. 0 or -ENOMEM.
 */
int me_map_watch(struct me_map *map);
void me_map_rest(struct me_map *map, const void *key, uint64_t until_ns);
void me_map_wake(struct me_map *map, uint64_t now_ns);
bool me_map_next_changed(const struct me_map *map, struct me_map_cursor *cursor,
			 const void **ret_key, void **ret_value);

size_t me_map_count(const struct me_map *map);
size_t me_map_capacity(const struct me_map *map);

/* Room for a record in a ring; NULL: there is none. It is there when it is submitted. */
void *me_map_reserve(struct me_map *ring, size_t size);
void me_map_submit(struct me_map *ring);
/*
 * Takes the records out of a ring until it is empty, or `fn` returns less than 0. How many, or that. `fn`
 * may bring about more of them.
 */
int me_map_consume(struct me_map *ring, int (*fn)(void *userdata, void *record, size_t size),
		   void *userdata);

#endif
