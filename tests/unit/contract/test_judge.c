/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "mewatch/judge.h"
#include "../../seed.h"

static struct me_head *head;

static int setup(void **state)
{
	head = calloc(1, sizeof(*head));
	return head ? 0 : -1;
}

static int teardown(void **state)
{
	free(head);
	return 0;
}

/* The judgement of these lookups, over a filled pattern: what the judge leaves unset would show. */
static struct me_judgement judge(struct me_facts facts, enum me_addr_kind kind,
				 struct me_found found)
{
	struct me_judgement j;

	memset(&j, 0xa5, sizeof(j));
	found.head = head;
	me_judge(&facts, kind, &found, &j);
	assert_int_equal(j.acts, 0);
	return j;
}

static void test_better(void **state)
{
	assert_int_equal(me_judge_better(0, 0), 0);
	assert_int_equal(me_judge_better(0, 7), 7);
	assert_int_equal(me_judge_better(7, 0), 7);
	assert_int_equal(me_judge_better(3, 7), 3);
	assert_int_equal(me_judge_better(7, 3), 3);
	assert_int_equal(me_judge_better(7, 7), 7);
}

static void test_row(void **state)
{
	const struct me_dest listed = {.row = 9, .flags = ME_DEST_LISTED},
			     known = {.row = 9, .flags = ME_DEST_RESOLVER | ME_DEST_DOH};
	static const enum me_addr_kind kinds[] = {ME_ADDR_GLOBAL, ME_ADDR_LOOPBACK, ME_ADDR_LINK,
						  ME_ADDR_LINKLOCAL, ME_ADDR_OTHER};

	for (size_t i = 0; i < ME_ARRAY_SIZE(kinds); i++) {
		enum me_addr_kind kind = kinds[i];
		uint32_t stranger = kind == ME_ADDR_LOOPBACK ? ME_ROW_LOCAL
				    : kind == ME_ADDR_GLOBAL ? ME_ROW_ANY
							     : ME_ROW_NOTHING;

		assert_int_equal(me_judge_row(kind, 0, NULL), stranger);
		assert_int_equal(me_judge_row(kind, 0, &known), stranger);
		assert_int_equal(me_judge_row(kind, 0, &listed),
				 kind == ME_ADDR_LOOPBACK ? ME_ROW_LOCAL : 9);
		assert_int_equal(me_judge_row(kind, ME_FACT_OWN, &listed), ME_ROW_LOCAL);
		assert_int_equal(me_judge_row(kind, ME_FACT_OWN, NULL), ME_ROW_LOCAL);
	}
}

/* The last nanosecond of a life belongs to it; a grace that ends before adds nothing. */
static void test_learned(void **state)
{
	static const struct {
		struct me_learned_slot slot;
		uint64_t now;
		enum me_evidence evidence;
	} lines[] = {
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 200}, 0, ME_EVIDENCE_LEARNED},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 200}, 100, ME_EVIDENCE_LEARNED},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 200}, 101, ME_EVIDENCE_STALE},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 200}, 200, ME_EVIDENCE_STALE},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 200}, 201, ME_EVIDENCE_NONE},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 100}, 100, ME_EVIDENCE_LEARNED},
		{{.endpoint = 1, .expires_ns = 100, .stale_ns = 100}, 101, ME_EVIDENCE_NONE},
		{{.endpoint = 1, .expires_ns = 100}, 100, ME_EVIDENCE_LEARNED},
		{{.endpoint = 1, .expires_ns = ~0ull, .stale_ns = ~0ull},
		 ~0ull,
		 ME_EVIDENCE_LEARNED},
		{{.endpoint = 0, .expires_ns = 100, .stale_ns = 200}, 0, ME_EVIDENCE_NONE},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++)
		assert_int_equal(me_judge_learned(&lines[i].slot, lines[i].now), lines[i].evidence);
	assert_int_equal(sizeof(struct me_learned), ME_NAME_ENDPOINTS * 24);
}

static void test_strength(void **state)
{
	static const enum me_evidence order[] = {ME_EVIDENCE_NONE, ME_EVIDENCE_CLAIMED,
						 ME_EVIDENCE_STALE, ME_EVIDENCE_LEARNED,
						 ME_EVIDENCE_VERIFIED};

	for (size_t i = 1; i < ME_ARRAY_SIZE(order); i++)
		assert_true(me_judge_strength(order[i - 1]) < me_judge_strength(order[i]));
	assert_int_equal(me_judge_strength(ME_EVIDENCE_NONE), 0);
}

static void test_fold(void **state)
{
	static const struct {
		uint32_t rank, candidate;
		enum me_evidence before, evidence;
		uint32_t becomes;
		enum me_evidence after;
	} lines[] = {
#define E(name) ME_EVIDENCE_##name
		{0, 5, E(NONE), E(LEARNED), 5, E(LEARNED)},
		{0, 0, E(NONE), E(LEARNED), 0, E(NONE)},
		{0, 5, E(NONE), E(NONE), 0, E(NONE)},
		{7, 5, E(LEARNED), E(STALE), 5, E(STALE)},
		{7, 5, E(LEARNED), E(NONE), 7, E(LEARNED)},
		{5, 7, E(STALE), E(LEARNED), 5, E(STALE)},
		{5, 0, E(STALE), E(LEARNED), 5, E(STALE)},
		{5, 5, E(STALE), E(LEARNED), 5, E(LEARNED)},
		{5, 5, E(LEARNED), E(STALE), 5, E(LEARNED)},
		{5, 5, E(LEARNED), E(VERIFIED), 5, E(VERIFIED)},
		{5, 5, E(CLAIMED), E(STALE), 5, E(STALE)},
		{5, 5, E(STALE), E(CLAIMED), 5, E(STALE)},
#undef E
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		uint8_t evidence = (uint8_t)lines[i].before;
		uint32_t rank = me_judge_fold(lines[i].rank, lines[i].candidate,
					      (uint8_t)lines[i].evidence, &evidence);

		if (rank != lines[i].becomes || evidence != lines[i].after)
			fail_msg("line %zu: %u %s", i, rank, me_evidence_label(evidence));
	}
}

/* Whatever the order of the endpoints, the same decides on the same evidence. */
static void test_fold_order(void **state)
{
	static const uint8_t kinds[] = {ME_EVIDENCE_NONE, ME_EVIDENCE_CLAIMED, ME_EVIDENCE_STALE,
					ME_EVIDENCE_LEARNED, ME_EVIDENCE_VERIFIED};
	uint64_t random = me_seed();

	for (unsigned int round = 0; round < 20000; round++) {
		uint32_t start = (uint32_t)(me_seed_next(&random) % 3), ranks[2] = {start, start};
		uint8_t evidence[2] = {0};
		uint32_t candidate[ME_NAME_ENDPOINTS];
		uint8_t with[ME_NAME_ENDPOINTS];

		for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
			/* A destination's own rank is never a name's. */
			candidate[i] = (uint32_t)(me_seed_next(&random) % 4);
			candidate[i] += candidate[i] && candidate[i] == start ? 3 : 0;
			with[i] = kinds[me_seed_next(&random) % ME_ARRAY_SIZE(kinds)];
		}
		for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
			size_t back = ME_NAME_ENDPOINTS - 1 - i;

			ranks[0] = me_judge_fold(ranks[0], candidate[i], with[i], &evidence[0]);
			ranks[1] =
				me_judge_fold(ranks[1], candidate[back], with[back], &evidence[1]);
		}
		assert_int_equal(ranks[0], ranks[1]);
		assert_int_equal(evidence[0], evidence[1]);
	}
}

static void test_recursive(void **state)
{
	for (enum me_addr_kind kind = ME_ADDR_GLOBAL; kind <= ME_ADDR_OTHER; kind++) {
		assert_int_equal(me_judge_is_recursive(kind, ME_FACT_RECURSIVE),
				 kind == ME_ADDR_GLOBAL);
		assert_false(me_judge_is_recursive(kind, ME_FACT_RECURSIVE | ME_FACT_OWN));
		assert_false(me_judge_is_recursive(kind, ~ME_FACT_RECURSIVE & 0xff));
	}
}

/* Each line lacks what made the one before it decide. */
static void test_reason_order(void **state)
{
	static const struct {
		uint16_t column;
		uint32_t dest;
		uint8_t proto;
		uint8_t learned;
		uint32_t head;
		enum me_reason reason;
	} lines[] = {
		{0xffff & ~ME_COLUMN_LISTED, ~0u, 132, 1, ~0u, ME_REASON_UNLISTED_PROTOCOL},
		{0xffff, ~ME_DEST_RESOLVER, 132, 1, ~0u, ME_REASON_WRONG_RESOLVER},
		{0xffff & ~ME_COLUMN_LISTED, ~ME_DEST_RESOLVER, 17, 1, ~0u,
		 ME_REASON_WRONG_RESOLVER},
		{0xffff, ~0u, 6, 1, ~0u, ME_REASON_ENCRYPTED_DNS},
		{0xffff & ~ME_COLUMN_DOT, ~ME_DEST_DOH, 6, 1, ~0u, ME_REASON_ENCRYPTED_DNS},
		{0xffff & ~(ME_COLUMN_DOT | ME_COLUMN_DNS), ~ME_DEST_RESOLVER, 6, 1, ~0u,
		 ME_REASON_ENCRYPTED_DNS},
		{0xffff & ~(ME_COLUMN_DOT | ME_COLUMN_DNS), ~(ME_DEST_RESOLVER | ME_DEST_DOH), 6, 1,
		 ~0u, ME_REASON_PEER_UNKNOWN},
		{ME_COLUMN_REMOTING | ME_COLUMN_QUIC, ~0u, 6, 1, ~0u, ME_REASON_REMOTING_OFF_HOST},
		{ME_COLUMN_HTTPS | ME_COLUMN_QUIC, ME_DEST_LISTED, 17, 1, ~0u, ME_REASON_QUIC},
		{0, ME_DEST_LISTED, 6, 0, 0, ME_REASON_UNLISTED_PORT},
		{0, 0, 6, 1, 0, ME_REASON_UNLISTED_PORT},
		{0, 0, 6, 0, ME_HEAD_ANY, ME_REASON_UNLISTED_PORT},
		{0, ~ME_DEST_LISTED, 6, 0, ~ME_HEAD_ANY, ME_REASON_UNLISTED_DESTINATION},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		const struct me_column column = {.service = 7, .flags = lines[i].column};
		const struct me_dest dest = {.flags = lines[i].dest};
		struct me_judgement j;

		head->flags = lines[i].head;
		j = judge((struct me_facts){.proto = lines[i].proto}, ME_ADDR_GLOBAL,
			  (struct me_found){
				  .column = &column, .dest = &dest, .learned = lines[i].learned});
		if (j.reason != lines[i].reason)
			fail_msg("line %zu: %s", i, me_reason_label(j.reason));
		assert_int_equal(j.verdict,
				 lines[i].column & ME_COLUMN_NAMED ? ME_PENDING : ME_VIOLATION);
		assert_int_equal(j.service, 7);
		assert_int_equal(j.evidence, ME_EVIDENCE_NONE);
		assert_int_equal(j.endpoint | j.rule, 0);
	}
}

/* `any` speaks for global unicast only. */
static void test_reason_any(void **state)
{
	const struct me_column column = {0};

	head->flags = ME_HEAD_ANY;
	assert_int_equal(judge((struct me_facts){.proto = 6}, ME_ADDR_LINKLOCAL,
			       (struct me_found){.column = &column})
				 .reason,
			 ME_REASON_UNLISTED_DESTINATION);
}

static void test_entry(void **state)
{
	const struct me_column column = {.service = 7, .flags = ME_COLUMN_NAMED};

	for (unsigned int match = 0; match < ME_MATCH_COUNT; match++) {
		const struct me_entry entry = {
			.endpoint = 3,
			.rule = 4,
			.service = 5,
			.match = (uint8_t)match,
			.flags = ME_ENTRY_RETIRED,
		};
		const struct me_found found = {
			.column = &column,
			.entry = &entry,
			.evidence = ME_EVIDENCE_STALE,
		};
		struct me_judgement j = judge((struct me_facts){.proto = 6}, ME_ADDR_GLOBAL, found);

		assert_int_equal(j.verdict, ME_ALLOWED);
		assert_int_equal(j.reason, ME_REASON_NONE);
		assert_int_equal(j.endpoint, 3);
		assert_int_equal(j.rule, 4);
		assert_int_equal(j.service, 5);
		assert_int_equal(j.flags, ME_ENTRY_RETIRED);
		assert_int_equal(j.evidence, match <= ME_MATCH_SUBTREE ? ME_EVIDENCE_STALE
								       : ME_EVIDENCE_LISTED);
		j = judge((struct me_facts){.proto = 6}, ME_ADDR_LOOPBACK, found);
		assert_int_equal(j.verdict, ME_LOCAL);
		assert_int_equal(j.service, 5);
		j = judge((struct me_facts){.proto = 6, .flags = ME_FACT_OWN}, ME_ADDR_GLOBAL,
			  found);
		assert_int_equal(j.verdict, ME_LOCAL);
		j = judge((struct me_facts){.flags = ME_FACT_UNPARSABLE}, ME_ADDR_GLOBAL, found);
		assert_int_equal(j.verdict, ME_VIOLATION);
		assert_int_equal(j.reason, ME_REASON_UNPARSABLE);
		assert_int_equal(j.service, ME_SERVICE_UNLISTED);
		assert_int_equal(j.rule, 0);
	}
}

static void test_without_entry(void **state)
{
	const struct me_column column = {.service = 7, .flags = ME_COLUMN_DNS};
	const struct me_found found = {.column = &column};
	struct me_judgement j = judge((struct me_facts){.proto = 17}, ME_ADDR_LOOPBACK, found);

	assert_int_equal(j.verdict, ME_LOCAL);
	assert_int_equal(j.reason, ME_REASON_NONE);
	assert_int_equal(j.service, ME_SERVICE_LOCAL);
	assert_int_equal(j.evidence, ME_EVIDENCE_NONE);

	/* While own addresses are unknown a violation may still turn out to be local. */
	j = judge((struct me_facts){.proto = 17, .flags = ME_FACT_OWN_UNKNOWN}, ME_ADDR_GLOBAL,
		  found);
	assert_int_equal(j.verdict, ME_PENDING);
	assert_int_equal(j.reason, ME_REASON_WRONG_RESOLVER);

	j = judge((struct me_facts){.proto = 6}, ME_ADDR_GLOBAL, (struct me_found){0});
	assert_int_equal(j.verdict, ME_VIOLATION);
	assert_int_equal(j.reason, ME_REASON_UNLISTED_DESTINATION);
	assert_int_equal(j.service, ME_SERVICE_UNLISTED);
}

/* Each kind of rule, with what is known of the control connection, and to which port. */
static void test_ftp(void **state)
{
	enum { A = ME_ENTRY_ANNOUNCED, D = ME_ENTRY_DOCUMENTED, ANY = ME_ENTRY_ANY_DATA };
	static const struct {
		struct me_ftp_facts facts;
		uint16_t port;
		enum me_evidence evidence; /* NONE: it stays what it was */
	} cases[] = {
		{{A | D, 1, 0}, 40000, ME_EVIDENCE_ANNOUNCED},
		{{A | D, 1, 1}, 900, ME_EVIDENCE_ANNOUNCED},
		{{A | D, 0, 0}, 40000, ME_EVIDENCE_NONE},
		{{A | D, 0, 0}, 1023, ME_EVIDENCE_DOCUMENTED},
		{{A | D, 0, 0}, 1024, ME_EVIDENCE_NONE},
		{{A | D, 0, 0}, 0, ME_EVIDENCE_NONE},
		{{A | D, 0, 1}, 40000, ME_EVIDENCE_CONTROL_ONLY},
		{{A, 0, 0}, 900, ME_EVIDENCE_NONE},
		{{A, 0, 1}, 900, ME_EVIDENCE_CONTROL_ONLY},
		{{D, 1, 1}, 40000, ME_EVIDENCE_NONE},
		{{D, 1, 1}, 20, ME_EVIDENCE_DOCUMENTED},
		{{A | ANY, 0, 0}, 40000, ME_EVIDENCE_CONTROL_ONLY},
		{{A | ANY, 1, 0}, 40000, ME_EVIDENCE_ANNOUNCED},
		{{0, 1, 1}, 900, ME_EVIDENCE_NONE},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		bool belongs = cases[i].evidence != ME_EVIDENCE_NONE;
		struct me_judgement j = {.verdict = ME_VIOLATION,
					 .reason = ME_REASON_UNLISTED_PORT};

		me_judge_ftp(&cases[i].facts, cases[i].port, &j);
		assert_int_equal(j.evidence, cases[i].evidence);
		assert_int_equal(j.verdict, belongs ? ME_ALLOWED : ME_VIOLATION);
		assert_int_equal(j.reason, belongs ? ME_REASON_NONE : ME_REASON_FTP_UNANNOUNCED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_better),    TEST(test_row),           TEST(test_learned),
		TEST(test_strength),  TEST(test_fold),          TEST(test_fold_order),
		TEST(test_recursive), TEST(test_reason_order),  TEST(test_reason_any),
		TEST(test_entry),     TEST(test_without_entry), TEST(test_ftp),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
