/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_PARTS_H
#define MEWATCH_POLICY_PARTS_H

/* An image as the programs have it: the elements of one map after the other. */
#include <stddef.h>

struct me_image;

enum me_part_kind {
	ME_PART_FIXED, /* an array of one element */
	ME_PART_ARRAY,
	ME_PART_HASH,
	ME_PART_PREFIXES,
};

struct me_image_part {
	const char *map; /* its name in the programs */
	enum me_part_kind kind;
	size_t n;
	size_t stride;    /* from one element to the next */
	const char *keys; /* of the first element; NULL: the elements' index */
	size_t key_size;
	const char *values; /* of the first element */
	size_t value_size;
};

#define ME_IMAGE_PARTS 9 /* the last one is the head: with it the others count */

/* They point into the image. */
void me_image_parts(const struct me_image *image, struct me_image_part ret_parts[ME_IMAGE_PARTS]);

#endif
