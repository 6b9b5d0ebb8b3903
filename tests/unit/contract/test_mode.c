/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done about a violation: the whole table of what the policy, commands and time say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mewatch/mode.h"

#define NOW 1000u
#define FOREVER UINT64_MAX
#define OWN(mode) (ME_MODE_OWN | ME_MODE_##mode)

static const struct me_control nothing_said = {.lease_ns = FOREVER,
					       .strict_ns = FOREVER,
					       .most = ME_MODE_ENFORCE};

static void test_now(void **state)
{
	static const struct {
		uint32_t mode, said; /* 1 + enum me_mode; 0: nothing */
		uint64_t until_ns;
		enum me_mode expected;
	} row[] = {
		{ME_MODE_MONITOR, 0, 0, ME_MODE_MONITOR},
		{ME_MODE_SHADOW, 0, FOREVER, ME_MODE_SHADOW},
		{ME_MODE_ENFORCE, 0, 0, ME_MODE_ENFORCE},
		{OWN(MONITOR), 0, 0, ME_MODE_MONITOR},
		{OWN(ENFORCE), 0, 0, ME_MODE_ENFORCE},
		/* enforce and shadow are for those without a rule's */
		{ME_MODE_MONITOR, 1 + ME_MODE_ENFORCE, FOREVER, ME_MODE_ENFORCE},
		{ME_MODE_ENFORCE, 1 + ME_MODE_SHADOW, FOREVER, ME_MODE_SHADOW},
		{OWN(MONITOR), 1 + ME_MODE_ENFORCE, FOREVER, ME_MODE_MONITOR},
		{OWN(SHADOW), 1 + ME_MODE_ENFORCE, FOREVER, ME_MODE_SHADOW},
		{OWN(ENFORCE), 1 + ME_MODE_SHADOW, FOREVER, ME_MODE_ENFORCE},
		/* monitor is for all */
		{ME_MODE_ENFORCE, 1 + ME_MODE_MONITOR, FOREVER, ME_MODE_MONITOR},
		{OWN(ENFORCE), 1 + ME_MODE_MONITOR, FOREVER, ME_MODE_MONITOR},
		{OWN(SHADOW), 1 + ME_MODE_MONITOR, FOREVER, ME_MODE_MONITOR},
		/* until its time is over */
		{ME_MODE_MONITOR, 1 + ME_MODE_ENFORCE, NOW + 1, ME_MODE_ENFORCE},
		{ME_MODE_MONITOR, 1 + ME_MODE_ENFORCE, NOW, ME_MODE_MONITOR},
		{ME_MODE_SHADOW, 1 + ME_MODE_ENFORCE, NOW - 1, ME_MODE_SHADOW},
		{OWN(ENFORCE), 1 + ME_MODE_MONITOR, NOW, ME_MODE_ENFORCE},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		struct me_control control = nothing_said;

		control.said = row[i].said;
		control.until_ns = row[i].until_ns;
		if (me_mode_now(&control, row[i].mode, NOW) != row[i].expected)
			fail_msg("row %zu: %u", i, me_mode_now(&control, row[i].mode, NOW));
		/* What is not asked of a mode does not matter. */
		assert_int_equal(me_mode_now(&control, row[i].mode | ME_MODE_NAMED, NOW),
				 row[i].expected);
		for (unsigned int most = 0; most < ME_MODE_COUNT; most++) {
			control.most = most;
			assert_int_equal(me_mode_now(&control, row[i].mode, NOW),
					 row[i].expected < most ? row[i].expected : most);
		}
		control.most = ME_MODE_ENFORCE;
		control.lease_ns = NOW + 1;
		assert_int_equal(me_mode_now(&control, row[i].mode, NOW), row[i].expected);
		control.lease_ns = NOW;
		assert_int_equal(me_mode_now(&control, row[i].mode, NOW), ME_MODE_MONITOR);
	}
	/* Maps are zero at first: then nothing is done. */
	assert_int_equal(me_mode_now(&(struct me_control){}, OWN(ENFORCE), NOW), ME_MODE_MONITOR);
}

static void test_state(void **state)
{
	static const struct {
		uint8_t mode, verdict;
		uint64_t strict_ns;
		uint8_t flags;
		enum me_action action;
	} row[] = {
		{ME_MODE_MONITOR, ME_VIOLATION, 0, 0, ME_ACTION_NONE},
		{ME_MODE_SHADOW, ME_VIOLATION, 0, ME_STATE_SHADOW, ME_ACTION_WOULD_DENY},
		{ME_MODE_ENFORCE, ME_VIOLATION, 0, ME_STATE_DENY, ME_ACTION_DENIED},
		{ME_MODE_ENFORCE, ME_ALLOWED, 0, ME_STATE_DENY, ME_ACTION_NONE},
		{ME_MODE_ENFORCE, ME_PENDING, 0, ME_STATE_DENY | ME_STATE_OWN, ME_ACTION_NONE},
		{ME_MODE_SHADOW, ME_PENDING, 0, ME_STATE_SHADOW, ME_ACTION_NONE},
		{ME_MODE_ENFORCE | ME_MODE_NAMED, ME_PENDING, NOW + 1, ME_STATE_DENY,
		 ME_ACTION_NONE},
		{ME_MODE_ENFORCE | ME_MODE_NAMED, ME_PENDING, NOW, ME_STATE_DENY | ME_STATE_STRICT,
		 ME_ACTION_DENIED},
		{ME_MODE_SHADOW | ME_MODE_NAMED, ME_PENDING, NOW, ME_STATE_SHADOW | ME_STATE_STRICT,
		 ME_ACTION_WOULD_DENY},
		{ME_MODE_MONITOR | ME_MODE_NAMED, ME_PENDING, NOW, 0, ME_ACTION_NONE},
		{ME_MODE_ENFORCE | ME_MODE_NAMED, ME_UNRESOLVED, NOW, ME_STATE_DENY,
		 ME_ACTION_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		const struct me_judgement judged = {.mode = row[i].mode, .verdict = row[i].verdict};
		struct me_control control = nothing_said;
		union me_state as = {.verdict = row[i].verdict};

		control.strict_ns = row[i].strict_ns;
		as.flags = me_mode_state(&control, &judged, NOW);
		assert_int_equal(as.flags, row[i].flags);
		assert_int_equal(me_state_action(as), row[i].action);
	}
}

static void test_weaken(void **state)
{
	static const struct {
		uint8_t flags;
		enum me_mode now;
		uint8_t expected;
	} row[] = {
		{ME_STATE_DENY, ME_MODE_ENFORCE, ME_STATE_DENY},
		{ME_STATE_DENY, ME_MODE_SHADOW, ME_STATE_SHADOW},
		{ME_STATE_DENY, ME_MODE_MONITOR, 0},
		{ME_STATE_SHADOW, ME_MODE_ENFORCE, ME_STATE_SHADOW},
		{ME_STATE_SHADOW, ME_MODE_SHADOW, ME_STATE_SHADOW},
		{ME_STATE_SHADOW, ME_MODE_MONITOR, 0},
		{0, ME_MODE_ENFORCE, 0},
		/* What was denied already stays so. */
		{ME_STATE_DENY | ME_STATE_STRICT, ME_MODE_MONITOR, ME_STATE_DENY | ME_STATE_STRICT},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++)
		assert_int_equal(me_mode_weaken(row[i].flags, row[i].now), row[i].expected);
}

static void test_dhcp(void **state)
{
	const struct me_column column = {.flags = (ME_MODE_OWN | ME_MODE_ENFORCE)
						  << ME_COLUMN_MODE_SHIFT};
	struct me_found found = {.column = &column};
	struct me_facts facts = {.flags = me_judge_dhcp(IPPROTO_UDP, 68, 67)};

	(void)state;
	assert_int_equal(me_judge_mode(&facts, &found), OWN(MONITOR));
	facts.flags = me_judge_dhcp(IPPROTO_UDP, 546, 547);
	assert_int_equal(me_judge_mode(&facts, &found), OWN(MONITOR));
	facts.flags = me_judge_dhcp(IPPROTO_UDP, 1068, 67) | me_judge_dhcp(IPPROTO_TCP, 68, 67) |
		      me_judge_dhcp(IPPROTO_UDP, 67, 68) | me_judge_dhcp(IPPROTO_UDP, 68, 547);
	assert_int_equal(facts.flags, 0);
	assert_int_equal(me_judge_mode(&facts, &found), OWN(ENFORCE));
	found.column = NULL;
	assert_int_equal(me_judge_mode(&facts, &found), ME_MODE_MONITOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_weaken),
		cmocka_unit_test(test_dhcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
