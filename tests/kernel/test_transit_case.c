/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel = host for packets: every combination of headers, cut off anywhere, with and without VLAN
 * tags, both ways through the programs, leaves the flow, the counters and the verdict that the same
 * headers compiled here say. Nothing that cannot be read is allowed.
 */
#include "transit.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../packets.h"
#include "../seed.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "transit_same.h"

#define ETHERNET 14
#define SUMMED 64 /* packets after which the counters are looked at */
#define RANDOM_POLICIES 12
#define RANDOM_CASES 400 /* of each */

struct fixture {
	struct transit *transit;
	struct transit_same same;
	uint64_t random;
};

/* Both ends of the corpus's packets are mail hosts, and everything between them is allowed. */
static const char everything[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, 192.0.2.20, \"2001:db8::a\",\n"
	"    \"2001:db8::14\", {mac: \"02:00:00:00:00:10\"}]}\n"
	"resolvers: [192.0.2.53]\n"
	"allow:\n"
	"  - {service: all, name: all, to: [192.0.2.0/24, \"2001:db8::/64\"],\n"
	"     ports: [tcp/*, udp/*, udplite/*, sctp/*, icmp, icmp6, proto/2, proto/4, proto/41,\n"
	"         proto/47, proto/50, proto/59, proto/255]}\n";

/* How it is cut off: it ends there, it says so too, or it only says so. */
enum cut { CUT, SHORTENED, PADDED, CUTS };

/* Whether the first `n` bytes of the packet say whose flow it is, by the way that it was built. */
static bool is_readable(const struct packets_expected *e, enum cut cut, size_t n, size_t size)
{
	struct packets_expected part;

	if (cut == CUT)
		packets_cut(e, n, size, &part);
	else
		packets_shortened(e, n, cut == PADDED, &part);
	return part.why == ME_UNPARSED_COUNT && !(part.packet.flags & ME_PACKET_LATER);
}

/* Half of the connections are only opened. */
static void make_syn(const struct packets_expected *e, bool syn, uint8_t *packet)
{
	if (e->packet.proto == IPPROTO_TCP && !(e->packet.flags & ME_PACKET_LATER))
		packet[e->needs - ME_PACKET_TCP + 13] = syn ? ME_TCP_SYN : ME_TCP_ACK | ME_TCP_FIN;
}

/* One packet, cut off at every byte in one way or another. */
static void cut_off(struct fixture *f, size_t index)
{
	uint8_t packet[PACKETS_MAX], frame[PACKETS_FRAME_MAX];
	struct packets_expected e;
	size_t size = packets_build(index, packet, sizeof(packet), &e);

	for (size_t n = 0; n <= size; n++) {
		uint64_t any = index << 16 | n, mixed = me_seed_next(&any);
		unsigned int tags = mixed / 2 % (PACKETS_TAGS_MAX + 1);
		enum cut cut = mixed / 64 % CUTS;
		enum me_verdict verdict;
		size_t there;

		/* Shorter it would be another packet, and IPv6 of no length has no end. */
		if (cut == CUT || n < e.header + e.v6)
			cut = CUT;
		else
			packets_shorten(packet, e.v6, n);
		make_syn(&e, mixed / 1024 % 2, packet);
		there = packets_frame(tags, e.v6, packet, cut == PADDED ? size : n, frame,
				      sizeof(frame));
		verdict = transit_same_run(&f->same, mixed % 2, frame, there);
		packets_shorten(packet, e.v6, size);
		if (verdict != ME_ALLOWED)
			continue;
		assert_true(tags <= ME_PACKET_TAGS_MAX);
		assert_true(is_readable(&e, cut, n, size));
	}
}

static void every_packet_cut_off_anywhere(void **state)
{
	struct fixture *f = *state;
	char name[PACKETS_NAME_MAX];

	transit_policy(f->transit, everything);
	transit_same_begin(&f->same, f->transit);
	for (size_t i = 0; i < packets_count(); i++) {
		cut_off(f, i);
		packets_name(i, name);
		if (i % SUMMED == 0 && !transit_same_sums(&f->same))
			fail_msg("%s, or one of those before it", name);
	}
	assert_true(transit_same_sums(&f->same));
	transit_same_report(&f->same);
}

/* --- At random ----------------------------------------------------------------------------------- */

static uint32_t below(struct fixture *f, uint32_t bound)
{
	return me_seed_next(&f->random) % bound;
}

#define ANY(f, list) ((list)[below(f, ME_ARRAY_SIZE(list))])

static void random_policy(struct fixture *f, struct me_strbuf *yaml)
{
	static const char *const hosts[] = {"192.0.2.10",
					    "192.0.2.0/28",
					    "192.0.2.20",
					    "0.0.0.0/0",
					    "\"2001:db8::/64\"",
					    "\"2001:db8::a\"",
					    "{mac: \"02:00:00:00:00:10\"}",
					    "{mac: \"02:00:00:00:00:01\"}"};
	static const char *const resolvers[] = {"[192.0.2.20]", "[198.51.100.1]",
						"{recursive: {cgroup: /dns}}"};
	static const char *const to[] = {
		"any",       "192.0.2.20", "192.0.2.0/24", "\"2001:db8::14\"", "\"2001:db8::/32\"",
		"resolvers", "peers",      "a.example",    "\"**.b.example\""};
	static const char *const ports[] = {"tcp/53",   "udp/53",   "tcp/1-65535", "udp/*",
					    "icmp",     "icmp6",    "sctp/53",     "udplite/*",
					    "proto/47", "tcp/9095", "tcp/443",     "proto/59"};
	uint32_t first = below(f, ME_ARRAY_SIZE(hosts));

	me_strbuf_addf(yaml, "version: 1\nwatch: {interfaces: [lan0], hosts: [%s, %s]}\n",
		       hosts[first], hosts[(first + 1 + below(f, 7)) % ME_ARRAY_SIZE(hosts)]);
	me_strbuf_addf(yaml,
		       "resolvers: %s\npeers: [192.0.2.20]\n"
		       "remoting: {ports: [tcp/9093, tcp/9095]}\nallow:\n",
		       ANY(f, resolvers));
	for (uint32_t i = 0, rules = 1 + below(f, 4); i < rules; i++)
		me_strbuf_addf(yaml, "  - {service: s%u, name: r%u, to: %s, ports: %s}\n",
			       below(f, 3), i, ANY(f, to), ANY(f, ports));
	assert_int_equal(yaml->err, 0);
}

/* Any packet, in a frame of any kind, changed and cut off anywhere. How many bytes it has. */
static size_t random_frame(struct fixture *f, uint8_t *frame, size_t room)
{
	static const uint16_t ports[] = {53, 443, 80, 25, 9093, 9095, 61000, 40001};
	uint8_t packet[PACKETS_MAX];
	struct packets_expected e;
	size_t n = packets_build(below(f, (uint32_t)packets_count()), packet, sizeof(packet), &e);

	make_syn(&e, below(f, 2), packet);
	if (me_proto_has_ports(e.packet.proto) && e.why == ME_UNPARSED_COUNT &&
	    !(e.packet.flags & ME_PACKET_LATER)) {
		size_t at = e.needs - (e.packet.proto == IPPROTO_TCP    ? ME_PACKET_TCP
				       : e.packet.proto == IPPROTO_SCTP ? 12
									: ME_PACKET_UDP);

		packets_set16(packet + at, ANY(f, ports));
		packets_set16(packet + at + 2, ANY(f, ports));
	}
	n = packets_frame(below(f, 4) ? 0 : below(f, PACKETS_TAGS_MAX + 1), e.v6, packet, n, frame,
			  room);
	if (!below(f, 8))
		memset(frame, 0xff, 6); /* to everybody */
	for (uint32_t i = below(f, 4); i > 0; i--)
		frame[below(f, (uint32_t)n)] ^= 1u << below(f, 8);
	return below(f, 4) ? n : ETHERNET + below(f, (uint32_t)n - ETHERNET + 1);
}

static void any_packet_under_any_policy(void **state)
{
	uint8_t frame[PACKETS_FRAME_MAX];
	struct fixture *f = *state;

	f->random = me_seed();
	for (int p = 0; p < RANDOM_POLICIES; p++) {
		_cleanup_strbuf_ struct me_strbuf yaml = {};

		random_policy(f, &yaml);
		transit_policy(f->transit, yaml.data);
		transit_same_begin(&f->same, f->transit);
		for (int i = 0; i < RANDOM_CASES; i++) {
			size_t n = random_frame(f, frame, sizeof(frame));

			transit_same_run(&f->same, below(f, 2), frame, n);
		}
		if (!transit_same_sums(&f->same))
			fail_msg("with the policy\n%s", yaml.data);
	}
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->transit = transit_begin("transit-case", everything, 16);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	transit_same_end(&f->same);
	transit_end(&f->transit);
	free(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_cut_off_anywhere),
		cmocka_unit_test(any_packet_under_any_policy),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
