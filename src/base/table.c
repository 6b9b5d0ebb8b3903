/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/cleanup.h"
#include "base/hash.h"

#define FIRST_ROOM 8u          /* entries of a new table */
#define ENTRIES_MAX (1u << 30) /* so that 32-bit slots can name every entry */

/*
 * Entries lie in one array and never move within it; `slots` is the open-addressed index into it
 * (linear probing, at most half full; 0 is empty, n names entry n - 1). So removal only shifts slots
 * back, and a walk over the array is indifferent to it.
 */
struct entry {
	uint32_t hash;
	bool used;
	uint64_t bytes[]; /* the key, padded to 8 bytes, then the value */
};

struct me_table {
	uint64_t hash_key[2];
	size_t key_size;
	size_t value_at; /* words into bytes[] */
	size_t entry_size;
	size_t max_entries;
	size_t count;
	size_t room;    /* entries that the array holds */
	size_t touched; /* entries that were ever used */
	size_t n_free;  /* entries of `free` */
	uint32_t *free; /* a stack of removed entries; has `room` places */
	char *entries;
	uint32_t *slots; /* 2 * room, a power of two */
};

static struct entry *entry_at(const struct me_table *table, size_t i)
{
	return (struct entry *)(void *)(table->entries + i * table->entry_size);
}

/* The slot that names the key, or the empty slot where it would go. */
static size_t find(const struct me_table *table, const void *key, uint32_t hash)
{
	size_t mask = 2 * table->room - 1, slot = hash & mask;

	for (; table->slots[slot]; slot = (slot + 1) & mask) {
		const struct entry *entry = entry_at(table, table->slots[slot] - 1);

		if (entry->hash == hash && !memcmp(entry->bytes, key, table->key_size))
			break;
	}
	return slot;
}

static int grow(struct me_table *table)
{
	size_t room = table->room ? 2 * table->room : FIRST_ROOM, mask = 2 * room - 1;
	_cleanup_free_ uint32_t *slots = NULL;
	void *moved;

	if (room > ENTRIES_MAX || room > SIZE_MAX / table->entry_size)
		return -ENOMEM;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	moved = realloc(table->free, room * sizeof(*table->free));
	if (!moved)
		return -ENOMEM;
	table->free = moved;
	moved = realloc(table->entries, room * table->entry_size);
	if (!moved)
		return -ENOMEM;
	table->entries = moved;
	for (size_t i = 0; i < table->touched; i++) {
		size_t slot = entry_at(table, i)->hash & mask;

		if (!entry_at(table, i)->used)
			continue;
		while (slots[slot])
			slot = (slot + 1) & mask;
		slots[slot] = (uint32_t)(i + 1);
	}
	free(table->slots);
	table->slots = me_steal_ptr(&slots);
	table->room = room;
	return 0;
}

struct me_table *me_table_new(size_t key_size, size_t value_size, size_t max_entries)
{
	struct me_table *table = calloc(1, sizeof(*table));

	assert(key_size > 0 && key_size < UINT32_MAX && value_size < UINT32_MAX);
	if (!table)
		return NULL;
	if (getrandom(table->hash_key, sizeof(table->hash_key), 0) != sizeof(table->hash_key)) {
		free(table);
		return NULL;
	}
	table->key_size = key_size;
	table->value_at = (key_size + 7) / 8;
	table->entry_size = sizeof(struct entry) + (table->value_at + (value_size + 7) / 8) * 8;
	table->max_entries = max_entries ? max_entries : SIZE_MAX;
	if (grow(table))
		me_table_free(&table);
	return table;
}

void me_table_free(struct me_table **table)
{
	if (!*table)
		return;
	free((*table)->slots);
	free((*table)->free);
	free((*table)->entries);
	free(*table);
	*table = NULL;
}

void *me_table_get(const struct me_table *table, const void *key)
{
	uint32_t hash = (uint32_t)me_hash(table->hash_key, key, table->key_size);
	uint32_t named = table->slots[find(table, key, hash)];

	return named ? entry_at(table, named - 1)->bytes + table->value_at : NULL;
}

int me_table_put(struct me_table *table, const void *key, void **ret_value)
{
	uint32_t hash = (uint32_t)me_hash(table->hash_key, key, table->key_size);
	size_t slot = find(table, key, hash), i;
	bool exists = table->slots[slot];
	struct entry *entry;

	if (!exists && table->count >= table->max_entries)
		return -ENOSPC;
	if (!exists && table->count == table->room) {
		int r = grow(table);

		if (r < 0)
			return r;
		slot = find(table, key, hash);
	}
	if (exists) {
		entry = entry_at(table, table->slots[slot] - 1);
	} else {
		i = table->n_free ? table->free[--table->n_free] : table->touched++;
		entry = entry_at(table, i);
		memset(entry, 0, table->entry_size);
		entry->hash = hash;
		entry->used = true;
		memcpy(entry->bytes, key, table->key_size);
		table->slots[slot] = (uint32_t)(i + 1);
		table->count++;
	}
	if (ret_value)
		*ret_value = entry->bytes + table->value_at;
	return exists;
}

int me_table_remove(struct me_table *table, const void *key)
{
	uint32_t hash = (uint32_t)me_hash(table->hash_key, key, table->key_size);
	size_t mask = 2 * table->room - 1, hole = find(table, key, hash);
	uint32_t named = table->slots[hole];

	if (!named)
		return -ENOENT;
	entry_at(table, named - 1)->used = false;
	table->free[table->n_free++] = named - 1;
	table->count--;
	/* Moves back what probed past the hole, so that no search stops short. */
	for (size_t slot = (hole + 1) & mask; table->slots[slot]; slot = (slot + 1) & mask) {
		size_t home = entry_at(table, table->slots[slot] - 1)->hash & mask;

		if (((slot - home) & mask) >= ((slot - hole) & mask)) {
			table->slots[hole] = table->slots[slot];
			hole = slot;
		}
	}
	table->slots[hole] = 0;
	return 0;
}

size_t me_table_count(const struct me_table *table)
{
	return table->count;
}

bool me_table_next(const struct me_table *table, size_t *cursor, const void **ret_key,
		   void **ret_value)
{
	while (*cursor < table->touched) {
		struct entry *entry = entry_at(table, (*cursor)++);

		if (!entry->used)
			continue;
		if (ret_key)
			*ret_key = entry->bytes;
		if (ret_value)
			*ret_value = entry->bytes + table->value_at;
		return true;
	}
	return false;
}
