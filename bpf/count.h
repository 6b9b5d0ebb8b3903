/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_COUNT_H
#define MEWATCH_BPF_COUNT_H

/*
 * Counters. Every cell is added to atomically, per-CPU or not: a process can be interrupted by a
 * softirq that runs another of our programs on the same CPU.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "mewatch/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ME_CELL_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} me_cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ME_TOTALS_ALL);
	__type(key, __u32);
	__type(value, __u64);
} me_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ME_DNS_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} me_dns_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ME_ZONES_MAX);
	__type(key, __u32);
	__type(value, struct me_zone_counts);
} me_zones SEC(".maps");

/* The last id given out on each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} me_ids SEC(".maps");

/* Sized by the loader for the policy. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct me_endpoint_counts);
} me_endpoints SEC(".maps");

static __always_inline void me_count_total(__u32 which)
{
	__u64 *total = bpf_map_lookup_elem(&me_totals, &which);

	if (total)
		__sync_fetch_and_add(total, 1);
}

/* `which` is me_dns_queries(), me_dns_responses() or me_dns_refusals(). */
static __always_inline void me_count_dns(__u32 which, __u64 n)
{
	__u64 *count = bpf_map_lookup_elem(&me_dns_counts, &which);

	if (count)
		__sync_fetch_and_add(count, n);
}

static __always_inline void me_count_refused(enum me_refused cause)
{
	me_count_dns(me_dns_refusals(cause), 1);
}

static __always_inline void me_count_cell(__u32 vantage, __u32 service, __u32 kind, __u32 what)
{
	__u32 index;
	__u64 *cell;

	if (service >= ME_SERVICES_MAX)
		service = ME_SERVICE_UNLISTED;
	index = me_cell(vantage == ME_TRANSIT, service, kind, what);
	cell = bpf_map_lookup_elem(&me_cells, &index);
	if (cell)
		__sync_fetch_and_add(cell, 1);
}

static __always_inline struct me_endpoint_counts *me_count_endpoint(__u32 endpoint)
{
	return endpoint ? bpf_map_lookup_elem(&me_endpoints, &endpoint) : NULL;
}

/* An id that is unique since attach. */
static __always_inline __u64 me_next_id(void)
{
	__u64 cpu = bpf_get_smp_processor_id();
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&me_ids, &zero);

	return last ? cpu << 48 | (__sync_fetch_and_add(last, 1) + 1) : 0;
}

#endif
