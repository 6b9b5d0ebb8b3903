/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_EXPORT_WORLD_H
#define MEWATCH_TESTS_EXPORT_WORLD_H

/* A ledger with something of everything in it, and a status. */
#include "../ledger/fixture.h"
#include "export/status.h"

#define WORLD_NASTY "ev\"il\\\x1b[31m\xff"

struct world {
	struct me_kept kept;
	struct me_ledger *ledger;
	struct me_status status;
	struct me_attached attached[2];
	struct me_map_fill maps[1];
	struct me_limit_hits limits[1];
	uint64_t cells[ME_CELL_COUNT];
};

/* `flows` flows, ids from 1: every tenth a violation, every twentieth closed; bytes_sent = id * 7 % 1000. */
static inline struct world *world_new(uint32_t flows)
{
	struct world *world = calloc(1, sizeof(*world));
	const uint64_t totals[ME_TOTAL_COUNT] = {
		[ME_TOTAL_UDP_PROBES] = 4, [ME_TOTAL_RING_LOST] = 2};
	const uint64_t blind[ME_BLIND_COUNT] = {[ME_BLIND_RAW] = 1};
	const struct me_endpoint_entry entries[] = {
		{.endpoint = 1, .rule = 1, .expect_ns = 3600 * ME_NS_PER_S},
		{.endpoint = 2, .rule = 1},
	};
	const struct me_endpoint_counts counts[4] = {
		[1] = {.attempts = 3,
		       .outcome = {[ME_OUTCOME_ESTABLISHED] = 2, [ME_OUTCOME_REFUSED] = 1},
		       .bytes_sent = 10,
		       .bytes_received = 20,
		       .last_attempt_ns = FIXTURE_NOW - ME_NS_PER_S,
		       .last_success_ns = FIXTURE_NOW - ME_NS_PER_S},
		[3] = {.attempts = 1},
	};

	world->kept.findings[ME_FINDING_RAW_SOCKET] = 1;
	world->kept.events_lost_file = 3;
	world->ledger = fixture_ledger(&world->kept, 200000, 0);
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL, ME_ALLOWED)] = flows - flows / 10;
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL, ME_VIOLATION + ME_REASON_QUIC)] =
		flows / 10;
	assert_int_equal(me_ledger_policy(world->ledger, entries, 2), 0);
	assert_int_equal(me_ledger_counters(world->ledger, world->cells, totals, blind, counts, 4),
			 0);
	for (uint32_t id = 1; id <= flows; id++) {
		struct me_flow_key key = fixture_key(0xc6336400u + id % 50, 443, IPPROTO_TCP);
		struct me_flow flow = fixture_flow(id, id % 10 ? ME_ALLOWED : ME_VIOLATION,
						   id % 10 ? 0 : ME_REASON_QUIC, 40 + id % 3);
		const struct me_flow_text text = {.text = {[ME_TEXT_NAMES] = "a.example\nb.example",
							   [ME_TEXT_SNI] = WORLD_NASTY}};

		flow.bytes_sent = (uint64_t)id * 7 % 1000;
		flow.last_ns += id;
		flow.flags = id % 20 ? 0 : ME_FLOW_CLOSED;
		flow.endpoint = flow.rule = id % 10 ? 1 : 0;
		assert_int_equal(me_ledger_flow(world->ledger, &key, &flow, id == 1 ? &text : NULL),
				 0);
	}
	world->attached[0] = (struct me_attached){"connect4", "/", true};
	world->attached[1] = (struct me_attached){"connect6", "/mail", false};
	world->maps[0] = (struct me_map_fill){"flows", 12, 65536};
	world->limits[0] = (struct me_limit_hits){"doors", 3, "doors that stuck", NULL};
	world->status = (struct me_status){
		.version = "1.2.3",
		.pid = 77,
		.started_ns = FIXTURE_EPOCH,
		.now_ns = FIXTURE_EPOCH + FIXTURE_NOW,
		.policy = {.profile = "mailessentials", .sha256 = "abc", .generation = 1},
		.attached = world->attached,
		.n_attached = 2,
		.maps = world->maps,
		.n_maps = 1,
		.limits = world->limits,
		.n_limits = 1,
	};
	return world;
}

static inline void world_free(struct world *world)
{
	me_ledger_free(&world->ledger);
	free(world);
}

#endif
