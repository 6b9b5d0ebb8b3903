/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy's two slots, as src/kernel/sync.c fills them. */
#include <errno.h>
#include <string.h>
#include "policy/compile.h"
#include "policy/parts.h"
#include "replay/program.h"

static struct me_map *outer_of(const struct me_program_maps *maps, const char *name)
{
#define PICK(map)                                                                                  \
	if (!strcmp(name, #map))                                                                   \
		return maps->map;
	ME_PROGRAM_OUTER(PICK)
#undef PICK
	return NULL;
}

static struct me_map *fill(const struct me_image_part *part)
{
	static const enum me_map_kind kinds[] = {
		[ME_PART_FIXED] = ME_MAP_ARRAY,
		[ME_PART_ARRAY] = ME_MAP_ARRAY,
		[ME_PART_HASH] = ME_MAP_HASH,
		[ME_PART_PREFIXES] = ME_MAP_LPM,
	};
	struct me_map *map = me_map_new(kinds[part->kind], part->key_size, part->value_size,
					part->n ? part->n : 1);

	for (size_t i = 0; map && i < part->n; i++) {
		uint32_t index = i;
		const void *key = part->keys ? (const void *)(part->keys + i * part->stride)
					     : (const void *)&index;

		if (me_map_update(map, key, part->values + i * part->stride, 0))
			me_map_free(&map);
	}
	return map;
}

int me_program_policy(struct me_program_maps *maps, const struct me_image *image)
{
	const uint32_t zero = 0;
	struct me_control *control = me_map_lookup(maps->me_control, &zero);
	struct me_image_part parts[ME_IMAGE_PARTS];
	uint32_t slot = !control->active;

	me_image_parts(image, parts);
	for (size_t i = 0; i < ME_IMAGE_PARTS; i++) {
		struct me_map **inner = &maps->inner[slot][i];

		me_map_free(inner);
		*inner = fill(&parts[i]);
		me_map_update(outer_of(maps, parts[i].map), &slot, inner, 0);
		if (!*inner)
			return -ENOMEM;
	}
	control->udp_idle_ns = image->head->udp_idle_ns;
	control->proxy = image->head->proxy_port;
	control->active = slot;
	control->generation = image->head->generation;
	return 0;
}
