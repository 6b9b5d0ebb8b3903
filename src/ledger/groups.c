/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/chain.h"

struct me_groups {
	struct me_intern *intern;
	const struct me_kept *kept;
	struct me_table *index;  /* struct me_group_key -> slot */
	struct me_group *groups; /* [0] is never used; a count of 0 is a free slot */
	struct me_link *links;
	struct me_chain quiet; /* by the time of the last violation */
	struct me_chain free;
	uint32_t max, room, used;
	uint64_t sum[ME_STAGE_COUNT];
	uint64_t serial;
};

#define FIRST_ROOM 64u

static void forget_texts(struct me_groups *groups, struct me_group *group)
{
	me_intern_put(groups->intern, group->key.exe);
	me_intern_put(groups->intern, group->cgroup);
	me_intern_put(groups->intern, group->name);
}

struct me_groups *me_groups_new(uint32_t max, struct me_intern *intern, const struct me_kept *kept)
{
	struct me_groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return NULL;
	groups->intern = intern;
	groups->kept = kept;
	groups->max = max;
	groups->used = 1;
	groups->index = me_table_new(sizeof(struct me_group_key), sizeof(uint32_t), max);
	if (!groups->index)
		me_groups_free(&groups);
	return groups;
}

void me_groups_free(struct me_groups **groups)
{
	struct me_groups *g = *groups;

	if (!g)
		return;
	for (uint32_t i = 1; i < g->used; i++)
		if (g->groups[i].count)
			forget_texts(g, &g->groups[i]);
	me_table_free(&g->index);
	free(g->groups);
	free(g->links);
	free(g);
	*groups = NULL;
}

static struct me_group_key key_of(const struct me_ledger_flow *flow, enum me_stage stage)
{
	struct me_group_key key = {
		.dst = flow->dst,
		.exe = flow->text[ME_TEXT_EXE],
		.service = flow->service,
		.dport = flow->dport,
		.reason = flow->state.reason,
		.stage = (uint8_t)stage,
		.proto = flow->proto,
		.vantage = flow->vantage,
	};

	if (flow->vantage != ME_HOST)
		key.host = flow->src;
	return key;
}

bool me_group_holds(const struct me_group *group, const struct me_ledger_flow *flow)
{
	enum me_stage stage =
		flow->state.verdict == ME_VIOLATION ? ME_STAGE_CONFIRMED : ME_STAGE_PROVISIONAL;
	struct me_group_key key = key_of(flow, stage);

	return (flow->state.verdict == ME_VIOLATION || flow->state.verdict == ME_PENDING) &&
	       !memcmp(&key, &group->key, sizeof(key));
}

static void drop(struct me_groups *groups, uint32_t slot)
{
	struct me_group *group = &groups->groups[slot];

	groups->sum[group->key.stage] -= group->count;
	me_table_remove(groups->index, &group->key);
	me_chain_remove(&groups->quiet, groups->links, slot);
	me_chain_add(&groups->free, groups->links, slot);
	forget_texts(groups, group);
	*group = (struct me_group){0};
}

static int grow(struct me_groups *groups)
{
	uint32_t room = groups->room ? groups->room * 2 : FIRST_ROOM;
	void *moved = realloc(groups->groups, room * sizeof(*groups->groups));

	if (!moved)
		return -ENOMEM;
	groups->groups = moved;
	moved = realloc(groups->links, room * sizeof(*groups->links));
	if (!moved)
		return -ENOMEM;
	groups->links = moved;
	groups->room = room;
	return 0;
}

/* Makes sure that a slot is free, and says which. */
static int take_slot(struct me_groups *groups, uint32_t *ret_slot)
{
	int r;

	if (!groups->free.first && groups->used <= groups->max) {
		r = groups->used >= groups->room ? grow(groups) : 0;
		if (r < 0)
			return r;
		groups->groups[groups->used] = (struct me_group){0};
		me_chain_add(&groups->free, groups->links, groups->used++);
	}
	if (!groups->free.first)
		drop(groups, groups->quiet.first);
	*ret_slot = groups->free.first;
	return 0;
}

static int find_or_add(struct me_groups *groups, const struct me_group_key *key, uint32_t *ret_slot)
{
	const uint32_t *known = me_table_get(groups->index, key);
	void *value;
	int r;

	if (known) {
		*ret_slot = *known;
		return 0;
	}
	r = take_slot(groups, ret_slot);
	if (r < 0)
		return r;
	r = me_table_put(groups->index, key, &value);
	if (r < 0)
		return r;
	*(uint32_t *)value = *ret_slot;
	me_chain_remove(&groups->free, groups->links, *ret_slot);
	me_chain_add(&groups->quiet, groups->links, *ret_slot);
	groups->groups[*ret_slot].key = *key;
	groups->groups[*ret_slot].serial = ++groups->serial;
	me_intern_ref(groups->intern, key->exe);
	return 0;
}

static void keep_text(struct me_groups *groups, uint32_t *text, uint32_t id)
{
	me_intern_ref(groups->intern, id);
	me_intern_put(groups->intern, *text);
	*text = id;
}

int me_groups_add(struct me_groups *groups, const struct me_ledger_flow *flow, enum me_stage stage)
{
	struct me_group_key key = key_of(flow, stage);
	struct me_group *group;
	uint32_t slot;
	int r;

	r = find_or_add(groups, &key, &slot);
	if (r < 0)
		return r;
	group = &groups->groups[slot];
	groups->sum[stage]++;
	if (!group->count++ || flow->first_ns < group->first_ns)
		group->first_ns = flow->first_ns;
	if (flow->first_ns < group->last_ns)
		return 0;
	group->last_ns = flow->first_ns;
	me_event_id(groups->kept, flow->id, stage, group->last_id);
	group->tgid = flow->tgid;
	group->uid = flow->uid;
	group->endpoint = flow->endpoint;
	memcpy(group->comm, flow->comm, sizeof(group->comm));
	keep_text(groups, &group->cgroup, flow->text[ME_TEXT_CGROUP]);
	keep_text(groups, &group->name, flow->text[ME_TEXT_NAME]);
	me_chain_remove(&groups->quiet, groups->links, slot);
	me_chain_add(&groups->quiet, groups->links, slot);
	return 0;
}

void me_groups_take(struct me_groups *groups, const struct me_ledger_flow *flow,
		    enum me_stage stage)
{
	struct me_group_key key = key_of(flow, stage);
	const uint32_t *slot = me_table_get(groups->index, &key);

	if (!slot)
		return;
	if (groups->groups[*slot].count == 1) {
		drop(groups, *slot);
	} else {
		groups->groups[*slot].count--;
		groups->sum[stage]--;
	}
}

uint64_t me_groups_sum(const struct me_groups *groups, enum me_stage stage)
{
	return groups->sum[stage];
}

uint64_t me_groups_serial(const struct me_groups *groups)
{
	return groups->serial;
}

const struct me_group *me_groups_next(const struct me_groups *groups, size_t *cursor)
{
	while (++*cursor < groups->used)
		if (groups->groups[*cursor].count)
			return &groups->groups[*cursor];
	return NULL;
}
