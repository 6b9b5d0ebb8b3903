/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_LEARN_H
#define MEWATCH_BPF_LEARN_H

/*
 * The learned addresses. Learning only adds and prolongs; the daemon removes what is stale, one
 * address in one run of me_forget_one. A slot's word is its endpoint and a version: who prolongs a
 * slot raises the version, so that a removal that saw the old times fails.
 */
#include "bpf/names.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct me_rate);
} me_rates SEC(".maps");

static const struct me_learned me_learned_empty;

static __always_inline void me_learned_count(__s64 n)
{
	__u32 zero = 0;
	struct me_rate *rate = bpf_map_lookup_elem(&me_rates, &zero);

	if (rate)
		__sync_fetch_and_add(&rate->entries, n);
}

/* Whether one more new address fits into this minute. */
static __always_inline bool me_rate_allows(__u64 now)
{
	__u32 zero = 0;
	struct me_rate *rate = bpf_map_lookup_elem(&me_rates, &zero);
	__u64 since;

	if (!rate)
		return false;
	since = *(volatile __u64 *)&rate->since_ns;
	if (now - since > 60ull * 1000000000ull &&
	    __sync_val_compare_and_swap(&rate->since_ns, since, now) == since)
		__sync_lock_test_and_set(&rate->count, 0);
	return __sync_fetch_and_add(&rate->count, 1) < ME_LEARNED_MINUTE_MAX;
}

static __always_inline void me_prolong(__u64 *time, __u64 to)
{
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)time;

		if (to <= old || __sync_val_compare_and_swap(time, old, to) == old)
			return;
	}
}

/* Prolongs the slot if it is the endpoint's, and is so still afterwards. */
static __always_inline bool me_slot_prolong(struct me_learned_slot *slot,
					    const struct me_learn *learn)
{
	struct me_learned_slot before = {.word = *(volatile __u64 *)&slot->word}, after;

	if (before.endpoint != learn->endpoint)
		return false;
	me_prolong(&slot->expires_ns, learn->expires_ns);
	me_prolong(&slot->stale_ns, learn->stale_ns);
	after.word = before.word;
	after.version++;
	return __sync_val_compare_and_swap(&slot->word, before.word, after.word) == before.word;
}

/* Makes a free slot the endpoint's. */
static __always_inline bool me_slot_claim(struct me_learned_slot *slot,
					  const struct me_learn *learn)
{
	struct me_learned_slot mine = {.endpoint = learn->endpoint, .version = 1};

	if (*(volatile __u64 *)&slot->word ||
	    __sync_val_compare_and_swap(&slot->word, 0, mine.word))
		return false;
	__sync_lock_test_and_set(&slot->expires_ns, learn->expires_ns);
	__sync_lock_test_and_set(&slot->stale_ns, learn->stale_ns);
	mine.word = *(volatile __u64 *)&slot->word;
	return mine.endpoint == learn->endpoint;
}

/* Whether the endpoint may have one address more. */
static __always_inline bool me_endpoint_has_room(__u32 id)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(id);

	return endpoint && endpoint->learned < ME_LEARNED_ENDPOINT_MAX;
}

static __always_inline void me_endpoint_learned(__u32 id, __s64 n)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(id);

	if (endpoint)
		__sync_fetch_and_add(&endpoint->learned, n);
}

/* The entry of the address; a new one is empty. NULL: *ret_refused says why there is none. */
static __always_inline struct me_learned *me_learned_entry(const struct me_addr *address,
							   enum me_refused *ret_refused)
{
	struct me_learned *entry = bpf_map_lookup_elem(&me_learned, address);
	int err;

	if (entry)
		return entry;
	*ret_refused = ME_REFUSED_RATE;
	if (!me_rate_allows(bpf_ktime_get_ns()))
		return NULL;
	err = bpf_map_update_elem(&me_learned, address, &me_learned_empty, BPF_NOEXIST);
	if (!err)
		me_learned_count(1);
	*ret_refused = ME_REFUSED_FULL;
	return err && err != -EEXIST ? NULL : bpf_map_lookup_elem(&me_learned, address);
}

/*
 * Learns that the address belongs to the endpoint until then. ME_REFUSED_COUNT: it does; else why it
 * could not be. ME_REFUSED_BUSY: its entry is being removed just now.
 */
static __noinline enum me_refused me_learn_put(const struct me_learn *learn)
{
	enum me_refused refused = ME_REFUSED_FULL;
	struct me_learned *entry;

	if (!learn || !learn->endpoint)
		return ME_REFUSED_COUNT;
	entry = me_learned_entry(&learn->address, &refused);
	if (!entry)
		return refused;
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++)
		if (me_slot_prolong(&entry->slot[i], learn))
			return ME_REFUSED_COUNT;
	if (entry->slot[0].endpoint == ME_LEARNED_LOCKED)
		return ME_REFUSED_BUSY;
	if (!me_endpoint_has_room(learn->endpoint))
		return ME_REFUSED_MANY_ANSWERS;
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++) {
		if (!me_slot_claim(&entry->slot[i], learn))
			continue;
		me_endpoint_learned(learn->endpoint, 1);
		return ME_REFUSED_COUNT;
	}
	return entry->slot[0].endpoint == ME_LEARNED_LOCKED ? ME_REFUSED_BUSY
							    : ME_REFUSED_MANY_NAMES;
}

/* --- The addresses of an answer ----------------------------------------------------------------- */

struct me_learn_walk {
	struct me_room *room;
	__u64 now;
	__u64 grace_ns;
	__u32 address; /* index */
	__u32 relearn;
	__u32 claimed;
	__u32 zero;
};

static long me_learn_step(__u32 index, void *context)
{
	struct me_learn_walk *walk = context;
	struct me_room *room = walk->room;
	struct me_dns_address *from;
	struct me_learn learn = {};
	enum me_refused refused;
	__u32 at = walk->address;

	if (!room || index >= room->named.n)
		return 1;
	ME_HIDE(at);
	from = &room->dns.address[at & (ME_DNS_ADDRESSES_MAX - 1)];
	ME_HIDE(index);
	index &= ME_NAME_ENDPOINTS - 1;
	learn.address = from->address;
	learn.endpoint = room->named.endpoint[index];
	learn.expires_ns = walk->now + me_dns_life(from->ttl) * 1000000000ull;
	learn.stale_ns = learn.expires_ns + walk->grace_ns;
	if (walk->claimed)
		learn.expires_ns = 0;
	refused = me_dns_refused(&learn.address, room->named.flags[index]);
	if (refused == ME_REFUSED_COUNT)
		refused = me_learn_put(&learn);
	if (refused == ME_REFUSED_COUNT)
		return 0;
	walk->relearn |= refused == ME_REFUSED_BUSY;
	me_count_refused(refused);
	return 0;
}

static long me_learn_address_step(__u32 index, void *context)
{
	struct me_learn_walk *walk = context;
	struct me_room *room = walk->room;

	if (!room || index >= room->dns.n_addresses)
		return 1;
	walk->address = index;
	me_loop(ME_NAME_ENDPOINTS, me_learn_step, walk, 0);
	return 0;
}

/* Learns the addresses in room->dns for room->named. Whether an entry was being removed just then. */
static __noinline bool me_learn_all(struct me_room *room, __u64 now, __u64 grace_ns, __u32 claimed)
{
	struct me_learn_walk walk = {
		.room = room, .now = now, .grace_ns = grace_ns, .claimed = claimed};

	me_loop(ME_DNS_ADDRESSES_MAX, me_learn_address_step, &walk, 0);
	return walk.relearn;
}

#endif
