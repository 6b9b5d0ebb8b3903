/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN (64u << 10)
#define BLOCK_MAX (4u << 20)

struct block {
	struct block *older;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) char data[];
};

struct me_arena {
	struct block *newest;
};

struct me_arena *me_arena_new(void)
{
	return calloc(1, sizeof(struct me_arena));
}

void me_arena_free(struct me_arena **arena)
{
	if (!*arena)
		return;
	for (struct block *b = (*arena)->newest; b;) {
		struct block *older = b->older;

		free(b);
		b = older;
	}
	free(*arena);
	*arena = NULL;
}

/* Blocks double in size, so a small policy stays small and a large one needs few of them. */
static struct block *add_block(struct me_arena *arena, size_t need)
{
	size_t size = arena->newest ? arena->newest->size * 2 : BLOCK_MIN;
	struct block *b;

	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	if (size < need)
		size = need;
	b = calloc(1, sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->older = arena->newest;
	arena->newest = b;
	return b;
}

static void *take(struct me_arena *arena, size_t bytes, size_t align)
{
	struct block *b = arena->newest;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;

	if (!b || at > b->size || bytes > b->size - at) {
		b = add_block(arena, bytes);
		if (!b)
			return NULL;
		at = 0;
	}
	b->used = at + bytes;
	return b->data + at;
}

void *me_arena_alloc(struct me_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX / 2)
		return NULL;
	return take(arena, bytes, alignof(max_align_t));
}

char *me_arena_copy(struct me_arena *arena, const char *text, size_t length)
{
	char *copy = take(arena, length + 1, 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}
