/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_WITNESS_H
#define MEWATCH_LEDGER_WITNESS_H

/*
 * The first payloads of flows, put together from the segments that the kernel tells as
 * ME_RECORD_FIRST until they say what name is asked for. The bytes are freed once that is decided
 * (DESIGN, "Privacy"). Times are those of the records. Not locked.
 *
 * Of a flow that was decided the key stays for a while, without bytes: a segment that is sent once
 * more afterwards is then no beginning. A segment whose number is far from the flow's belongs to a new
 * connection with the same key.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"
#include "mewatch/claim.h"
#include "mewatch/request.h"

/* Flows, decided ones included: of those the oldest makes room, else the oldest undecided one. */
#define ME_WITNESS_FLOWS_MAX 8192u

struct me_witness;

/* NULL without memory. */
struct me_witness *me_witness_new(void);
void me_witness_free(struct me_witness **witness);

/*
 * Takes a segment: `head` of a ME_RECORD_FIRST, whose key.port (host order) says how its bytes are
 * read, and the head->length bytes that follow it. ME_CLAIM_NAME or ME_CLAIM_NONE, once for a flow: it
 * is decided. NONE also when ME_FIRST_BYTES or ME_FIRST_SEGMENTS were not enough, as no more of them
 * will be told. ME_CLAIM_MORE: it says nothing yet, or nothing new. *ret_request is what a flow to the
 * proxy (ME_PAYLOAD_PROXY) asks it for, when that is decided. Every field of both is set.
 */
enum me_claim_kind me_witness_put(struct me_witness *witness, const struct me_payload *head,
				  const uint8_t *data, struct me_claim *ret_claim,
				  struct me_request *ret_request);

/* Whether the flow has begun to say something and is not decided. */
bool me_witness_waits(const struct me_witness *witness, const struct me_flow_key *key);

/* Forgets flows whose first segment, or whose decision, came before. */
void me_witness_expire(struct me_witness *witness, uint64_t before_ns);

/* Flows whose bytes are held. */
size_t me_witness_count(const struct me_witness *witness);

/* Flows that got no decision for want of room or memory. */
uint64_t me_witness_lost(const struct me_witness *witness);

#endif
