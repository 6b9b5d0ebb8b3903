/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"
#include "ledger/heap.h"

#define _cleanup_answers_ _cleanup_(me_answers_free)

static struct me_addr address(uint32_t host)
{
	return me_addr_v4(ME_NET32(0xc6330000u + host));
}

/* Adds a pair that was seen once, at `ns`, and lives for 100 more. */
static void add(struct me_answers *answers, const char *name, uint32_t host, uint64_t ns)
{
	struct me_answer answer = {.name = name,
				   .address = address(host),
				   .server = address(53),
				   .since_ns = ns,
				   .last_ns = ns,
				   .until_ns = ns + 100,
				   .count = 1};

	assert_int_equal(me_answers_add(answers, &answer), 0);
}

/* The pair, or NULL; both ways lead to it. */
static const struct me_answer *find(const struct me_answers *answers, const char *name,
				    uint32_t host)
{
	const struct me_answer *by_name = NULL, *by_address = NULL, *a;
	struct me_addr wanted = address(host);

	for (size_t cursor = 0; (a = me_answers_of_name(answers, name, &cursor));)
		by_name = me_addr_equal(&a->address, &wanted) ? a : by_name;
	for (size_t cursor = 0; (a = me_answers_of_address(answers, &wanted, &cursor));)
		by_address = strcmp(a->name, name) ? by_address : a;
	assert_ptr_equal(by_name, by_address);
	return by_name;
}

/* --- The rules ----------------------------------------------------------------------------------- */

static void keeps_what_was_added(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(10);
	char name[] = "cdn.example", target[] = "e1.cdn.example";
	struct me_answer answer = {.name = name,
				   .target = target,
				   .address = address(1),
				   .server = address(53),
				   .since_ns = 10,
				   .last_ns = 20,
				   .until_ns = 30,
				   .count = 4};
	const struct me_answer *got;

	(void)state;
	assert_int_equal(me_answers_count(answers), 0);
	assert_int_equal(me_answers_add(answers, &answer), 0);
	memset(name, 'x', sizeof(name) - 1);
	memset(target, 'x', sizeof(target) - 1);
	got = find(answers, "cdn.example", 1);
	assert_non_null(got);
	assert_string_equal(got->name, "cdn.example");
	assert_string_equal(got->target, "e1.cdn.example");
	assert_true(me_addr_equal(&got->server, &answer.server));
	assert_int_equal(got->since_ns, 10);
	assert_int_equal(got->last_ns, 20);
	assert_int_equal(got->until_ns, 30);
	assert_int_equal(got->count, 4);
	assert_int_equal(me_answers_count(answers), 1);
	assert_null(find(answers, "cdn.example", 2));
	assert_null(find(answers, "other.example", 1));
	assert_null(find(answers, "cdn.exampl", 1));
	assert_null(find(answers, "", 1));
}

static void merges_with_what_is_known(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(10);
	struct me_answer answer = {.name = "a",
				   .target = "t1",
				   .address = address(1),
				   .server = address(53),
				   .since_ns = 100,
				   .last_ns = 200,
				   .until_ns = 300,
				   .count = 2};
	const struct me_answer *got;

	(void)state;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	got = find(answers, "a", 1);
	/* A later one, which ends earlier. */
	answer.target = "t2";
	answer.server = address(54);
	answer.since_ns = 250;
	answer.last_ns = 260;
	answer.until_ns = 290;
	answer.count = 3;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_ptr_equal(find(answers, "a", 1), got);
	assert_string_equal(got->target, "t2");
	assert_true(me_addr_equal(&got->server, &answer.server));
	assert_int_equal(got->since_ns, 100);
	assert_int_equal(got->last_ns, 260);
	assert_int_equal(got->until_ns, 300);
	assert_int_equal(got->count, 5);
	/* An earlier one, from a file; it ended later. */
	answer.target = "t3";
	answer.server = address(55);
	answer.since_ns = 50;
	answer.last_ns = 60;
	answer.until_ns = 400;
	answer.count = 7;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_string_equal(got->target, "t2");
	assert_int_equal(got->server.word[3], address(54).word[3]);
	assert_int_equal(got->since_ns, 50);
	assert_int_equal(got->last_ns, 260);
	assert_int_equal(got->until_ns, 400);
	assert_int_equal(got->count, 12);
	/* A later one without a chain. */
	answer.target = NULL;
	answer.last_ns = 260;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_null(got->target);
	assert_int_equal(me_answers_count(answers), 1);
	/* What the cache gave may be given back to it. */
	answer = *got;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_int_equal(got->count, 38);
}

static void the_root_is_passed_over(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(10);
	struct me_answer answer = {.name = "", .target = "", .address = address(1)};

	(void)state;
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_int_equal(me_answers_count(answers), 0);
	answer.name = "a";
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_null(find(answers, "a", 1)->target);
}

static void the_latest_comes_first(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(10);
	static const uint64_t times[] = {500, 300, 400, 600, 100, 200};
	const struct me_answer *a;
	struct me_addr one = address(1);
	uint64_t last = UINT64_MAX;
	char name[] = "a";
	size_t cursor, n;

	(void)state;
	for (uint32_t i = 0; i < ME_ARRAY_SIZE(times); i++) {
		name[0] = (char)('a' + i);
		add(answers, name, 1, times[i]);
	}
	add(answers, "e", 1, 700); /* was at 100 */
	add(answers, "a", 2, 50);
	add(answers, "a", 3, 800);
	for (cursor = 0, n = 0; (a = me_answers_of_address(answers, &one, &cursor)); n++) {
		assert_true(a->last_ns < last);
		last = a->last_ns;
		assert_true(n || a->name[0] == 'e');
	}
	assert_int_equal(n, 6);
	assert_null(me_answers_of_address(answers, &one, &cursor));
	last = UINT64_MAX;
	for (cursor = 0, n = 0; (a = me_answers_of_name(answers, "a", &cursor)); n++) {
		assert_true(a->last_ns < last);
		last = a->last_ns;
	}
	assert_int_equal(n, 3);
	assert_null(me_answers_of_name(answers, "a", &cursor));
	for (cursor = 0, n = 0; me_answers_next(answers, &cursor); n++)
		;
	assert_int_equal(n, 8);
	assert_null(me_answers_next(answers, &cursor));
}

static void the_first_to_end_makes_room(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(3);

	(void)state;
	add(answers, "a", 1, 10);
	add(answers, "b", 2, 30);
	add(answers, "c", 3, 20);
	assert_int_equal(me_answers_evicted(answers), 0);
	/* What is renewed stays. */
	add(answers, "a", 1, 100);
	add(answers, "d", 4, 40);
	assert_null(find(answers, "c", 3));
	add(answers, "e", 5, 1); /* the new one itself would end first */
	assert_null(find(answers, "b", 2));
	assert_non_null(find(answers, "e", 5));
	assert_int_equal(me_answers_count(answers), 3);
	assert_int_equal(me_answers_evicted(answers), 2);
	assert_non_null(find(answers, "a", 1));
	add(answers, "f", 6, 200);
	add(answers, "g", 7, 200);
	assert_non_null(find(answers, "a", 1));
	assert_null(find(answers, "d", 4));
	assert_int_equal(me_answers_evicted(answers), 4);
}

static void expires_what_ended(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(100);

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		add(answers, i % 2 ? "odd" : "even", i, 1000 + i);
	add(answers, "odd", 3, 2000);
	me_answers_expire(answers, 1100);
	assert_int_equal(me_answers_count(answers), 50);
	me_answers_expire(answers, 1125); /* 0 to 24 ended */
	assert_int_equal(me_answers_count(answers), 26);
	assert_non_null(find(answers, "odd", 3));
	assert_null(find(answers, "even", 24));
	assert_non_null(find(answers, "odd", 25));
	me_answers_expire(answers, UINT64_MAX);
	assert_int_equal(me_answers_count(answers), 0);
	me_answers_expire(answers, UINT64_MAX);
	assert_int_equal(me_answers_evicted(answers), 0);
	add(answers, "odd", 3, 1);
	assert_non_null(find(answers, "odd", 3));
}

static void one_name_and_one_address_are_bounded(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(2000);
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < ME_ANSWERS_OF_ONE_MAX + 44; i++) {
		add(answers, "many", i, 1000 + i);
		snprintf(name, sizeof(name), "name%u", i);
		add(answers, name, 60000, 1000 + i);
	}
	assert_int_equal(me_answers_count(answers), 2 * ME_ANSWERS_OF_ONE_MAX);
	assert_int_equal(me_answers_evicted(answers), 2 * 44);
	assert_null(find(answers, "many", 43));
	assert_non_null(find(answers, "many", 44));
	assert_null(find(answers, "name43", 60000));
	assert_non_null(find(answers, "name44", 60000));
	/* Least recently seen, not first seen. */
	add(answers, "many", 44, 5000);
	add(answers, "many", 9999, 5001);
	assert_non_null(find(answers, "many", 44));
	assert_null(find(answers, "many", 45));
	/* A pair that has to push out one on either side. */
	add(answers, "many", 60000, 5002);
	assert_null(find(answers, "many", 46));
	assert_null(find(answers, "name44", 60000));
	assert_int_equal(me_answers_evicted(answers), 2 * 44 + 3);
}

/* As many as there may be at all, each with texts of its own. */
static void the_largest_cache_is_filled(void **state)
{
	_cleanup_answers_ struct me_answers *answers = me_answers_new(ME_ANSWERS_MAX);
	struct me_answer answer = {.count = 1};
	char name[32], target[32];

	(void)state;
	answer.name = name;
	answer.target = target;
	for (uint32_t i = 0; i < ME_ANSWERS_MAX + 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		snprintf(target, sizeof(target), "t%u", i);
		answer.address = address(i);
		answer.last_ns = answer.until_ns = i;
		assert_int_equal(me_answers_add(answers, &answer), 0);
	}
	assert_int_equal(me_answers_count(answers), ME_ANSWERS_MAX);
	assert_int_equal(me_answers_evicted(answers), 1000);
	assert_null(find(answers, "n999", 999));
	assert_string_equal(find(answers, "n1000", 1000)->target, "t1000");
	/* Another target for one in a full cache. */
	snprintf(target, sizeof(target), "another");
	assert_int_equal(me_answers_add(answers, &answer), 0);
	assert_string_equal(find(answers, name, ME_ANSWERS_MAX + 999)->target, "another");
}

static void nothing_is_freed_twice(void **state)
{
	struct me_answers *answers = me_answers_new(10);

	(void)state;
	add(answers, "a", 1, 1);
	me_answers_free(&answers);
	assert_null(answers);
	me_answers_free(&answers);
}

/* --- The heap ------------------------------------------------------------------------------------ */

static void the_heap_gives_the_earliest(void **state)
{
	enum { SLOTS = 40 };
	struct me_heap_entry entries[SLOTS + 1];
	uint32_t places[SLOTS + 1];
	uint64_t times[SLOTS + 1] = {0}, random = me_seed();
	struct me_heap heap = {.entries = entries, .places = places};

	(void)state;
	for (int step = 0; step < 20000; step++) {
		uint32_t slot = 1 + (uint32_t)(me_seed_next(&random) % SLOTS);
		uint64_t time = 1 + me_seed_next(&random) % 100, earliest = UINT64_MAX;

		if (!times[slot]) {
			me_heap_add(&heap, slot, time);
		} else if (me_seed_next(&random) % 2) {
			me_heap_change(&heap, slot, time);
		} else {
			me_heap_remove(&heap, slot);
			time = 0;
		}
		times[slot] = time;
		for (slot = 1; slot <= SLOTS; slot++)
			earliest = times[slot] && times[slot] < earliest ? times[slot] : earliest;
		assert_int_equal(heap.count == 0, earliest == UINT64_MAX);
		for (uint32_t i = 1; i <= heap.count; i++) {
			assert_int_equal(places[entries[i].slot], i);
			assert_int_equal(times[entries[i].slot], entries[i].time);
		}
		if (heap.count)
			assert_int_equal(entries[1].time, earliest);
	}
}

/* --- At random, beside a list that cannot be wrong ----------------------------------------------- */

enum { MODEL_MAX = 1200, NAMES = 40, HOSTS = 400 };

struct model_pair {
	uint32_t name, host, target, server; /* target 0: none */
	uint64_t since_ns, last_ns, until_ns, count;
};

struct model {
	struct model_pair pairs[MODEL_MAX + 1];
	size_t n, max;
	uint64_t evicted;
};

static void model_drop(struct model *m, size_t i)
{
	m->pairs[i] = m->pairs[--m->n];
}

/* Makes room among the pairs of a host, of a name, of all (both NULL). */
static void model_make_room(struct model *m, const uint32_t *host, const uint32_t *name)
{
	bool all = !host && !name;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct model_pair *p = &m->pairs[i], *f = &m->pairs[first];

		if ((host && p->host != *host) || (name && p->name != *name))
			continue;
		if (!n++ || (all ? p->until_ns < f->until_ns : p->last_ns < f->last_ns))
			first = i;
	}
	if (n < (all ? m->max : ME_ANSWERS_OF_ONE_MAX))
		return;
	m->evicted++;
	model_drop(m, first);
}

static void model_add(struct model *m, const struct model_pair *pair)
{
	for (size_t i = 0; i < m->n; i++) {
		struct model_pair *p = &m->pairs[i];

		if (p->name != pair->name || p->host != pair->host)
			continue;
		p->count += pair->count;
		p->since_ns = pair->since_ns < p->since_ns ? pair->since_ns : p->since_ns;
		p->until_ns = pair->until_ns > p->until_ns ? pair->until_ns : p->until_ns;
		if (pair->last_ns >= p->last_ns) {
			p->last_ns = pair->last_ns;
			p->target = pair->target;
			p->server = pair->server;
		}
		return;
	}
	model_make_room(m, &pair->host, NULL);
	model_make_room(m, NULL, &pair->name);
	model_make_room(m, NULL, NULL);
	m->pairs[m->n++] = *pair;
}

static void model_expire(struct model *m, uint64_t before_ns)
{
	for (size_t i = m->n; i--;)
		if (m->pairs[i].until_ns < before_ns)
			model_drop(m, i);
}

static const char *text_of(char letter, uint32_t i, char out[24])
{
	snprintf(out, 24, "%c%u.example", letter, i);
	return out;
}

static void same_pair(const struct me_answer *a, const struct model_pair *p)
{
	char text[24];

	assert_string_equal(a->name, text_of('n', p->name, text));
	if (p->target)
		assert_string_equal(a->target, text_of('t', p->target, text));
	else
		assert_null(a->target);
	assert_int_equal(a->address.word[3], address(p->host).word[3]);
	assert_int_equal(a->server.word[3], address(p->server).word[3]);
	assert_int_equal(a->since_ns, p->since_ns);
	assert_int_equal(a->last_ns, p->last_ns);
	assert_int_equal(a->until_ns, p->until_ns);
	assert_int_equal(a->count, p->count);
}

static int later_first(const void *a, const void *b)
{
	const struct model_pair *p = a, *q = b;

	return (p->last_ns < q->last_ns) - (p->last_ns > q->last_ns);
}

static void compare(const struct me_answers *answers, struct model *m)
{
	size_t n = 0, cursors[HOSTS + NAMES] = {0}, cursor = 0;
	char text[24];

	assert_int_equal(me_answers_count(answers), m->n);
	assert_int_equal(me_answers_evicted(answers), m->evicted);
	while (me_answers_next(answers, &cursor))
		n++;
	assert_int_equal(n, m->n);
	/* In order of time over all, the pairs of each name and address are so as well. */
	qsort(m->pairs, m->n, sizeof(*m->pairs), later_first);
	for (size_t i = 0; i < m->n; i++) {
		const struct model_pair *p = &m->pairs[i];
		struct me_addr a = address(p->host);

		same_pair(me_answers_of_address(answers, &a, &cursors[p->host]), p);
		same_pair(me_answers_of_name(answers, text_of('n', p->name, text),
					     &cursors[HOSTS + p->name]),
			  p);
	}
	for (uint32_t i = 0; i < HOSTS; i++) {
		struct me_addr a = address(i);

		assert_null(me_answers_of_address(answers, &a, &cursors[i]));
	}
	for (uint32_t i = 0; i < NAMES; i++)
		assert_null(
			me_answers_of_name(answers, text_of('n', i, text), &cursors[HOSTS + i]));
}

static void behaves_like_a_list(void **state)
{
	/* Pairs at the most, and how many names and addresses there are. */
	static const uint32_t shapes[][3] = {
		{1, 3, 3}, {7, 4, 4}, {60, NAMES, 10}, {MODEL_MAX, 3, HOSTS}, {500, NAMES, HOSTS}};
	uint64_t random = me_seed(), unique = 0;

	(void)state;
	for (size_t round = 0; round < ME_ARRAY_SIZE(shapes); round++) {
		_cleanup_answers_ struct me_answers *answers = me_answers_new(shapes[round][0]);
		static struct model m;
		uint64_t now = 1000;

		m.n = 0;
		m.evicted = 0;
		m.max = shapes[round][0];
		for (int step = 0; step < 6000; step++) {
			struct model_pair p = {
				.name = (uint32_t)(me_seed_next(&random) % shapes[round][1]),
				.host = (uint32_t)(me_seed_next(&random) % shapes[round][2]),
				.target = (uint32_t)(me_seed_next(&random) % 4),
				.server = (uint32_t)(me_seed_next(&random) % 4),
				.count = me_seed_next(&random) % 4};
			char name[24], target[24];
			struct me_answer answer;

			now += me_seed_next(&random) % 3;
			/* No two times are equal, so that there is one order. */
			p.last_ns = (now - me_seed_next(&random) % 50) << 32 | unique++;
			p.since_ns = p.last_ns - me_seed_next(&random) % 1000;
			p.until_ns = p.last_ns + ((me_seed_next(&random) % 3000) << 32);
			answer = (struct me_answer){
				.name = text_of('n', p.name, name),
				.target = p.target ? text_of('t', p.target, target) : NULL,
				.address = address(p.host),
				.server = address(p.server),
				.since_ns = p.since_ns,
				.last_ns = p.last_ns,
				.until_ns = p.until_ns,
				.count = p.count};
			assert_int_equal(me_answers_add(answers, &answer), 0);
			model_add(&m, &p);
			if (me_seed_next(&random) % 64 == 0) {
				uint64_t before = (now - 100) << 32;

				me_answers_expire(answers, before);
				model_expire(&m, before);
			}
			if (step % 50 == 0)
				compare(answers, &m);
		}
		compare(answers, &m);
		assert_true(m.evicted > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_was_added),
		cmocka_unit_test(merges_with_what_is_known),
		cmocka_unit_test(the_root_is_passed_over),
		cmocka_unit_test(the_latest_comes_first),
		cmocka_unit_test(the_first_to_end_makes_room),
		cmocka_unit_test(expires_what_ended),
		cmocka_unit_test(one_name_and_one_address_are_bounded),
		cmocka_unit_test(the_largest_cache_is_filled),
		cmocka_unit_test(nothing_is_freed_twice),
		cmocka_unit_test(the_heap_gives_the_earliest),
		cmocka_unit_test(behaves_like_a_list),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
