/* SPDX-License-Identifier: GPL-2.0-only */
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

static uint32_t column_of(const struct hand *hand, uint8_t proto, uint16_t port)
{
	return hand->image->head->slot[me_slot(proto, port)];
}

static struct me_addr parse(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

static const struct me_dest *dest_of(const struct hand *hand, const char *text)
{
	struct me_addr address = parse(text);

	return me_image_lookup(hand->image, &address);
}

static void test_empty(void **state)
{
	struct hand *hand = *state;
	const struct me_head *head;

	hand->policy.limits.udp_idle_ns = 180;
	hand->policy.limits.pending_ns = 10;
	hand->policy.limits.grace_ns = 1800;
	hand->policy.strict_names = true;
	assert_int_equal(hand_compile(hand), 0);
	head = hand->image->head;
	assert_int_equal(head->generation, 1);
	assert_int_equal(head->rows, ME_ROW_FIRST);
	assert_int_equal(head->entries, 1);
	assert_int_equal(head->udp_idle_ns, 180);
	assert_int_equal(head->pending_ns, 10);
	assert_int_equal(head->grace_ns, 1800);
	/* The well-known resolvers are in the hash of every image. */
	assert_int_equal(head->flags, ME_HEAD_STRICT | ME_HEAD_ADDRESSES);
	assert_int_equal(hand->image->n_prefixes, 0);
	for (uint32_t cell = 0; cell < head->rows * head->columns; cell++)
		assert_int_equal(hand->image->table[cell], 0);
}

static void test_columns(void **state)
{
	struct hand *hand = *state;
	const struct me_column *column;

	hand_remoting(hand, "tcp/9093");
	hand_rule(hand, "web/a", "192.0.2.1", "tcp/80 tcp/8000-8010 tcp/8005-8020");
	hand_rule(hand, "name/a", "up.example.com", "tcp/80");
	hand_rule(hand, "sync/a", "peers", "tcp/9095-9096");
	hand_rule(hand, "ping/a", "any", "icmp");
	assert_int_equal(hand_compile(hand), 0);
	column = hand->image->head->column;

	/* Overlapping ranges of one rule are one class. */
	assert_int_equal(column_of(hand, IPPROTO_TCP, 8000), column_of(hand, IPPROTO_TCP, 8020));
	assert_int_equal(column_of(hand, IPPROTO_TCP, 8000), column_of(hand, IPPROTO_TCP, 8007));
	assert_int_not_equal(column_of(hand, IPPROTO_TCP, 8000), column_of(hand, IPPROTO_TCP, 80));
	assert_int_not_equal(column_of(hand, IPPROTO_TCP, 8020),
			     column_of(hand, IPPROTO_TCP, 8021));
	assert_int_equal(column_of(hand, IPPROTO_TCP, 1), column_of(hand, IPPROTO_TCP, 65535));
	assert_int_equal(column_of(hand, IPPROTO_UDP, 0), column_of(hand, IPPROTO_SCTP, 65535));
	assert_int_not_equal(column_of(hand, IPPROTO_TCP, 1), column_of(hand, IPPROTO_UDP, 1));

	assert_int_equal(column[column_of(hand, IPPROTO_TCP, 80)].flags,
			 ME_COLUMN_NAMED | ME_COLUMN_LISTED);
	assert_int_equal(column[column_of(hand, IPPROTO_TCP, 53)].flags,
			 ME_COLUMN_DNS | ME_COLUMN_LISTED);
	assert_int_equal(column[column_of(hand, IPPROTO_UDP, 53)].flags, ME_COLUMN_DNS);
	assert_int_equal(column[column_of(hand, IPPROTO_UDP, 853)].flags, ME_COLUMN_DOT);
	assert_int_equal(column[column_of(hand, IPPROTO_UDP, 443)].flags,
			 ME_COLUMN_HTTPS | ME_COLUMN_QUIC);
	assert_int_equal(column[column_of(hand, IPPROTO_TCP, 9093)].flags,
			 ME_COLUMN_REMOTING | ME_COLUMN_LISTED);
	assert_int_equal(column[column_of(hand, IPPROTO_TCP, 9096)].flags,
			 ME_COLUMN_PEERS | ME_COLUMN_LISTED);
	assert_int_equal(column[column_of(hand, IPPROTO_ICMP, 0)].flags, ME_COLUMN_LISTED);
	assert_int_equal(column[column_of(hand, 47, 0)].flags, 0);
	assert_int_equal(column[column_of(hand, IPPROTO_SCTP, 53)].flags, 0);

	/* The strongest rule of a port gives the service: a name before an address. */
	assert_string_equal(me_registry_get(hand->registry, ME_ID_SERVICE,
					    column[column_of(hand, IPPROTO_TCP, 80)].service)
				    ->service,
			    "name");
	assert_int_equal(column[column_of(hand, IPPROTO_TCP, 81)].service, ME_SERVICE_UNLISTED);
}

static void test_flags_of_destinations(void **state)
{
	struct hand *hand = *state;

	hand_resolvers(hand, "192.0.2.53 9.9.9.9");
	hand_peers(hand, "192.0.2.11");
	hand_proxy(hand, "192.0.2.3");
	hand_rule(hand, "dns/a", "resolvers", "udp/53");
	hand_rule(hand, "net/a", "192.0.2.0/29", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(dest_of(hand, "192.0.2.53")->flags, ME_DEST_LISTED | ME_DEST_RESOLVER);
	assert_int_equal(dest_of(hand, "9.9.9.9")->flags,
			 ME_DEST_LISTED | ME_DEST_RESOLVER | ME_DEST_DOH);
	assert_int_equal(dest_of(hand, "8.8.8.8")->flags, ME_DEST_DOH);
	assert_int_equal(dest_of(hand, "8.8.8.8")->row, ME_ROW_ANY);
	assert_int_equal(dest_of(hand, "2620:fe::fe")->flags, ME_DEST_DOH);
	/* Named by no rule themselves: only what lies around them does. */
	assert_int_equal(dest_of(hand, "192.0.2.11")->flags, ME_DEST_PEER);
	assert_int_equal(dest_of(hand, "192.0.2.3")->flags, ME_DEST_PROXY | ME_DEST_LISTED);
	assert_int_equal(dest_of(hand, "192.0.2.3")->row, dest_of(hand, "192.0.2.4")->row);
	assert_null(dest_of(hand, "192.0.2.9"));
}

/* A stub and the servers that it asks are resolvers both; who is asked directly is no upstream. */
static void test_resolvers(void **state)
{
	struct hand *hand = *state;
	static const uint32_t direct = ME_DEST_LISTED | ME_DEST_RESOLVER,
			      upstream = ME_DEST_LISTED | ME_DEST_RESOLVER | ME_DEST_UPSTREAM;

	hand_resolvers(hand, "192.0.2.101 192.0.2.53");
	hand_upstream(hand, "192.0.2.100 192.0.2.101 8.8.8.8");
	hand_rule(hand, "dns/a", "resolvers", "udp/53");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(dest_of(hand, "192.0.2.53")->flags, direct);
	assert_int_equal(dest_of(hand, "192.0.2.101")->flags, direct);
	assert_int_equal(dest_of(hand, "192.0.2.100")->flags, upstream);
	assert_int_equal(dest_of(hand, "8.8.8.8")->flags, upstream | ME_DEST_DOH);
	assert_int_equal(dest_of(hand, "192.0.2.53")->row, dest_of(hand, "192.0.2.100")->row);
	/* Without a rule for them they are resolvers all the same. */
	hand->policy.n_rules = 0;
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(dest_of(hand, "192.0.2.101")->flags, ME_DEST_RESOLVER);
	assert_int_equal(dest_of(hand, "192.0.2.100")->flags, ME_DEST_RESOLVER | ME_DEST_UPSTREAM);
}

/* `system` is what the machine says, and only that. */
static void test_system_resolvers(void **state)
{
	const struct me_addr resolvers[] = {parse("127.0.0.53"), parse("192.0.2.200")};
	const struct me_addr asked[] = {parse("192.0.2.200"), parse("192.0.2.201")};
	struct hand *hand = *state;

	hand->environment.resolvers = resolvers;
	hand->environment.n_resolvers = ME_ARRAY_SIZE(resolvers);
	hand->environment.upstream = asked;
	hand->environment.n_upstream = ME_ARRAY_SIZE(asked);
	hand_resolvers(hand, "192.0.2.53");
	hand_rule(hand, "dns/a", "resolvers", "udp/53");
	assert_int_equal(hand_compile(hand), 0);
	assert_non_null(dest_of(hand, "192.0.2.53"));
	assert_null(dest_of(hand, "192.0.2.200"));
	assert_null(dest_of(hand, "192.0.2.201"));

	hand->policy.resolvers.kind = ME_RESOLVERS_SYSTEM;
	assert_int_equal(hand_compile(hand), 0);
	assert_null(dest_of(hand, "192.0.2.53"));
	assert_int_equal(dest_of(hand, "127.0.0.53")->flags, ME_DEST_LISTED | ME_DEST_RESOLVER);
	assert_int_equal(dest_of(hand, "192.0.2.200")->flags, ME_DEST_LISTED | ME_DEST_RESOLVER);
	assert_int_equal(dest_of(hand, "192.0.2.201")->flags,
			 ME_DEST_LISTED | ME_DEST_RESOLVER | ME_DEST_UPSTREAM);
}

/* The recursive resolver is known by its cgroup or its program, and has a row of its own. */
static void test_recursive(void **state)
{
	struct hand *hand = *state;
	struct me_resolvers *resolvers = &hand->policy.resolvers;
	const struct me_image *image;
	uint32_t udp, tcp, columns;

	hand_rule(hand, "dns/a", "resolvers local peers any", "udp/53");
	hand_rule(hand, "dns/b", "any peers", "tcp/53");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(hand->image->head->flags & ME_HEAD_RECURSIVE, 0);

	resolvers->kind = ME_RESOLVERS_RECURSIVE;
	assert_int_equal(hand_compile(hand), 0);
	image = hand->image;
	assert_true(image->head->flags & ME_HEAD_RECURSIVE);
	assert_string_equal(image->head->recursive_exe, "");
	udp = column_of(hand, IPPROTO_UDP, 53);
	tcp = column_of(hand, IPPROTO_TCP, 53);
	columns = image->head->columns;
	assert_int_equal(image->entries[image->table[ME_ROW_RECURSIVE * columns + udp]].endpoint,
			 hand_endpoint(hand, "dns", "resolvers"));
	assert_int_equal(image->table[ME_ROW_RECURSIVE * columns + tcp], 0);

	resolvers->recursive_exe = "/usr/sbin/unbound";
	assert_int_equal(hand_compile(hand), 0);
	assert_string_equal(hand->image->head->recursive_exe, "/usr/sbin/unbound");
}

/* Arrays are sorted and unique, `around` names the nearest prefix, equal rows are one. */
static void test_folding(void **state)
{
	struct hand *hand = *state;
	const struct me_image *image;

	hand_rule(hand, "a/wide", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "tcp/80");
	hand_rule(hand, "b/inner", "10.1.0.0/16", "tcp/443");
	hand_rule(hand, "c/two", "10.1.2.3 10.9.9.9 10.9.9.9 172.16.0.1", "tcp/25");
	assert_int_equal(hand_compile(hand), 0);
	image = hand->image;
	assert_int_equal(image->n_prefixes, 3);
	for (size_t i = 0; i < image->n_prefixes; i++) {
		assert_int_equal(image->prefixes[i].prefix.bits, 104 + 8 * i);
		assert_int_equal(image->prefixes[i].around, i ? i - 1 : ME_NO_PREFIX);
	}
	for (size_t i = 1; i < image->n_addresses; i++)
		assert_true(memcmp(&image->addresses[i - 1].address, &image->addresses[i].address,
				   16) < 0);
	assert_int_not_equal(dest_of(hand, "10.1.2.3")->row, dest_of(hand, "10.9.9.9")->row);
	assert_ptr_equal(dest_of(hand, "10.1.2.4"), &image->prefixes[2].dest);
	assert_ptr_equal(dest_of(hand, "10.1.3.4"), &image->prefixes[1].dest);
	assert_ptr_equal(dest_of(hand, "10.2.3.4"), &image->prefixes[0].dest);
	assert_null(dest_of(hand, "11.0.0.0"));
	assert_null(dest_of(hand, "9.255.255.255"));
}

/* The ranges that `any` does not reach stand apart where it matters only. */
static void test_special_ranges(void **state)
{
	struct hand *hand = *state;

	hand_rule(hand, "a/strong", "10.0.0.0/8", "tcp/80");
	hand_rule(hand, "a/weak", "0.0.0.0/0", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(hand->image->n_prefixes, 2);
	hand_rule(hand, "c/any", "any", "tcp/25");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(hand->image->n_prefixes, 6);
	assert_int_not_equal(dest_of(hand, "127.0.0.1")->row, dest_of(hand, "126.0.0.1")->row);
	assert_int_equal(dest_of(hand, "127.0.0.1")->row, dest_of(hand, "230.0.0.1")->row);
}

/* Addresses with the same rules share a row, however many they are. */
static void test_sharing(void **state)
{
	enum { COUNT = 100000 };
	struct hand *hand = *state;
	struct me_to *to;

	hand_rule(hand, "a/many", "", "tcp/80");
	to = hand_more(hand, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		to[i].kind = ME_TO_ADDRESS;
		to[i].bits = 128;
		to[i].address = me_addr_v4(ME_NET32(0x0b000000u + 7 * i));
	}
	hand_rule(hand, "b/some", "11.0.0.0/24", "tcp/443");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(hand->image->head->rows, ME_ROW_FIRST + 3);
	assert_int_equal(hand->image->head->entries, 3);
	assert_int_equal(me_registry_count(hand->registry, ME_ID_ENDPOINT), 3);
	assert_in_range(hand->image->n_addresses, COUNT, COUNT + 1000);
}

static void test_expired(void **state)
{
	struct hand *hand = *state;

	hand->environment.now_epoch_ns = 999;
	hand_rule(hand, "a/b", "192.0.2.1 up.example.com", "sctp/80")->until_ns = 1000;
	assert_int_equal(hand_compile(hand), 0);
	assert_non_null(dest_of(hand, "192.0.2.1"));
	hand->environment.now_epoch_ns = 1000;
	assert_int_equal(hand_compile(hand), 0);
	assert_null(dest_of(hand, "192.0.2.1"));
	assert_int_equal(hand->image->n_endpoint_rows, 1);
	assert_int_equal(hand->image->endpoint_rows[0], 0);
	assert_int_equal(hand->image->head->flags & ME_HEAD_NAMES, 0);
	assert_int_equal(hand->image->head->entries, 1);
	assert_int_equal(hand->image->head->column[column_of(hand, IPPROTO_SCTP, 80)].flags, 0);
}

/* A reload gives every service, endpoint and rule the number that it had. */
static void test_stable_ids(void **state)
{
	struct hand *hand = *state;
	uint32_t old, added;

	hand_rule(hand, "b/one", "b.example.com", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	old = hand_endpoint(hand, "b", "b.example.com");
	hand->policy.n_rules = 0;
	hand_rule(hand, "a/new", "a.example.com", "tcp/80");
	hand_rule(hand, "b/two", "b.example.com", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	added = hand_endpoint(hand, "a", "a.example.com");
	assert_int_equal(hand_endpoint(hand, "b", "b.example.com"), old);
	assert_int_not_equal(added, old);
	assert_int_equal(hand->image->head->generation, 2);
	assert_string_equal(me_registry_get(hand->registry, ME_ID_RULE, 2)->at, "hand.yaml:1");
	assert_string_equal(me_registry_get(hand->registry, ME_ID_RULE, 3)->at, "hand.yaml:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_empty),     TEST(test_columns),          TEST(test_flags_of_destinations),
		TEST(test_resolvers), TEST(test_system_resolvers), TEST(test_recursive),
		TEST(test_folding),   TEST(test_special_ranges),   TEST(test_sharing),
		TEST(test_expired),   TEST(test_stable_ids),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
