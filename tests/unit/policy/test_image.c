/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "hand.h"
#include "reference.h"
#include "../../seed.h"

/* One policy that has a case for every reason and every step of precedence. */
static void table_policy(struct hand *hand)
{
	hand_start(hand);
	hand_resolvers(hand, "192.0.2.53 2001:db8::53");
	hand_peers(hand, "192.0.2.11 2001:db8::11");
	hand_proxy(hand, "192.0.2.3");
	hand_remoting(hand, "tcp/9093 tcp/9096");
	hand->environment.now_epoch_ns = 1000;

	hand_rule(hand, "dns/resolvers", "resolvers", "udp/53 tcp/53");
	hand_rule(hand, "updates/names", "up.example.com *.example.com **.example.com", "tcp/443");
	hand_rule(hand, "updates/deep", "**.b.example.com", "tcp/443");
	hand_rule(hand, "updates/proxy", "proxy", "tcp/3128");
	hand_rule(hand, "lan/first", "10.0.0.0/8", "tcp/389 tcp/443 tcp/25");
	hand_rule(hand, "lan/second", "10.1.0.0/16 10.1.0.0/24 10.1.0.7 2001:db8:1::/48",
		  "tcp/389");
	hand_rule(hand, "lan/same", "10.1.0.7", "tcp/389 tcp/636");
	hand_rule(hand, "ping/lan", "10.0.0.0/8", "icmp");
	hand_rule(hand, "tunnel/gre", "192.0.2.47", "proto/47");
	hand_rule(hand, "sync/peers", "peers", "tcp/9095-9096");
	hand_rule(hand, "remoting/local", "local", "tcp/9093 tcp/9096");
	hand_rule(hand, "wide/net", "0.0.0.0/0 ::/0", "tcp/2000");
	hand_rule(hand, "smtp/any", "any", "tcp/25 tcp/587");
	hand_rule(hand, "old/over", "192.0.2.99", "tcp/443")->until_ns = 1000;
	hand_rule(hand, "old/not-yet", "192.0.2.98", "tcp/443")->until_ns = 1001;
	hand_rule(hand, "pro/file", "192.0.2.60", "tcp/8080")->from_profile = true;
	hand_rule(hand, "site/file", "192.0.2.60", "tcp/8080");
	assert_int_equal(hand_compile(hand), 0);
}

struct line {
	const char *what;
	const char *names; /* learned for the destination; "~" before a stale one */
	unsigned int flags;
	enum me_verdict verdict;
	enum me_reason reason;
	const char *rule; /* NULL: none */
	const char *endpoint;
	const char *service;
	enum me_evidence evidence;
};

#define V(reason) ME_VIOLATION, ME_REASON_##reason, NULL, NULL
#define P(reason) ME_PENDING, ME_REASON_##reason, NULL, NULL
#define A(rule, endpoint) ME_ALLOWED, ME_REASON_NONE, rule, endpoint
#define L(rule, endpoint) ME_LOCAL, ME_REASON_NONE, rule, endpoint
#define NAMED(evidence) "updates", ME_EVIDENCE_##evidence
#define NO ME_EVIDENCE_NONE
#define LISTED ME_EVIDENCE_LISTED

/* clang-format off */
static const struct line lines[] = {
	/* Reasons, the first that fits. */
	{"203.0.113.1:1/tcp", "", ME_FACT_UNPARSABLE, V(UNPARSABLE), "unlisted", NO},
	{"127.0.0.1:1/tcp", "", ME_FACT_UNPARSABLE, V(UNPARSABLE), "unlisted", NO},
	{"203.0.113.1:1/sctp", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1:53/sctp", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1/50", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"2001:db8::9/icmp6", "", 0, V(UNLISTED_PROTOCOL), "unlisted", NO},
	{"203.0.113.1:53/udp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"203.0.113.1:53/tcp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"10.0.0.1:53/udp", "", 0, V(WRONG_RESOLVER), "dns", NO},
	{"203.0.113.1:853/tcp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:853/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:443/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"192.0.2.53:443/tcp", "", 0, P(ENCRYPTED_DNS), "updates", NO},
	{"1.1.1.1:443/udp", "", 0, V(ENCRYPTED_DNS), "unlisted", NO},
	{"2606:4700:4700::1111:443/tcp", "", 0, P(ENCRYPTED_DNS), "updates", NO},
	{"1.1.1.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:9095/tcp", "", 0, V(PEER_UNKNOWN), "sync", NO},
	{"203.0.113.1:9096/tcp", "", 0, V(PEER_UNKNOWN), "sync", NO},
	{"203.0.113.1:9093/tcp", "", 0, V(REMOTING_OFF_HOST), "remoting", NO},
	{"10.0.0.1:9093/tcp", "", 0, V(REMOTING_OFF_HOST), "remoting", NO},
	{"203.0.113.1:443/udp", "", 0, V(QUIC), "unlisted", NO},
	{"203.0.113.1:443/udp", "up.example.com", 0, V(QUIC), "unlisted", NO},
	{"10.0.0.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"192.0.2.47:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:80/tcp", "up.example.com", 0, V(UNLISTED_PORT), "unlisted", NO},
	{"203.0.113.1:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO}, /* `any` has other ports */
	{"169.254.169.254:80/tcp", "", 0, V(UNLISTED_PORT), "unlisted", NO}, /* in 0.0.0.0/0 */
	{"203.0.113.1/icmp", "", 0, V(UNLISTED_PORT), "ping", NO},

	/* Pending: nothing allows it, and names exist for its port. */
	{"203.0.113.1:443/tcp", "", 0, P(UNLISTED_PORT), "updates", NO},
	{"203.0.113.1:443/tcp", "other.test", 0, P(UNLISTED_PORT), "updates", NO},
	{"192.0.2.99:443/tcp", "", 0, P(UNLISTED_PORT), "updates", NO}, /* its rule is over */
	{"203.0.113.1:80/tcp", "", ME_FACT_OWN_UNKNOWN, P(UNLISTED_PORT), "unlisted", NO},

	/* Names: exact, one label, several; the longer suffix; none covers the apex. */
	{"203.0.113.1:443/tcp", "up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "a.example.com", 0, A("updates/names", "*.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "x.a.example.com", 0, A("updates/names", "**.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "x.b.example.com", 0, A("updates/deep", "**.b.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "b.example.com", 0, A("updates/names", "*.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:443/tcp", "example.com", 0, P(UNLISTED_PORT), "updates", NO},
	{"203.0.113.1:443/tcp", "a.example.com ~up.example.com", 0, A("updates/names", "up.example.com"), NAMED(STALE)},
	{"203.0.113.1:443/tcp", "~up.example.com up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"203.0.113.1:25/tcp", "up.example.com", 0, A("smtp/any", "any"), "smtp", LISTED},

	/* A name is stronger than an address, an address than a prefix, a long one than a short one. */
	{"10.0.0.1:443/tcp", "up.example.com", 0, A("updates/names", "up.example.com"), NAMED(LEARNED)},
	{"10.0.0.1:443/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"10.1.0.7:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.1.0.7:636/tcp", "", 0, A("lan/same", "lan/same"), "lan", LISTED},
	{"10.1.0.7:443/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"10.1.0.8:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.1.9.9:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"10.2.0.1:389/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED},
	{"2001:db8:1::77:389/tcp", "", 0, A("lan/second", "lan/second"), "lan", LISTED},
	{"2001:db8:2::77:389/tcp", "", 0, V(UNLISTED_PORT), "lan", NO},
	{"10.0.0.1/icmp", "", 0, A("ping/lan", "ping/lan"), "ping", LISTED},
	{"192.0.2.47/47", "", 0, A("tunnel/gre", "tunnel/gre"), "tunnel", LISTED},
	{"192.0.2.98:443/tcp", "", 0, A("old/not-yet", "old/not-yet"), "old", LISTED},
	{"192.0.2.60:8080/tcp", "", 0, A("site/file", "site/file"), "site", LISTED},
	{"10.1.0.7:25/tcp", "", 0, A("lan/first", "lan/first"), "lan", LISTED}, /* before `any` */

	/* Keywords. */
	{"192.0.2.53:53/udp", "", 0, A("dns/resolvers", "resolvers"), "dns", LISTED},
	{"2001:db8::53:53/tcp", "", 0, A("dns/resolvers", "resolvers"), "dns", LISTED},
	{"192.0.2.3:3128/tcp", "", 0, A("updates/proxy", "proxy"), "updates", LISTED},
	{"192.0.2.4:3128/tcp", "", 0, V(UNLISTED_PORT), "updates", NO},
	{"192.0.2.11:9095/tcp", "", 0, A("sync/peers", "peers"), "sync", LISTED},
	{"2001:db8::11:9096/tcp", "", 0, A("sync/peers", "peers"), "sync", LISTED},

	/* `any` is global unicast, inside a listed prefix too; a prefix reaches further. */
	{"203.0.113.1:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"2001:db8::1:587/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"192.168.0.1:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"192.0.2.53:25/tcp", "", 0, A("smtp/any", "any"), "smtp", LISTED},
	{"169.254.1.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"fe80::1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"239.1.1.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"0.0.0.1:587/tcp", "", 0, V(UNLISTED_PORT), "smtp", NO},
	{"169.254.1.1:2000/tcp", "", 0, A("wide/net", "wide/net"), "wide", LISTED},
	{"fe80::1:2000/tcp", "", 0, A("wide/net", "wide/net"), "wide", LISTED},

	/* Local, with or without a rule; a name or an address rule does not reach it. */
	{"127.0.0.1:80/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"::1:53/udp", "", 0, L(NULL, NULL), "local", NO},
	{"127.3.2.1:9093/tcp", "", 0, L("remoting/local", "local"), "remoting", LISTED},
	{"::1:9096/tcp", "", 0, L("remoting/local", "local"), "remoting", LISTED},
	{"127.0.0.1:2000/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"127.0.0.1:25/tcp", "", 0, L(NULL, NULL), "local", NO},
	{"10.0.0.1:443/tcp", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"10.0.0.1:443/tcp", "up.example.com", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"203.0.113.1:9093/tcp", "", ME_FACT_OWN, L("remoting/local", "local"), "remoting", LISTED},
	{"203.0.113.1:853/tcp", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},
	{"203.0.113.1/50", "", ME_FACT_OWN, L(NULL, NULL), "local", NO},
};
/* clang-format on */

/* The endpoints that these names would be learned for, the better evidence first. */
static size_t learn(const struct hand *hand, const struct reference_name *names, size_t n,
		    struct me_learned_endpoint *learned)
{
	static const enum me_evidence order[] = {ME_EVIDENCE_LEARNED, ME_EVIDENCE_STALE};
	size_t count = 0;

	for (size_t o = 0; o < ME_ARRAY_SIZE(order); o++) {
		for (size_t i = 0; i < n * hand->image->n_names; i++) {
			const struct me_image_name *to = &hand->image->names[i / n];
			const struct me_to as = {
				.kind = ME_TO_NAME + (to->match - ME_MATCH_NAME),
				.name = to->name,
			};

			if (names[i % n].evidence == order[o] &&
			    reference_covers(&as, names[i % n].name))
				learned[count++] =
					(struct me_learned_endpoint){to->endpoint, order[o]};
		}
	}
	return count;
}

/* "a ~b" as names; returns how many. The text is cut up. */
static size_t read_names(char *text, struct reference_name *names)
{
	size_t n = 0;

	for (char *name; (name = strsep(&text, " "));) {
		bool stale = *name == '~';

		if (*name)
			names[n++] = (struct reference_name){
				.name = name + stale,
				.evidence = stale ? ME_EVIDENCE_STALE : ME_EVIDENCE_LEARNED,
			};
	}
	return n;
}

/* Facts of "ADDRESS:PORT/PROTO", where an IPv6 address goes without brackets. */
static struct me_facts line_facts(const char *what)
{
	const char *colon = strrchr(what, ':'), *slash = strrchr(what, '/');
	char held[96];

	if (colon && strchr(what, ':') != colon && strstr(what, "icmp") == NULL) {
		snprintf(held, sizeof(held), "[%.*s]%s", (int)(colon - what), what, colon);
		return hand_facts(held);
	}
	assert_non_null(slash);
	return hand_facts(what);
}

static const char *text_of(const struct hand *hand, enum me_id_kind kind, uint32_t id)
{
	const struct me_id_entry *entry =
		id || kind == ME_ID_SERVICE ? me_registry_get(hand->registry, kind, id) : NULL;

	if (!entry)
		return "";
	return kind == ME_ID_SERVICE ? entry->service : entry->text;
}

static void test_table(void **state)
{
	struct hand hand;

	(void)state;
	table_policy(&hand);
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		const struct line *line = &lines[i];
		struct me_facts facts = line_facts(line->what);
		struct reference_name names[4];
		struct me_learned_endpoint learned[16];
		char held[64];
		struct me_judgement j;
		size_t n;

		snprintf(held, sizeof(held), "%s", line->names);
		n = read_names(held, names);
		facts.flags = line->flags;
		j = hand_judge(&hand, &facts, learned, learn(&hand, names, n, learned));
		if (j.verdict != line->verdict || j.reason != line->reason ||
		    j.evidence != line->evidence ||
		    strcmp(text_of(&hand, ME_ID_RULE, j.rule), line->rule ? line->rule : "") ||
		    strcmp(text_of(&hand, ME_ID_ENDPOINT, j.endpoint),
			   line->endpoint ? line->endpoint : "") ||
		    strcmp(text_of(&hand, ME_ID_SERVICE, j.service), line->service))
			fail_msg("%s (%s): %s %s, rule %s, endpoint %s, service %s, %s", line->what,
				 line->names, me_verdict_label(j.verdict),
				 me_reason_label(j.reason), text_of(&hand, ME_ID_RULE, j.rule),
				 text_of(&hand, ME_ID_ENDPOINT, j.endpoint),
				 text_of(&hand, ME_ID_SERVICE, j.service),
				 me_evidence_label(j.evidence));
	}
	hand_free(&hand);
}

/* Without `any` and without the wide prefixes a stranger is an unlisted destination. */
static void test_stranger(void **state)
{
	struct me_facts facts = hand_facts("203.0.113.1:80/tcp");
	struct me_facts linklocal = hand_facts("169.254.169.254:80/tcp");
	struct hand hand;
	struct me_judgement j;

	(void)state;
	hand_start(&hand);
	hand_rule(&hand, "a/a", "192.0.2.1", "tcp/80");
	assert_int_equal(hand_compile(&hand), 0);
	j = hand_judge(&hand, &facts, NULL, 0);
	assert_int_equal(j.verdict, ME_VIOLATION);
	assert_int_equal(j.reason, ME_REASON_UNLISTED_DESTINATION);
	assert_string_equal(text_of(&hand, ME_ID_SERVICE, j.service), "a");
	j = hand_judge(&hand, &linklocal, NULL, 0);
	assert_int_equal(j.reason, ME_REASON_UNLISTED_DESTINATION);
	hand_free(&hand);
}

/* Ids that are no name of this image count for nothing, not even as a listed destination. */
static void test_unknown_learned(void **state)
{
	const struct me_learned_endpoint unknown[] = {{12345, ME_EVIDENCE_LEARNED}};
	struct me_facts facts = hand_facts("203.0.113.1:80/tcp");
	struct hand hand;

	(void)state;
	hand_start(&hand);
	hand_rule(&hand, "a/a", "up.example.com", "tcp/443");
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, unknown, 1).reason,
			 ME_REASON_UNLISTED_DESTINATION);
	hand_free(&hand);
}

static void test_entry_flags(void **state)
{
	struct me_facts facts = hand_facts("192.0.2.1:21/tcp");
	struct me_rule *rule;
	struct hand hand;

	(void)state;
	hand_start(&hand);
	rule = hand_rule(&hand, "ftp/a", "192.0.2.1", "tcp/21");
	rule->retired = rule->private_space = true;
	rule->passive = ME_PASSIVE_DEFAULT;
	rule->mode = ME_MODE_SHADOW;
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, NULL, 0).flags,
			 ME_ENTRY_RETIRED | ME_ENTRY_PRIVATE | ME_ENTRY_FTP | ME_ENTRY_SHADOW);
	rule->mode = ME_MODE_ENFORCE;
	rule->retired = rule->private_space = false;
	rule->passive = ME_PASSIVE_NOT_FTP;
	assert_int_equal(hand_compile(&hand), 0);
	assert_int_equal(hand_judge(&hand, &facts, NULL, 0).flags, ME_ENTRY_ENFORCE);
	hand_free(&hand);
}

/* --- Against the reference judge ------------------------------------------------------------- */

static uint32_t below(uint64_t *random, uint32_t bound)
{
	return (uint32_t)(me_seed_next(random) % bound);
}

#define PICK(random, list) ((list)[below((random), ME_ARRAY_SIZE(list))])

static const char *const addresses[] = {
	"192.0.2.1",
	"192.0.2.2",
	"192.0.2.3",
	"192.0.2.130",
	"198.51.100.7",
	"10.0.0.1",
	"10.0.0.2",
	"10.9.8.7",
	"2001:db8::1",
	"2001:db8::2",
	"2001:db8:1::1",
	"fd00::1",
	"1.1.1.1",
	"2620:fe::fe",
	"127.0.0.1",
	"127.255.255.255",
	"::1",
	"::",
	"0.0.0.0",
	"0.1.2.3",
	"169.254.169.254",
	"169.253.255.1",
	"fe80::1",
	"febf::1",
	"fec0::1",
	"223.255.255.255",
	"224.0.1.1",
	"240.0.0.1",
	"255.255.255.0",
	"ff05::1",
	"::2",
	"64:ff9b::1",
};
static const unsigned int v4_bits[] = {0, 1, 3, 4, 8, 16, 24, 25, 31, 32};
static const unsigned int v6_bits[] = {0, 1, 3, 8, 10, 32, 48, 64, 80, 96, 127, 128};
static const char *const hosts[] = {
	"example.com",       "a.example.com", "b.example.com", "x.a.example.com",
	"y.x.a.example.com", "a.test",        "b.a.test",      "xexample.com",
};
static const char *const bases[] = {"example.com", "a.example.com", "test", "a.test"};
static const char *const keywords[] = {"any", "local", "resolvers", "proxy", "peers"};
static const char *const ports[] = {
	"tcp/443", "tcp/80",   "tcp/53",    "udp/53",  "udp/443",   "tcp/853",   "tcp/440-450",
	"tcp/*",   "udp/*",    "udp/1-500", "icmp",    "icmp6",     "proto/47",  "sctp/5",
	"sctp/*",  "tcp/9093", "tcp/0",     "tcp/442", "udplite/*", "tcp/65535", "tcp/9000-9100",
};
static const uint8_t protos[] = {6, 6, 6, 6, 17, 17, 1, 58, 47, 132, 136, 0, 255};
static const uint16_t dports[] = {443, 443, 80, 53, 853, 441, 9093, 9095, 5, 0, 65535, 1000};
static const char *const services[] = {"updates", "lan", "mail"};

static struct me_addr parse(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

/* A prefix around one of the addresses, host bits cleared, as text. */
static void random_prefix(uint64_t *random, char *out, size_t size)
{
	struct me_addr address = parse(PICK(random, addresses));
	bool v4 = me_addr_is_v4(&address);
	unsigned int bits = v4 ? PICK(random, v4_bits) : PICK(random, v6_bits);
	char text[ME_INET_LEN];

	for (unsigned int i = bits + (v4 ? 96 : 0); i < 128; i++)
		address.byte[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	/* ::ffff:0:0 is written as IPv4 also where it came about otherwise. */
	v4 = me_addr_is_v4(&address);
	if (v4 && bits > 32)
		bits = 32;
	me_inet_format(address.byte, text);
	snprintf(out, size, "%s/%u", text, bits);
}

static void random_to(uint64_t *random, char *out, size_t size)
{
	switch (below(random, 8)) {
	case 0:
	case 1:
		snprintf(out, size, "%s", PICK(random, addresses));
		break;
	case 2:
	case 3:
		random_prefix(random, out, size);
		break;
	case 4:
		snprintf(out, size, "%s", PICK(random, hosts));
		break;
	case 5:
		snprintf(out, size, "*.%s", PICK(random, bases));
		break;
	case 6:
		snprintf(out, size, "**.%s", PICK(random, bases));
		break;
	default:
		snprintf(out, size, "%s", PICK(random, keywords));
	}
}

static void random_rule(struct hand *hand, uint64_t *random, unsigned int i)
{
	char to[400] = "", port[200] = "", slug[64], one[64];
	struct me_rule *rule;

	for (unsigned int n = 1 + below(random, 4); n; n--) {
		random_to(random, one, sizeof(one));
		snprintf(to + strlen(to), sizeof(to) - strlen(to), " %s", one);
	}
	for (unsigned int n = 1 + below(random, 3); n; n--)
		snprintf(port + strlen(port), sizeof(port) - strlen(port), " %s",
			 PICK(random, ports));
	snprintf(slug, sizeof(slug), "%s/%u", PICK(random, services), i);
	rule = hand_rule(hand, slug, to, port);
	rule->from_profile = below(random, 2);
	rule->retired = below(random, 4) == 0;
	rule->until_ns = below(random, 6) ? 0 : 900 + below(random, 3) * 100;
}

static void random_policy(struct hand *hand, uint64_t *random)
{
	hand_start(hand);
	hand->environment.now_epoch_ns = 1000;
	if (below(random, 2))
		hand_resolvers(hand, "192.0.2.2 2001:db8::2");
	if (below(random, 2))
		hand_peers(hand, "10.0.0.2 1.1.1.1");
	if (below(random, 2))
		hand_remoting(hand, "tcp/9093 udp/9000-9100");
	if (below(random, 3))
		hand_proxy(hand, below(random, 2) ? "192.0.2.3" : "b.example.com");
	for (unsigned int i = 0, n = below(random, 14); i < n; i++)
		random_rule(hand, random, i);
	assert_int_equal(hand_compile(hand), 0);
}

static struct me_facts random_facts(uint64_t *random)
{
	struct me_facts facts = {
		.dst = parse(PICK(random, addresses)),
		.proto = PICK(random, protos),
	};

	if (below(random, 3) == 0)
		facts.dst.byte[15 - below(random, 4)] ^= 1u << below(random, 8);
	if (below(random, 20) == 0)
		facts.dst.byte[below(random, 12)] ^= 1u << below(random, 8);
	if (me_proto_has_ports(facts.proto))
		facts.dport = PICK(random, dports);
	if (below(random, 8) == 0)
		facts.flags |= ME_FACT_OWN;
	if (below(random, 30) == 0)
		facts.flags |= ME_FACT_UNPARSABLE;
	if (below(random, 30) == 0)
		facts.flags |= ME_FACT_OWN_UNKNOWN;
	return facts;
}

static void compare(const struct hand *hand, const struct me_facts *facts,
		    const struct reference_name *names, size_t n, unsigned int policy)
{
	struct me_learned_endpoint learned[ME_ARRAY_SIZE(hosts) * 64];
	struct reference_verdict want =
		reference_judge(&hand->policy, hand->environment.now_epoch_ns, facts, names, n);
	struct me_judgement got = hand_judge(hand, facts, learned, learn(hand, names, n, learned));
	char dst[ME_INET_LEN];

	if (got.verdict == want.verdict && got.reason == want.reason &&
	    got.evidence == want.evidence &&
	    strcmp(text_of(hand, ME_ID_RULE, got.rule), want.rule ? want.rule->slug : "") == 0 &&
	    strcmp(text_of(hand, ME_ID_ENDPOINT, got.endpoint),
		   want.endpoint ? want.endpoint : "") == 0 &&
	    strcmp(text_of(hand, ME_ID_SERVICE, got.service), want.service) == 0 &&
	    !(got.flags & ME_ENTRY_RETIRED) == !(want.rule && want.rule->retired))
		return;
	me_inet_format(facts->dst.byte, dst);
	fail_msg(
		"policy %u, %s port %u proto %u flags %u: %s %s %s rule %s endpoint %s service %s, "
		"expected %s %s %s rule %s endpoint %s service %s",
		policy, dst, facts->dport, facts->proto, facts->flags,
		me_verdict_label(got.verdict), me_reason_label(got.reason),
		me_evidence_label(got.evidence), text_of(hand, ME_ID_RULE, got.rule),
		text_of(hand, ME_ID_ENDPOINT, got.endpoint),
		text_of(hand, ME_ID_SERVICE, got.service), me_verdict_label(want.verdict),
		me_reason_label(want.reason), me_evidence_label(want.evidence),
		want.rule ? want.rule->slug : "", want.endpoint ? want.endpoint : "", want.service);
}

static void test_reference(void **state)
{
	uint64_t random = me_seed();

	(void)state;
	for (unsigned int policy = 0; policy < 400; policy++) {
		struct hand hand;

		random_policy(&hand, &random);
		for (unsigned int i = 0; i < 2000; i++) {
			struct me_facts facts = random_facts(&random);
			struct reference_name names[3];
			size_t n = below(&random, 4);

			for (size_t k = 0; k < n; k++)
				names[k] = (struct reference_name){
					.name = PICK(&random, hosts),
					.evidence = below(&random, 2) ? ME_EVIDENCE_LEARNED
								      : ME_EVIDENCE_STALE,
				};
			compare(&hand, &facts, names, n, policy);
		}
		hand_free(&hand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),           cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_unknown_learned), cmocka_unit_test(test_entry_flags),
		cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
