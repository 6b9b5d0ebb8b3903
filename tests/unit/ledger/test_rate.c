/* SPDX-License-Identifier: GPL-2.0-only */
#include "fixture.h"
#include "../../seed.h"
#include "ledger/rate.h"

static void test_close_and_in_order(void **state)
{
	uint64_t seed = me_seed();

	(void)state;
	for (uint64_t rate = 0; rate < 2048; rate++)
		assert_int_equal(me_rate_unpack(me_rate_pack(rate)),
				 rate); /* small ones are exact */
	assert_true(me_rate_unpack(me_rate_pack(UINT64_MAX)) > UINT64_MAX / 1025 * 1024);
	for (int i = 0; i < 100000; i++) {
		uint64_t a = me_seed_next(&seed) >> me_seed_next(&seed) % 64;
		uint64_t b = me_seed_next(&seed) >> me_seed_next(&seed) % 64;
		uint64_t back = me_rate_unpack(me_rate_pack(a));

		assert_true(back <= a && a - back <= a / 1024);
		if (a <= b)
			assert_true(me_rate_pack(a) <= me_rate_pack(b));
	}
}

static const struct me_ledger_flow *read_at(struct me_ledger *ledger, uint64_t seconds,
					    uint64_t sent)
{
	struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(1, ME_ALLOWED, ME_REASON_NONE, 41);
	uint64_t now_ns = FIXTURE_NOW + seconds * ME_NS_PER_S;

	flow.bytes_sent = sent;
	flow.last_ns = now_ns;
	me_ledger_tick(ledger, now_ns, FIXTURE_EPOCH + now_ns);
	assert_int_equal(me_ledger_flow(ledger, &key, &flow, NULL), 0);
	return me_ledger_find(ledger, 1);
}

static void test_growth_between_readings(void **state)
{
	struct me_kept kept = {0};
	struct me_ledger *ledger = fixture_ledger(&kept, 10, 10);

	(void)state;
	/* What was sent before it was seen was sent at a pace that nobody knows. */
	assert_int_equal(me_rate_unpack(read_at(ledger, 0, 5000)->sent_per_s), 0);
	assert_int_equal(me_rate_unpack(read_at(ledger, 2, 5500)->sent_per_s), 250);
	/* Twice at one moment, as from the table and from a record. */
	assert_int_equal(me_rate_unpack(read_at(ledger, 2, 5500)->sent_per_s), 250);
	assert_int_equal(me_rate_unpack(read_at(ledger, 3, 6500)->sent_per_s), 1000);
	assert_int_equal(me_rate_unpack(read_at(ledger, 4, 6500)->sent_per_s), 0);
	assert_int_equal(me_ledger_find(ledger, 1)->received_per_s, 0);
	me_ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_and_in_order),
		cmocka_unit_test(test_growth_between_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
