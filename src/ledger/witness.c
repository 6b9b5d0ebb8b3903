/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/witness.h"

#include <errno.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/chain.h"
#include "ledger/stream.h"

#define PROXY_SPEAKS 80 /* a proxy is spoken to like a web server, on whatever port it is */
#define SAME_CONNECTION (1u << 20) /* sequence numbers that its first segments are apart at most */

struct flow {
	struct me_flow_key key;
	struct me_stream *stream; /* NULL: decided, or given up */
	uint64_t since_ns;        /* its first segment; or its decision */
	uint32_t seq;             /* of its first segment */
	uint32_t segments;
	bool proxied;
};

struct me_witness {
	struct me_table *index;  /* struct me_flow_key -> slot */
	struct me_chain open;    /* by the first segment */
	struct me_chain decided; /* by the decision */
	struct me_chain unused;
	size_t n_open;
	uint64_t lost;
	struct me_link links[1 + ME_WITNESS_FLOWS_MAX];
	struct flow flows[1 + ME_WITNESS_FLOWS_MAX]; /* [0] is never used */
};

struct me_witness *me_witness_new(void)
{
	struct me_witness *witness = calloc(1, sizeof(*witness));

	if (!witness)
		return NULL;
	for (uint32_t slot = 1; slot <= ME_WITNESS_FLOWS_MAX; slot++)
		me_chain_add(&witness->unused, witness->links, slot);
	witness->index =
		me_table_new(sizeof(struct me_flow_key), sizeof(uint32_t), ME_WITNESS_FLOWS_MAX);
	if (!witness->index)
		me_witness_free(&witness);
	return witness;
}

/* Frees the bytes: nothing is claimed any more. */
static void decide(struct me_witness *witness, uint32_t slot, uint64_t now_ns)
{
	struct flow *flow = &witness->flows[slot];

	me_stream_free(&flow->stream);
	flow->since_ns = now_ns;
	me_chain_remove(&witness->open, witness->links, slot);
	me_chain_add(&witness->decided, witness->links, slot);
	witness->n_open--;
}

static void forget(struct me_witness *witness, uint32_t slot)
{
	struct flow *flow = &witness->flows[slot];

	if (flow->stream)
		decide(witness, slot, 0);
	me_table_remove(witness->index, &flow->key);
	me_chain_remove(&witness->decided, witness->links, slot);
	me_chain_add(&witness->unused, witness->links, slot);
	*flow = (struct flow){0};
}

void me_witness_free(struct me_witness **witness)
{
	struct me_witness *held = me_steal_ptr(witness);

	if (!held)
		return;
	for (uint32_t slot = 1; slot <= ME_WITNESS_FLOWS_MAX; slot++)
		me_stream_free(&held->flows[slot].stream);
	me_table_free(&held->index);
	free(held);
}

/* The flow that a segment begins, or 0 without memory. */
static uint32_t begin(struct me_witness *witness, const struct me_payload *head)
{
	struct me_stream *stream = me_stream_new(ME_FIRST_BYTES);
	uint32_t slot;
	void *value;

	if (!stream)
		return 0;
	if (!witness->unused.first) {
		witness->lost += !witness->decided.first;
		forget(witness,
		       witness->decided.first ? witness->decided.first : witness->open.first);
	}
	if (me_table_put(witness->index, &head->key, &value) < 0) {
		me_stream_free(&stream);
		return 0;
	}
	slot = witness->unused.first;
	*(uint32_t *)value = slot;
	me_chain_remove(&witness->unused, witness->links, slot);
	me_chain_add(&witness->open, witness->links, slot);
	witness->n_open++;
	witness->flows[slot] = (struct flow){.key = head->key,
					     .stream = stream,
					     .since_ns = head->ts_ns,
					     .seq = head->seq,
					     .proxied = head->flags & ME_PAYLOAD_PROXY};
	return slot;
}

/* The flow of the segment. 0: none is known. */
static uint32_t find(struct me_witness *witness, const struct me_payload *head)
{
	const uint32_t *known = me_table_get(witness->index, &head->key);
	uint32_t slot = known ? *known : 0;

	/* In transit addresses and ports come again, with other sequence numbers. */
	if (slot && head->seq - witness->flows[slot].seq + SAME_CONNECTION > 2 * SAME_CONNECTION) {
		forget(witness, slot);
		return 0;
	}
	return slot;
}

/* What the bytes of the flow say, as far as they are there. */
static void read_claim(const struct flow *flow, struct me_claim *ret_claim,
		       struct me_request *ret_request)
{
	size_t n;
	const uint8_t *data = me_stream_data(flow->stream, &n);

	if (flow->proxied)
		me_request_parse(data, (uint32_t)n, ret_request);
	me_claim_parse(flow->proxied ? PROXY_SPEAKS : flow->key.port, data, (uint32_t)n, ret_claim);
	/* Whom a request is for is known at its first line, or never. */
	if (ret_request->kind == ME_REQUEST_MORE)
		*ret_claim = (struct me_claim){.kind = ME_CLAIM_MORE};
	if (ret_claim->kind == ME_CLAIM_MORE &&
	    (n >= ME_FIRST_BYTES || flow->segments >= ME_FIRST_SEGMENTS)) {
		*ret_claim = (struct me_claim){.kind = ME_CLAIM_NONE};
		*ret_request = (struct me_request){.kind = ME_REQUEST_NONE};
	}
}

enum me_claim_kind me_witness_put(struct me_witness *witness, const struct me_payload *head,
				  const uint8_t *data, struct me_claim *ret_claim,
				  struct me_request *ret_request)
{
	struct flow *flow;
	uint32_t slot;
	int r;

	*ret_claim = (struct me_claim){.kind = ME_CLAIM_MORE};
	*ret_request = (struct me_request){.kind = ME_REQUEST_NONE};
	if (!(head->flags & ME_PAYLOAD_SENT) || !head->length)
		return ME_CLAIM_MORE;
	slot = find(witness, head);
	if (!slot)
		slot = begin(witness, head);
	flow = &witness->flows[slot];
	if (!slot) {
		witness->lost++;
		return ME_CLAIM_MORE;
	}
	if (!flow->stream)
		return ME_CLAIM_MORE;
	flow->segments++;
	/* What reaches beyond is too much anyway. */
	r = me_stream_put(flow->stream, head->seq, data, head->length);
	if (r == -ENOMEM) {
		witness->lost++;
		decide(witness, slot, head->ts_ns);
		return ME_CLAIM_MORE;
	}
	read_claim(flow, ret_claim, ret_request);
	if (ret_claim->kind != ME_CLAIM_MORE)
		decide(witness, slot, head->ts_ns);
	return ret_claim->kind;
}

bool me_witness_waits(const struct me_witness *witness, const struct me_flow_key *key)
{
	const uint32_t *slot = me_table_get(witness->index, key);

	return slot && witness->flows[*slot].stream;
}

/* Forgets those of a chain that are older. */
static void expire(struct me_witness *witness, const struct me_chain *chain, uint64_t before_ns)
{
	while (chain->first && witness->flows[chain->first].since_ns < before_ns)
		forget(witness, chain->first);
}

void me_witness_expire(struct me_witness *witness, uint64_t before_ns)
{
	expire(witness, &witness->open, before_ns);
	expire(witness, &witness->decided, before_ns);
}

size_t me_witness_count(const struct me_witness *witness)
{
	return witness->n_open;
}

uint64_t me_witness_lost(const struct me_witness *witness)
{
	return witness->lost;
}
