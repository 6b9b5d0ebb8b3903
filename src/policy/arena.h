/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_ARENA_H
#define MEWATCH_POLICY_ARENA_H

/* Memory that is given back all at once: a policy holds a million small things and frees none alone. */
#include <stddef.h>
#include "base/cleanup.h"

struct me_arena;

/* An empty arena, or NULL without memory. */
struct me_arena *me_arena_new(void);

/* Frees the arena and everything allocated from it. */
void me_arena_free(struct me_arena **arena);
ME_DEFINE_CLEANUP(struct me_arena *, me_arena_free)

/* `count` zeroed objects of `size` bytes, aligned for any type. NULL without memory. */
void *me_arena_alloc(struct me_arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of `length` bytes of `text`. NULL without memory. */
char *me_arena_copy(struct me_arena *arena, const char *text, size_t length);

#endif
