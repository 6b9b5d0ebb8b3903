/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/aliases.h"

#include <errno.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/intern.h"

struct alias {
	uint32_t name; /* of the intern; 0: free */
	uint64_t until_ns;
};

struct target {
	struct alias aliases[ME_ALIASES_OF_ONE_MAX];
};

struct me_aliases {
	struct me_intern *intern;
	struct me_table *targets; /* the target's text in the intern -> struct target */
};

struct me_aliases *me_aliases_new(void)
{
	struct me_aliases *aliases = calloc(1, sizeof(*aliases));

	if (!aliases)
		return NULL;
	aliases->intern = me_intern_new();
	aliases->targets =
		me_table_new(sizeof(uint32_t), sizeof(struct target), ME_ALIASES_TARGETS_MAX);
	if (!aliases->intern || !aliases->targets)
		me_aliases_free(&aliases);
	return aliases;
}

void me_aliases_free(struct me_aliases **aliases)
{
	struct me_aliases *held = me_steal_ptr(aliases);

	if (!held)
		return;
	me_table_free(&held->targets);
	if (held->intern)
		me_intern_free(&held->intern);
	free(held);
}

/* The place of `name` in the target: its own, a free one, or that of the one that ends first. */
static struct alias *place_of(struct target *target, uint32_t name)
{
	struct alias *place = &target->aliases[0];

	for (size_t i = 0; i < ME_ALIASES_OF_ONE_MAX; i++)
		if (target->aliases[i].name == name)
			return &target->aliases[i];
	for (size_t i = 1; i < ME_ALIASES_OF_ONE_MAX; i++) {
		struct alias *other = &target->aliases[i];

		if (place->name && (!other->name || other->until_ns < place->until_ns))
			place = other;
	}
	return place;
}

int me_aliases_put(struct me_aliases *aliases, const char *target, const char *name,
		   uint64_t until_ns)
{
	uint32_t key = me_intern_get(aliases->intern, target);
	uint32_t id = me_intern_get(aliases->intern, name);
	struct alias *place;
	void *value = NULL;
	int r = key && id ? me_table_put(aliases->targets, &key, &value) : -ENOSPC;

	if (r) /* a known target has its reference already */
		me_intern_put(aliases->intern, key);
	if (r < 0) {
		me_intern_put(aliases->intern, id);
		return r;
	}
	place = place_of(value, id);
	me_intern_put(aliases->intern, place->name);
	if (place->name != id)
		place->until_ns = 0;
	place->name = id;
	if (until_ns > place->until_ns)
		place->until_ns = until_ns;
	return 0;
}

/* The text's id while it is known, without a reference; 0: it is not. */
static uint32_t id_of(const struct me_aliases *aliases, const char *text)
{
	uint32_t id = me_intern_get(aliases->intern, text);

	me_intern_put(aliases->intern, id);
	return id;
}

const char *me_aliases_next(const struct me_aliases *aliases, const char *target, uint64_t now_ns,
			    size_t *cursor)
{
	uint32_t key = id_of(aliases, target);
	const struct target *found = key ? me_table_get(aliases->targets, &key) : NULL;

	while (found && *cursor < ME_ALIASES_OF_ONE_MAX) {
		const struct alias *alias = &found->aliases[(*cursor)++];

		if (alias->name && alias->until_ns >= now_ns)
			return me_intern_text(aliases->intern, alias->name);
	}
	return NULL;
}

void me_aliases_each(const struct me_aliases *aliases, uint64_t now_ns,
		     void (*fn)(const char *target, const char *name, uint64_t until_ns,
				void *userdata),
		     void *userdata)
{
	const uint32_t *key;
	size_t cursor = 0;
	void *value;

	while (me_table_next(aliases->targets, &cursor, (const void **)&key, &value)) {
		const struct target *target = value;

		for (size_t i = 0; i < ME_ALIASES_OF_ONE_MAX; i++)
			if (target->aliases[i].name && target->aliases[i].until_ns >= now_ns)
				fn(me_intern_text(aliases->intern, *key),
				   me_intern_text(aliases->intern, target->aliases[i].name),
				   target->aliases[i].until_ns, userdata);
	}
}

/* Frees what is over of a target. Whether nothing is left. */
static int expire_target(struct me_aliases *aliases, struct target *target, uint64_t before_ns)
{
	int left = 0;

	for (size_t i = 0; i < ME_ALIASES_OF_ONE_MAX; i++) {
		struct alias *alias = &target->aliases[i];

		if (alias->name && alias->until_ns < before_ns) {
			me_intern_put(aliases->intern, alias->name);
			*alias = (struct alias){0};
		}
		left += alias->name != 0;
	}
	return !left;
}

void me_aliases_expire(struct me_aliases *aliases, uint64_t before_ns)
{
	const uint32_t *key;
	void *target;
	size_t cursor = 0;

	while (me_table_next(aliases->targets, &cursor, (const void **)&key, &target)) {
		uint32_t id = *key;

		if (!expire_target(aliases, target, before_ns))
			continue;
		me_table_remove(aliases->targets, &id);
		me_intern_put(aliases->intern, id);
	}
}
