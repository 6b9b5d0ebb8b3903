/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_EXPORT_WORLD_H
#define MEWATCH_TESTS_EXPORT_WORLD_H

/* A ledger with something of everything in it, and a status. */
#include "../ledger/fixture.h"
#include "export/status.h"
#include "ledger/answers.h"

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

#define WORLD_SERVER 0xc0000235u /* 192.0.2.53 */
#define WORLD_SHARED 0xc6336463u /* 198.51.100.99: an address of several names */
/* A label with a dot, a quote, a backslash and an escape sequence, as me_name_to_text() has it. */
#define WORLD_NASTY_NAME "a\\046b\\034\\092\\027[2j.example"

static inline void world_answer(struct me_ledger *ledger, const char *name, const char *target,
				uint32_t v4, uint64_t last_ns, uint64_t until_ns)
{
	const struct me_answer answer = {
		.name = name,
		.target = target,
		.address = me_addr_v4(ME_NET32(v4)),
		.server = me_addr_v4(ME_NET32(WORLD_SERVER)),
		.since_ns = last_ns - 10 * ME_NS_PER_S,
		.last_ns = last_ns,
		.until_ns = until_ns,
		.count = 2,
	};

	assert_int_equal(me_answers_add(me_ledger_answers(ledger), &answer), 0);
}

/* Queries of each category, answers, two zones, and four answers for three names. */
static inline void world_dns(struct me_ledger *ledger)
{
	uint64_t counts[ME_DNS_COUNTS] = {0};
	const struct me_zone_counts zones[3] = {
		[1] = {.queries = 40, .answers = 39, .listed = 5, .refusals = 7}};
	const uint64_t now = FIXTURE_NOW, s = ME_NS_PER_S;

	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++) {
		counts[me_dns_queries(category)] = 10 * (category + 1);
		counts[me_dns_responses(category, ME_RCODE_NOERROR)] = category + 1;
		counts[me_dns_responses(category, ME_RCODE_NXDOMAIN)] = 2;
	}
	counts[me_dns_refusals(ME_REFUSED_UNSOLICITED)] = 3;
	counts[me_dns_refusals(ME_REFUSED_BUSY)] = 1;
	assert_int_equal(me_ledger_dns(ledger, counts, zones, 3, 17), 0);
	world_answer(ledger, "meupdate.gfi.com", "edge.example.net", WORLD_SHARED, now - 9 * s,
		     now + 30 * s);
	world_answer(ledger, "meupdate.gfi.com", NULL, WORLD_SHARED + 1, now - 8 * s, now - s);
	world_answer(ledger, "stranger.example", NULL, WORLD_SHARED, now - 5 * s, now + 60 * s);
	world_answer(ledger, WORLD_NASTY_NAME, NULL, WORLD_SHARED, now - 7 * s, now + 90 * s);
}

/* `flows` flows, ids from 1: every tenth a violation, every twentieth closed; bytes_sent = id * 7 % 1000. */
static inline struct world *world_new(uint32_t flows)
{
	struct world *world = calloc(1, sizeof(*world));
	const uint64_t totals[ME_TOTALS_ALL] = {[ME_TOTAL_BLIND(ME_BLIND_RAW)] = 1,
						[ME_TOTAL_UDP_PROBES] = 4,
						[ME_TOTAL_RING_LOST] = 2};
	const struct me_endpoint_entry entries[] = {
		{.endpoint = 1, .rule = 1, .expect_ns = 3600 * ME_NS_PER_S},
		{.endpoint = 2, .rule = 1},
	};
	const struct me_endpoint_counts counts[4] = {
		[1] = {.attempts = 3,
		       .outcome = {[ME_OUTCOME_ESTABLISHED] = 2, [ME_OUTCOME_REFUSED] = 1},
		       .bytes_sent = 10,
		       .bytes_received = 20,
		       .http_errors = 4,
		       .tls_alerts = 5,
		       .dns_failures = {6, 7, 8, 9},
		       .last_attempt_ns = FIXTURE_NOW - ME_NS_PER_S,
		       .last_success_ns = FIXTURE_NOW - ME_NS_PER_S},
		[3] = {.attempts = 1},
	};

	world->kept.findings[ME_FINDING_RAW_SOCKET] = 1;
	world->kept.events_lost_file = 3;
	world->kept.engine_ns[ME_ENGINE_AVIRA] = FIXTURE_NOW - 2 * ME_NS_PER_S;
	world->ledger = fixture_ledger(&world->kept, 200000, 0);
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL, ME_ALLOWED)] = flows - flows / 10;
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL, ME_VIOLATION + ME_REASON_QUIC)] =
		flows / 10;
	assert_int_equal(me_ledger_policy(world->ledger, entries, 2), 0);
	assert_int_equal(me_ledger_counters(world->ledger, world->cells, totals, counts, 4), 0);
	me_ledger_endpoint_kept(world->ledger, 1)->evidence[ME_EVIDENCE_VERIFIED] = 2;
	world_dns(world->ledger);
	for (uint32_t id = 1; id <= flows; id++) {
		struct me_flow_key key = fixture_key(0xc6336400u + id % 50, 443, IPPROTO_TCP);
		struct me_flow flow = fixture_flow(id, id % 10 ? ME_ALLOWED : ME_VIOLATION,
						   id % 10 ? 0 : ME_REASON_QUIC, 40 + id % 3);
		const struct me_flow_text text = {.text = {[ME_TEXT_NAMES] = "a.example\nb.example",
							   [ME_TEXT_SNI] = WORLD_NASTY}};

		flow.answer = id == 1 ? 503 : 0;
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
		.uptime_ns = FIXTURE_NOW,
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
