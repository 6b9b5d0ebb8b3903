/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "mewatch/image.h"
#include "policy/registry.h"

static uint32_t id_of(struct me_registry *registry, enum me_id_kind kind, const char *service,
		      const char *text)
{
	uint32_t id = UINT32_MAX;

	assert_int_equal(me_registry_id(registry, kind, service, text, &id), 0);
	return id;
}

static void test_fixed_services(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();

	assert_non_null(registry);
	assert_int_equal(id_of(registry, ME_ID_SERVICE, "unlisted", ""), ME_SERVICE_UNLISTED);
	assert_int_equal(id_of(registry, ME_ID_SERVICE, "local", ""), ME_SERVICE_LOCAL);
	assert_int_equal(id_of(registry, ME_ID_SERVICE, "link", ""), ME_SERVICE_LINK);
	assert_int_equal(id_of(registry, ME_ID_SERVICE, "smtp", ""), ME_SERVICE_FIRST);
	assert_int_equal(me_registry_count(registry, ME_ID_SERVICE), ME_SERVICE_FIRST + 1);
	assert_int_equal(me_registry_count(registry, ME_ID_ENDPOINT), 1);
	assert_int_equal(me_registry_count(registry, ME_ID_RULE), 1);
	assert_null(me_registry_get(registry, ME_ID_ENDPOINT, 0));
	assert_null(me_registry_get(registry, ME_ID_RULE, 0));
	assert_int_equal(me_registry_count(registry, ME_ID_ZONE), 1);
	assert_null(me_registry_get(registry, ME_ID_ZONE, 0));
}

/* The same text in another service, or of another kind, is something else. */
static void test_identity(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();
	uint32_t a = id_of(registry, ME_ID_ENDPOINT, "updates", "up.example.com");
	uint32_t b = id_of(registry, ME_ID_ENDPOINT, "mail", "up.example.com");
	uint32_t rule = id_of(registry, ME_ID_RULE, "updates", "up.example.com");
	const struct me_id_entry *entry;

	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(rule, 1);
	assert_int_equal(id_of(registry, ME_ID_ENDPOINT, "updates", "up.example.com"), a);
	assert_int_equal(me_registry_count(registry, ME_ID_ENDPOINT), 3);
	entry = me_registry_get(registry, ME_ID_ENDPOINT, b);
	assert_non_null(entry);
	assert_int_equal(entry->kind, ME_ID_ENDPOINT);
	assert_int_equal(entry->id, b);
	assert_string_equal(entry->service, "mail");
	assert_string_equal(entry->text, "up.example.com");
	assert_null(entry->at);
	assert_null(me_registry_get(registry, ME_ID_ENDPOINT, 3));
}

static void test_restore(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();

	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "seven", 7), 0);
	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "seven", 7), 0);
	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "seven", 8), -EEXIST);
	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "other", 7), -EEXIST);
	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "two", 2), 0);
	assert_null(me_registry_get(registry, ME_ID_ENDPOINT, 3));
	assert_int_equal(me_registry_count(registry, ME_ID_ENDPOINT), 8);
	/* Ids in the gap may have belonged to something that counted: they are not given out. */
	assert_int_equal(id_of(registry, ME_ID_ENDPOINT, "s", "new"), 8);
	assert_int_equal(id_of(registry, ME_ID_ENDPOINT, "s", "seven"), 7);

	assert_int_equal(me_registry_restore(registry, ME_ID_SERVICE, "unlisted", "", 0), 0);
	assert_int_equal(me_registry_restore(registry, ME_ID_SERVICE, "smtp", "", 0), -EEXIST);
	assert_int_equal(me_registry_restore(registry, ME_ID_SERVICE, "local", "", 9), -EEXIST);
}

static void test_restore_range(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();

	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "a", 0), -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_RULE, "s", "a", 0), -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_SERVICE, "s", "", ME_SERVICES_MAX),
			 -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_ENDPOINT, "s", "a", ME_ENDPOINTS_MAX),
			 -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_RULE, "s", "a", UINT32_MAX), -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_ZONE, "", "a", 0), -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_ZONE, "", "a", ME_ZONES_MAX), -EINVAL);
	assert_int_equal(me_registry_restore(registry, ME_ID_KINDS, "s", "a", 1), -EINVAL);
	assert_int_equal(me_registry_count(registry, ME_ID_ENDPOINT), 1);
}

static void test_note(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();
	uint32_t rule = id_of(registry, ME_ID_RULE, "s", "s/a");
	char at[32] = "a.yaml:1";

	assert_int_equal(me_registry_note(registry, rule, at), 0);
	memcpy(at, "b.yaml:2", sizeof("b.yaml:2"));
	assert_string_equal(me_registry_get(registry, ME_ID_RULE, rule)->at, "a.yaml:1");
	assert_int_equal(me_registry_note(registry, rule, at), 0);
	assert_int_equal(me_registry_note(registry, rule, at), 0);
	assert_string_equal(me_registry_get(registry, ME_ID_RULE, rule)->at, "b.yaml:2");
	assert_int_equal(me_registry_note(registry, 0, at), -ENOENT);
	assert_int_equal(me_registry_note(registry, rule + 1, at), -ENOENT);
}

static void test_bounds(void **state)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();
	uint32_t id = 4711;
	char text[32];

	for (uint32_t i = ME_SERVICE_FIRST; i < ME_SERVICES_MAX; i++) {
		snprintf(text, sizeof(text), "service%u", i);
		assert_int_equal(id_of(registry, ME_ID_SERVICE, text, ""), i);
	}
	assert_int_equal(me_registry_id(registry, ME_ID_SERVICE, "more", "", &id), -ENOSPC);
	assert_int_equal(id, 4711);
	assert_int_equal(id_of(registry, ME_ID_SERVICE, "service9", ""), 9);

	assert_int_equal(
		me_registry_restore(registry, ME_ID_ENDPOINT, "s", "last", ME_ENDPOINTS_MAX - 1),
		0);
	assert_int_equal(me_registry_id(registry, ME_ID_ENDPOINT, "s", "more", &id), -ENOSPC);
	assert_int_equal(
		me_registry_restore(registry, ME_ID_RULE, "s", "last", ME_RULE_IDS_MAX - 1), 0);
	assert_int_equal(me_registry_id(registry, ME_ID_RULE, "s", "more", &id), -ENOSPC);
	for (uint32_t i = 1; i < ME_ZONES_MAX; i++) {
		snprintf(text, sizeof(text), "zone%u.test", i);
		assert_int_equal(id_of(registry, ME_ID_ZONE, "", text), i);
	}
	assert_int_equal(me_registry_id(registry, ME_ID_ZONE, "", "more.test", &id), -ENOSPC);
	assert_int_equal(id_of(registry, ME_ID_ZONE, "", "zone7.test"), 7);
	assert_int_equal(id, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_services), cmocka_unit_test(test_identity),
		cmocka_unit_test(test_restore),        cmocka_unit_test(test_restore_range),
		cmocka_unit_test(test_note),           cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
