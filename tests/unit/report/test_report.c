/* SPDX-License-Identifier: GPL-2.0-only */
/* What a report says of a history: sums, gaps, and the sentences that follow from them. */
#include "tests/unit/store/fixture.h"

#include "report/report.h"

static int setup(void **state)
{
	struct world *world = malloc(sizeof(*world));

	world_new(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world_free(world);
	free(world);
	return 0;
}

/* So many seconds with their rounds, ten at a time. */
static void go_on(struct world *world, unsigned int seconds)
{
	for (; seconds; seconds -= 10) {
		world_pass(world, 10);
		world_round(world);
	}
}

static struct me_document *report(struct world *world, uint64_t since_ns, uint64_t until_ns)
{
	const struct me_period period = {since_ns, until_ns};
	_cleanup_(me_past_freep) struct me_past *past = NULL;
	struct me_document *document = NULL;

	assert_int_equal(me_past_open(world->folder, NULL, &past), 0);
	assert_int_equal(me_report_read(past, &period, "1.0", &document), 0);
	return document;
}

static const char *said(const struct me_document *document, enum me_tone tone, const char *words)
{
	for (unsigned int i = 0; i < document->n_statements; i++)
		if (document->statements[i].tone == tone &&
		    strstr(document->statements[i].text, words))
			return document->statements[i].text;
	return NULL;
}

static const char *text(const struct me_document *document, const char *key, size_t row,
			const char *column)
{
	const struct me_sheet *sheet = me_document_find(document, key);

	assert_true(row < sheet->n_rows);
	return sheet->cells[row * sheet->n_columns + me_sheet_place(sheet, column)].text;
}

static uint64_t sum(const struct me_document *document, const char *key, const char *column)
{
	return me_sheet_sum(me_document_find(document, key), column);
}

static void nothing_else_went_out(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	world_allow(world, 7);
	go_on(world, 130);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	assert_non_null(said(document, ME_TONE_GOOD, "watched all the time"));
	assert_non_null(said(document, ME_TONE_GOOD, "Nothing went out beside"));
	assert_int_equal(document->watched_ns, document->until_ns - document->since_ns);
	assert_int_equal(sum(document, "services", "allowed"), 7);
	assert_int_equal(sum(document, "timeline", "allowed"), 7);
	assert_int_equal(sum(document, "violations_by_reason", "confirmed"), 0);
}

static void violations_are_whole(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	struct world *world = *state;
	uint64_t n;

	world_up(world);
	world_begin(world);
	for (uint32_t i = 0; i < 130; i++)
		world_violate(world, 0xc6336400 + i, true);
	world_violate(world, 0xc6336501, false);
	go_on(world, 70);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	n = sum(document, "violations_by_reason", "confirmed");
	assert_int_equal(n, 131);
	assert_int_equal(sum(document, "violations_by_destination", "count"), n);
	assert_int_equal(sum(document, "violations_by_origin", "count"), n);
	assert_int_equal(sum(document, "services", "violation"), n);
	assert_int_equal(me_document_find(document, "violations_by_destination")->n_rows, 101);
	assert_string_equal(text(document, "violations_by_destination", 100, "reason"),
			    "all others");
	assert_non_null(said(document, ME_TONE_BAD, "131 flows went out"));
	assert_null(said(document, ME_TONE_GOOD, "Nothing went out"));
	assert_false(me_document_is_clean(document));
}

/* Who denies wants to read that, and nothing "went out" that did not. */
static void what_was_denied_is_told(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	for (uint32_t i = 0; i < 3; i++) {
		world_violate(world, 0xc6336400 + i, true);
		world->cells[me_cell(ME_HOST, ME_SERVICE_UNLISTED,
				     i ? ME_CELL_DENIED : ME_CELL_SHADOWED,
				     ME_REASON_UNLISTED_DESTINATION)]++;
	}
	world->totals[ME_TOTAL_REFUSED(0, ME_BLIND_RAW)] = 4;
	go_on(world, 70);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	assert_int_equal(sum(document, "violations_by_reason", "confirmed"), 3);
	assert_int_equal(sum(document, "violations_by_reason", "denied"), 2);
	assert_int_equal(sum(document, "violations_by_reason", "would_deny"), 1);
	assert_non_null(
		said(document, ME_TONE_BAD, "3 flows met no rule (violations); 2 attempts were"));
	assert_non_null(said(document, ME_TONE_UNSURE, "1 attempt would have been denied"));
	assert_non_null(said(document, ME_TONE_BAD, "4 sockets were refused"));
	assert_null(said(document, ME_TONE_BAD, "went out"));
}

/* Nothing is said to be so that nobody saw. */
static void what_was_not_seen_is_not_claimed(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL, *before = NULL;
	struct world *world = *state;
	uint64_t lost_ns;

	world_up(world);
	world_begin(world);
	go_on(world, 70);
	lost_ns = world->now.epoch_ns;
	world->watches[1].attached = false;
	world_round(world);
	go_on(world, 30);
	world->watches[1].attached = true;
	go_on(world, 30);
	go_on(world, 70);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	assert_null(said(document, ME_TONE_GOOD, "Nothing went out"));
	assert_non_null(said(document, ME_TONE_UNSURE, "not everything was seen"));
	assert_string_equal(text(document, "gaps", 0, "why"), "lost");
	assert_string_equal(text(document, "gaps", 0, "counted"), "no");
	assert_true(document->watched_ns < document->until_ns - document->since_ns);
	assert_true(document->watched_ns >= lost_ns - WORLD_START);
	/* A period before all of it. */
	before = report(world, WORLD_START - 7200 * ME_NS_PER_S, WORLD_START - 3600 * ME_NS_PER_S);
	assert_int_equal(before->watched_ns, 0);
	assert_string_equal(text(before, "gaps", 0, "why"), "before");
	assert_null(said(before, ME_TONE_GOOD, "Nothing went out"));
}

/* A kill: the hooks go on, and all that they counted is there. */
static void a_kill_is_told_and_costs_nothing(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	struct world *world = *state;

	world_up(world);
	world_begin(world);
	world_allow(world, 5);
	go_on(world, 70);
	world_kill(world);
	world_allow(world, 9);
	world_pass(world, 300); /* nobody is there */
	world_up(world);
	world_begin(world);
	go_on(world, 70);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	assert_int_equal(sum(document, "services", "allowed"), 14);
	assert_int_equal(sum(document, "timeline", "late"), 9);
	assert_string_equal(text(document, "gaps", 0, "why"), "down");
	assert_string_equal(text(document, "gaps", 0, "counted"), "yes");
	me_document_free(&document);
	document = report(world, WORLD_START - 3600 * ME_NS_PER_S, world->now.epoch_ns);
	assert_string_equal(text(document, "gaps", 0, "why"), "before");
	assert_string_equal(text(document, "gaps", 1, "why"), "down");
	me_document_free(&document);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	assert_int_equal(document->watched_ns, document->until_ns - document->since_ns);
	assert_int_equal(me_document_find(document, "runs")->n_rows, 2);
}

static void endpoints_and_policies(void **state)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	struct world *world = *state;
	const struct me_sheet *endpoints;

	world_up(world);
	world_begin(world);
	world_pass(world, 60);
	world->endpoints[1].attempts = 3;
	world->endpoints[1].last_success_ns = world->now.boot_ns;
	world->endpoints[1].last_attempt_ns = world->now.boot_ns;
	world->endpoints[1].outcome[ME_OUTCOME_ESTABLISHED] = 2;
	world->endpoints[1].outcome[ME_OUTCOME_REFUSED] = 1;
	world->facts.sha256 = "4567";
	world->facts.generation = 2;
	world_round(world);
	go_on(world, 70);
	document = report(world, WORLD_START, world->now.epoch_ns + 30 * ME_NS_PER_S);
	endpoints = me_document_find(document, "endpoints");
	assert_int_equal(endpoints->n_rows, 2);
	assert_int_equal(sum(document, "endpoints", "attempts"), 3);
	assert_int_equal(sum(document, "endpoints", "established"), 2);
	assert_int_equal(sum(document, "endpoints", "refused"), 1);
	assert_int_equal(sum(document, "endpoints", "success"), 6666);
	assert_non_null(
		said(document, ME_TONE_GOOD, "Of 2 endpoints of the policy 1 were reached"));
	assert_int_equal(me_document_find(document, "policies")->n_rows, 2);
	assert_string_equal(text(document, "policies", 1, "sha256"), "4567");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_else_went_out),
		TEST(violations_are_whole),
		TEST(what_was_denied_is_told),
		TEST(what_was_not_seen_is_not_claimed),
		TEST(a_kill_is_told_and_costs_nothing),
		TEST(endpoints_and_policies),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
