/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_FORGET_H
#define MEWATCH_BPF_FORGET_H

/* How the daemon learns and forgets addresses. */
#include "bpf/learn.h"

SEC("syscall") int me_learn_one(struct me_learn *learn)
{
	struct me_learn copy = *learn;

	learn->result = me_learn_put(&copy);
	return 0;
}

/* Frees a slot whose time is over. Whether it is free now. */
static __always_inline bool me_slot_free(struct me_learned_slot *slot, __u64 now)
{
	struct me_learned_slot before = {.word = *(volatile __u64 *)&slot->word};

	if (!before.word)
		return true;
	if (*(volatile __u64 *)&slot->stale_ns >= now ||
	    __sync_val_compare_and_swap(&slot->word, before.word, 0) != before.word)
		return false;
	me_endpoint_learned(before.endpoint, -1);
	return true;
}

/* Locks the entry if it is empty and was so for a while: slots are claimed from the first on. */
static __always_inline bool me_learned_lock(struct me_learned *entry, __u64 now)
{
	struct me_learned_slot locked = {.endpoint = ME_LEARNED_LOCKED};
	bool whole = true;

	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++)
		if (entry->slot[i].stale_ns + ME_LEARNED_REMOVABLE_NS >= now)
			return false;
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++)
		whole &= !__sync_val_compare_and_swap(&entry->slot[i].word, 0, locked.word);
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS && !whole; i++)
		__sync_val_compare_and_swap(&entry->slot[i].word, locked.word, 0);
	return whole;
}

/* Frees what is stale of one address, and removes it when nothing is left. */
SEC("syscall") int me_forget_one(struct me_forget *forget)
{
	struct me_addr address = forget->address;
	struct me_learned *entry = bpf_map_lookup_elem(&me_learned, &address);
	__u64 now = forget->now_ns;
	int used = 0;

	if (!entry) {
		forget->result = -ENOENT;
		return 0;
	}
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS; i++)
		used += !me_slot_free(&entry->slot[i], now);
	if (!used && me_learned_lock(entry, now) && !bpf_map_delete_elem(&me_learned, &address))
		me_learned_count(-1);
	forget->result = used;
	return 0;
}

#endif
