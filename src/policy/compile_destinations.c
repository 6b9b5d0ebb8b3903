/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "policy/compile_destinations.h"
#include "policy/policy.h"

/* A prefix that the sweep is in. */
struct level {
	const struct me_target *target; /* NULL: the whole address space */
	struct me_dest dest;
	uint32_t set;
	uint32_t prefix; /* index in the image of the nearest prefix kept, or ME_NO_PREFIX */
	bool global;
};

static bool same_target(const struct me_target *a, const struct me_target *b)
{
	return a->bits == b->bits && me_addr_equal(&a->address, &b->address);
}

static bool same_dest(const struct me_dest *a, const struct me_dest *b)
{
	return a->row == b->row && a->flags == b->flags;
}

/* What the `n` targets of one address or prefix inside `outer` are together. */
static int merge(struct me_rows *rows, const struct level *outer, const struct me_target *targets,
		 size_t n, struct level *ret_level)
{
	struct level level = *outer;
	uint8_t flags = 0;
	int r = 0;

	level.target = targets;
	level.dest.flags &= ME_DEST_LISTED;
	for (size_t i = 0; r == 0 && i < n; i++) {
		flags |= targets[i].flags;
		if (!targets[i].entry || (i && targets[i].entry == targets[i - 1].entry))
			continue;
		level.dest.flags |= ME_DEST_LISTED;
		r = me_rows_extend(rows, level.set, targets[i].entry, &level.set);
	}
	if (flags & ME_TARGET_SPECIAL)
		level.global = false;
	if (flags & ME_TARGET_DIRECT)
		flags &= (uint8_t)~ME_DEST_UPSTREAM;
	level.dest.flags |= flags & (uint8_t) ~(ME_TARGET_SPECIAL | ME_TARGET_DIRECT);
	if (r == 0)
		r = me_rows_of_set(rows, level.set, level.global, &level.dest.row);
	if (r == 0)
		*ret_level = level;
	return r;
}

static void keep_address(struct me_image *image, const struct level *level)
{
	image->addresses[image->n_addresses++] = (struct me_image_address){
		.address = level->target->address,
		.dest = level->dest,
	};
}

static void keep_prefix(struct me_image *image, struct level *level)
{
	struct me_image_prefix *prefix = &image->prefixes[image->n_prefixes];

	*prefix = (struct me_image_prefix){
		.prefix.bits = level->target->bits,
		.dest = level->dest,
		.around = level->prefix,
	};
	memcpy(prefix->prefix.address, level->target->address.byte, sizeof(prefix->prefix.address));
	level->prefix = (uint32_t)image->n_prefixes++;
}

static int sweep(const struct me_entries *entries, struct me_rows *rows, struct me_image *image)
{
	struct level levels[129] = {{.prefix = ME_NO_PREFIX, .global = true}};
	unsigned int depth = 0;
	size_t n;
	int r;

	for (size_t i = 0; i < entries->n_targets; i += n) {
		const struct me_target *target = &entries->targets[i];
		struct level level;

		for (n = 1; i + n < entries->n_targets && same_target(target, target + n);)
			n++;
		while (depth && !me_addr_in(&target->address, &levels[depth].target->address,
					    levels[depth].target->bits))
			depth--;
		r = merge(rows, &levels[depth], target, n, &level);
		if (r < 0)
			return r;
		if (level.dest.flags && !same_dest(&level.dest, &levels[depth].dest)) {
			if (target->bits == 128)
				keep_address(image, &level);
			else
				keep_prefix(image, &level);
		}
		if (target->bits < 128)
			levels[++depth] = level;
	}
	return 0;
}

/* Gives back what was allocated beyond `n` elements; an empty array is NULL. */
static void trim(void *array, size_t n, size_t size)
{
	void *held, *shrunk;

	memcpy(&held, array, sizeof(held));
	shrunk = n ? reallocarray(held, n, size) : NULL;
	if (!n)
		free(held);
	if (!n || shrunk)
		memcpy(array, &shrunk, sizeof(shrunk));
}

int me_compile_destinations(const struct me_entries *entries, struct me_rows *rows,
			    struct me_image *image)
{
	size_t n_addresses = 0, n_prefixes;
	int r;

	for (size_t i = 0; i < entries->n_targets; i++)
		n_addresses += entries->targets[i].bits == 128;
	n_prefixes = entries->n_targets - n_addresses;
	image->addresses = calloc(n_addresses, sizeof(*image->addresses));
	image->prefixes = calloc(n_prefixes, sizeof(*image->prefixes));
	if (!image->addresses || !image->prefixes)
		return -ENOMEM;
	r = sweep(entries, rows, image);
	trim(&image->addresses, image->n_addresses, sizeof(*image->addresses));
	trim(&image->prefixes, image->n_prefixes, sizeof(*image->prefixes));
	return r;
}
