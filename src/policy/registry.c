/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/image.h"
#include "policy/registry.h"

/* Ids of one kind: `by_id` has holes where restored ids were not dense. */
struct ids {
	struct me_id_entry **by_id;
	uint32_t count;
	uint32_t capacity;
};

struct me_registry {
	struct ids ids[ME_ID_KINDS];
	void *by_text; /* a tsearch() tree of struct me_id_entry */
};

static const uint32_t first_id[ME_ID_KINDS] = {
	[ME_ID_SERVICE] = 0,
	[ME_ID_ENDPOINT] = 1,
	[ME_ID_RULE] = 1,
	[ME_ID_ZONE] = 1,
};

static const uint32_t end_id[ME_ID_KINDS] = {
	[ME_ID_SERVICE] = ME_SERVICES_MAX,
	[ME_ID_ENDPOINT] = ME_ENDPOINTS_MAX,
	[ME_ID_RULE] = ME_RULE_IDS_MAX,
	[ME_ID_ZONE] = ME_ZONES_MAX,
};

static int compare_text(const void *left, const void *right)
{
	const struct me_id_entry *a = left, *b = right;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = strcmp(a->text, b->text);
	return order ? order : strcmp(a->service, b->service);
}

static void free_entry(struct me_id_entry *entry)
{
	free((char *)entry->at);
	free(entry);
}

/* An entry that owns copies of both strings, in one allocation. */
static struct me_id_entry *new_entry(enum me_id_kind kind, const char *service, const char *text,
				     uint32_t id)
{
	size_t service_size = strlen(service) + 1, text_size = strlen(text) + 1;
	struct me_id_entry *entry = malloc(sizeof(*entry) + service_size + text_size);
	char *strings = (char *)(entry + 1);

	if (!entry)
		return NULL;
	*entry = (struct me_id_entry){
		.kind = kind,
		.id = id,
		.service = memcpy(strings, service, service_size),
		.text = memcpy(strings + service_size, text, text_size),
	};
	return entry;
}

static int reserve(struct ids *ids, uint32_t id)
{
	uint32_t capacity = ids->capacity ? ids->capacity : 64;
	struct me_id_entry **grown;

	if (id < ids->capacity)
		return 0;
	while (capacity <= id)
		capacity *= 2;
	grown = realloc(ids->by_id, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + ids->capacity, 0, (capacity - ids->capacity) * sizeof(*grown));
	ids->by_id = grown;
	ids->capacity = capacity;
	return 0;
}

static int add(struct me_registry *registry, enum me_id_kind kind, const char *service,
	       const char *text, uint32_t id)
{
	struct ids *ids = &registry->ids[kind];
	struct me_id_entry *entry;
	int r = reserve(ids, id);

	if (r < 0)
		return r;
	entry = new_entry(kind, service, text, id);
	if (!entry)
		return -ENOMEM;
	if (!tsearch(entry, &registry->by_text, compare_text)) {
		free_entry(entry);
		return -ENOMEM;
	}
	ids->by_id[id] = entry;
	if (id >= ids->count)
		ids->count = id + 1;
	return 0;
}

static const struct me_id_entry *find(const struct me_registry *registry, enum me_id_kind kind,
				      const char *service, const char *text)
{
	const struct me_id_entry key = {.kind = kind, .service = service, .text = text};
	struct me_id_entry *const *node = tfind(&key, &registry->by_text, compare_text);

	return node ? *node : NULL;
}

struct me_registry *me_registry_new(void)
{
	static const char *const fixed[ME_SERVICE_FIRST] = {
		[ME_SERVICE_UNLISTED] = "unlisted",
		[ME_SERVICE_LOCAL] = "local",
		[ME_SERVICE_LINK] = "link",
	};
	struct me_registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	for (enum me_id_kind kind = 0; kind < ME_ID_KINDS; kind++)
		registry->ids[kind].count = first_id[kind];
	for (uint32_t id = 0; id < ME_SERVICE_FIRST; id++) {
		if (add(registry, ME_ID_SERVICE, fixed[id], "", id) < 0) {
			me_registry_free(&registry);
			return NULL;
		}
	}
	return registry;
}

static void keep_entry(void *entry)
{
	(void)entry; /* freed through by_id */
}

void me_registry_free(struct me_registry **registry)
{
	struct me_registry *r = *registry;

	if (!r)
		return;
	tdestroy(r->by_text, keep_entry);
	for (enum me_id_kind kind = 0; kind < ME_ID_KINDS; kind++) {
		for (uint32_t id = 0; id < r->ids[kind].count; id++) {
			if (r->ids[kind].by_id && r->ids[kind].by_id[id])
				free_entry(r->ids[kind].by_id[id]);
		}
		free(r->ids[kind].by_id);
	}
	free(r);
	*registry = NULL;
}

int me_registry_id(struct me_registry *registry, enum me_id_kind kind, const char *service,
		   const char *text, uint32_t *ret_id)
{
	const struct me_id_entry *known = find(registry, kind, service, text);
	uint32_t id = known ? known->id : registry->ids[kind].count;
	int r = 0;

	if (!known)
		r = id < end_id[kind] ? add(registry, kind, service, text, id) : -ENOSPC;
	if (r == 0)
		*ret_id = id;
	return r;
}

int me_registry_restore(struct me_registry *registry, enum me_id_kind kind, const char *service,
			const char *text, uint32_t id)
{
	const struct me_id_entry *by_text, *by_id;

	if (kind >= ME_ID_KINDS || id < first_id[kind] || id >= end_id[kind])
		return -EINVAL;
	by_text = find(registry, kind, service, text);
	by_id = me_registry_get(registry, kind, id);
	if (by_text != by_id)
		return -EEXIST;
	return by_id ? 0 : add(registry, kind, service, text, id);
}

int me_registry_note(struct me_registry *registry, uint32_t rule_id, const char *at)
{
	struct ids *rules = &registry->ids[ME_ID_RULE];
	struct me_id_entry *entry =
		rule_id < rules->count && rules->by_id ? rules->by_id[rule_id] : NULL;
	char *copy;

	if (!entry)
		return -ENOENT;
	if (entry->at && strcmp(entry->at, at) == 0)
		return 0;
	copy = strdup(at);
	if (!copy)
		return -ENOMEM;
	free((char *)entry->at);
	entry->at = copy;
	return 0;
}

const struct me_id_entry *me_registry_get(const struct me_registry *registry, enum me_id_kind kind,
					  uint32_t id)
{
	const struct ids *ids = &registry->ids[kind];

	return id < ids->count && id < ids->capacity ? ids->by_id[id] : NULL;
}

uint32_t me_registry_count(const struct me_registry *registry, enum me_id_kind kind)
{
	return registry->ids[kind].count;
}
