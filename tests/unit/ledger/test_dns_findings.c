/* SPDX-License-Identifier: GPL-2.0-only */
/* What the counters of DNS say: in the ledger, in sums, and as findings. */
#include <errno.h>
#include "fixture.h"
#include "ledger/answers.h"
#include "ledger/dns_sums.h"
#include "ledger/events.h"

#define TOLD_MAX 16u

struct told {
	int finding;
	uint64_t count;
	char detail[128];
};

struct world {
	uint64_t learned;
	struct me_kept kept;
	struct me_ledger *ledger;
	struct me_events *events;
	uint64_t cells[ME_CELL_COUNT];
	uint64_t counts[ME_DNS_COUNTS];
	struct me_zone_counts zones[4];
	struct told told[TOLD_MAX];
	size_t n_told;
	uint64_t now_ns;
};

static int sink_write(void *data, const struct me_event *event)
{
	struct world *world = data;
	struct told *told = &world->told[world->n_told];

	if (event->finding != ME_FINDING_BLOCKLIST_REFUSES &&
	    event->finding != ME_FINDING_NO_DNS_SEEN)
		return 0;
	assert_true(++world->n_told < TOLD_MAX);
	told->finding = event->finding;
	told->count = event->has_count ? event->count : 1;
	snprintf(told->detail, sizeof(told->detail), "%s", event->detail ? event->detail : "");
	return 0;
}

static void sink_mark(void *data, struct me_event_mark *ret_mark)
{
	(void)data;
	*ret_mark = (struct me_event_mark){0};
}

static void start(struct world *world)
{
	const struct me_event_sink sink = {.data = world, .write = sink_write, .mark = sink_mark};
	const struct me_ledger_limits limits = {.answers = 8};

	assert_int_equal(me_ledger_new(&limits, &world->kept, &fixture_names, world->now_ns,
				       FIXTURE_EPOCH + world->now_ns, &world->ledger),
			 0);
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

/* The next look at the counters, `ns` later. */
static void look(struct world *world, uint64_t ns)
{
	const uint64_t totals[ME_TOTALS_ALL] = {0};

	world->now_ns += ns;
	me_ledger_tick(world->ledger, world->now_ns, FIXTURE_EPOCH + world->now_ns);
	assert_int_equal(me_ledger_counters(world->ledger, world->cells, totals, NULL, 0), 0);
	assert_int_equal(me_ledger_dns(world->ledger, world->counts, world->zones,
				       ME_ARRAY_SIZE(world->zones), world->learned),
			 0);
	me_events_tick(world->events, true);
}

static void counters_are_copied(void **state)
{
	struct world *world = *state;
	const struct me_zone_counts *zones;
	uint32_t n;

	world->counts[me_dns_queries(ME_DNS_SPF)] = 3;
	world->counts[me_dns_queries(ME_DNS_OTHER)] = 4;
	world->counts[me_dns_responses(ME_DNS_SPF, ME_RCODE_OTHER)] = 2;
	world->counts[me_dns_refusals(0)] = 7;
	world->counts[me_dns_refusals(ME_REFUSED_COUNT - 1)] = 1;
	world->zones[1].queries = 9;
	world->learned = 5;
	look(world, 0);
	world->zones[1].queries = 10;
	assert_int_equal(me_dns_sum_queries(me_ledger_dns_counts(world->ledger)), 7);
	assert_int_equal(me_dns_sum_responses(me_ledger_dns_counts(world->ledger)), 2);
	assert_int_equal(me_dns_sum_refusals(me_ledger_dns_counts(world->ledger)), 8);
	assert_int_equal(me_ledger_learned(world->ledger), 5);
	zones = me_ledger_zones(world->ledger, &n);
	assert_int_equal(n, ME_ZONES_MAX);
	assert_int_equal(zones[1].queries, 9);
	assert_int_equal(zones[ME_ZONES_MAX - 1].queries, 0);
	assert_int_equal(
		me_ledger_dns(world->ledger, world->counts, world->zones, ME_ZONES_MAX + 1, 5),
		-EINVAL);
}

static void the_cache_of_answers_has_its_bound(void **state)
{
	struct world *world = *state;
	struct me_answers *answers = me_ledger_answers(world->ledger);
	struct me_answer answer = {.name = "a.example", .until_ns = 1};

	for (uint32_t i = 0; i < 20; i++) {
		answer.address = me_addr_v4(i + 1);
		assert_int_equal(me_answers_add(answers, &answer), 0);
	}
	assert_int_equal(me_answers_count(answers), 8);
}

static void each_zone_that_refuses_is_a_finding(void **state)
{
	struct world *world = *state;

	look(world, 0);
	assert_int_equal(world->n_told, 0);
	world->zones[1].refusals = 3;
	world->zones[2].refusals = 5; /* of no policy */
	world->zones[3].refusals = 1;
	look(world, ME_NS_PER_S);
	assert_int_equal(world->n_told, 2);
	assert_int_equal(world->told[0].finding, ME_FINDING_BLOCKLIST_REFUSES);
	assert_int_equal(world->told[0].count, 3);
	assert_string_equal(world->told[0].detail,
			    "refusals by zen.spamhaus.org: 3; the mail filter does without it");
	assert_int_equal(world->told[1].count, 1);
	assert_non_null(strstr(world->told[1].detail, "refusals by multi.surbl.org: 1;"));
	assert_int_equal(world->kept.findings[ME_FINDING_BLOCKLIST_REFUSES], 4);

	/* Told at most once an hour, counted every time, over a restart as well. */
	world->zones[1].refusals = 10;
	look(world, ME_NS_PER_S);
	assert_int_equal(world->n_told, 2);
	assert_int_equal(world->kept.findings[ME_FINDING_BLOCKLIST_REFUSES], 11);
	stop(world);
	start(world);
	look(world, ME_NS_PER_S);
	assert_int_equal(world->n_told, 2);
	world->zones[1].refusals = 12;
	look(world, ME_EVENTS_FINDING_NS);
	assert_int_equal(world->n_told, 3);
	assert_int_equal(world->told[2].count, 2);
	assert_int_equal(world->kept.findings[ME_FINDING_BLOCKLIST_REFUSES], 13);
}

static void a_watch_without_dns_is_a_finding(void **state)
{
	struct world *world = *state;
	uint64_t *unresolved =
		&world->cells[me_cell(ME_HOST, 3, ME_CELL_VIA, me_cell_end(ME_UNRESOLVED, 0))];
	uint64_t *violation = &world->cells[me_cell(ME_HOST, 3, ME_CELL_VIA,
						    me_cell_end(ME_VIOLATION, ME_REASON_QUIC))];
	uint64_t *told = &world->kept.findings[ME_FINDING_NO_DNS_SEEN];

	/* Without rules with names nobody needs DNS. */
	*violation = 1;
	look(world, 0);
	assert_int_equal(*told, 0);
	*violation = 0;
	me_events_expect_dns(world->events, true);

	/* Nothing waited for a name: what was allowed after all, or judged outright. */
	world->cells[me_cell(ME_HOST, 3, ME_CELL_VIA, ME_ALLOWED)] = 4;
	world->cells[me_cell(ME_HOST, 3, ME_CELL_FINAL,
			     me_cell_end(ME_VIOLATION, ME_REASON_QUIC))] = 4;
	look(world, ME_NS_PER_S);
	assert_int_equal(*told, 0);

	*violation = 2;
	*unresolved = 1;
	look(world, ME_NS_PER_S);
	assert_int_equal(*told, 3);
	assert_int_equal(world->n_told, 1);
	assert_int_equal(world->told[0].finding, ME_FINDING_NO_DNS_SEEN);
	assert_int_equal(world->told[0].count, 3);
	assert_string_equal(world->told[0].detail, me_finding_help(ME_FINDING_NO_DNS_SEEN));

	/* One answer, and it is none any more. */
	*violation = 3;
	world->counts[me_dns_responses(ME_DNS_OTHER, ME_RCODE_NXDOMAIN)] = 1;
	look(world, ME_EVENTS_FINDING_NS);
	assert_int_equal(*told, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(counters_are_copied),
		TEST(the_cache_of_answers_has_its_bound),
		TEST(each_zone_that_refuses_is_a_finding),
		TEST(a_watch_without_dns_is_a_finding),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
