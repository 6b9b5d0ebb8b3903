/* SPDX-License-Identifier: GPL-2.0-only */
/* What is too much for one policy, and who is told to be the cause. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "hand.h"

static int setup(void **state)
{
	struct hand *hand = malloc(sizeof(*hand));

	if (!hand)
		return -1;
	hand_start(hand);
	*state = hand;
	return 0;
}

static int teardown(void **state)
{
	hand_free(*state);
	free(*state);
	return 0;
}

static void test_too_many_columns(void **state)
{
	static const char *const parts[] = {"1024",
					    "big/b (hand.yaml:2: 700 port ranges), "
					    "big/a (hand.yaml:1: 600 port ranges)",
					    NULL};
	struct hand *hand = *state;
	char ports[16];

	hand_rule(hand, "big/a", "192.0.2.1", "");
	hand_rule(hand, "big/b", "192.0.2.1", "");
	for (unsigned int i = 0; i < 1300; i++) {
		snprintf(ports, sizeof(ports), "tcp/%u", 2000 + i);
		hand_rule(hand, "small/one", "192.0.2.1", ports);
	}
	for (unsigned int r = 0; r < 2; r++) {
		struct me_rule *rule = &hand->policy.rules[r];

		rule->n_ports = 600 + 100 * r;
		rule->ports = malloc(rule->n_ports * sizeof(*rule->ports));
		assert_non_null(rule->ports);
		for (size_t i = 0; i < rule->n_ports; i++)
			rule->ports[i] = (struct me_ports){IPPROTO_UDP, (uint16_t)(2 * i),
							   (uint16_t)(2 * i)};
	}
	hand_assert_refused(hand, "too-many-port-classes", 2, parts);
	free(hand->policy.rules[0].ports);
	free(hand->policy.rules[1].ports);
}

/* 2,000 port classes would not fit, 900 do; 900 times 5,000 names do not. */
static void test_too_many_cells(void **state)
{
	static const char *const parts[] = {"destination classes times", "4194304 cells",
					    "names/all (hand.yaml:901: 5000 destination classes)",
					    NULL};
	struct hand *hand = *state;
	char text[32], (*names)[32] = calloc(5000, sizeof(*names));
	struct me_to *to;

	assert_non_null(names);
	for (unsigned int i = 0; i < 900; i++) {
		snprintf(text, sizeof(text), "tcp/%u", 2000 + i);
		hand_rule(hand, "ports/one", "192.0.2.1", text);
	}
	hand_rule(hand, "names/all", "", "tcp/443");
	to = hand_more(hand, 5000);
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u.example.com", i);
		to[i] = (struct me_to){.kind = ME_TO_NAME, .text = names[i], .name = names[i]};
	}
	hand_assert_refused(hand, "too-many-classes", 901, parts);
	/* One that was refused leaves nothing in the way of one that fits. */
	hand->policy.rules[900].n_to = 4000;
	assert_int_equal(hand_compile(hand), 0);
	free(names);
}

static void test_too_many_services(void **state)
{
	static const char *const parts[] = {"s125", "s125/a", NULL};
	struct hand *hand = *state;
	char slug[16];

	for (unsigned int i = 0; i < ME_SERVICES_MAX - ME_SERVICE_FIRST; i++) {
		snprintf(slug, sizeof(slug), "s%u/a", i);
		hand_rule(hand, slug, "192.0.2.1", "tcp/80");
	}
	assert_int_equal(hand_compile(hand), 0);
	hand_rule(hand, "s125/a", "192.0.2.1", "tcp/80");
	hand_assert_refused(hand, "too-many-services", 126, parts);
}

static void test_too_many_endpoints(void **state)
{
	static const char *const parts[] = {"1048575", "a/two (hand.yaml:2: 2 endpoints)", NULL};
	struct hand *hand = *state;

	assert_int_equal(me_registry_restore(hand->registry, ME_ID_ENDPOINT, "old", "old",
					     ME_ENDPOINTS_MAX - 4),
			 0);
	hand_rule(hand, "a/one", "192.0.2.1", "tcp/80");
	hand_rule(hand, "a/two", "a.example.com b.example.com c.example.com", "tcp/80");
	hand_assert_refused(hand, "too-many-endpoints", 2, parts);
}

static void test_long_path(void **state)
{
	static const char *const parts[] = {"256 bytes, 255 at the most", NULL};
	struct hand *hand = *state;
	char path[ME_RECURSIVE_EXE_MAX + 1];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 2] = '\0';
	hand->policy.resolvers.kind = ME_RESOLVERS_RECURSIVE;
	hand->policy.resolvers.recursive_exe = path;
	hand->policy.resolvers.at = (struct me_place){"hand.yaml", 7, 12};
	assert_int_equal(hand_compile(hand), 0);
	assert_string_equal(hand->image->head->recursive_exe, path);
	path[sizeof(path) - 2] = 'a';
	path[sizeof(path) - 1] = '\0';
	hand_assert_refused(hand, "long-path", 7, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_too_many_columns),  TEST(test_too_many_cells),
		TEST(test_too_many_services), TEST(test_too_many_endpoints),
		TEST(test_long_path),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
