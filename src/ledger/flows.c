/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/flows.h"

#include <errno.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/chain.h"

/* Flows lie in blocks that never move, so that growing copies nothing. */
#define BLOCK_FLOWS 4096u

struct slot_flow {
	struct me_ledger_flow flow; /* first: a flow's slot is found from its address */
	uint32_t slot;
};

struct me_flows {
	struct me_intern *intern;
	struct me_table *index; /* flow id -> slot */
	struct slot_flow **blocks;
	struct me_link *links;
	struct me_chain open;   /* by the time of the last reading */
	struct me_chain closed; /* by the time of the end */
	uint32_t max;
	uint32_t used; /* slots that were ever used, slot 0 included */
	uint64_t evicted;
};

static struct slot_flow *at(const struct me_flows *flows, size_t slot)
{
	return &flows->blocks[slot / BLOCK_FLOWS][slot % BLOCK_FLOWS];
}

static uint32_t slot_of(const struct me_ledger_flow *flow)
{
	return ((const struct slot_flow *)flow)->slot;
}

struct me_flows *me_flows_new(uint32_t max, struct me_intern *intern)
{
	struct me_flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->intern = intern;
	flows->max = max;
	flows->used = 1;
	flows->index = me_table_new(sizeof(uint64_t), sizeof(uint32_t), 0);
	flows->blocks = calloc(max / BLOCK_FLOWS + 1, sizeof(struct slot_flow *));
	if (!flows->index || !flows->blocks)
		me_flows_free(&flows);
	return flows;
}

void me_flows_free(struct me_flows **flows)
{
	struct me_flows *f = *flows;

	if (!f)
		return;
	for (uint32_t i = 1; i < f->used; i++)
		for (unsigned int t = 0; t < ME_TEXT_COUNT; t++)
			me_intern_put(f->intern, at(f, i)->flow.text[t]);
	for (uint32_t i = 0; f->blocks && i <= f->max / BLOCK_FLOWS; i++)
		free(f->blocks[i]);
	me_table_free(&f->index);
	free(f->blocks);
	free(f->links);
	free(f);
	*flows = NULL;
}

/* A slot that was never used. */
static int fresh_slot(struct me_flows *flows, uint32_t *ret_slot)
{
	uint32_t block = flows->used / BLOCK_FLOWS;

	if (!flows->blocks[block]) {
		size_t room = ((size_t)block + 1) * BLOCK_FLOWS;
		void *links = realloc(flows->links, room * sizeof(*flows->links));

		if (!links)
			return -ENOMEM;
		flows->links = links;
		flows->blocks[block] = calloc(BLOCK_FLOWS, sizeof(**flows->blocks));
		if (!flows->blocks[block])
			return -ENOMEM;
	}
	*ret_slot = flows->used++;
	return 0;
}

/* The slot of the flow that is missed least. */
static uint32_t reuse_slot(struct me_flows *flows)
{
	struct me_chain *chain = flows->closed.first ? &flows->closed : &flows->open;
	uint32_t slot = chain->first;
	struct me_ledger_flow *flow = &at(flows, slot)->flow;

	if (chain == &flows->open)
		flows->evicted++;
	me_chain_remove(chain, flows->links, slot);
	me_table_remove(flows->index, &flow->id);
	for (unsigned int t = 0; t < ME_TEXT_COUNT; t++)
		me_intern_put(flows->intern, flow->text[t]);
	return slot;
}

int me_flows_put(struct me_flows *flows, uint64_t id, struct me_ledger_flow **ret_flow)
{
	const uint32_t *known = me_table_get(flows->index, &id);
	uint32_t slot;
	void *value;
	int r;

	if (known) {
		*ret_flow = &at(flows, *known)->flow;
		return 1;
	}
	r = me_table_put(flows->index, &id, &value);
	if (r < 0)
		return r;
	*(uint32_t *)value = 0;
	if (flows->used <= flows->max) {
		r = fresh_slot(flows, &slot);
		if (r < 0) {
			me_table_remove(flows->index, &id);
			return r;
		}
	} else {
		slot = reuse_slot(flows);
	}
	*(uint32_t *)value = slot;
	*at(flows, slot) = (struct slot_flow){.flow.id = id, .slot = slot};
	me_chain_add(&flows->open, flows->links, slot);
	*ret_flow = &at(flows, slot)->flow;
	return 0;
}

const struct me_ledger_flow *me_flows_get(const struct me_flows *flows, uint64_t id)
{
	const uint32_t *known = me_table_get(flows->index, &id);

	return known ? &at(flows, *known)->flow : NULL;
}

void me_flows_seen(struct me_flows *flows, struct me_ledger_flow *flow, uint64_t now_ns)
{
	flow->seen_ns = now_ns;
	if (flow->closed_ns)
		return;
	me_chain_remove(&flows->open, flows->links, slot_of(flow));
	me_chain_add(&flows->open, flows->links, slot_of(flow));
}

void me_flows_close(struct me_flows *flows, struct me_ledger_flow *flow, uint64_t closed_ns)
{
	if (flow->closed_ns)
		return;
	flow->closed_ns = closed_ns;
	me_chain_remove(&flows->open, flows->links, slot_of(flow));
	me_chain_add(&flows->closed, flows->links, slot_of(flow));
}

void me_flows_close_unseen(struct me_flows *flows, uint64_t before_ns)
{
	while (flows->open.first) {
		struct me_ledger_flow *flow = &at(flows, flows->open.first)->flow;

		if (flow->seen_ns >= before_ns)
			break;
		me_flows_close(flows, flow, flow->seen_ns);
	}
}

uint64_t me_flows_evicted(const struct me_flows *flows)
{
	return flows->evicted;
}

const struct me_ledger_flow *me_flows_next(const struct me_flows *flows, size_t *cursor)
{
	return ++*cursor < flows->used ? &at(flows, *cursor)->flow : NULL;
}
