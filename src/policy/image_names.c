/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include "policy/compile.h"

static int compare_hash(const void *key, const void *element)
{
	const uint64_t *hash = key;
	const struct me_image_name_entry *entry = element;

	return *hash < entry->hash ? -1 : *hash > entry->hash;
}

/* The entry of the name from the label at `from` on, which has `labels` labels; or NULL. */
static const struct me_name_entry *find(const struct me_image *image, const struct me_name *name,
					uint32_t from, uint32_t labels)
{
	const struct me_image_name_entry *found;
	uint64_t hash;

	if (!(image->head->name_depths >> (labels < 63 ? labels : 63) & 1))
		return NULL;
	hash = me_name_hash(name, from);
	found = bsearch(&hash, image->name_entries, image->n_name_entries, sizeof(*found),
			compare_hash);
	if (!found || !me_name_is(name, from, found->entry.wire, found->entry.length))
		return NULL;
	return &found->entry;
}

void me_image_names_find(const struct me_image *image, const struct me_name *name,
			 struct me_named *ret_named)
{
	struct me_named named = {0};
	uint32_t from = 0;

	for (uint32_t above = 0; above < name->labels; above++) {
		const struct me_name_entry *entry = find(image, name, from, name->labels - above);

		if (entry)
			me_named_add(&named, entry, above);
		from += name->wire[from] + 1u;
	}
	*ret_named = named;
}
