/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_OLDER_H
#define MEWATCH_KERNEL_OLDER_H

/*
 * A pinned map of another layout, read as this layout has it.
 */
#include <stdint.h>
#include "kernel/internal.h"

struct btf;
struct me_btfcopy;

struct me_old_map {
	int fd;
	int into;            /* this layout's map of the same name; borrowed */
	uint32_t value_size; /* as the old layout has it */
	struct btf *btf, *into_btf;
	struct me_btfcopy *keys, *values;
	void *old_key, *old_value;
	void *key, *value; /* the entry last read, in this layout */
};

/*
 * Opens a map by its name; what the kernel says of it is in *ret_info unless NULL. A descriptor, or
 * a negative errno; -ENOENT: the old layout has none of that name, or it was removed.
 */
int me_old_open(const char *folder, const char *name, struct bpf_map_info *ret_info);

/*
 * Opens the map that has the name of `into` in `folder`. 0; -ENOENT as above; -EOPNOTSUPP: it has no
 * types; -ENOMEM; what the kernel says. It is to be closed either way.
 */
int me_old_map_open(const char *folder, const struct bpf_map *into, struct me_old_map *ret_map);
void me_old_map_close(struct me_old_map *map);

/* Converts a value of the old layout into map->value. */
void me_old_map_convert(struct me_old_map *map, const void *old_value);

/* Reads the entry of `old_key` into map->key and map->value. 0 or a negative errno. */
int me_old_map_read(struct me_old_map *map, const void *old_key);

/*
 * Reads each entry and calls `fn`, which may delete the entry from map->fd by map->old_key. 0 or
 * what `fn` returned. Entries that appear or go meanwhile may be passed over, or come twice.
 */
int me_old_map_each(struct me_old_map *map, int (*fn)(struct me_old_map *map, void *userdata),
		    void *userdata);

#endif
