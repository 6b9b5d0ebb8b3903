/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_POLICY_H
#define MEWATCH_BPF_POLICY_H

/*
 * The compiled policy in maps, and its lookups: the kernel's half of me_image_judge(). Each map has
 * two slots; a program reads `control.active` once and uses that slot throughout.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "mewatch/judge.h"
#include "mewatch/loop.h"
#include "mewatch/mode.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct me_control);
} me_control SEC(".maps");

struct me_inner_head {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct me_head));
};

struct me_inner_addresses {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct me_addr));
	__uint(value_size, sizeof(struct me_dest));
};

struct me_inner_prefixes {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct me_prefix));
	__uint(value_size, sizeof(struct me_dest));
};

struct me_inner_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

struct me_inner_entries {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct me_entry));
};

/* Endpoint id -> row. */
struct me_inner_rows {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

/* Hash of a name -> what the policy says of it. */
struct me_inner_names {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct me_name_entry));
};

/* Prefix of mail hosts, or MAC address of one -> its number, from 1. */
struct me_inner_hosts {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct me_prefix));
	__uint(value_size, sizeof(__u32));
};

struct me_inner_macs {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(__u32));
};

#define ME_TWO_SLOTS(name, inner)                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, 2);                                                            \
		__type(key, __u32);                                                                \
		__array(values, struct inner);                                                     \
	} name SEC(".maps")

ME_TWO_SLOTS(me_heads, me_inner_head);
ME_TWO_SLOTS(me_addresses, me_inner_addresses);
ME_TWO_SLOTS(me_prefixes, me_inner_prefixes);
ME_TWO_SLOTS(me_tables, me_inner_table);
ME_TWO_SLOTS(me_entries, me_inner_entries);
ME_TWO_SLOTS(me_rows, me_inner_rows);
ME_TWO_SLOTS(me_names, me_inner_names);
ME_TWO_SLOTS(me_hosts, me_inner_hosts);
ME_TWO_SLOTS(me_macs, me_inner_macs);

/* What was learned from DNS answers (bpf/learn.h): address -> endpoints. Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct me_addr);
	__type(value, struct me_learned);
} me_learned SEC(".maps");

static __always_inline const struct me_control *me_control_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&me_control, &zero);
}

/* The slot in force. */
static __always_inline __u32 me_policy_slot(const struct me_control *control)
{
	return *(volatile const __u32 *)&control->active & 1;
}

/* Element 0 of the inner map in `slot`, or NULL. */
static __always_inline void *me_slot_lookup(void *outer, __u32 slot, const void *key)
{
	void *inner = bpf_map_lookup_elem(outer, &slot);

	return inner ? bpf_map_lookup_elem(inner, key) : NULL;
}

static __always_inline const struct me_dest *me_policy_dest(__u32 slot, const struct me_head *head,
							    const struct me_addr *dst)
{
	const struct me_dest *dest = NULL;

	if (head->flags & ME_HEAD_ADDRESSES)
		dest = me_slot_lookup(&me_addresses, slot, dst);
	if (!dest && (head->flags & ME_HEAD_PREFIXES)) {
		struct me_prefix prefix = {.bits = 128};

		__builtin_memcpy(prefix.address, dst->byte, sizeof(prefix.address));
		dest = me_slot_lookup(&me_prefixes, slot, &prefix);
	}
	return dest;
}

static __always_inline __u32 me_policy_rank(__u32 slot, const struct me_head *head, __u32 row,
					    __u32 column)
{
	__u32 cell = row * head->columns + column;
	const __u32 *rank = me_slot_lookup(&me_tables, slot, &cell);

	return rank ? *rank : 0;
}

/* The learned endpoints of a destination, one after the other. */
struct me_learned_walk {
	const struct me_learned *learned;
	const struct me_head *head;
	void *rows; /* the inner map */
	__u64 now;
	__u32 slot;
	__u32 column;
	__u32 rank;
	__u8 evidence;
	__u8 found;
};

static long me_learned_step(__u32 index, void *context)
{
	struct me_learned_walk *walk = context;
	const struct me_learned_slot *learned;
	enum me_evidence evidence;
	const __u32 *row;
	__u32 endpoint;

	if (!walk->learned || !walk->rows || !walk->head)
		return 1;
	ME_HIDE(index);
	learned = &walk->learned->slot[index & (ME_NAME_ENDPOINTS - 1)];
	evidence = me_judge_learned(learned, walk->now);
	if (evidence == ME_EVIDENCE_NONE ||
	    (evidence == ME_EVIDENCE_CLAIMED && (walk->head->flags & ME_HEAD_STRICT)))
		return 0;
	endpoint = learned->endpoint;
	row = bpf_map_lookup_elem(walk->rows, &endpoint);
	if (!row || !*row)
		return 0;
	/* What the verifier knows of these numbers would only make it walk more ways. */
	evidence = me_loop_begin(evidence);
	walk->found = me_loop_begin(walk->found | (evidence != ME_EVIDENCE_CLAIMED));
	walk->rank = me_loop_begin(me_judge_fold(
		walk->rank, me_policy_rank(walk->slot, walk->head, *row, walk->column), evidence,
		&walk->evidence));
	walk->evidence = me_loop_begin(walk->evidence);
	return 0;
}

/* Folds the rows of the endpoints that were learned for the destination into the deciding rank. */
static __noinline __u32 me_policy_learned(__u32 slot, const struct me_addr *dst, __u32 column,
					  __u32 rank, struct me_found *found)
{
	struct me_learned_walk walk = {.slot = slot,
				       .column = column,
				       .rank = me_loop_begin(rank),
				       .evidence = me_loop_begin(ME_EVIDENCE_NONE),
				       .found = me_loop_begin(0)};
	__u32 zero = 0;

	if (!dst || !found)
		return rank;
	walk.learned = bpf_map_lookup_elem(&me_learned, dst);
	if (!walk.learned)
		return rank;
	walk.head = me_slot_lookup(&me_heads, slot, &zero);
	walk.rows = bpf_map_lookup_elem(&me_rows, &slot);
	walk.now = bpf_ktime_get_coarse_ns();
	me_loop(ME_NAME_ENDPOINTS, me_learned_step, &walk, 0);
	found->learned = walk.found;
	found->evidence = walk.evidence;
	return walk.rank;
}

/* Column of a protocol and port: what the policy alone says of it; NULL: nothing. */
static __always_inline const struct me_column *me_port_column(__u8 proto, __u16 port)
{
	const struct me_control *control = me_control_get();
	__u32 zero = 0, slot = me_slot(proto, port), column;
	const struct me_head *head;

	if (!control || slot >= ME_SLOT_COUNT)
		return NULL;
	head = me_slot_lookup(&me_heads, me_policy_slot(control), &zero);
	if (!head)
		return NULL;
	column = head->slot[slot];
	return column < ME_COLUMNS_MAX ? &head->column[column] : NULL;
}

/*
 * Judges `facts` by the policy in force. Returns its generation, or 0 when none is loaded (then
 * nothing is judged). The same sequence as me_image_judge(), and what is to be done about it.
 */
static __always_inline __u32 me_policy_judge(const struct me_facts *facts,
					     struct me_judgement *ret_judgement)
{
	const struct me_control *control = me_control_get();
	enum me_addr_kind kind = me_loop_begin(me_addr_kind(&facts->dst));
	struct me_found found = {};
	__u32 zero = 0, slot, port_slot, column, rank, generation;

	if (!control)
		return 0;
	slot = me_policy_slot(control);
	found.head = me_slot_lookup(&me_heads, slot, &zero);
	if (!found.head)
		return 0;
	generation = found.head->generation;
	if (!generation)
		return 0;

	port_slot = me_slot(facts->proto, facts->dport);
	if (port_slot >= ME_SLOT_COUNT)
		return 0;
	column = found.head->slot[port_slot];
	if (column < ME_COLUMNS_MAX)
		found.column = &found.head->column[column];
	if (!me_judge_is_local(kind, facts->flags))
		found.dest = me_policy_dest(slot, found.head, &facts->dst);
	rank = me_policy_rank(slot, found.head, me_judge_row(kind, facts->flags, found.dest),
			      column);
	if (!me_judge_is_local(kind, facts->flags)) {
		if (me_judge_is_recursive(kind, facts->flags))
			rank = me_judge_better(
				rank, me_policy_rank(slot, found.head, ME_ROW_RECURSIVE, column));
		/* In a column without names the learned ones decide nothing but the reason. */
		if ((found.head->flags & ME_HEAD_NAMES) &&
		    (!rank || (found.column && (found.column->flags & ME_COLUMN_NAMED))))
			rank = me_policy_learned(slot, &facts->dst, column, rank, &found);
	}
	if (rank)
		found.entry = me_slot_lookup(&me_entries, slot, &rank);
	me_judge(facts, kind, &found, ret_judgement);
	if (ret_judgement->verdict >= ME_VIOLATION || me_evidence_waits(ret_judgement->evidence))
		ret_judgement->acts = me_mode_state(control, ret_judgement, bpf_ktime_get_ns());
	return generation;
}

#endif
