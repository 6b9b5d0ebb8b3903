/* SPDX-License-Identifier: GPL-2.0-only */
/* Names compared, by hash and by bytes, and what the policy says of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "mewatch/name.h"

/* Two labels with the same FNV-1a hash. */
#define TWIN_A "gokbegpelepggpfj"
#define TWIN_B "obcoomfednngkpcf"

static struct me_name name_of(const char *text)
{
	struct me_name name;

	if (me_name_from_text(text, &name) < 0)
		fail_msg("`%s` is no name", text);
	return name;
}

static uint64_t plain_hash(const uint8_t *bytes, size_t n)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < n; i++) {
		hash ^= bytes[i];
		hash *= 1099511628211ull;
	}
	return hash;
}

/* From each label on it is the name that this suffix is by itself, and nothing else. */
static void test_suffixes(void **state)
{
	static const char *const suffixes[] = {"a.bb.example.com", "bb.example.com", "example.com",
					       "com"};
	struct me_name whole = name_of(suffixes[0]);
	uint32_t from = 0;

	for (size_t i = 0; i < ME_ARRAY_SIZE(suffixes); i++) {
		struct me_name suffix = name_of(suffixes[i]);

		assert_true(me_name_hash(&whole, from) == me_name_hash(&suffix, 0));
		assert_true(me_name_hash(&suffix, 0) == plain_hash(suffix.wire, suffix.length));
		for (size_t k = 0; k < ME_ARRAY_SIZE(suffixes); k++) {
			struct me_name other = name_of(suffixes[k]);

			assert_int_equal(me_name_is(&whole, from, other.wire, other.length),
					 k == i);
		}
		assert_false(me_name_is(&whole, from + 1, suffix.wire, suffix.length));
		assert_false(me_name_is(&whole, from, suffix.wire, suffix.length - 1u));
		assert_false(me_name_is(&whole, from, suffix.wire, 0));
		from += whole.wire[from] + 1u;
	}
}

static void test_equal(void **state)
{
	struct me_name a = name_of("a.b"), b = name_of("A.B"), c = name_of("a.c");
	struct me_name dotted = {.wire = "\3a.b", .length = 5, .labels = 1};
	struct me_name twin_a = name_of(TWIN_A ".test"), twin_b = name_of(TWIN_B ".test");

	assert_true(me_name_equal(&a, &b));
	assert_false(me_name_equal(&a, &c));
	/* A dot in a label is no dot between two. */
	assert_false(me_name_equal(&a, &dotted));
	assert_true(me_name_equal(&dotted, &dotted));
	/* The hash alone would take the one for the other. */
	assert_true(me_name_hash(&twin_a, 0) == me_name_hash(&twin_b, 0));
	assert_false(me_name_equal(&twin_a, &twin_b));
	/* The last byte counts as well. */
	a = b = (struct me_name){.length = ME_NAME_MAX};
	assert_true(me_name_equal(&a, &b));
	b.wire[ME_NAME_MAX - 1] = 1;
	assert_false(me_name_equal(&a, &b));
	assert_true(me_name_hash(&a, 0) != me_name_hash(&b, 0));
}

/* The name itself, one label more, two: who is covered. */
static void test_add(void **state)
{
	static const struct me_name_entry entry = {
		.endpoint = {11, 12, 13, 0, 99},
		.match = {ME_MATCH_NAME, ME_MATCH_WILDCARD, ME_MATCH_SUBTREE, 0, ME_MATCH_NAME},
		.flags = {1, 2, 3},
	};
	static const struct {
		uint32_t above, n, endpoint[2];
	} lines[] = {{0, 1, {11}}, {1, 2, {12, 13}}, {2, 1, {13}}, {120, 1, {13}}};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		struct me_named named = {0};

		me_named_add(&named, &entry, lines[i].above);
		assert_int_equal(named.n, lines[i].n);
		for (uint32_t k = 0; k < named.n; k++) {
			assert_int_equal(named.endpoint[k], lines[i].endpoint[k]);
			assert_int_equal(named.flags[k], lines[i].endpoint[k] - 10);
		}
		assert_int_equal(named.crowded, 0);
	}
}

static void test_add_many(void **state)
{
	struct me_name_entry entry = {.endpoint = {1, 2, 3, 4, 5}};
	struct me_named named = {0};

	memset(entry.match, ME_MATCH_SUBTREE, sizeof(entry.match));
	me_named_add(&named, &entry, 1);
	entry.endpoint[3] = 0;
	for (unsigned int i = 0; i < 3; i++)
		entry.endpoint[i] += 5;
	me_named_add(&named, &entry, 2);
	assert_int_equal(named.n, ME_NAME_ENDPOINTS);
	assert_int_equal(named.crowded, 0);
	for (uint32_t i = 0; i < ME_NAME_ENDPOINTS; i++)
		assert_int_equal(named.endpoint[i], i + 1);
	/* One that does not fit and does not match anyway is none too many. */
	memset(entry.match, ME_MATCH_WILDCARD, sizeof(entry.match));
	me_named_add(&named, &entry, 3);
	assert_int_equal(named.crowded, 0);
	me_named_add(&named, &entry, 1);
	assert_int_equal(named.crowded, 1);
	assert_int_equal(named.n, ME_NAME_ENDPOINTS);
}

/* A query for a zone itself asks nothing of the list; the nearest zone is the one. */
static void test_add_category(void **state)
{
	static const struct me_name_entry zone = {.zone = 7, .category = ME_DNS_IP_DNSBL},
					  wider = {.zone = 8, .category = ME_DNS_URI_DNSBL},
					  domain = {.category = ME_DNS_SPAMRAZER};
	struct me_named named = {0};

	me_named_add(&named, &zone, 0);
	assert_int_equal(named.category, ME_DNS_OTHER);
	assert_int_equal(named.zone, 0);
	me_named_add(&named, &wider, 1);
	assert_int_equal(named.category, ME_DNS_URI_DNSBL);
	assert_int_equal(named.zone, 8);
	me_named_add(&named, &zone, 2);
	me_named_add(&named, &domain, 3);
	assert_int_equal(named.zone, 8);
	named = (struct me_named){0};
	me_named_add(&named, &domain, 0);
	assert_int_equal(named.category, ME_DNS_SPAMRAZER);
	me_named_add(&named, &zone, 1);
	assert_int_equal(named.zone, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffixes),     cmocka_unit_test(test_equal),
		cmocka_unit_test(test_add),          cmocka_unit_test(test_add_many),
		cmocka_unit_test(test_add_category),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
