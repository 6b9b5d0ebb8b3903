/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/clock.h"
#include "base/hash.h"

#define BUCKETS_MIN 64u
#define LPM_BITS 128u

/* Lists of a map that is watched: of the elements that changed, and a wheel of those that rest. */
#define LIST_CHANGED 0u
#define LIST_WHEEL 1u
#define WHEEL_S 4096u /* seconds of a turn; who rests longer is passed by */

struct element {
	struct element *next; /* in its bucket, or among the free ones */
	struct element *before, *after;
	struct element *earlier, *later; /* of a map that is watched: in its list */
	uint64_t hash, due_s;
	uint32_t list;
	/* the key, to a multiple of 8, and the value */
};

struct list {
	struct element *first, *last;
};

struct record {
	uint64_t size;
};

struct me_map {
	struct me_map *self; /* first */
	enum me_map_kind kind;
	size_t key_size, value_size, max_entries;
	size_t n;
	uint64_t seed[2];
	/* hashes */
	struct element **buckets;
	size_t n_buckets;
	struct element *first, *last; /* by their coming, or use */
	struct element *free;
	uint64_t lengths[LPM_BITS / 64 + 1]; /* of prefixes that there are, a bit each */
	struct list *lists;                  /* or NULL */
	uint64_t woken_s;
	/* arrays and rings */
	uint8_t *memory;
	size_t reserved, end, at; /* bytes of a ring */
};

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static bool is_hash(const struct me_map *map)
{
	return map->kind == ME_MAP_HASH || map->kind == ME_MAP_LRU || map->kind == ME_MAP_LPM;
}

static uint8_t *key_of(struct element *element)
{
	return (uint8_t *)(element + 1);
}

static void *value_of(const struct me_map *map, struct element *element)
{
	return key_of(element) + round8(map->key_size);
}

struct me_map *me_map_new(enum me_map_kind kind, size_t key_size, size_t value_size,
			  size_t max_entries)
{
	struct me_map *map = calloc(1, sizeof(*map));
	bool ready;

	if (!map)
		return NULL;
	map->self = map;
	map->kind = kind;
	map->key_size = key_size;
	map->value_size = value_size;
	map->max_entries = max_entries;
	if (is_hash(map)) {
		map->n_buckets = BUCKETS_MIN;
		map->buckets = calloc(map->n_buckets, sizeof(struct element *));
		ready = map->buckets &&
			getrandom(map->seed, sizeof(map->seed), 0) == (ssize_t)sizeof(map->seed);
	} else {
		map->memory = kind == ME_MAP_RING ? malloc(max_entries)
						  : calloc(max_entries, round8(value_size));
		ready = map->memory;
	}
	if (!ready)
		me_map_free(&map);
	return map;
}

static void free_list(struct element *element, bool by_bucket)
{
	while (element) {
		struct element *next = by_bucket ? element->next : element->after;

		free(element);
		element = next;
	}
}

void me_map_free(struct me_map **map)
{
	struct me_map *m = *map;

	if (!m)
		return;
	free_list(m->first, false);
	free_list(m->free, true);
	free(m->buckets);
	free(m->lists);
	free(m->memory);
	free(m);
	*map = NULL;
}

/* --- Hashes ------------------------------------------------------------------------------------- */

static struct element **bucket_of(const struct me_map *map, uint64_t hash)
{
	return &map->buckets[hash & (map->n_buckets - 1)];
}

static struct element *find(const struct me_map *map, const void *key, uint64_t hash)
{
	struct element *element = *bucket_of(map, hash);

	while (element &&
	       (element->hash != hash || memcmp(key_of(element), key, map->key_size) != 0))
		element = element->next;
	return element;
}

static void list_append(struct me_map *map, struct element *element)
{
	element->after = NULL;
	element->before = map->last;
	*(map->last ? &map->last->after : &map->first) = element;
	map->last = element;
}

static void list_remove(struct me_map *map, struct element *element)
{
	*(element->before ? &element->before->after : &map->first) = element->after;
	*(element->after ? &element->after->before : &map->last) = element->before;
}

static void leave(struct me_map *map, struct element *element)
{
	struct list *list = &map->lists[element->list];

	*(element->earlier ? &element->earlier->later : &list->first) = element->later;
	*(element->later ? &element->later->earlier : &list->last) = element->earlier;
}

static void join(struct me_map *map, struct element *element, uint32_t which)
{
	struct list *list = &map->lists[which];

	element->list = which;
	element->later = NULL;
	element->earlier = list->last;
	*(list->last ? &list->last->later : &list->first) = element;
	list->last = element;
}

static void move(struct me_map *map, struct element *element, uint32_t which)
{
	leave(map, element);
	join(map, element, which);
}

/* More buckets, unless there is no memory for them: then the chains get longer. */
static void grow(struct me_map *map)
{
	struct element **more = calloc(2 * map->n_buckets, sizeof(struct element *));

	if (!more)
		return;
	free(map->buckets);
	map->buckets = more;
	map->n_buckets *= 2;
	for (struct element *e = map->first; e; e = e->after) {
		struct element **bucket = bucket_of(map, e->hash);

		e->next = *bucket;
		*bucket = e;
	}
}

static void remove_element(struct me_map *map, struct element *element)
{
	struct element **link = bucket_of(map, element->hash);

	while (*link != element)
		link = &(*link)->next;
	*link = element->next;
	list_remove(map, element);
	if (map->lists)
		leave(map, element);
	element->next = map->free;
	map->free = element;
	map->n--;
}

static int add(struct me_map *map, const void *key, uint64_t hash, const void *value)
{
	struct element **bucket, *element;

	if (map->n >= map->max_entries) {
		if (map->kind != ME_MAP_LRU)
			return map->kind == ME_MAP_LPM ? -ENOSPC : -E2BIG;
		remove_element(map, map->first);
	}
	if (map->n >= map->n_buckets)
		grow(map);
	element = map->free;
	if (element)
		map->free = element->next;
	else
		element =
			malloc(sizeof(*element) + round8(map->key_size) + round8(map->value_size));
	if (!element)
		return -ENOMEM;
	bucket = bucket_of(map, hash);
	element->hash = hash;
	element->next = *bucket;
	*bucket = element;
	memcpy(key_of(element), key, map->key_size);
	memcpy(value_of(map, element), value, map->value_size);
	list_append(map, element);
	if (map->lists)
		join(map, element, LIST_CHANGED);
	map->n++;
	return 0;
}

/* --- Prefixes ----------------------------------------------------------------------------------- */

/* The key with its first `bits` bits, the rest zero. */
static void cut(const struct me_map *map, const void *key, uint32_t bits, uint8_t *ret_key)
{
	uint32_t whole = bits / 8;

	memset(ret_key, 0, map->key_size);
	memcpy(ret_key, &bits, sizeof(bits));
	memcpy(ret_key + sizeof(bits), (const uint8_t *)key + sizeof(bits), whole);
	if (bits % 8)
		ret_key[sizeof(bits) + whole] =
			((const uint8_t *)key)[sizeof(bits) + whole] & (0xff00 >> bits % 8);
}

static uint32_t bits_of(const struct me_map *map, const void *key)
{
	uint32_t bits, most = (map->key_size - sizeof(bits)) * 8;

	memcpy(&bits, key, sizeof(bits));
	most = most < LPM_BITS ? most : LPM_BITS;
	return bits < most ? bits : most;
}

static struct element *find_prefix(const struct me_map *map, const void *key)
{
	uint8_t shorter[sizeof(uint32_t) + LPM_BITS / 8];

	for (int bits = bits_of(map, key); bits >= 0; bits--) {
		struct element *element;

		if (!(map->lengths[bits / 64] >> bits % 64 & 1))
			continue;
		cut(map, key, bits, shorter);
		element = find(map, shorter, me_hash(map->seed, shorter, map->key_size));
		if (element)
			return element;
	}
	return NULL;
}

/* --- As the programs use them ------------------------------------------------------------------- */

static void *slot(const struct me_map *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index < map->max_entries ? map->memory + index * round8(map->value_size) : NULL;
}

void *me_map_lookup(struct me_map *map, const void *key)
{
	struct element *element;

	if (!is_hash(map))
		return slot(map, key);
	element = map->kind == ME_MAP_LPM ? find_prefix(map, key)
					  : find(map, key, me_hash(map->seed, key, map->key_size));
	if (!element)
		return NULL;
	if (map->kind == ME_MAP_LRU) {
		list_remove(map, element);
		list_append(map, element);
	}
	if (map->lists && element->list != LIST_CHANGED)
		move(map, element, LIST_CHANGED);
	return value_of(map, element);
}

int me_map_update(struct me_map *map, const void *key, const void *value, uint64_t flags)
{
	uint8_t prefix[sizeof(uint32_t) + LPM_BITS / 8];
	struct element *element;
	uint64_t hash;

	if (!is_hash(map)) {
		if (flags == BPF_NOEXIST)
			return -EEXIST;
		if (!slot(map, key))
			return -E2BIG;
		memcpy(slot(map, key), value, map->value_size);
		return 0;
	}
	if (map->kind == ME_MAP_LPM) {
		uint32_t bits = bits_of(map, key);

		cut(map, key, bits, prefix);
		key = prefix;
		map->lengths[bits / 64] |= 1ull << bits % 64;
	}
	hash = me_hash(map->seed, key, map->key_size);
	element = find(map, key, hash);
	if (element && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!element)
		return flags == BPF_EXIST ? -ENOENT : add(map, key, hash, value);
	memcpy(value_of(map, element), value, map->value_size);
	return 0;
}

int me_map_delete(struct me_map *map, const void *key)
{
	struct element *element = find(map, key, me_hash(map->seed, key, map->key_size));

	if (!element)
		return -ENOENT;
	remove_element(map, element);
	return 0;
}

bool me_map_next(const struct me_map *map, struct me_map_cursor *cursor, const void **ret_key,
		 void **ret_value)
{
	struct element *element = cursor->begun ? cursor->next : map->first;

	cursor->begun = true;
	if (!element)
		return false;
	cursor->next = element->after;
	__builtin_prefetch(element->after); /* a large map is slow by its memory alone */
	*ret_key = key_of(element);
	*ret_value = value_of(map, element);
	return true;
}

/* --- What changed ------------------------------------------------------------------------------- */

int me_map_watch(struct me_map *map)
{
	map->lists = calloc(LIST_WHEEL + WHEEL_S, sizeof(*map->lists));
	return map->lists ? 0 : -ENOMEM;
}

void me_map_rest(struct me_map *map, const void *key, uint64_t until_ns)
{
	struct element *element = find(map, key, me_hash(map->seed, key, map->key_size));

	if (!element)
		return;
	element->due_s = until_ns / ME_NS_PER_S;
	if (element->due_s <= map->woken_s)
		element->due_s = map->woken_s + 1;
	move(map, element, LIST_WHEEL + element->due_s % WHEEL_S);
}

void me_map_wake(struct me_map *map, uint64_t now_ns)
{
	uint64_t now_s = now_ns / ME_NS_PER_S, s = map->woken_s + 1;

	if (now_s >= s + WHEEL_S)
		s = now_s - WHEEL_S + 1;
	for (; s <= now_s; s++) {
		struct element *later, *element = map->lists[LIST_WHEEL + s % WHEEL_S].first;

		for (; element; element = later) {
			later = element->later;
			if (element->due_s <= now_s)
				move(map, element, LIST_CHANGED);
		}
	}
	if (now_s > map->woken_s)
		map->woken_s = now_s;
}

bool me_map_next_changed(const struct me_map *map, struct me_map_cursor *cursor,
			 const void **ret_key, void **ret_value)
{
	struct element *element = cursor->begun ? cursor->next : map->lists[LIST_CHANGED].first;

	cursor->begun = true;
	if (!element)
		return false;
	cursor->next = element->later;
	*ret_key = key_of(element);
	*ret_value = value_of(map, element);
	return true;
}

size_t me_map_count(const struct me_map *map)
{
	return map->n;
}

size_t me_map_capacity(const struct me_map *map)
{
	return map->max_entries;
}

/* --- The ring ----------------------------------------------------------------------------------- */

void *me_map_reserve(struct me_map *ring, size_t size)
{
	struct record *record = (struct record *)(ring->memory + ring->end);
	size_t whole = sizeof(*record) + round8(size);

	if (whole > ring->max_entries - ring->end)
		return NULL;
	record->size = size;
	ring->reserved = whole;
	return record + 1;
}

void me_map_submit(struct me_map *ring)
{
	ring->end += ring->reserved;
	ring->reserved = 0;
}

int me_map_consume(struct me_map *ring, int (*fn)(void *userdata, void *record, size_t size),
		   void *userdata)
{
	int n = 0, err = 0;

	while (ring->at < ring->end && err >= 0) {
		struct record *record = (struct record *)(ring->memory + ring->at);

		ring->at += sizeof(*record) + round8(record->size);
		err = fn(userdata, record + 1, record->size);
		n++;
	}
	if (ring->at == ring->end)
		ring->at = ring->end = 0;
	return err < 0 ? err : n;
}
