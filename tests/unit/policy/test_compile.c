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

static const struct me_dest *dest_of(const struct hand *hand, const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return me_image_lookup(hand->image, &address);
}

static void test_empty(void **state)
{
	struct hand *hand = *state;
	const struct me_head *head;

	hand->policy.limits.udp_idle_ns = 180;
	hand->policy.limits.pending_ns = 10;
	hand->policy.strict_names = true;
	assert_int_equal(hand_compile(hand), 0);
	head = hand->image->head;
	assert_int_equal(head->generation, 1);
	assert_int_equal(head->rows, ME_ROW_FIRST);
	assert_int_equal(head->entries, 1);
	assert_int_equal(head->udp_idle_ns, 180);
	assert_int_equal(head->pending_ns, 10);
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

/* A stub and the servers that it asks are resolvers both; `system` is what the machine says. */
static void test_resolvers(void **state)
{
	struct hand *hand = *state;
	struct me_addr upstream, system;

	assert_int_equal(me_inet_parse("192.0.2.100", upstream.byte), 0);
	assert_int_equal(me_inet_parse("192.0.2.200", system.byte), 0);
	hand->environment.resolvers = &system;
	hand->environment.n_resolvers = 1;
	hand_resolvers(hand, "192.0.2.53");
	hand->policy.resolvers.list[0].stub = true;
	hand->policy.resolvers.list[0].upstream = &upstream;
	hand->policy.resolvers.list[0].n_upstream = 1;
	hand_rule(hand, "dns/a", "resolvers", "udp/53");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(dest_of(hand, "192.0.2.53")->row, dest_of(hand, "192.0.2.100")->row);
	assert_null(dest_of(hand, "192.0.2.200"));

	hand->policy.resolvers.kind = ME_RESOLVERS_SYSTEM;
	assert_int_equal(hand_compile(hand), 0);
	assert_null(dest_of(hand, "192.0.2.53"));
	assert_int_equal(dest_of(hand, "192.0.2.200")->flags, ME_DEST_LISTED | ME_DEST_RESOLVER);
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

static void test_names(void **state)
{
	struct hand *hand = *state;
	const struct me_image *image;
	const struct me_image_name *name;
	uint32_t columns, column;

	hand_rule(hand, "up/a", "a.example.com *.example.com", "tcp/80");
	hand_rule(hand, "up/b", "a.example.com", "tcp/443")->private_space = true;
	hand_rule(hand, "other/c", "a.example.com **.example.com", "tcp/443");
	assert_int_equal(hand_compile(hand), 0);
	image = hand->image;
	columns = image->head->columns;
	column = column_of(hand, IPPROTO_TCP, 443);
	assert_true(image->head->flags & ME_HEAD_NAMES);
	/* up: a.example.com and *.example.com; other: the same name again, and the subtree. */
	assert_int_equal(image->n_names, 4);
	for (size_t i = 1; i < image->n_names; i++)
		assert_true(image->names[i - 1].endpoint < image->names[i].endpoint);

	/* Two rules may name one endpoint: its row has both entries. */
	name = me_image_name(image, hand_endpoint(hand, "up", "a.example.com"));
	assert_string_equal(name->name, "a.example.com");
	assert_int_equal(name->match, ME_MATCH_NAME);
	assert_int_equal(name->flags, ME_ENTRY_PRIVATE);
	assert_int_not_equal(image->table[name->row * columns + column], 0);
	assert_int_not_equal(image->table[name->row * columns + column_of(hand, IPPROTO_TCP, 80)],
			     0);

	name = me_image_name(image, hand_endpoint(hand, "up", "*.example.com"));
	assert_string_equal(name->name, "example.com");
	assert_int_equal(name->match, ME_MATCH_WILDCARD);
	assert_int_equal(image->table[name->row * columns + column], 0);
	assert_null(me_image_name(image, 0));
	assert_null(me_image_name(image, 99));

	/* What a pending flow waits for is the strongest of them: the first rule with that name. */
	assert_string_equal(
		me_registry_get(hand->registry, ME_ID_RULE,
				image->entries[image->table[ME_ROW_NAMED * columns + column]].rule)
			->text,
		"up/b");
}

/* A proxy that is a name is one for the rules that mean it. */
static void test_named_proxy(void **state)
{
	struct hand *hand = *state;
	const struct me_image_name *name;

	hand_proxy(hand, "proxy.example.com");
	hand_rule(hand, "up/proxy", "proxy", "tcp/3128");
	assert_int_equal(hand_compile(hand), 0);
	name = me_image_name(hand->image, hand_endpoint(hand, "up", "proxy"));
	assert_non_null(name);
	assert_string_equal(name->name, "proxy.example.com");
	assert_int_equal(name->match, ME_MATCH_NAME);
	assert_true(hand->image->head->column[column_of(hand, IPPROTO_TCP, 3128)].flags &
		    ME_COLUMN_NAMED);
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
	assert_int_equal(hand->image->n_names, 0);
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

/* The one diagnostic is an error of this kind at this line, and says all of `parts`. */
static void assert_refused(struct hand *hand, const char *kind, unsigned int line,
			   const char *const *parts)
{
	const struct me_diagnostic *told = hand->diagnostics.list;

	assert_int_equal(hand_compile(hand), -EINVAL);
	assert_int_equal(hand->diagnostics.errors, 1);
	told = hand->diagnostics.list;
	assert_string_equal(told->kind, kind);
	assert_int_equal(told->at.line, line);
	for (size_t i = 0; parts[i]; i++) {
		if (!strstr(told->text, parts[i]))
			fail_msg("\"%s\" lacks \"%s\"", told->text, parts[i]);
	}
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
	assert_refused(hand, "too-many-port-classes", 2, parts);
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
	assert_refused(hand, "too-many-classes", 901, parts);
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
	assert_refused(hand, "too-many-services", 126, parts);
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
	assert_refused(hand, "too-many-endpoints", 2, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_empty),
		TEST(test_columns),
		TEST(test_flags_of_destinations),
		TEST(test_resolvers),
		TEST(test_folding),
		TEST(test_special_ranges),
		TEST(test_sharing),
		TEST(test_names),
		TEST(test_named_proxy),
		TEST(test_expired),
		TEST(test_stable_ids),
		TEST(test_too_many_columns),
		TEST(test_too_many_cells),
		TEST(test_too_many_services),
		TEST(test_too_many_endpoints),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
