/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of a policy: rows of endpoints, name entries, and what is found for a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "learn.h"

/* Two labels with the same FNV-1a hash, which every name that begins with them has too. */
#define TWIN_A "gokbegpelepggpfj.test"
#define TWIN_B "obcoomfednngkpcf.test"

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

static struct me_name name_of(const char *text)
{
	struct me_name name;

	if (me_name_from_text(text, &name) < 0)
		fail_msg("`%s` is no name", text);
	return name;
}

static struct me_named find(const struct hand *hand, const char *text)
{
	struct me_name name = name_of(text);
	struct me_named named;

	memset(&named, 0xa5, sizeof(named));
	me_image_names_find(hand->image, &name, &named);
	return named;
}

/* The texts of the endpoints that cover a name, in order: "b:**.example.com a:any". */
static void assert_covered(const struct hand *hand, const char *name, const char *endpoints)
{
	struct me_named named = find(hand, name);
	char text[1024] = "";

	for (uint32_t i = 0; i < named.n; i++) {
		const struct me_id_entry *entry =
			me_registry_get(hand->registry, ME_ID_ENDPOINT, named.endpoint[i]);

		assert_non_null(entry);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:%s%s",
			 i ? " " : "", entry->service, entry->text,
			 named.flags[i] & ME_ENTRY_PRIVATE ? "+" : "");
	}
	if (strcmp(text, endpoints) != 0)
		fail_msg("%s: \"%s\", expected \"%s\"", name, text, endpoints);
}

static const struct me_name_entry *entry_of(const struct hand *hand, const char *text)
{
	struct me_name name = name_of(text);
	uint64_t hash = me_name_hash(&name, 0);

	for (size_t i = 0; i < hand->image->n_name_entries; i++) {
		if (hand->image->name_entries[i].hash == hash)
			return &hand->image->name_entries[i].entry;
	}
	fail_msg("no entry of %s", text);
	return NULL;
}

static uint32_t rank_of(const struct hand *hand, const char *service, const char *endpoint,
			uint16_t port)
{
	const struct me_image *image = hand->image;
	uint32_t row = image->endpoint_rows[hand_endpoint(hand, service, endpoint)];

	return image
		->table[row * image->head->columns + image->head->slot[me_slot(IPPROTO_TCP, port)]];
}

/* Two rules may name one endpoint: its row has both entries. */
static void test_rows(void **state)
{
	struct hand *hand = *state;
	const struct me_image *image;
	uint32_t last;

	hand_rule(hand, "net/a", "192.0.2.1", "tcp/80");
	hand_rule(hand, "up/a", "a.example.com *.example.com", "tcp/80");
	hand_rule(hand, "up/b", "a.example.com", "tcp/443");
	hand_rule(hand, "other/c", "a.example.com **.example.com", "tcp/443");
	hand_rule(hand, "net/b", "192.0.2.2", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	image = hand->image;
	assert_true(image->head->flags & ME_HEAD_NAMES);
	last = hand_endpoint(hand, "other", "**.example.com");
	assert_int_equal(image->n_endpoint_rows, last + 1);
	assert_int_equal(image->endpoint_rows[0], 0);
	assert_int_equal(image->endpoint_rows[hand_endpoint(hand, "net", "net/a")], 0);
	assert_in_range(image->endpoint_rows[last], ME_ROW_FIRST, image->head->rows - 1);

	assert_int_not_equal(rank_of(hand, "up", "a.example.com", 80), 0);
	assert_int_not_equal(rank_of(hand, "up", "a.example.com", 443), 0);
	assert_int_not_equal(rank_of(hand, "up", "*.example.com", 80), 0);
	assert_int_equal(rank_of(hand, "up", "*.example.com", 443), 0);

	/* What a pending flow waits for is the strongest of them: the first rule with that name. */
	assert_string_equal(
		hand_text(hand, ME_ID_RULE,
			  image->entries[image->table[ME_ROW_NAMED * image->head->columns +
						      image->head->slot[me_slot(IPPROTO_TCP, 443)]]]
				  .rule),
		"up/b");
}

/* A proxy that is a name is one for the rules that mean it. */
static void test_named_proxy(void **state)
{
	struct hand *hand = *state;
	const struct me_head *head;

	hand_proxy(hand, "proxy.example.com");
	hand_rule(hand, "up/proxy", "proxy", "tcp/3128")->private_space = true;
	assert_int_equal(hand_compile(hand), 0);
	assert_covered(hand, "proxy.example.com", "up:proxy+");
	assert_int_not_equal(rank_of(hand, "up", "proxy", 3128), 0);
	head = hand->image->head;
	assert_true(head->column[head->slot[me_slot(IPPROTO_TCP, 3128)]].flags & ME_COLUMN_NAMED);
}

/* One entry a name, sorted by hash; its endpoints come in the order of their strength. */
static void test_entries(void **state)
{
	static const uint8_t wire[] = "\7example\3com";
	struct hand *hand = *state;
	const struct me_name_entry *entry;
	const struct me_image *image;

	hand_rule(hand, "b/deep", "**.example.com", "tcp/80");
	hand_rule(hand, "b/one", "*.example.com", "tcp/80");
	hand_rule(hand, "a/same", "**.example.com", "tcp/80")->private_space = true;
	hand_rule(hand, "b/again", "example.com **.example.com", "tcp/443");
	assert_int_equal(hand_compile(hand), 0);
	image = hand->image;
	/* This name, and the two of SpamRazer. */
	assert_int_equal(image->n_name_entries, 3);
	for (size_t i = 1; i < image->n_name_entries; i++)
		assert_true(image->name_entries[i - 1].hash < image->name_entries[i].hash);
	assert_int_equal(image->head->name_depths, 1 << 2 | 1 << 3);

	entry = entry_of(hand, "example.com");
	assert_int_equal(entry->labels, 2);
	assert_int_equal(entry->length, sizeof(wire));
	assert_memory_equal(entry->wire, wire, sizeof(wire));
	assert_int_equal(entry->zone, 0);
	assert_int_equal(entry->category, ME_DNS_OTHER);
	assert_int_equal(entry->endpoint[0], hand_endpoint(hand, "b", "example.com"));
	assert_int_equal(entry->endpoint[1], hand_endpoint(hand, "b", "*.example.com"));
	assert_int_equal(entry->endpoint[2], hand_endpoint(hand, "b", "**.example.com"));
	assert_int_equal(entry->endpoint[3], hand_endpoint(hand, "a", "**.example.com"));
	assert_int_equal(entry->endpoint[4], 0);
	assert_int_equal(entry->match[0], ME_MATCH_NAME);
	assert_int_equal(entry->match[1], ME_MATCH_WILDCARD);
	assert_int_equal(entry->match[2], ME_MATCH_SUBTREE);
	assert_int_equal(entry->flags[2], 0);
	assert_int_equal(entry->flags[3], ME_ENTRY_PRIVATE);
}

static void test_find(void **state)
{
	struct hand *hand = *state;

	hand_rule(hand, "up/a", "up.example.com *.example.com", "tcp/80");
	hand_rule(hand, "up/b", "**.example.com **.deep.example.com com", "tcp/80");
	hand_rule(hand, "up/old", "old.example.com", "tcp/80")->until_ns = 1;
	hand->environment.now_epoch_ns = 1;
	assert_int_equal(hand_compile(hand), 0);
	assert_covered(hand, "up.example.com",
		       "up:up.example.com up:*.example.com "
		       "up:**.example.com");
	assert_covered(hand, "UP.Example.COM",
		       "up:up.example.com up:*.example.com "
		       "up:**.example.com");
	assert_covered(hand, "old.example.com", "up:*.example.com up:**.example.com");
	assert_covered(hand, "a.b.example.com", "up:**.example.com");
	assert_covered(hand, "a.deep.example.com", "up:**.deep.example.com up:**.example.com");
	assert_covered(hand, "deep.example.com", "up:*.example.com up:**.example.com");
	assert_covered(hand, "example.com", "");
	assert_covered(hand, "xexample.com", "");
	assert_covered(hand, "up.example.com.test", "");
	assert_covered(hand, "com", "up:com");
	assert_covered(hand, "org", "");
}

/* The root and what is no name at all are covered by nothing. */
static void test_find_nothing(void **state)
{
	struct hand *hand = *state;
	struct me_name root = {.length = 1}, none = {0};
	struct me_named named = {.n = 7};

	hand_rule(hand, "up/a", "com", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	me_image_names_find(hand->image, &root, &named);
	assert_int_equal(named.n, 0);
	named.n = 7;
	me_image_names_find(hand->image, &none, &named);
	assert_int_equal(named.n, 0);
}

/* The longest names there are: of 63 bytes a label, and of 127 labels. */
static void test_long_names(void **state)
{
	struct hand *hand = *state;
	char wide[254], deep[254], below[256], rule[800];

	for (unsigned int i = 0; i < 253; i++) {
		wide[i] = i % 64 == 63 ? '.' : 'w';
		deep[i] = i % 2 ? '.' : 'd';
	}
	wide[253] = deep[253] = '\0';
	snprintf(rule, sizeof(rule), "%s %s **.%s", wide, deep, deep + 2);
	hand_rule(hand, "up/a", rule, "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(hand->image->head->name_depths,
			 1ull << 2 | 1ull << 3 | 1ull << 4 | 1ull << 63);
	snprintf(rule, sizeof(rule), "up:%s", wide);
	assert_covered(hand, wide, rule);
	snprintf(rule, sizeof(rule), "up:%s up:**.%s", deep, deep + 2);
	assert_covered(hand, deep, rule);
	snprintf(below, sizeof(below), "x.%s", deep + 2);
	snprintf(rule, sizeof(rule), "up:**.%s", deep + 2);
	assert_covered(hand, below, rule);
	assert_covered(hand, deep + 2, "");
	assert_covered(hand, deep + 4, "");
}

/* What queries are for: below a zone, not at it; at SpamRazer's domains and below. */
static void test_categories(void **state)
{
	static const char *const ip[] = {"zen.test", "both.test", "mailshell.net"},
				 *const uri[] = {"uri.test", "both.test", "sub.zen.test"};
	static const struct {
		const char *name, *zone;
		enum me_dns_category category;
	} lines[] = {
		{"1.2.3.4.zen.test", "zen.test", ME_DNS_IP_DNSBL},
		{"zen.test", "", ME_DNS_OTHER},
		{"a.test.uri.test", "uri.test", ME_DNS_URI_DNSBL},
		{"1.2.3.4.sub.zen.test", "sub.zen.test", ME_DNS_URI_DNSBL},
		{"sub.zen.test", "zen.test", ME_DNS_IP_DNSBL},
		{"a.both.test", "both.test", ME_DNS_URI_DNSBL},
		{"spamrazer.gfi.com", "", ME_DNS_SPAMRAZER},
		{"a.b.spamrazer.gfi.com", "", ME_DNS_SPAMRAZER},
		{"gfi.com", "", ME_DNS_OTHER},
		/* What the site says goes first. */
		{"sn92.mailshell.net", "mailshell.net", ME_DNS_IP_DNSBL},
		{"mailshell.net", "", ME_DNS_OTHER},
		{"other.test", "", ME_DNS_OTHER},
	};
	struct hand *hand = *state;

	hand->policy.ip_zones = (const char **)ip;
	hand->policy.n_ip_zones = ME_ARRAY_SIZE(ip);
	hand->policy.uri_zones = (const char **)uri;
	hand->policy.n_uri_zones = ME_ARRAY_SIZE(uri);
	hand_rule(hand, "up/a", "*.zen.test", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		struct me_named named = find(hand, lines[i].name);

		if (named.category != lines[i].category ||
		    strcmp(hand_text(hand, ME_ID_ZONE, named.zone), lines[i].zone) != 0)
			fail_msg("%s: %s %s", lines[i].name, me_dns_category_label(named.category),
				 hand_text(hand, ME_ID_ZONE, named.zone));
	}
	/* A zone's name may be a rule's as well. */
	assert_covered(hand, "a.zen.test", "up:*.zen.test");
	assert_int_equal(me_registry_count(hand->registry, ME_ID_ZONE), 6);
	/* A zone keeps its number. */
	hand->policy.ip_zones++;
	hand->policy.n_ip_zones--;
	assert_int_equal(hand_compile(hand), 0);
	assert_int_equal(me_registry_count(hand->registry, ME_ID_ZONE), 6);
	assert_string_equal(hand_text(hand, ME_ID_ZONE, find(hand, "a.uri.test").zone), "uri.test");
}

static void test_collision(void **state)
{
	static const char *const parts[] = {"`" TWIN_B "`", "`" TWIN_A "`", NULL};
	struct me_name a = name_of(TWIN_A), b = name_of(TWIN_B);
	struct hand *hand = *state;

	assert_true(me_name_hash(&a, 0) == me_name_hash(&b, 0));
	hand_rule(hand, "up/a", TWIN_A, "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	/* Only the policy must not have both: a name is compared, not only its hash. */
	assert_covered(hand, TWIN_A, "up:" TWIN_A);
	assert_covered(hand, TWIN_B, "");
	hand_rule(hand, "up/b", TWIN_B, "tcp/80")->to->at.line = 42;
	hand_assert_refused(hand, "name-collision", 42, parts);
}

static void test_crowd(void **state)
{
	static const char *const parts[] = {
		"`up.test`", "more than 8 endpoints",
		"s1/a (hand.yaml:1: 3 entries), s2/a (hand.yaml:2: 3 entries), "
		"s3/a (hand.yaml:3: 2 entries)",
		NULL};
	struct hand *hand = *state;
	struct me_rule *third;

	hand_rule(hand, "s1/a", "up.test *.up.test **.up.test", "tcp/80");
	hand_rule(hand, "s2/a", "up.test *.up.test **.up.test", "tcp/80");
	third = hand_rule(hand, "s3/a", "up.test **.up.test x.test", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	assert_covered(hand, "up.test", "s1:up.test s2:up.test s3:up.test");
	assert_covered(hand, "a.up.test",
		       "s1:*.up.test s2:*.up.test s1:**.up.test s2:**.up.test s3:**.up.test");
	third->n_to = 2;
	hand_rule(hand, "s3/b", "up.test", "tcp/443"); /* the same endpoint once more */
	assert_int_equal(hand_compile(hand), 0);
	hand_rule(hand, "s4/a", "*.up.test", "tcp/80");
	hand_assert_refused(hand, "crowded-name", 1, parts);
}

/* Eight endpoints of the name and eight around it: those that are nearest are found. */
static void test_crowded(void **state)
{
	struct hand *hand = *state;
	struct me_named named;
	char slug[16];

	for (unsigned int i = 0; i < ME_NAME_ENDPOINTS; i++) {
		snprintf(slug, sizeof(slug), "s%u/a", i);
		hand_rule(hand, slug, i % 2 ? "a.up.test" : "a.up.test **.test", "tcp/80");
	}
	hand_rule(hand, "t/a", "*.up.test", "tcp/80");
	assert_int_equal(hand_compile(hand), 0);
	named = find(hand, "a.up.test");
	assert_int_equal(named.n, ME_NAME_ENDPOINTS);
	assert_int_equal(named.crowded, 1);
	for (unsigned int i = 0; i < ME_NAME_ENDPOINTS; i++)
		assert_string_equal(hand_text(hand, ME_ID_ENDPOINT, named.endpoint[i]),
				    "a.up.test");
	named = find(hand, "b.up.test");
	assert_int_equal(named.n, 5);
	assert_int_equal(named.crowded, 0);
}

static void test_too_many_zones(void **state)
{
	static const char *const parts[] = {"`more.test`", "1023 zones", NULL};
	static const char *const zones[] = {"known.test", "more.test"};
	struct hand *hand = *state;

	assert_int_equal(
		me_registry_restore(hand->registry, ME_ID_ZONE, "", "known.test", ME_ZONES_MAX - 1),
		0);
	hand->policy.path = "hand.yaml";
	hand->policy.ip_zones = (const char **)zones;
	hand->policy.n_ip_zones = 1;
	assert_int_equal(hand_compile(hand), 0);
	hand->policy.n_ip_zones = 2;
	hand_assert_refused(hand, "too-many-zones", 0, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_rows),       TEST(test_named_proxy),    TEST(test_entries),
		TEST(test_find),       TEST(test_find_nothing),   TEST(test_long_names),
		TEST(test_categories), TEST(test_collision),      TEST(test_crowd),
		TEST(test_crowded),    TEST(test_too_many_zones),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
