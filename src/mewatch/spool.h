/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_SPOOL_H
#define MEWATCH_MEWATCH_SPOOL_H

/*
 * Records that mean nothing alone: half a ClientHello, a query over TCP that has no answer yet. They
 * are gone from the ring when they are read, so a copy is kept in a file that is mapped into memory,
 * which a kill leaves as it is; the next daemon reads it before it goes on with the ring. Two halves
 * take turns, by time or when one is full, so that nothing stays that is no longer needed: these are
 * bytes of others.
 */
#include <stdint.h>
#include "mewatch/abi.h"

#define ME_SPOOL_HALF (4u << 20) /* bytes */

struct me_spool;

/*
 * Opens the file `path`, made if it is not there. What another `epoch` left means nothing here and is
 * dropped. 0 or a negative errno.
 */
int me_spool_open(const char *path, uint64_t epoch, struct me_spool **ret_spool);
void me_spool_close(struct me_spool **spool);

/* Wipes the older half and goes on there: what was kept two turns ago is gone. */
void me_spool_turn(struct me_spool *spool);

/* Keeps a record: its head and the head->length bytes that follow it. */
void me_spool_put(struct me_spool *spool, const struct me_payload *head, const uint8_t *bytes);

/* Calls `fn` for the records told at `since_ns` or later, in the order in which they were kept. */
void me_spool_each(const struct me_spool *spool, uint64_t since_ns,
		   void (*fn)(const struct me_payload *head, const uint8_t *bytes, void *userdata),
		   void *userdata);

#endif
