/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_HANDOVER_H
#define MEWATCH_KERNEL_HANDOVER_H

/*
 * What a daemon of another layout left, taken over (DESIGN, "Upgrade"). In this order:
 *
 *	find     which folders there are, and whether they can be taken over; nothing is changed
 *	begin    ids, processes and the daemon's block are copied
 *	prepare  before the links are switched: open flows get a place in the new table
 *	finish   after it, when no old program runs: counters move, flows and sockets are brought
 *	         up to date and leave the old maps
 *	ring     unread records are delivered, then the old folder is removed
 *
 * A start that is cut short anywhere is repeated by the next one and goes on where it stopped: what
 * was moved is no longer in the old maps. Two steps are not one with what they remove: a kill right
 * between them counts the attempts and bytes of one endpoint, or the bytes of one datagram flow,
 * twice.
 *
 * While the links are switched, one after the other, a connection may meet the old program at its
 * connect and the new one later: its attempt is counted, but its end only found by the sync. And what
 * a datagram socket that closes just then had sent since the last sync is lost from its bytes.
 */
#include "kernel/internal.h"

struct handover_bpf;
struct me_btfcopy;

/* One folder of another layout. */
struct me_older {
	struct me_older *next;
	struct me_kernel *kernel;
	char folder[ME_PIN_PATH_MAX];
	struct handover_bpf *programs; /* from prepare to finish */
	bool finished;
	struct ring_buffer *ring;
	struct me_btfcopy *record;
};

/* handover.c */

/* 0; -EPROTO: its counters cannot be added to these; -ENOMEM; -errno of reading the pins. */
int me_handover_find(struct me_kernel *kernel, struct me_why *why);
/* The size for a new map that is to take in the old ones of that name: `wanted`, or more. */
uint32_t me_handover_entries(const struct me_kernel *kernel, const struct bpf_map *map,
			     uint32_t wanted);
int me_handover_prepare(struct me_kernel *kernel, struct me_why *why);
int me_handover_finish(struct me_kernel *kernel, struct me_why *why);
/* Hands unread records to kernel->ring_fn. How many there were, or an errno. */
int me_handover_ring(struct me_kernel *kernel);
void me_handover_free(struct me_kernel *kernel);

/* handover_begin.c */

/* 0, and perhaps a warning in *why: the daemon's block could not be taken over. */
int me_handover_begin(struct me_kernel *kernel, struct me_why *why);

/* carry.c: the same steps for what the programs use. */
int me_carry_prepare(struct me_older *older);
int me_carry_finish(struct me_older *older);
void me_carry_unload(struct me_older *older);

#endif
