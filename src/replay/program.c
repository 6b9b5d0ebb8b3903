/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/helpers.h"
#include "gen/transit_maps.h"
#include "replay/program.h"

/* The programs' own style: what is verified by itself is global. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "bpf/transit.bpf.c"
#include "bpf/forget.h"
#include "bpf/settle.h"
#pragma GCC diagnostic pop

/* Each map that the programs have is made here: one that program.h does not list does not compile. */
#define LISTED(name) _Static_assert(sizeof(((struct me_program_maps *)NULL)->name), #name);
ME_TRANSIT_MAPS(LISTED)
#undef LISTED

/* Sets the word of a map by which the programs know it. */
#define POINT(name, map) __builtin_memcpy(&(name), &(map), sizeof(map))
#define KEY_SIZE(name) sizeof(*(name).key)
#define VALUE_SIZE(name) sizeof(*(name).value)
#define ENTRIES(name) (sizeof(*(name).max_entries) / sizeof(int))

int me_program_open(const struct me_program_sizes *sizes, struct me_program_maps *ret_maps)
{
	__u32 flows = sizes->flows ? sizes->flows : ENTRIES(me_flows);
	__u32 learned = sizes->learned ? sizes->learned : ENTRIES(me_learned);
	__u32 endpoints = sizes->endpoints ? sizes->endpoints : ENTRIES(me_endpoints);
	bool made = true;

#define SIZE(name, otherwise)                                                                      \
	((void *)&(name) == (void *)&me_flows       ? flows                                        \
	 : (void *)&(name) == (void *)&me_learned   ? learned                                      \
	 : (void *)&(name) == (void *)&me_endpoints ? endpoints                                    \
						    : (otherwise))
#define MAKE(name, kind, key_size, value_size)                                                     \
	ret_maps->name = me_map_new(kind, key_size, value_size, SIZE(name, ENTRIES(name)));        \
	POINT(name, ret_maps->name);                                                               \
	made &= !!ret_maps->name;
#define OUTER(name) MAKE(name, ME_MAP_ARRAY, sizeof(__u32), sizeof(void *))
#define ARRAY(name) MAKE(name, ME_MAP_ARRAY, sizeof(__u32), VALUE_SIZE(name))
#define HASH(name) MAKE(name, ME_MAP_HASH, KEY_SIZE(name), VALUE_SIZE(name))
#define LRU(name) MAKE(name, ME_MAP_LRU, KEY_SIZE(name), VALUE_SIZE(name))
	ME_PROGRAM_OUTER(OUTER)
	ME_PROGRAM_ARRAYS(ARRAY)
	ME_PROGRAM_HASHES(HASH)
	ME_PROGRAM_LRUS(LRU)
	MAKE(me_ring, ME_MAP_RING, 0, 0)
	me_host_ring = ret_maps->me_ring;
	if (made && !me_map_watch(ret_maps->me_flows))
		return 0;
	me_program_close(ret_maps);
	return -12; /* ENOMEM: this file has the programs' own numbers */
}

void me_program_close(struct me_program_maps *maps)
{
	for (int slot = 0; slot < 2; slot++)
		for (int i = 0; i < ME_IMAGE_PARTS; i++)
			me_map_free(&maps->inner[slot][i]);
#define DROP(name)                                                                                 \
	me_map_free(&maps->name);                                                                  \
	POINT(name, maps->name);
	ME_PROGRAM_OUTER(DROP)
	ME_PROGRAM_ARRAYS(DROP)
	ME_PROGRAM_HASHES(DROP)
	ME_PROGRAM_LRUS(DROP)
	DROP(me_ring)
	me_host_ring = NULL;
}

void me_program_time(uint64_t now_ns)
{
	me_host_now = now_ns;
}

void me_program_packet(const struct me_program_packet *packet)
{
	struct __sk_buff skb = {
		.len = packet->length,
		.pkt_type = packet->broadcast,
		.protocol = bpf_htons(packet->protocol),
		.ifindex = packet->interface,
		.data = (__u64)(unsigned long)packet->bytes,
		.data_end = (__u64)(unsigned long)(packet->bytes + packet->have),
	};

	if (packet->ethernet)
		packet->sent ? me_transit_ingress(&skb) : me_transit_egress(&skb);
	else
		packet->sent ? me_transit_ingress_raw(&skb) : me_transit_egress_raw(&skb);
}
