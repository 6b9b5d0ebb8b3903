/* SPDX-License-Identifier: GPL-2.0-only */
/* What is declared of memory holds when everything that is kept is full. */
#include <malloc.h>
#include "../ledger/fixture.h"
#include "base/text.h"
#include "ledger/answers.h"
#include "ledger/events.h"
#include "ledger/intern.h"
#include "ledger/requests.h"
#include "mewatch/memory.h"
#include "export/http.h"
#include "export/views.h"

#define LONG_NAME 1000u

/* Of the sanitizers, whose allocator mallinfo2() knows nothing of. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	struct mallinfo2 info;

	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static void fill_flows(struct me_ledger *ledger, uint32_t n)
{
	static char path[ME_INTERN_TEXT_MAX + 1];
	const struct me_flow_text text = {.text[ME_TEXT_HTTP_PATH] = path};

	memset(path, 'x', ME_INTERN_TEXT_MAX);
	for (uint32_t i = 0; i < n; i++) {
		struct me_flow_key key = fixture_key(0xc6120000u + i, 80, 6);
		struct me_flow flow = fixture_flow(i + 1, ME_VIOLATION,
						   ME_REASON_UNLISTED_DESTINATION, i % 1000 + 1);

		snprintf(path, 16, "%015u", i);
		path[15] = '/';
		assert_int_equal(me_ledger_flow(ledger, &key, &flow, &text), 0);
	}
}

static void fill_answers(struct me_ledger *ledger)
{
	static char name[LONG_NAME], target[LONG_NAME];
	struct me_answer answer = {.name = name, .target = target, .count = 1};

	memset(name, 'n', sizeof(name) - 1);
	memset(target, 't', sizeof(target) - 1);
	for (uint32_t i = 0; i < ME_ANSWERS_MAX + 10; i++) {
		/* Short ones, so that there are as many as there can be, or long ones, for the texts. */
		size_t len = i % 4 ? 16 : sizeof(name) - 1;

		snprintf(name, sizeof(name), "%0*u", (int)len, i);
		snprintf(target, sizeof(target), "t%0*u", (int)len - 1, i);
		answer.address = me_addr_v4(ME_NET32(0x0a000000u + i));
		answer.since_ns = answer.last_ns = i;
		answer.until_ns = 1000000 + i;
		assert_int_equal(me_answers_add(me_ledger_answers(ledger), &answer), 0);
	}
}

static void test_everything_full(void **state)
{
	static struct me_kept kept;
	const struct me_memory_bounds bounds = {.flows = 65536, .learned = 65536};
	const struct me_memory_bounds none = {0};
	const struct me_ledger_limits limits = {.flows = 2 * bounds.flows};
	/* What is not of the ledger is not filled here. */
	const size_t other = ME_INTERN_BYTES_MAX + ME_HTTP_UNREAD_MAX + ME_VIEW_BYTES_MAX;
	struct me_ledger *ledger;
	size_t before = allocated(), taken;

	(void)state;
	assert_int_equal(me_ledger_new(&limits, &kept, &fixture_names, FIXTURE_NOW,
				       FIXTURE_EPOCH + FIXTURE_NOW, &ledger),
			 0);
	fill_flows(ledger, 2 * bounds.flows + 10);
	fill_answers(ledger);
	taken = allocated() - before;
	print_message("# %zu bytes of %zu\n", taken, (size_t)me_memory_most(&bounds) - other);
	assert_in_range(taken, 2 * ME_INTERN_BYTES_MAX * 9ul / 10, me_memory_most(&bounds) - other);
	/* What grows with the flows is what they are declared to take. */
	assert_true(me_memory_most(&bounds) - me_memory_most(&none) >=
		    2 * bounds.flows * sizeof(struct me_ledger_flow));
	me_ledger_free(&ledger);
}

/* One flow more costs what it is declared to cost, also with a million of them. */
static void test_each_flow(void **state)
{
	const uint32_t few = 10000, many = 500000;
	const struct me_memory_bounds bounds[] = {{.flows = few}, {.flows = many}};
	static struct me_kept kept;
	size_t taken[2];

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(taken); i++) {
		const struct me_ledger_limits limits = {.flows = 2 * bounds[i].flows};
		struct me_ledger *ledger;
		size_t before = allocated();

		assert_int_equal(me_ledger_new(&limits, &kept, &fixture_names, FIXTURE_NOW,
					       FIXTURE_EPOCH + FIXTURE_NOW, &ledger),
				 0);
		for (uint32_t f = 0; f < 2 * bounds[i].flows; f++) {
			struct me_flow_key key = fixture_key(0xc6120000u + f, 443, 6);
			struct me_flow flow = fixture_flow(f + 1, ME_ALLOWED, ME_REASON_NONE, 7);

			assert_int_equal(me_ledger_flow(ledger, &key, &flow, NULL), 0);
		}
		taken[i] = allocated() - before;
		me_ledger_free(&ledger);
	}
	print_message("# %zu bytes each\n", (taken[1] - taken[0]) / (2 * (many - few)));
	assert_in_range(taken[1] - taken[0], 0,
			me_memory_most(&bounds[1]) - me_memory_most(&bounds[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_full),
		cmocka_unit_test(test_each_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
