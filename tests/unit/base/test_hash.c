/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "base/cleanup.h"

/* SipHash-1-3 under the key 0 of the bytes 0, 1, 2 …, as another implementation has it (CPython). */
static void agrees_with_another_implementation(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} cases[] = {
		{1, 0x68a914128e01e473},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
		{9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
		{40, 0x95bc321ab41d8206},
	};
	static const uint64_t key[2];
	uint8_t bytes[40];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++)
		assert_true(me_hash(key, bytes, cases[i].len) == cases[i].hash);
}

static void depends_on_key_and_length(void **state)
{
	static const uint64_t key[2] = {1, 2}, other[2] = {1, 3};
	static const char zeros[9];

	assert_true(me_hash(key, "abc", 3) != me_hash(other, "abc", 3));
	assert_true(me_hash(key, zeros, 8) != me_hash(key, zeros, 9));
	assert_true(me_hash(key, zeros, 0) != me_hash(key, zeros, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_another_implementation),
		cmocka_unit_test(depends_on_key_and_length),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
