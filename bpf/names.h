/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_NAMES_H
#define MEWATCH_BPF_NAMES_H

/* The endpoints of a name: those of the policy, and those of the names that it stands for. */
#include "bpf/message.h"

/* Temporary names: the key is me_name_hash(). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_ALIASES_MAX);
	__type(key, __u64);
	__type(value, struct me_alias);
} me_aliases SEC(".maps");

/* One suffix after the other of a name, and what the policy says of it. */
struct me_names_walk {
	struct me_room *room;
	const struct me_name *name;
	void *names; /* the inner map */
	__u64 depths;
	__u32 at;
	__u32 labels; /* from there on */
};

static long me_names_step(__u32 index, void *context)
{
	struct me_names_walk *walk = context;
	const struct me_name *name = walk->name;
	struct me_room *room = walk->room;
	__u32 at = walk->at, labels = walk->labels;
	const struct me_name_entry *entry;
	__u64 hash;

	if (!room || !name || !walk->names || !labels)
		return 1;
	if (walk->depths >> (labels < 63 ? labels : 63) & 1) {
		hash = me_name_hash(name, at);
		entry = bpf_map_lookup_elem(walk->names, &hash);
		if (entry && me_name_is(name, at, entry->wire, entry->length))
			me_named_add(&room->named, entry, index);
	}
	ME_HIDE(at);
	walk->at += name->wire[at & (ME_NAME_ROOM - 1)] + 1;
	walk->labels = labels - 1;
	return 0;
}

/* What the policy in `slot` says of the question's name, into room->named. Verified by itself. */
__noinline int me_room_names(struct me_room *room, __u32 slot)
{
	struct me_names_walk walk = {.room = room, .at = me_loop_begin(0)};
	const struct me_head *head;
	__u32 zero = 0;

	if (!room)
		return 0;
	walk.name = &room->dns.chain[0].name;
	__builtin_memset(&room->named, 0, sizeof(room->named));
	head = me_slot_lookup(&me_heads, slot, &zero);
	walk.names = bpf_map_lookup_elem(&me_names, &slot);
	if (!head || !walk.names)
		return 0;
	walk.depths = head->name_depths;
	walk.labels = walk.name->labels;
	me_loop(ME_NAME_MAX / 2, me_names_step, &walk, 0);
	return 0;
}

/* Verified by itself. */
__noinline int me_aliases_join(struct me_named *named, const struct me_named *other)
{
	if (named && other)
		me_named_join(named, other);
	return 0;
}

/* The temporary name, while its time is not over. */
static __always_inline struct me_alias *me_alias_find(const struct me_name *name, __u64 now)
{
	__u64 hash = me_name_hash(name, 0);
	struct me_alias *alias = bpf_map_lookup_elem(&me_aliases, &hash);

	return alias && alias->expires_ns >= now && me_name_equal(name, &alias->name) ? alias
										      : NULL;
}

/* Adds the endpoints of the names that the question's name stands for. */
static __noinline int me_aliases_find(struct me_room *room, __u64 now)
{
	struct me_alias *alias = room ? me_alias_find(&room->dns.chain[0].name, now) : NULL;

	if (alias)
		me_aliases_join(&room->named, &alias->named);
	return 0;
}

struct me_aliases_walk {
	struct me_room *room;
	__u64 now;
};

static long me_alias_step(__u32 index, void *context)
{
	struct me_aliases_walk *walk = context;
	struct me_room *room = walk->room;
	struct me_dns_link *link;
	struct me_alias *known;
	__u32 at = index + 1;
	__u64 hash;

	if (!room || at >= room->dns.n_chain)
		return 1;
	ME_HIDE(at);
	link = &room->dns.chain[at & (ME_DNS_CHAIN_MAX - 1)];
	room->alias.expires_ns = walk->now + me_dns_life(link->ttl) * 1000000000ull;
	room->alias.named = room->named;
	room->alias.name = link->name;
	known = me_alias_find(&room->alias.name, walk->now);
	if (known) {
		me_aliases_join(&room->alias.named, &known->named);
		if (known->expires_ns > room->alias.expires_ns)
			room->alias.expires_ns = known->expires_ns;
	}
	hash = me_name_hash(&room->alias.name, 0);
	if (bpf_map_update_elem(&me_aliases, &hash, &room->alias, BPF_ANY))
		me_count_refused(ME_REFUSED_FULL);
	return 0;
}

/* The names of the chain stand for the question's, should somebody ask for them alone. */
static __noinline int me_aliases_put(struct me_room *room, __u64 now)
{
	struct me_aliases_walk walk = {.room = room, .now = now};

	me_loop(ME_DNS_CHAIN_MAX, me_alias_step, &walk, 0);
	return 0;
}

#endif
