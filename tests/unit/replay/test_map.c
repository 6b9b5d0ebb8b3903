/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps in memory keep the promises of the kernel's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include "../../seed.h"
#include "replay/map.h"

static uint64_t *value_of(struct me_map *map, uint64_t key)
{
	return me_map_lookup(map, &key);
}

static int put(struct me_map *map, uint64_t key, uint64_t value, uint64_t flags)
{
	return me_map_update(map, &key, &value, flags);
}

static void arrays_have_all_their_elements(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_ARRAY, 4, 8, 3);
	uint32_t last = 2, beyond = 3;
	uint64_t value = 7;

	assert_int_equal(*(uint64_t *)me_map_lookup(map, &last), 0);
	assert_int_equal(me_map_update(map, &last, &value, BPF_ANY), 0);
	assert_int_equal(*(uint64_t *)me_map_lookup(map, &last), 7);
	assert_int_equal(me_map_update(map, &last, &value, BPF_NOEXIST), -EEXIST);
	assert_null(me_map_lookup(map, &beyond));
	assert_int_equal(me_map_update(map, &beyond, &value, BPF_ANY), -E2BIG);
	me_map_free(&map);
}

static void hashes_are_full_when_they_are(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_HASH, 8, 8, 1000);

	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(put(map, i, i, BPF_NOEXIST), 0);
	assert_int_equal(put(map, 1000, 0, BPF_ANY), -E2BIG);
	assert_int_equal(put(map, 999, 5, BPF_NOEXIST), -EEXIST);
	assert_int_equal(put(map, 999, 5, BPF_EXIST), 0);
	assert_int_equal(put(map, 1000, 5, BPF_EXIST), -ENOENT);
	assert_int_equal(*value_of(map, 999), 5);
	assert_int_equal(me_map_delete(map, &(uint64_t){3}), 0);
	assert_int_equal(me_map_delete(map, &(uint64_t){3}), -ENOENT);
	assert_null(value_of(map, 3));
	assert_int_equal(put(map, 1000, 6, BPF_ANY), 0);
	assert_int_equal(me_map_count(map), 1000);
	me_map_free(&map);
}

static void elements_stay_where_they_are(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_HASH, 8, 8, 100000);
	uint64_t *first;

	put(map, 1, 11, BPF_ANY);
	first = value_of(map, 1);
	for (uint64_t i = 2; i < 50000; i++)
		put(map, i, i, BPF_ANY);
	assert_ptr_equal(value_of(map, 1), first);
	me_map_delete(map, &(uint64_t){1});
	*first = 12; /* whoever holds it may still write */
	put(map, 1, 13, BPF_ANY);
	assert_int_equal(*value_of(map, 1), 13);
	me_map_free(&map);
}

static void a_walk_may_delete(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_HASH, 8, 8, 100);
	struct me_map_cursor cursor = {};
	const void *key;
	uint64_t n = 0;
	void *value;

	for (uint64_t i = 0; i < 100; i++)
		put(map, i, i, BPF_ANY);
	while (me_map_next(map, &cursor, &key, &value)) {
		assert_int_equal(*(uint64_t *)value, n++);
		me_map_delete(map, key);
	}
	assert_int_equal(n, 100);
	assert_int_equal(me_map_count(map), 0);
	me_map_free(&map);
}

static void an_lru_forgets_what_was_used_least_recently(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_LRU, 8, 8, 3);

	put(map, 1, 1, BPF_ANY);
	put(map, 2, 2, BPF_ANY);
	put(map, 3, 3, BPF_ANY);
	assert_non_null(value_of(map, 1));
	assert_int_equal(put(map, 4, 4, BPF_NOEXIST), 0);
	assert_null(value_of(map, 2));
	assert_non_null(value_of(map, 1));
	assert_non_null(value_of(map, 4));
	me_map_free(&map);
}

#define S(n) ((n)*1000000000ull)

/* The keys of those that changed, in that order, as digits; each is told to rest unless `until_ns` is 0. */
static uint64_t changed(struct me_map *map, uint64_t until_ns)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;
	uint64_t keys = 0;

	while (me_map_next_changed(map, &cursor, &key, &value)) {
		keys = keys * 10 + *(const uint64_t *)key;
		if (until_ns)
			me_map_rest(map, key, until_ns);
	}
	return keys;
}

static void who_rests_is_passed_over(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_HASH, 8, 8, 100);
	uint64_t key = 2;

	assert_int_equal(me_map_watch(map), 0);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(put(map, i, i, BPF_NOEXIST), 0);
	me_map_wake(map, S(1000));
	assert_int_equal(changed(map, 0), 1234);
	assert_int_equal(changed(map, S(1010) + 5), 1234);
	assert_int_equal(changed(map, 0), 0);
	/* whoever is looked up may have been changed */
	assert_non_null(value_of(map, 3));
	assert_int_equal(changed(map, S(9000)), 3); /* more than a turn away */
	assert_int_equal(put(map, 5, 5, BPF_NOEXIST), 0);
	assert_int_equal(changed(map, S(1)), 5); /* the past: the next second */
	me_map_wake(map, S(1000) + 1);
	assert_int_equal(changed(map, 0), 0);
	me_map_wake(map, S(1001));
	assert_int_equal(changed(map, S(1020)), 5);
	assert_int_equal(me_map_delete(map, &key), 0); /* as it rests */
	me_map_wake(map, S(1009));
	assert_int_equal(changed(map, 0), 0);
	me_map_wake(map, S(1500));
	assert_int_equal(changed(map, S(1600)), 145);
	me_map_wake(map, S(8999));
	assert_int_equal(changed(map, S(20000)), 145);
	me_map_wake(map, S(9000));
	assert_int_equal(changed(map, S(20000)), 3);
	me_map_wake(map, S(1000000));
	assert_int_equal(changed(map, 0), 1453);
	me_map_free(&map);
}

/* At random, beside a list: each comes when its time has come or it was looked up, and only then. */
static void everyone_wakes_in_time(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_HASH, 8, 8, 64);
	uint64_t random = me_seed(), due[64] = {}, now = 5000;
	struct me_map_cursor cursor;
	const void *key;
	void *value;

	assert_int_equal(me_map_watch(map), 0);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(put(map, i, i, BPF_NOEXIST), 0);
	me_map_wake(map, S(now));
	for (int round = 0; round < 3000; round++) {
		bool came[64] = {};

		cursor = (struct me_map_cursor){};
		while (me_map_next_changed(map, &cursor, &key, &value)) {
			uint64_t i = *(const uint64_t *)key;

			came[i] = true;
			assert_true(due[i] <= now);
			due[i] = now + 1 + me_seed_next(&random) % (round % 3 ? 100 : 20000);
			me_map_rest(map, key, S(due[i]));
		}
		for (uint64_t i = 0; i < 64; i++)
			assert_true(came[i] || due[i] > now);
		if (me_seed_next(&random) % 2) {
			uint64_t i = me_seed_next(&random) % 64;

			assert_non_null(value_of(map, i));
			due[i] = 0;
		}
		now += me_seed_next(&random) % (round % 100 ? 5 : 10000);
		me_map_wake(map, S(now));
	}
	me_map_free(&map);
}

struct prefix {
	uint32_t bits;
	uint8_t byte[16];
};

static void the_longest_prefix_is_found(void **state)
{
	struct me_map *map = me_map_new(ME_MAP_LPM, sizeof(struct prefix), 4, 10);
	static const struct {
		struct prefix prefix;
		uint32_t value;
	} known[] = {
		{{0, {0}}, 1}, {{8, {10}}, 2}, {{12, {10, 0x1f}}, 3}, {{128, {10, 0x15, 1}}, 4}};
	static const struct {
		struct prefix prefix;
		uint32_t value;
	} asked[] = {{{128, {11}}, 1},          {{128, {10, 0x20}}, 2}, {{128, {10, 0x1a}}, 3},
		     {{128, {10, 0x15, 1}}, 4}, {{8, {10, 0x1f}}, 2},   {{0, {10}}, 1}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_int_equal(me_map_update(map, &known[i].prefix, &known[i].value, BPF_ANY), 0);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		assert_int_equal(*(uint32_t *)me_map_lookup(map, &asked[i].prefix), asked[i].value);
	me_map_free(&map);
}

struct ring {
	struct me_map *map;
	uint64_t last;
	int more;
	int stop; /* after so many */
};

static void tell(struct me_map *map, uint64_t number)
{
	uint64_t *record = me_map_reserve(map, sizeof(*record));

	assert_non_null(record);
	*record = number;
	me_map_submit(map);
}

static int hear(void *userdata, void *record, size_t size)
{
	struct ring *ring = userdata;

	assert_int_equal(size, 8);
	assert_int_equal(*(uint64_t *)record, ++ring->last);
	if (ring->more-- > 0)
		tell(ring->map, ring->last + 10);
	return --ring->stop == 0 ? -ECANCELED : 0;
}

static void a_ring_gives_in_order_and_says_when_it_is_full(void **state)
{
	struct ring ring = {.map = me_map_new(ME_MAP_RING, 0, 0, 20 * 16)};

	for (uint64_t i = 1; i <= 10; i++)
		tell(ring.map, i);
	ring.more = 3; /* that the first three bring about */
	assert_int_equal(me_map_consume(ring.map, hear, &ring), 13);
	assert_int_equal(me_map_consume(ring.map, hear, &ring), 0);
	for (uint64_t i = 14; i < 34; i++)
		tell(ring.map, i);
	assert_null(me_map_reserve(ring.map, 8));
	ring.stop = 5;
	assert_int_equal(me_map_consume(ring.map, hear, &ring), -ECANCELED);
	assert_int_equal(me_map_consume(ring.map, hear, &ring), 15);
	me_map_free(&ring.map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_have_all_their_elements),
		cmocka_unit_test(hashes_are_full_when_they_are),
		cmocka_unit_test(elements_stay_where_they_are),
		cmocka_unit_test(a_walk_may_delete),
		cmocka_unit_test(an_lru_forgets_what_was_used_least_recently),
		cmocka_unit_test(who_rests_is_passed_over),
		cmocka_unit_test(everyone_wakes_in_time),
		cmocka_unit_test(the_longest_prefix_is_found),
		cmocka_unit_test(a_ring_gives_in_order_and_says_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
