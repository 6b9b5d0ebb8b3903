/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPLAY_HELPERS_H
#define MEWATCH_REPLAY_HELPERS_H

/*
 * What stands in for the kernel when the programs of bpf/ are compiled for the host: the packet, and the
 * helpers that they call. It takes the place of <bpf/bpf_helpers.h> and <bpf/bpf_core_read.h>, of which
 * it sets the guards, and has to be included before anything of bpf/.
 */
#define __sk_buff me_kernel_sk_buff
#include <linux/bpf.h>
#undef __sk_buff
#include <linux/types.h>
#include "replay/map.h"

#define __BPF_HELPERS__
#define __BPF_CORE_READ_H__

#ifndef NULL
#define NULL ((void *)0)
#endif
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define SEC(name)

/* The members that the programs use; a pointer has 64 bits here. */
struct __sk_buff {
	__u32 len; /* on the wire */
	__u32 pkt_type;
	__u32 protocol; /* network order */
	__u32 ifindex;
	__u32 gso_segs;
	__u32 gso_size;
	__u64 data, data_end; /* what there is of it */
	struct bpf_sock *sk;  /* none: packets of a capture belong to no socket */
};

#define ME_SKB_HAVE(skb) ((__u32)((skb)->data_end - (skb)->data))

/* Definitions of maps: the first member of each is the word that points to the map. */
#define __uint(name, number) int(*name)[number]
#define __type(name, kind) typeof(kind) *name
#define __array(name, kind) typeof(kind) *name[]

static __u64 me_host_now;

static inline __u64 bpf_ktime_get_ns(void)
{
	return me_host_now;
}

static inline __u64 bpf_ktime_get_coarse_ns(void)
{
	return me_host_now;
}

static inline __u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

static inline struct me_map *me_host_map(const void *word)
{
	struct me_map *map;

	__builtin_memcpy(&map, word, sizeof(map));
	return map;
}

/* An element of a map of maps is a word that points to one, or to none. */
static inline void *bpf_map_lookup_elem(const void *map, const void *key)
{
	return me_host_map(map) ? me_map_lookup(me_host_map(map), key) : NULL;
}

static inline long bpf_map_update_elem(const void *map, const void *key, const void *value,
				       __u64 flags)
{
	return me_map_update(me_host_map(map), key, value, flags);
}

static inline long bpf_map_delete_elem(const void *map, const void *key)
{
	return me_map_delete(me_host_map(map), key);
}

/* Whoever goes through the flows wants those that changed: the others are as it left them. */
struct bpf_map;
#define bpf_for_each_map_elem(map, step, context, flags)                                           \
	do {                                                                                       \
		struct me_map_cursor me_cursor = {};                                               \
		const void *me_key;                                                                \
		void *me_value;                                                                    \
                                                                                                   \
		while (me_map_next_changed(me_host_map(map), &me_cursor, &me_key, &me_value) &&    \
		       !step(NULL, me_key, me_value, context))                                     \
			;                                                                          \
	} while (0)

static inline void *bpf_ringbuf_reserve(const void *ring, __u64 size, __u64 flags)
{
	return me_map_reserve(me_host_map(ring), size);
}

static struct me_map *me_host_ring;

static inline void bpf_ringbuf_submit(void *record, __u64 flags)
{
	me_map_submit(me_host_ring);
}

static inline long bpf_ringbuf_output(const void *ring, const void *bytes, __u64 size, __u64 flags)
{
	void *record = me_map_reserve(me_host_map(ring), size);

	if (!record)
		return -11; /* EAGAIN */
	__builtin_memcpy(record, bytes, size);
	me_map_submit(me_host_map(ring));
	return 0;
}

static inline long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to,
				      __u32 length)
{
	__u32 have = ME_SKB_HAVE(skb);

	if (offset > have || length > have - offset)
		return -14; /* EFAULT */
	__builtin_memcpy(to, (const void *)(skb->data + offset), length);
	return 0;
}

static inline __u64 bpf_skb_ancestor_cgroup_id(const struct __sk_buff *skb, int level)
{
	return 0;
}

#endif
