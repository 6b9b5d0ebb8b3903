/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/hash.h"

#define FIRST_SLOTS 64u

struct text {
	uint32_t refs; /* 0: the slot is free */
	uint32_t next; /* in the bucket, or in the list of free slots */
	uint32_t hash;
	char *bytes;
};

struct me_intern {
	uint64_t hash_key[2];
	struct text *texts; /* [0] is never used */
	uint32_t *buckets;  /* as many as slots */
	uint32_t slots;     /* a power of two */
	uint32_t used;      /* slots that were ever used */
	uint32_t free;      /* head of the free list */
	uint32_t live;
	size_t bytes; /* of the texts that are there */
	uint64_t refused;
};

static int grow(struct me_intern *intern, uint32_t slots)
{
	uint32_t *buckets = calloc(slots, sizeof(*buckets));
	struct text *texts = realloc(intern->texts, slots * sizeof(*texts));

	if (texts)
		intern->texts = texts;
	if (!texts || !buckets) {
		free(buckets);
		return -1;
	}
	free(intern->buckets);
	intern->buckets = buckets;
	intern->slots = slots;
	for (uint32_t i = 1; i < intern->used; i++) {
		struct text *t = &intern->texts[i];

		if (!t->refs)
			continue;
		t->next = buckets[t->hash & (slots - 1)];
		buckets[t->hash & (slots - 1)] = i;
	}
	return 0;
}

struct me_intern *me_intern_new(void)
{
	struct me_intern *intern = calloc(1, sizeof(*intern));

	if (!intern)
		return NULL;
	intern->used = 1;
	if (getrandom(intern->hash_key, sizeof(intern->hash_key), 0) !=
		    (ssize_t)sizeof(intern->hash_key) ||
	    grow(intern, FIRST_SLOTS) < 0)
		me_intern_free(&intern);
	return intern;
}

void me_intern_free(struct me_intern **intern)
{
	struct me_intern *in = *intern;

	if (!in)
		return;
	for (uint32_t i = 1; in->texts && i < in->used; i++)
		if (in->texts[i].refs)
			free(in->texts[i].bytes);
	free(in->texts);
	free(in->buckets);
	free(in);
	*intern = NULL;
}

/* A free slot, or 0. */
static uint32_t take_slot(struct me_intern *intern)
{
	uint32_t id = intern->free;

	if (id) {
		intern->free = intern->texts[id].next;
		return id;
	}
	if (intern->used == intern->slots && grow(intern, intern->slots * 2) < 0)
		return 0;
	return intern->used++;
}

static uint32_t add(struct me_intern *intern, const char *text, size_t len, uint32_t hash)
{
	bool has_room = intern->live < ME_INTERN_MAX && len < ME_INTERN_BYTES_MAX - intern->bytes;
	char *bytes = has_room ? strndup(text, len) : NULL;
	uint32_t id = bytes ? take_slot(intern) : 0;
	uint32_t *bucket;

	if (!id) {
		free(bytes);
		intern->refused++;
		return 0;
	}
	bucket = &intern->buckets[hash & (intern->slots - 1)];
	intern->texts[id] = (struct text){.refs = 1, .next = *bucket, .hash = hash, .bytes = bytes};
	*bucket = id;
	intern->live++;
	intern->bytes += len + 1;
	return id;
}

uint32_t me_intern_get(struct me_intern *intern, const char *text)
{
	size_t len = text ? strnlen(text, ME_INTERN_TEXT_MAX) : 0;
	uint32_t hash = (uint32_t)me_hash(intern->hash_key, text, len);

	if (!len)
		return 0;
	for (uint32_t id = intern->buckets[hash & (intern->slots - 1)]; id;
	     id = intern->texts[id].next) {
		struct text *t = &intern->texts[id];

		if (t->hash == hash && strlen(t->bytes) == len && !memcmp(t->bytes, text, len)) {
			t->refs++;
			return id;
		}
	}
	return add(intern, text, len, hash);
}

void me_intern_ref(struct me_intern *intern, uint32_t id)
{
	if (id)
		intern->texts[id].refs++;
}

void me_intern_put(struct me_intern *intern, uint32_t id)
{
	struct text *t = &intern->texts[id];
	uint32_t *at;

	if (!id || --t->refs)
		return;
	at = &intern->buckets[t->hash & (intern->slots - 1)];
	while (*at != id)
		at = &intern->texts[*at].next;
	*at = t->next;
	intern->bytes -= strlen(t->bytes) + 1;
	free(t->bytes);
	t->bytes = NULL;
	t->next = intern->free;
	intern->free = id;
	intern->live--;
}

const char *me_intern_text(const struct me_intern *intern, uint32_t id)
{
	return id ? intern->texts[id].bytes : NULL;
}

uint64_t me_intern_refused(const struct me_intern *intern)
{
	return intern->refused;
}
