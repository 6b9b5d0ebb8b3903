/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPLAY_PROGRAM_H
#define MEWATCH_REPLAY_PROGRAM_H

/*
 * The programs of the transit vantage, compiled for the host from the same sources (bpf/transit.bpf.c),
 * and their maps. Like the programs in the kernel they are there once: one replay at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include "mewatch/abi.h"
#include "policy/parts.h"
#include "replay/map.h"

/* The maps that both sides use: X(name). */
#define ME_PROGRAM_OUTER(X)                                                                        \
	X(me_heads)                                                                                \
	X(me_addresses)                                                                            \
	X(me_prefixes)                                                                             \
	X(me_tables)                                                                               \
	X(me_entries)                                                                              \
	X(me_rows)                                                                                 \
	X(me_names)                                                                                \
	X(me_hosts)                                                                                \
	X(me_macs)

#define ME_PROGRAM_ARRAYS(X)                                                                       \
	X(me_cells)                                                                                \
	X(me_totals)                                                                               \
	X(me_dns_counts)                                                                           \
	X(me_zones)                                                                                \
	X(me_ids)                                                                                  \
	X(me_endpoints)                                                                            \
	X(me_control)                                                                              \
	X(me_rooms)                                                                                \
	X(me_rates)

#define ME_PROGRAM_HASHES(X)                                                                       \
	X(me_flows)                                                                                \
	X(me_learned)                                                                              \
	X(me_queries)                                                                              \
	X(me_aliases)                                                                              \
	X(me_ftp_controls)                                                                         \
	X(me_ftp_announced)                                                                        \
	X(me_host_table)                                                                           \
	X(me_fragments)                                                                            \
	X(me_watched)

#define ME_PROGRAM_LRUS(X)                                                                         \
	X(me_mac_addresses)                                                                        \
	X(me_elsewheres)                                                                           \
	X(me_crowd)

#define ME_PICK_MAP(name) struct me_map *name;
struct me_program_maps {
	ME_PROGRAM_OUTER(ME_PICK_MAP)
	ME_PROGRAM_ARRAYS(ME_PICK_MAP)
	ME_PROGRAM_HASHES(ME_PICK_MAP)
	ME_PROGRAM_LRUS(ME_PICK_MAP)
	struct me_map *me_ring;
	struct me_map *inner[2][ME_IMAGE_PARTS]; /* of the policy's two slots */
};
#undef ME_PICK_MAP

/* Sizes of the maps whose definitions leave them to the loader; 0: as they are defined. */
struct me_program_sizes {
	uint32_t flows, endpoints, learned;
};

/* Makes the maps. 0 or -ENOMEM; me_program_close() takes them back. */
int me_program_open(const struct me_program_sizes *sizes, struct me_program_maps *ret_maps);
void me_program_close(struct me_program_maps *maps);

/* Puts a policy in force. 0 or -ENOMEM: then the one of before is. */
int me_program_policy(struct me_program_maps *maps, const struct me_image *image);

/* The time that the programs see from now on. */
void me_program_time(uint64_t now_ns);

/* A packet as an interface would have it. */
struct me_program_packet {
	const uint8_t *bytes;
	uint32_t have;   /* of them: what was captured */
	uint32_t length; /* on the wire */
	uint16_t
		protocol; /* ethertype, host order; behind a VLAN tag that is still there: that of the tag */
	bool ethernet; /* bytes begin with an Ethernet header; else with the network header */
	bool sent;     /* from the mail hosts' side */
	bool broadcast;
	uint32_t interface;
};
void me_program_packet(const struct me_program_packet *packet);

/* What the daemon runs: bpf/settle.h, bpf/forget.h, bpf/transit_sweep.h. */
int me_settle(struct me_settle *settle);
int me_take(struct me_take *take);
int me_learn_one(struct me_learn *learn);
int me_forget_one(struct me_forget *forget);
int me_sync_passing(void *unused);
int me_orphan(struct me_orphan *orphan);

#endif
