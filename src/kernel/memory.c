/* SPDX-License-Identifier: GPL-2.0-only */
#include <bpf/libbpf.h>
#include "kernel/internal.h"

#define ELEMENT_HEAD 64u /* of an element of a hash, at the most: struct htab_elem, or of an LRU */
#define BUCKET 16u       /* struct bucket; as many as elements, rounded up to a power of two */

static uint64_t up(uint64_t value, uint64_t step)
{
	return (value + step - 1) / step * step;
}

static uint64_t buckets(uint64_t entries)
{
	uint64_t n = 1;

	while (n < entries)
		n *= 2;
	return n;
}

/* What a map takes when it is full. Those of a policy come and go with it; sockets carry their own. */
static uint64_t full_map(const struct bpf_map *map, uint64_t n_cpus)
{
	uint64_t entries = bpf_map__max_entries(map), value = up(bpf_map__value_size(map), 8);

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_RINGBUF:
		return entries;
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return entries * value * n_cpus;
	case BPF_MAP_TYPE_ARRAY:
		return up(entries * value, 4096);
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		return entries * (up(bpf_map__key_size(map), 8) + value + ELEMENT_HEAD) +
		       buckets(entries) * BUCKET;
	default:
		return 0;
	}
}

uint64_t me_kernel_memory(const struct me_kernel *kernel)
{
	const struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, kernel->bpf->obj)
		bytes += full_map(map, kernel->n_cpus);
	if (!kernel->transit)
		return bytes;
	bpf_object__for_each_map(map, kernel->transit->obj)
		if (!bpf_object__find_map_by_name(kernel->bpf->obj, bpf_map__name(map)))
			bytes += full_map(map, kernel->n_cpus);
	return bytes;
}
