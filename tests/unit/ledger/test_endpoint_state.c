/* SPDX-License-Identifier: GPL-2.0-only */
/* Good, failing, overdue, never, retired: the state machine of an endpoint, as a table of what happens. */
#include "fixture.h"
#include "ledger/endpoint_state.h"
#include "ledger/minutes.h"

#define S ME_NS_PER_S
#define EXPECT 100u /* seconds */

enum what {
	END,
	PASS,    /* n seconds */
	TRY,     /* an attempt begins */
	SUCCEED, /* a byte came, an answer */
	REFUSED, /* n of the counts of the kernel */
	TIMEOUT,
	UNANSWERED,
	ABORTED,
	NO_ROUTE, /* unreachable by the kernel's count; no flow that ICMP ended */
	HTTP_ERROR,
	TLS_ALERT,
	NXDOMAIN,
	SERVFAIL,
	ICMP, /* flows, weighed by the ledger */
	MUTE_RESET,
	PROXIED, /* through a proxy */
	PROXIED_TRY,
	READ, /* the counts */
	IS    /* the state is n */
};

struct step {
	enum what what;
	uint64_t n;
};

static const struct {
	const char *name;
	struct step steps[20];
	struct me_endpoint_entry entry;
} cases[] = {
	{.name = "nothing happened", .steps = {{PASS, 1000}, {READ, 0}, {IS, ME_ENDPOINT_NEVER}}},
	{.name = "an attempt is under way",
	 .steps = {{TRY, 0}, {PASS, 9}, {READ, 0}, {IS, ME_ENDPOINT_NEVER}}},
	{.name = "it works", .steps = {{TRY, 0}, {SUCCEED, 0}, {READ, 0}, {IS, ME_ENDPOINT_GOOD}}},
	{.name = "good however long ago",
	 .steps = {{TRY, 0}, {SUCCEED, 0}, {READ, 0}, {PASS, 99999}, {IS, ME_ENDPOINT_GOOD}}},
	{.name = "a refusal takes time to settle",
	 .steps = {{TRY, 0},
		   {PASS, 1},
		   {REFUSED, 1},
		   {READ, 0},
		   {IS, ME_ENDPOINT_NEVER},
		   {PASS, 4},
		   {IS, ME_ENDPOINT_NEVER},
		   {PASS, 1},
		   {IS, ME_ENDPOINT_FAILING}}},
	{.name = "the client fell back",
	 .steps = {{TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 1},
		   {TRY, 0},
		   {REFUSED, 1},
		   {PASS, 1},
		   {READ, 0},
		   {TRY, 0},
		   {PASS, 3},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 50},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "timeout",
	 .steps = {{TRY, 0},
		   {PASS, 3},
		   {TIMEOUT, 1},
		   {READ, 0},
		   {PASS, 5},
		   {IS, ME_ENDPOINT_FAILING}}},
	{.name = "unanswered",
	 .steps = {{TRY, 0},
		   {PASS, 3},
		   {UNANSWERED, 1},
		   {READ, 0},
		   {PASS, 5},
		   {IS, ME_ENDPOINT_FAILING}}},
	{.name = "ICMP",
	 .steps = {{TRY, 0}, {ICMP, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "reset before a byte",
	 .steps = {{TRY, 0}, {MUTE_RESET, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "http",
	 .steps = {{TRY, 0}, {HTTP_ERROR, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "alert",
	 .steps = {{TRY, 0}, {TLS_ALERT, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "servfail, without any attempt",
	 .steps = {{SERVFAIL, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "nxdomain",
	 .steps = {{NXDOMAIN, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_FAILING}}},
	{.name = "nxdomain below a wildcard",
	 .steps = {{NXDOMAIN, 1}, {READ, 0}, {PASS, 5}, {IS, ME_ENDPOINT_NEVER}},
	 .entry = {.wildcard = true}},
	{.name = "aborted is no failure",
	 .steps = {{TRY, 0}, {ABORTED, 9}, {READ, 0}, {PASS, 9}, {IS, ME_ENDPOINT_NEVER}}},
	{.name = "no route here is no failure",
	 .steps = {{TRY, 0}, {NO_ROUTE, 9}, {READ, 0}, {PASS, 9}, {IS, ME_ENDPOINT_NEVER}}},
	{.name = "and takes no success back",
	 .steps = {{TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 1},
		   {TRY, 0},
		   {ABORTED, 1},
		   {NO_ROUTE, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "an attempt from before the success ends late",
	 .steps = {{TRY, 0},
		   {PASS, 1},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 60},
		   {TIMEOUT, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "one that began after it",
	 .steps = {{TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 1},
		   {TRY, 0},
		   {TIMEOUT, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_FAILING}}},
	{.name = "both in one reading, the success last",
	 .steps = {{TRY, 0},
		   {REFUSED, 1},
		   {PASS, 1},
		   {TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "both in one reading, the failure last",
	 .steps = {{TRY, 0},
		   {SUCCEED, 0},
		   {PASS, 1},
		   {TRY, 0},
		   {REFUSED, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_FAILING}}},
	{.name = "a success takes any number of failures back",
	 .steps = {{TRY, 0},
		   {REFUSED, 99},
		   {READ, 0},
		   {PASS, 9},
		   {TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "old failures are old",
	 .steps = {{TRY, 0},
		   {REFUSED, 9},
		   {READ, 0},
		   {PASS, 9},
		   {TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, 9},
		   {TRY, 0},
		   {ABORTED, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "through a proxy", .steps = {{PROXIED, 0}, {READ, 0}, {IS, ME_ENDPOINT_GOOD}}},
	{.name = "a proxy takes failures back",
	 .steps = {{TRY, 0},
		   {TIMEOUT, 1},
		   {READ, 0},
		   {PASS, 9},
		   {PROXIED, 0},
		   {READ, 0},
		   {IS, ME_ENDPOINT_GOOD}}},
	{.name = "a question of a proxy without success",
	 .steps = {{PROXIED_TRY, 0}, {READ, 0}, {IS, ME_ENDPOINT_NEVER}}},
	{.name = "overdue though never tried",
	 .steps = {{PASS, EXPECT},
		   {READ, 0},
		   {IS, ME_ENDPOINT_NEVER},
		   {PASS, 1},
		   {IS, ME_ENDPOINT_OVERDUE}},
	 .entry = {.expect_ns = EXPECT * S}},
	{.name = "overdue since the last success",
	 .steps = {{PASS, 50},
		   {TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {PASS, EXPECT},
		   {IS, ME_ENDPOINT_GOOD},
		   {PASS, 1},
		   {IS, ME_ENDPOINT_OVERDUE},
		   {TRY, 0},
		   {SUCCEED, 0},
		   {READ, 0},
		   {IS, ME_ENDPOINT_GOOD}},
	 .entry = {.expect_ns = EXPECT * S}},
	{.name = "failing comes before overdue",
	 .steps = {{TRY, 0},
		   {SUCCEED, 0},
		   {PASS, 50},
		   {TRY, 0},
		   {REFUSED, 1},
		   {READ, 0},
		   {PASS, 9},
		   {IS, ME_ENDPOINT_FAILING},
		   {PASS, 50},
		   {IS, ME_ENDPOINT_OVERDUE}},
	 .entry = {.expect_ns = EXPECT * S}},
	{.name = "a proxy is in time",
	 .steps = {{PASS, 90}, {PROXIED, 0}, {READ, 0}, {PASS, 90}, {IS, ME_ENDPOINT_GOOD}},
	 .entry = {.expect_ns = EXPECT * S}},
	{.name = "retired is neither",
	 .steps = {{TRY, 0}, {REFUSED, 1}, {READ, 0}, {PASS, 999}, {IS, ME_ENDPOINT_RETIRED}},
	 .entry = {.retired = true, .expect_ns = EXPECT * S}},
};

static void take(struct me_endpoint_counts *counts, struct me_endpoint_kept *kept,
		 const struct step *step, uint64_t now)
{
	switch (step->what) {
	case TRY:
		counts->last_attempt_ns = now;
		break;
	case SUCCEED:
		counts->last_success_ns = now + 1;
		break;
	case REFUSED:
		counts->outcome[ME_OUTCOME_REFUSED] += step->n;
		break;
	case TIMEOUT:
		counts->outcome[ME_OUTCOME_TIMEOUT] += step->n;
		break;
	case UNANSWERED:
		counts->outcome[ME_OUTCOME_UNANSWERED] += step->n;
		break;
	case ABORTED:
		counts->outcome[ME_OUTCOME_ABORTED] += step->n;
		break;
	case NO_ROUTE:
		counts->outcome[ME_OUTCOME_UNREACHABLE] += step->n;
		break;
	case HTTP_ERROR:
		counts->http_errors += step->n;
		break;
	case TLS_ALERT:
		counts->tls_alerts += step->n;
		break;
	case NXDOMAIN:
		counts->dns_failures[ME_DNS_FAILED_NXDOMAIN] += step->n;
		break;
	case SERVFAIL:
		counts->dns_failures[ME_DNS_FAILED_SERVFAIL] += step->n;
		break;
	case ICMP:
		kept->unreachable += (uint32_t)step->n;
		break;
	case MUTE_RESET:
		kept->unheard += (uint32_t)step->n;
		break;
	case PROXIED:
		kept->proxied_ns = kept->proxied_try_ns = now;
		break;
	case PROXIED_TRY:
		kept->proxied_try_ns = now;
		break;
	default:
		break;
	}
}

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_endpoint_entry entry = cases[i].entry;
		struct me_endpoint_kept kept = {.since_ns = FIXTURE_NOW};
		struct me_endpoint_counts counts = {0};
		uint64_t now = FIXTURE_NOW;

		entry.rule = 1;
		me_endpoint_read(&kept, &counts, &entry, now);
		for (const struct step *step = cases[i].steps; step->what != END; step++) {
			take(&counts, &kept, step, now);
			if (step->what == PASS)
				now += step->n * S;
			if (step->what == READ)
				me_endpoint_read(&kept, &counts, &entry, now);
			if (step->what == IS && me_endpoint_state(&kept, &entry, now) != step->n)
				fail_msg("%s, step %td: %s, expected %s", cases[i].name,
					 step - cases[i].steps + 1,
					 me_endpoint_state_label(
						 me_endpoint_state(&kept, &entry, now)),
					 me_endpoint_state_label((enum me_endpoint_state)step->n));
		}
		entry.rule = 0;
		assert_int_equal(me_endpoint_state(&kept, &entry, now), ME_ENDPOINT_GONE);
	}
}

/* The last kind that grew is the one that is told; a success forgets it. */
static void test_failure_kind(void **state)
{
	const struct me_endpoint_entry entry = {.rule = 1};
	struct me_endpoint_kept kept = {.since_ns = FIXTURE_NOW};
	struct me_endpoint_counts counts = {.last_attempt_ns = FIXTURE_NOW + 1};

	(void)state;
	counts.outcome[ME_OUTCOME_TIMEOUT] = 1;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + S);
	assert_string_equal(me_failure_label(kept.failure), "timeout");
	counts.outcome[ME_OUTCOME_REFUSED] = 1;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + 2 * S);
	assert_string_equal(me_failure_label(kept.failure), "refused");
	assert_int_equal(kept.failed_ns, FIXTURE_NOW + S);
	counts.last_success_ns = FIXTURE_NOW + 3 * S;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + 3 * S);
	assert_string_equal(me_failure_label(kept.failure), "none");
	memset(&kept.failure, 0xde, sizeof(kept.failure)); /* a damaged block */
	assert_string_equal(me_failure_label(kept.failure), "?");
}

/* Counts of an older layout, about which nothing was kept: their failures are no news. */
static void test_counts_from_before(void **state)
{
	const struct me_endpoint_entry entry = {.rule = 1};
	struct me_endpoint_kept kept = {.since_ns = FIXTURE_NOW};
	struct me_endpoint_counts counts = {.last_attempt_ns = FIXTURE_NOW - 1};

	(void)state;
	counts.outcome[ME_OUTCOME_REFUSED] = 7;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW);
	assert_false(me_endpoint_is_failing(&kept, FIXTURE_NOW + 9 * S));
	counts.last_attempt_ns = FIXTURE_NOW + S;
	counts.outcome[ME_OUTCOME_REFUSED]++;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + S);
	assert_true(me_endpoint_is_failing(&kept, FIXTURE_NOW + 9 * S));

	/* A handover: the counts begin at 0 and get the old ones later. */
	counts.last_success_ns = FIXTURE_NOW + 2 * S;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + 2 * S);
	counts.last_attempt_ns = FIXTURE_NOW + 3 * S;
	counts.outcome[ME_OUTCOME_REFUSED] = 0;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + 3 * S);
	counts.outcome[ME_OUTCOME_REFUSED] = 8;
	me_endpoint_read(&kept, &counts, &entry, FIXTURE_NOW + 4 * S);
	assert_false(me_endpoint_is_failing(&kept, FIXTURE_NOW + 99 * S));
}

static uint64_t sum(const struct me_minutes *minutes, uint64_t minute)
{
	uint64_t n = 0;

	for (uint64_t back = 0; back < ME_MINUTES; back++)
		n += me_minutes_at(minutes, minute, back);
	return n;
}

static void test_minutes(void **state)
{
	struct me_minutes minutes = {0};

	(void)state;
	me_minutes_add(&minutes, 1000, 3);
	me_minutes_add(&minutes, 1000, 2);
	me_minutes_add(&minutes, 1002, 1);
	assert_int_equal(me_minutes_at(&minutes, 1002, 0), 1);
	assert_int_equal(me_minutes_at(&minutes, 1002, 1), 0);
	assert_int_equal(me_minutes_at(&minutes, 1002, 2), 5);
	assert_int_equal(me_minutes_at(&minutes, 1005, 5), 5);
	assert_int_equal(sum(&minutes, 1059), 6);
	assert_int_equal(sum(&minutes, 1060), 1);
	assert_int_equal(sum(&minutes, 99999), 0);
	me_minutes_add(&minutes, 1060, 7);
	assert_int_equal(sum(&minutes, 1060), 8);
	me_minutes_add(&minutes, 5000, 1);
	assert_int_equal(sum(&minutes, 5000), 1);
	me_minutes_add(&minutes, 5000, 1ull << 40);
	assert_int_equal(me_minutes_at(&minutes, 5000, 0), UINT16_MAX);
	/* Since boot there is less than an hour. */
	minutes = (struct me_minutes){0};
	me_minutes_add(&minutes, 2, 1);
	assert_int_equal(sum(&minutes, 2), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_failure_kind),
		cmocka_unit_test(test_counts_from_before),
		cmocka_unit_test(test_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
