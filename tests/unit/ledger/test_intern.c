/* SPDX-License-Identifier: GPL-2.0-only */
#include "fixture.h"
#include "../../seed.h"
#include "ledger/intern.h"

static void test_same_text_same_id(void **state)
{
	struct me_intern *intern = me_intern_new();
	uint32_t a = me_intern_get(intern, "/usr/sbin/named");
	uint32_t b = me_intern_get(intern, "/usr/bin/curl");

	(void)state;
	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	assert_int_equal(me_intern_get(intern, "/usr/sbin/named"), a);
	assert_string_equal(me_intern_text(intern, a), "/usr/sbin/named");
	assert_int_equal(me_intern_get(intern, NULL), 0);
	assert_int_equal(me_intern_get(intern, ""), 0);
	assert_null(me_intern_text(intern, 0));
	me_intern_free(&intern);
}

/* Random references and releases, against an array of counts. */
static void test_references(void **state)
{
	enum { TEXTS = 500, STEPS = 100000 };
	unsigned int seed = (unsigned int)me_seed(), counts[TEXTS] = {0}, ids[TEXTS] = {0};
	struct me_intern *intern = me_intern_new();
	char text[32];

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		unsigned int t = (unsigned int)rand_r(&seed) % TEXTS;

		snprintf(text, sizeof(text), "text %u", t);
		if (rand_r(&seed) % 2) {
			ids[t] = me_intern_get(intern, text);
			counts[t]++;
		} else if (counts[t]) {
			assert_string_equal(me_intern_text(intern, ids[t]), text);
			me_intern_put(intern, ids[t]);
			counts[t]--;
		}
	}
	for (unsigned int t = 0; t < TEXTS; t++)
		for (; counts[t]; counts[t]--)
			me_intern_put(intern, ids[t]);
	/* Freed slots are used again. */
	assert_true(me_intern_get(intern, "another") <= TEXTS);
	me_intern_free(&intern);
}

static void test_bound(void **state)
{
	struct me_intern *intern = me_intern_new();
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < ME_INTERN_MAX; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_int_not_equal(me_intern_get(intern, text), 0);
	}
	assert_int_equal(me_intern_get(intern, "one more"), 0);
	assert_int_equal(me_intern_refused(intern), 1);
	me_intern_put(intern, me_intern_get(intern, "7"));
	me_intern_put(intern, me_intern_get(intern, "7"));
	assert_int_equal(me_intern_get(intern, "one more"), 0);
	me_intern_free(&intern);
}

static void test_bytes(void **state)
{
	const size_t fit = ME_INTERN_BYTES_MAX / (ME_INTERN_TEXT_MAX + 1);
	struct me_intern *intern = me_intern_new();
	char text[ME_INTERN_TEXT_MAX + 1];
	uint32_t id = 0;

	(void)state;
	memset(text, 'x', ME_INTERN_TEXT_MAX);
	text[ME_INTERN_TEXT_MAX] = '\0';
	for (size_t i = 0; i < fit + 10; i++) {
		uint32_t added;

		snprintf(text, 16, "%015zu", i);
		text[15] = ' ';
		added = me_intern_get(intern, text);
		assert_int_equal(added != 0, i < fit);
		id = added ? added : id;
	}
	assert_int_equal(me_intern_refused(intern), 10);
	/* What goes makes room. */
	me_intern_put(intern, id);
	assert_int_not_equal(me_intern_get(intern, text), 0);
	me_intern_free(&intern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_text_same_id),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
