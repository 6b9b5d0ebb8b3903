/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_TABLE_H
#define MEWATCH_BASE_TABLE_H

/*
 * A hash table with keys and values of fixed size, copied in. Keys are compared as bytes: a key
 * with holes is zeroed first. Values are aligned to 8 bytes and stay where they are until the next
 * me_table_put(). Not locked.
 */
#include <stdbool.h>
#include <stddef.h>

struct me_table;

/*
 * A table of at most `max_entries` (0: as memory allows). `key_size` > 0; `value_size` may be 0.
 * NULL without memory.
 */
struct me_table *me_table_new(size_t key_size, size_t value_size, size_t max_entries);
void me_table_free(struct me_table **table);

/* The value of the key, or NULL. */
void *me_table_get(const struct me_table *table, const void *key);

/*
 * Finds the key or adds it with a zeroed value. 0 when it was added, 1 when it was there; -ENOSPC at
 * the bound, -ENOMEM. `ret_value` may be NULL.
 */
int me_table_put(struct me_table *table, const void *key, void **ret_value);

/* Removes the key. 0 or -ENOENT. */
int me_table_remove(struct me_table *table, const void *key);

size_t me_table_count(const struct me_table *table);

/*
 * Goes through the entries, in no order that means anything: start with *cursor 0, until false.
 * Either `ret_` may be NULL. Entries may be removed on the way; one added may be passed over.
 */
bool me_table_next(const struct me_table *table, size_t *cursor, const void **ret_key,
		   void **ret_value);

#endif
