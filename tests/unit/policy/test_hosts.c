/* SPDX-License-Identifier: GPL-2.0-only */
/* The mail hosts of the image, against a walk over those of the policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "hand.h"
#include "policy/hosts.h"
#include "../../seed.h"

#define HOSTS_MAX 40u

static uint32_t below(uint64_t *random, uint32_t bound)
{
	return (uint32_t)(me_seed_next(random) % bound);
}

/* An address out of few, so that prefixes nest and meet. */
static struct me_addr random_address(uint64_t *random)
{
	struct me_addr address = me_addr_v4(0);

	if (below(random, 2))
		memset(&address, 0, sizeof(address));
	for (unsigned int i = 12; i < 16; i++)
		address.byte[i] = (uint8_t)(below(random, 2) ? below(random, 3) << 6 : 0);
	if (!address.half[0] && !address.word[2])
		address.byte[0] = 0x20;
	return address;
}

static struct me_watch_host random_host(uint64_t *random)
{
	static const uint8_t lengths[] = {0, 8, 96, 97, 98, 104, 105, 112, 120, 127, 128, 128, 128};
	struct me_watch_host host = {.is_mac = below(random, 4) == 0};

	if (host.is_mac) {
		host.mac[0] = 2;
		host.mac[below(random, 2) ? 1 : 5] = (uint8_t)below(random, 4);
		return host;
	}
	host.address = random_address(random);
	host.bits = lengths[below(random, ME_ARRAY_SIZE(lengths))];
	for (unsigned int i = host.bits; i < 128; i++)
		host.address.byte[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	return host;
}

/* Number by number: the longest wins, of equal ones the first. */
static uint32_t walk_address(const struct me_policy *policy, const struct me_addr *address)
{
	uint32_t found = 0;
	int bits = -1;

	for (uint32_t i = 0; i < policy->n_hosts; i++) {
		const struct me_watch_host *host = &policy->hosts[i];
		bool in = !host->is_mac;

		for (unsigned int b = 0; in && b < host->bits; b++)
			in = !((address->byte[b / 8] ^ host->address.byte[b / 8]) &
			       (0x80u >> b % 8));
		if (in && host->bits > bits) {
			bits = host->bits;
			found = i + 1;
		}
	}
	return found;
}

static uint32_t walk_mac(const struct me_policy *policy, const uint8_t mac[6])
{
	for (uint32_t i = 0; i < policy->n_hosts; i++) {
		if (policy->hosts[i].is_mac && !memcmp(policy->hosts[i].mac, mac, 6))
			return i + 1;
	}
	return 0;
}

static void assert_sorted(const struct me_image *image)
{
	for (size_t i = 0; i < image->n_hosts; i++) {
		const struct me_image_host *host = &image->hosts[i];
		int order = i ? memcmp(host[-1].prefix.address, host->prefix.address, 16) : -1;

		assert_true(order < 0 || (!order && host[-1].prefix.bits < host->prefix.bits));
		assert_true(host->around == ME_NO_PREFIX || host->around < i);
	}
	for (size_t i = 1; i < image->n_macs; i++)
		assert_true(image->macs[i - 1].mac < image->macs[i].mac);
	assert_int_equal(!(image->head->flags & ME_HEAD_MACS), !image->n_macs);
}

static void they_are_found_as_by_a_walk(void **state)
{
	uint64_t random = me_seed();

	for (unsigned int run = 0; run < 2000; run++) {
		struct me_watch_host hosts[HOSTS_MAX];
		struct hand hand;

		hand_start(&hand);
		hand.policy.hosts = hosts;
		hand.policy.n_hosts = below(&random, HOSTS_MAX + 1);
		for (size_t i = 0; i < hand.policy.n_hosts; i++)
			hosts[i] = random_host(&random);
		assert_int_equal(hand_compile(&hand), 0);
		assert_sorted(hand.image);
		for (unsigned int i = 0; i < 200; i++) {
			struct me_addr address = random_address(&random);
			uint8_t mac[6] = {2, (uint8_t)below(&random, 4), 0, 0,
					  0, (uint8_t)below(&random, 4)};

			assert_int_equal(me_image_host(hand.image, &address),
					 walk_address(&hand.policy, &address));
			assert_int_equal(me_image_mac(hand.image, me_mac(mac)),
					 walk_mac(&hand.policy, mac));
		}
		hand_free(&hand);
	}
}

/* The numbers are those of the policy, whatever the order; the second of two equal ones has none. */
static void numbers_are_places_in_the_policy(void **state)
{
	static const struct {
		const char *host;
		uint8_t bits;
	} hosts[] = {
		{"192.0.2.10", 128}, {"10.0.0.0", 104},  {"10.1.0.0", 112},
		{"192.0.2.10", 128}, {"2001:db8::", 64}, {"10.1.2.3", 128},
	};
	static const struct {
		const char *address;
		uint32_t number;
	} cases[] = {
		{"192.0.2.10", 1},     {"192.0.2.11", 0},     {"10.9.9.9", 2},
		{"10.1.9.9", 3},       {"10.1.2.3", 6},       {"10.1.2.4", 3},
		{"11.0.0.0", 0},       {"9.255.255.255", 0},  {"2001:db8::", 5},
		{"2001:db8::ffff", 5}, {"2001:db8:0:1::", 0}, {"::", 0},
	};
	struct me_watch_host list[ME_ARRAY_SIZE(hosts) + 1] = {0};
	struct me_addr address;
	struct hand hand;

	hand_start(&hand);
	hand.policy.hosts = list;
	hand.policy.n_hosts = ME_ARRAY_SIZE(list);
	for (size_t i = 0; i < ME_ARRAY_SIZE(hosts); i++) {
		assert_int_equal(me_inet_parse(hosts[i].host, list[i].address.byte), 0);
		list[i].bits = hosts[i].bits;
	}
	list[6] = (struct me_watch_host){.is_mac = true, .mac = {2, 0, 0, 0, 0, 0x10}};
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand.image->n_hosts, 5);
	assert_int_equal(hand.image->n_macs, 1);
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		assert_int_equal(me_inet_parse(cases[i].address, address.byte), 0);
		if (me_image_host(hand.image, &address) != cases[i].number)
			fail_msg("%s: %u", cases[i].address, me_image_host(hand.image, &address));
	}
	assert_int_equal(me_image_mac(hand.image, me_mac((uint8_t[]){2, 0, 0, 0, 0, 0x10})), 7);
	assert_int_equal(me_image_mac(hand.image, 0), 0);
	hand_free(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_found_as_by_a_walk),
		cmocka_unit_test(numbers_are_places_in_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
