/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told one by one and what in aggregate, with a sink that can fail. */
#include <errno.h>
#include "fixture.h"
#include "ledger/events.h"
#include "ledger/told.h"

#define TOLD_MAX 4096u
#define PEER 0xc6336401u

struct told {
	enum me_event_kind kind;
	char id[ME_EVENT_ID_LEN], retracts[ME_EVENT_ID_LEN], state[16];
	char outcome[16], detail[64];
	uint64_t count, bytes_sent;
	int finding;
	uint32_t endpoint;
};

struct world {
	struct me_kept kept;
	struct me_endpoint_kept endpoints[4];
	struct me_ledger *ledger;
	struct me_events *events;
	uint64_t cells[ME_CELL_COUNT];
	struct told told[TOLD_MAX];
	size_t n_told;
	bool fails;       /* every write */
	int check_answer; /* of an event that was interrupted */
	uint64_t now_ns, next_id;
	uint64_t wall_ns; /* epoch at monotonic 0 */
};

static int sink_write(void *data, const struct me_event *event)
{
	struct world *world = data;
	struct told *told = &world->told[world->n_told];

	if (world->fails)
		return -ENOSPC;
	assert_true(world->n_told < TOLD_MAX);
	*told = (struct told){
		.kind = event->kind,
		.count = event->has_count ? event->count : 1,
		.bytes_sent = event->bytes_sent,
		.finding = event->finding,
		.endpoint = event->endpoint,
	};
	snprintf(told->id, sizeof(told->id), "%s", event->id);
	snprintf(told->retracts, sizeof(told->retracts), "%s",
		 event->retracts ? event->retracts : "");
	snprintf(told->state, sizeof(told->state), "%s", event->state ? event->state : "");
	snprintf(told->outcome, sizeof(told->outcome), "%s", event->outcome ? event->outcome : "");
	snprintf(told->detail, sizeof(told->detail), "%s", event->detail ? event->detail : "");
	world->n_told++;
	return 0;
}

static void sink_mark(void *data, struct me_event_mark *ret_mark)
{
	(void)data;
	*ret_mark = (struct me_event_mark){.offset = 1};
}

static int sink_check(void *data, const struct me_event_mark *mark, const char *id)
{
	(void)mark;
	(void)id;
	return ((struct world *)data)->check_answer;
}

static void start(struct world *world)
{
	const struct me_event_sink sink = {
		.data = world, .write = sink_write, .mark = sink_mark, .check = sink_check};
	const struct me_ledger_limits limits = {0};

	assert_int_equal(me_ledger_new(&limits, &world->kept, &fixture_names, world->now_ns,
				       world->wall_ns + world->now_ns, &world->ledger),
			 0);
	me_ledger_keep_endpoints(world->ledger, world->endpoints, 4);
	assert_int_equal(me_events_new(world->ledger, &sink, &world->events), 0);
}

static void stop(struct world *world)
{
	me_events_free(&world->events);
	me_ledger_free(&world->ledger);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->now_ns = FIXTURE_NOW;
	world->next_id = 1;
	world->wall_ns = FIXTURE_EPOCH;
	start(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	stop(*state);
	free(*state);
	return 0;
}

static struct me_record make(struct world *world, uint32_t kind, uint8_t verdict, uint8_t reason)
{
	uint64_t id = world->next_id++;
	struct me_record record = {
		.id = id,
		.ts_ns = world->now_ns,
		.kind = kind,
		.key = fixture_key(PEER, 443, IPPROTO_TCP),
		.flow = fixture_flow(id, verdict, reason, 42),
	};

	record.flow.first_ns = world->now_ns;
	record.flow.bytes_sent = 3;
	return record;
}

static void count(struct world *world, enum me_cell_kind kind, uint32_t what, uint64_t n)
{
	world->cells[me_cell(ME_HOST, 3, kind, what)] += n;
}

static void read_counters(struct world *world, const struct me_endpoint_counts *endpoints,
			  uint32_t n)
{
	const uint64_t totals[ME_TOTALS_ALL] = {0};

	assert_int_equal(me_ledger_counters(world->ledger, world->cells, totals, endpoints, n), 0);
}

static void pass(struct world *world, uint64_t ns)
{
	world->now_ns += ns;
	me_ledger_tick(world->ledger, world->now_ns, world->wall_ns + world->now_ns);
}

static uint64_t sum(const struct world *world, const char *state)
{
	uint64_t n = 0;

	for (size_t i = 0; i < world->n_told; i++)
		if (!strcmp(world->told[i].state, state))
			n += world->told[i].count;
	return n;
}

static const uint32_t quic_end = ME_VIOLATION + ME_REASON_QUIC;

static void test_flood_is_told_in_aggregate(void **state)
{
	enum { FLOOD = 100000 };
	struct world *world = *state;

	for (int i = 0; i < FLOOD; i++) {
		struct me_record record =
			make(world, ME_RECORD_VIOLATION, ME_VIOLATION, ME_REASON_QUIC);

		me_events_record(world->events, &record);
	}
	count(world, ME_CELL_FINAL, quic_end, FLOOD);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, false);
	assert_int_equal(world->n_told, ME_EVENTS_BUDGET + 1);
	assert_int_equal(world->told[ME_EVENTS_BUDGET].kind, ME_EVENT_AGGREGATE);
	assert_int_equal(world->told[ME_EVENTS_BUDGET].count, FLOOD - ME_EVENTS_BUDGET);
	assert_int_equal(world->told[ME_EVENTS_BUDGET].bytes_sent, 3 * (FLOOD - ME_EVENTS_BUDGET));
	assert_int_equal(sum(world, "confirmed"), FLOOD);
	/* Nothing new, nothing told; and the next window has a budget again. */
	pass(world, ME_EVENTS_WINDOW_NS);
	me_events_tick(world->events, false);
	assert_int_equal(world->n_told, ME_EVENTS_BUDGET + 1);
}

/* Counted and lost in the ring: the aggregate has it. */
static void test_lost_records_are_told(void **state)
{
	struct world *world = *state;

	count(world, ME_CELL_FINAL, quic_end, 7);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, false);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].count, 7);
}

/* A record is there before its count: the count is not told a second time. */
static void test_told_ahead_of_the_counter(void **state)
{
	struct world *world = *state;
	struct me_record record = make(world, ME_RECORD_VIOLATION, ME_VIOLATION, ME_REASON_QUIC);

	read_counters(world, NULL, 0);
	me_events_record(world->events, &record);
	me_events_tick(world->events, true);
	count(world, ME_CELL_FINAL, quic_end, 1);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 1);
}

static void test_pending_ends(void **state)
{
	struct world *world = *state;
	struct me_record a = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);
	struct me_record b = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);
	struct me_record c = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);
	struct me_record *all[] = {&a, &b, &c};

	for (size_t i = 0; i < 3; i++) {
		me_events_record(world->events, all[i]);
		all[i]->id = world->next_id++;
		all[i]->kind = ME_RECORD_RESOLVED;
	}
	count(world, ME_CELL_OPENED, ME_REASON_QUIC, 3);
	a.flow.state.verdict = ME_ALLOWED;
	b.flow.state.verdict = ME_VIOLATION;
	c.flow.state.verdict = ME_VIOLATION;
	c.flow.state.reason = ME_REASON_NAME_MISMATCH;
	for (size_t i = 0; i < 3; i++)
		me_events_record(world->events, all[i]);
	count(world, ME_CELL_VIA, ME_ALLOWED, 1);
	count(world, ME_CELL_VIA, quic_end, 1);
	count(world, ME_CELL_VIA, ME_VIOLATION + ME_REASON_NAME_MISMATCH, 1);
	count(world, ME_CELL_SHED, ME_REASON_QUIC, 2);
	count(world, ME_CELL_GAINED, ME_REASON_NAME_MISMATCH, 1);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);

	assert_int_equal(world->n_told, 7);
	assert_int_equal(world->told[3].kind, ME_EVENT_RETRACTION);
	assert_string_equal(world->told[3].retracts, world->told[0].id);
	assert_string_equal(world->told[4].state, "confirmed");
	assert_int_equal(world->told[5].kind, ME_EVENT_RETRACTION);
	assert_string_equal(world->told[5].retracts, world->told[2].id);
	assert_string_equal(world->told[6].state, "confirmed");
	assert_int_equal(sum(world, "retracted"), 2);
	assert_int_equal(sum(world, "confirmed"), 2);
}

/* An older process told it: the retraction names it, an aggregate counts it. */
static void test_retraction_after_restart(void **state)
{
	struct world *world = *state;
	struct me_record record = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);

	me_events_record(world->events, &record);
	count(world, ME_CELL_OPENED, ME_REASON_QUIC, 1);
	stop(world);
	world->now_ns += ME_NS_PER_S;
	start(world);
	record.id = world->next_id++;
	record.kind = ME_RECORD_RESOLVED;
	record.flow.state = (union me_state){.verdict = ME_ALLOWED};
	me_events_record(world->events, &record);
	count(world, ME_CELL_VIA, ME_ALLOWED, 1);
	count(world, ME_CELL_SHED, ME_REASON_QUIC, 1);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 3);
	assert_string_equal(world->told[1].retracts, world->told[0].id);
	assert_int_equal(world->told[1].count, 0);
	assert_int_equal(sum(world, "retracted"), 1);
}

/* More pending flows than the budget: what was not told by itself does not end by itself. */
static void test_pending_flood(void **state)
{
	enum { FLOOD = 1000 };
	struct world *world = *state;
	static struct me_record records[FLOOD];

	for (int i = 0; i < FLOOD; i++) {
		records[i] = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);
		me_events_record(world->events, &records[i]);
	}
	for (int i = 0; i < FLOOD; i++) {
		records[i].id = world->next_id++;
		records[i].kind = ME_RECORD_RESOLVED;
		records[i].flow.state = (union me_state){.verdict = ME_ALLOWED};
		me_events_record(world->events, &records[i]);
	}
	count(world, ME_CELL_OPENED, ME_REASON_QUIC, FLOOD);
	count(world, ME_CELL_VIA, ME_ALLOWED, FLOOD);
	count(world, ME_CELL_SHED, ME_REASON_QUIC, FLOOD);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 2 * ME_EVENTS_BUDGET + 2);
	assert_int_equal(sum(world, "provisional"), FLOOD);
	assert_int_equal(sum(world, "retracted"), FLOOD);
}

static void test_failed_write(void **state)
{
	struct world *world = *state;
	struct me_record record = make(world, ME_RECORD_VIOLATION, ME_VIOLATION, ME_REASON_QUIC);

	world->fails = true;
	me_events_record(world->events, &record);
	count(world, ME_CELL_FINAL, quic_end, 1);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	assert_int_equal(world->kept.events_lost_file, 2);
	world->fails = false;
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(sum(world, "confirmed"), 1);
	assert_int_equal(world->told[0].bytes_sent, 3);
}

/* The state that a kill leaves after each step, and what the next process makes of it. */
static void test_interrupted_record(void **state)
{
	struct world *world = *state;
	struct me_record record = make(world, ME_RECORD_VIOLATION, ME_VIOLATION, ME_REASON_QUIC);
	uint32_t cell = me_told_cell(ME_HOST, 3, ME_REASON_QUIC, ME_STAGE_CONFIRMED);
	const struct me_event_mark mark = {.offset = 1};

	/* Intent, line written. */
	me_told_begin(&world->kept, cell, 1, record.id, 1, &mark, "an-id");
	world->check_answer = 1;
	stop(world);
	start(world);
	assert_int_equal(world->kept.told[cell], 1);
	me_events_record(world->events, &record);
	assert_int_equal(world->n_told, 0);

	/* Intent, line not written. */
	record.id = world->next_id++;
	me_told_begin(&world->kept, cell, 2, record.id, 1, &mark, "an-id");
	world->check_answer = 0;
	stop(world);
	start(world);
	assert_int_equal(world->kept.told[cell], 1);
	me_events_record(world->events, &record);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->kept.told[cell], 2);

	/* Carried out, but the ring was not moved on. */
	stop(world);
	start(world);
	me_events_record(world->events, &record);
	assert_int_equal(world->n_told, 1);
}

/* Into a pipe an aggregate is repeated as it was. */
static void test_interrupted_aggregate(void **state)
{
	struct world *world = *state;
	uint32_t cell = me_told_cell(ME_HOST, 3, ME_REASON_QUIC, ME_STAGE_CONFIRMED);
	const struct me_event_mark mark = {0};

	me_told_begin(&world->kept, cell, 5, 0, 0, &mark, "the-aggregate");
	world->check_answer = -ENOTSUP;
	stop(world);
	start(world);
	assert_int_equal(world->n_told, 1);
	assert_string_equal(world->told[0].id, "the-aggregate");
	assert_int_equal(world->told[0].count, 5);
	count(world, ME_CELL_FINAL, quic_end, 6);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	assert_int_equal(sum(world, "confirmed"), 6);
}

static void test_damaged_record(void **state)
{
	struct world *world = *state;
	struct me_record record = make(world, ME_RECORD_VIOLATION, ME_VIOLATION, 255);

	me_events_record(world->events, &record);
	record = make(world, ME_RECORD_PENDING, ME_PENDING, ME_REASON_QUIC);
	record.flow.service = 9999;
	me_events_record(world->events, &record);
	record = make(world, 77, ME_PENDING, ME_REASON_QUIC);
	record.key.vantage = 200;
	me_events_record(world->events, &record);
	assert_int_equal(world->n_told, 0);
}

static void test_findings_are_told_once(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 5; i++) {
		struct me_record record = make(world, ME_RECORD_SOCKET, 0, 0);

		record.what = i == 4 ? ME_BLIND_PING : ME_BLIND_RAW;
		record.flow.origin.proc.tgid = i < 2 ? 1 : 2;
		me_events_record(world->events, &record);
	}
	assert_int_equal(world->n_told, 2);
	assert_int_equal(world->told[0].finding, ME_FINDING_RAW_SOCKET);
	assert_int_equal(world->kept.findings[ME_FINDING_RAW_SOCKET], 4);
	pass(world, ME_EVENTS_FINDING_NS);
	me_events_finding(world->events, &(struct me_finding_report){.kind = ME_FINDING_RAW_SOCKET,
								     .key = "/usr/bin/p1",
								     .ts_ns = world->now_ns,
								     .count = 1});
	assert_int_equal(world->n_told, 3);
}

/* Of a flow, each; but somebody who visits a remoting port again and again is one. */
static void test_visitors_are_told_once(void **state)
{
	static const struct {
		uint8_t vantage;
		uint16_t port;
		uint32_t peer, host;
		bool told;
	} visits[] = {
		{ME_HOST, 9093, 1, 1, true},     {ME_HOST, 9093, 1, 1, false},
		{ME_HOST, 9091, 1, 1, true},     {ME_HOST, 9093, 2, 1, true},
		{ME_HOST, 9093, 1, 2, true},     {ME_TRANSIT, 9093, 1, 3, true},
		{ME_TRANSIT, 9093, 1, 3, false}, {ME_TRANSIT, 9093, 1, 4, true},
		{ME_TRANSIT, 9095, 1, 4, true},  {ME_HOST, 9091, 1, 1, false},
	};
	struct world *world = *state;
	const size_t n = sizeof(visits) / sizeof(visits[0]);

	for (size_t i = 0; i < n; i++) {
		struct me_record record = make(world, ME_RECORD_FINDING, ME_UNRESOLVED, 0);
		size_t before = world->n_told;

		record.what = ME_FINDING_INBOUND_REMOTING;
		record.key.vantage = visits[i].vantage;
		record.key.peer = me_addr_v4(visits[i].peer);
		record.key.port = (uint16_t)(40000 + i);
		if (visits[i].vantage == ME_HOST) {
			record.flow.src = me_addr_v4(visits[i].host);
			record.flow.sport = visits[i].port;
		} else {
			record.key.opener.address = me_addr_v4(visits[i].host);
			record.key.sport = visits[i].port;
		}
		me_events_record(world->events, &record);
		assert_int_equal(world->n_told - before, visits[i].told);
	}
	assert_int_equal(world->kept.findings[ME_FINDING_INBOUND_REMOTING], n);
	for (size_t i = 0; i < 2; i++) {
		struct me_record record = make(world, ME_RECORD_FINDING, ME_UNRESOLVED, 0);
		size_t before = world->n_told;

		record.what = ME_FINDING_FTP_BOUNCE;
		me_events_record(world->events, &record);
		assert_int_equal(world->n_told - before, 1);
	}
}

static void test_findings_are_bounded(void **state)
{
	struct world *world = *state;
	char key[32];

	for (unsigned int i = 0; i < ME_EVENTS_FINDINGS_MAX + 10; i++) {
		snprintf(key, sizeof(key), "%u", i);
		me_events_finding(world->events,
				  &(struct me_finding_report){.kind = ME_FINDING_PACKET_SOCKET,
							      .key = key,
							      .ts_ns = world->now_ns,
							      .count = 1});
		world->n_told = world->n_told % 4000;
	}
	assert_int_equal(world->kept.findings[ME_FINDING_PACKET_SOCKET],
			 ME_EVENTS_FINDINGS_MAX + 10);
	world->n_told = 0;
	pass(world, ME_EVENTS_FINDING_NS);
	me_events_finding(world->events,
			  &(struct me_finding_report){.kind = ME_FINDING_PACKET_SOCKET,
						      .key = "new",
						      .ts_ns = world->now_ns,
						      .count = 1});
	assert_int_equal(world->n_told, 1);
}

static void test_unresolved_is_coverage_lost(void **state)
{
	struct world *world = *state;

	count(world, ME_CELL_FINAL, ME_UNRESOLVED, 5);
	read_counters(world, NULL, 0);
	me_events_tick(world->events, true);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].finding, ME_FINDING_COVERAGE_LOST);
	assert_int_equal(world->told[0].count, 5);
	assert_int_equal(world->kept.findings[ME_FINDING_COVERAGE_LOST], 5);
}

static void test_endpoints(void **state)
{
	struct world *world = *state;
	const struct me_endpoint_entry entries[] = {
		{.endpoint = 1, .rule = 1, .expect_ns = 60 * ME_NS_PER_S},
		{.endpoint = 2, .rule = 1, .retired = true},
	};
	struct me_endpoint_counts counts[3] = {0};

	assert_int_equal(me_ledger_policy(world->ledger, entries, 2), 0);
	read_counters(world, counts, 3);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 0);
	pass(world, 61 * ME_NS_PER_S);
	me_events_tick(world->events, true);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].kind, ME_EVENT_OVERDUE);
	counts[1].last_success_ns = world->now_ns;
	counts[2].retired_used = 3;
	read_counters(world, counts, 3);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 3);
	assert_int_equal(world->told[1].kind, ME_EVENT_RECOVERED);
	assert_int_equal(world->told[2].finding, ME_FINDING_RETIRED_USED);
	assert_int_equal(world->told[2].endpoint, 2);
	assert_int_equal(world->kept.findings[ME_FINDING_RETIRED_USED], 3);

	/* A restart does not count them again. */
	stop(world);
	start(world);
	assert_int_equal(me_ledger_policy(world->ledger, entries, 2), 0);
	read_counters(world, counts, 3);
	me_events_tick(world->events, true);
	assert_int_equal(world->n_told, 3);
	assert_int_equal(world->kept.findings[ME_FINDING_RETIRED_USED], 3);
}

#define S ME_NS_PER_S

/* One round: time passes, the counts of endpoint 1 are read, what is to be told is told. */
static void round_of(struct world *world, uint64_t ns, const struct me_endpoint_counts *counts)
{
	const struct me_endpoint_counts all[2] = {[1] = *counts};

	pass(world, ns);
	read_counters(world, all, 2);
	me_events_tick(world->events, false);
}

/* As after kill -9, and as with another process. */
static void restart(struct world *world, const struct me_endpoint_entry *entry)
{
	stop(world);
	start(world);
	assert_int_equal(me_ledger_policy(world->ledger, entry, 1), 0);
}

static const struct me_endpoint_entry expected = {.endpoint = 1,
						  .rule = 1,
						  .expect_ns = 60 * ME_NS_PER_S};

static void fail_once(struct me_endpoint_counts *counts, uint64_t now, enum me_outcome outcome)
{
	counts->attempts++;
	counts->last_attempt_ns = now;
	counts->outcome[outcome]++;
}

/* Blocked, killed, overdue, killed, open again: one event each way, with the right outcome. */
static void test_one_event_each_way(void **state)
{
	struct world *world = *state;
	struct me_endpoint_counts counts = {.last_success_ns = world->now_ns};

	assert_int_equal(me_ledger_policy(world->ledger, &expected, 1), 0);
	round_of(world, S, &counts);
	fail_once(&counts, world->now_ns, ME_OUTCOME_TIMEOUT);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 0);
	restart(world, &expected);
	round_of(world, 5 * S, &counts);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].kind, ME_EVENT_FAILING);
	assert_string_equal(world->told[0].outcome, "timeout");
	restart(world, &expected);
	fail_once(&counts, world->now_ns, ME_OUTCOME_REFUSED);
	round_of(world, S, &counts);
	round_of(world, 60 * S, &counts);
	restart(world, &expected);
	round_of(world, 60 * S, &counts);
	assert_int_equal(world->n_told, 2);
	assert_int_equal(world->told[1].kind, ME_EVENT_OVERDUE);
	assert_string_equal(world->told[1].outcome, "refused");
	restart(world, &expected);
	counts.last_success_ns = world->now_ns;
	round_of(world, S, &counts);
	restart(world, &expected);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 3);
	assert_int_equal(world->told[2].kind, ME_EVENT_RECOVERED);
	assert_string_equal(world->told[2].detail, "");
	assert_string_equal(world->told[2].outcome, "");
}

/* date -s neither makes an endpoint overdue nor hides that it is. */
static void test_clock_steps(void **state)
{
	struct world *world = *state;
	struct me_endpoint_counts counts = {.last_success_ns = world->now_ns};
	const uint64_t year = 365 * 86400 * S;

	assert_int_equal(me_ledger_policy(world->ledger, &expected, 1), 0);
	for (int i = 0; i < 3; i++) {
		static const int64_t steps[] = {1, -2, 1};

		world->wall_ns += (uint64_t)steps[i] * year;
		round_of(world, 10 * S, &counts);
		restart(world, &expected);
	}
	assert_int_equal(world->n_told, 0);
	world->wall_ns -= year;
	round_of(world, 31 * S, &counts);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].kind, ME_EVENT_OVERDUE);
}

/* A reboot: the monotonic clock and what was pinned begin anew, the state folder remembers. */
static void test_reboot(void **state)
{
	struct world *world = *state;
	struct me_endpoint_counts counts = {0};
	struct me_endpoint_before before = {.success_ns = FIXTURE_EPOCH};
	struct me_endpoint endpoint;
	size_t cursor = 0;

	/* It worked long ago: one full period from now on, and not more. */
	world->now_ns = 3 * S;
	restart(world, &expected);
	me_ledger_endpoint_before(world->ledger, 1, &before);
	round_of(world, 60 * S, &counts);
	assert_int_equal(world->n_told, 0);
	assert_true(me_ledger_next_endpoint(world->ledger, &cursor, &endpoint));
	assert_int_equal(endpoint.state, ME_ENDPOINT_GOOD);
	assert_int_equal(me_ledger_last_success(world->ledger, &endpoint), FIXTURE_EPOCH);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 1);

	/* It was overdue, and failed: it still is, that was told, and it works again. */
	memset(world->endpoints, 0, sizeof(world->endpoints));
	world->n_told = 0;
	before.overdue = true;
	before.failing = ME_FAILURE_REFUSED;
	restart(world, &expected);
	me_ledger_endpoint_before(world->ledger, 1, &before);
	round_of(world, S, &counts);
	cursor = 0;
	assert_true(me_ledger_next_endpoint(world->ledger, &cursor, &endpoint));
	assert_int_equal(endpoint.state, ME_ENDPOINT_OVERDUE);
	assert_true(endpoint.failing);
	assert_int_equal(world->n_told, 0);
	counts.last_success_ns = world->now_ns;
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].kind, ME_EVENT_RECOVERED);

	/* What is kept is newer than the folder. */
	me_ledger_endpoint_before(world->ledger, 1, &before);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 1);
}

/* A policy that expects no more takes the alert back, and says that this is why. */
static void test_expected_no_more(void **state)
{
	struct world *world = *state;
	const struct me_endpoint_entry relaxed = {.endpoint = 1, .rule = 1};
	struct me_endpoint_counts counts = {0};

	assert_int_equal(me_ledger_policy(world->ledger, &expected, 1), 0);
	round_of(world, 61 * S, &counts);
	assert_int_equal(me_ledger_policy(world->ledger, &relaxed, 1), 0);
	round_of(world, S, &counts);
	assert_int_equal(world->n_told, 2);
	assert_int_equal(world->told[1].kind, ME_EVENT_RECOVERED);
	assert_string_not_equal(world->told[1].detail, "");
}

/* A kill between the line and the note of it, and one before the line. */
static void test_interrupted_endpoint(void **state)
{
	struct world *world = *state;
	struct me_endpoint_counts counts = {0};

	for (int written = 0; written < 2; written++) {
		memset(world->endpoints, 0, sizeof(world->endpoints));
		world->n_told = 0;
		restart(world, &expected);
		world->kept.endpoint_intent = (struct me_endpoint_intent){
			.open = 1, .endpoint = 1, .flags = ME_ENDPOINT_TOLD_OVERDUE, .id = "an-id"};
		world->check_answer = written;
		restart(world, &expected);
		round_of(world, 61 * S, &counts);
		assert_int_equal(world->n_told, written ? 0 : 1);
		assert_int_equal(world->kept.endpoint_intent.open, 0);
	}
}

static void test_notices(void **state)
{
	struct world *world = *state;

	me_events_notice(world->events, ME_EVENT_START, NULL, 1, "mailessentials");
	me_events_notice(world->events, ME_EVENT_RELOAD, "ok", 2, NULL);
	me_events_notice(world->events, ME_EVENT_RELOAD, "failed", 2, "policy.yaml:3: tabs");
	assert_int_equal(world->n_told, 3);
	assert_int_equal(world->kept.reloads_ok, 1);
	assert_int_equal(world->kept.reloads_failed, 1);
	assert_string_not_equal(world->told[0].id, world->told[1].id);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_flood_is_told_in_aggregate),
		TEST(test_lost_records_are_told),
		TEST(test_told_ahead_of_the_counter),
		TEST(test_pending_ends),
		TEST(test_retraction_after_restart),
		TEST(test_pending_flood),
		TEST(test_failed_write),
		TEST(test_interrupted_record),
		TEST(test_interrupted_aggregate),
		TEST(test_damaged_record),
		TEST(test_findings_are_told_once),
		TEST(test_visitors_are_told_once),
		TEST(test_findings_are_bounded),
		TEST(test_unresolved_is_coverage_lost),
		TEST(test_endpoints),
		TEST(test_one_event_each_way),
		TEST(test_clock_steps),
		TEST(test_reboot),
		TEST(test_expected_no_more),
		TEST(test_interrupted_endpoint),
		TEST(test_notices),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
