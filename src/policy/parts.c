/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/parts.h"

#include <stdint.h>
#include <string.h>
#include "policy/compile.h"

/* Keys and values are members `key` and `value` of the elements of a list, which is NULL when empty. */
#define KEYED(map, kind, list, n, key, value)                                                      \
	{                                                                                          \
		map, kind, n, sizeof(*(list)), (list) ? (const char *)&(list)->key : NULL,         \
			sizeof((list)->key), (list) ? (const char *)&(list)->value : NULL,         \
			sizeof((list)->value)                                                      \
	}
#define INDEXED(map, kind, list, n)                                                                \
	{                                                                                          \
		map, kind, n, sizeof(*(list)), NULL, sizeof(uint32_t), (const char *)(list),       \
			sizeof(*(list))                                                            \
	}

void me_image_parts(const struct me_image *image, struct me_image_part ret_parts[ME_IMAGE_PARTS])
{
	const struct me_image *i = image;
	const struct me_image_part parts[ME_IMAGE_PARTS] = {
		KEYED("me_addresses", ME_PART_HASH, i->addresses, i->n_addresses, address, dest),
		KEYED("me_prefixes", ME_PART_PREFIXES, i->prefixes, i->n_prefixes, prefix, dest),
		INDEXED("me_tables", ME_PART_ARRAY, i->table,
			(size_t)i->head->rows * i->head->columns),
		INDEXED("me_entries", ME_PART_ARRAY, i->entries, i->head->entries),
		INDEXED("me_rows", ME_PART_ARRAY, i->endpoint_rows, i->n_endpoint_rows),
		KEYED("me_names", ME_PART_HASH, i->name_entries, i->n_name_entries, hash, entry),
		KEYED("me_hosts", ME_PART_PREFIXES, i->hosts, i->n_hosts, prefix, number),
		KEYED("me_macs", ME_PART_HASH, i->macs, i->n_macs, mac, number),
		INDEXED("me_heads", ME_PART_FIXED, i->head, 1),
	};

	memcpy(ret_parts, parts, sizeof(parts));
}
