/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs in the kernel and the same compiled for the host: random frames through both, by the same
 * policies, and between them whatever the daemon runs, leave the same flows, counters, names and records.
 */
#include "both.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../packets.h"
#include "../seed.h"
#include "base/clock.h"
#include "selftest/dns_build.h"
#include "policy/compile.h"
#include "policy/registry.h"
#include "replay/program.h"
#include "transit_packet.h"

#define FRAMES 16000
#define LOOK 2000   /* frames between two comparisons */
#define FLOWS 16384 /* beyond the table flows are remembered by LRUs, which differ */
#define ETHERNET 14

#define WATCHED                                                                                    \
	"version: 1\n"                                                                             \
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, \"2001:db8::10\",\n"                      \
	"        {mac: \"02:00:00:00:00:77\"}]}\n"
#define RULES                                                                                      \
	"  - {service: web, name: www, to: [www.example.org, \"*.cdn.example.org\"],\n"            \
	"     ports: [tcp/443, tcp/80]}\n"                                                         \
	"  - {service: net, name: nets, to: [198.51.100.0/24, 198.51.100.128/25],\n"               \
	"     ports: [tcp/25, udp/123]}\n"                                                         \
	"  - {service: six, name: six, to: \"2001:db8:1::/48\", ports: tcp/443}\n"

static const char *const policies[] = {
	WATCHED
	"resolvers: [192.0.2.53]\n"
	"remoting: {ports: [tcp/9093]}\n"
	"allow:\n" RULES
	"  - {service: files, name: ftp, to: 203.0.113.1, ports: tcp/21, passive: announced}\n",
	/* names are not believed without an answer; a proxy, a peer, who asks anybody */
	WATCHED "resolvers: {recursive: {exe: /usr/sbin/unbound}}\n"
		"strict_names: true\n"
		"proxy: 203.0.113.2:40000\n"
		"peers: [203.0.113.1]\n"
		"remoting: {ports: [tcp/9093]}\n"
		"allow:\n" RULES "  - {service: peers, name: sync, to: peers, ports: tcp/9093}\n"
		"  - {service: files, name: ftp, to: 203.0.113.1, ports: tcp/21, passive: any}\n",
	/* everything goes somewhere, and nothing of it by a name */
	WATCHED "resolvers: [192.0.2.53, 198.51.100.53]\n"
		"allow:\n"
		"  - {service: smtp, name: out, to: any, ports: [tcp/25, tcp/1-19]}\n"
		"  - {service: files, name: ftp, to: any, ports: tcp/21, passive: documented}\n"
		"  - {service: ask, name: ask, to: resolvers, ports: [udp/53, tcp/53]}\n"
		"  - {service: ping, name: ping, to: any, ports: [icmp, icmp6, proto/47]}\n",
};

static const char *const hosts[] = {"192.0.2.10", "192.0.2.10", "192.0.2.10", "192.0.2.20",
				    "192.0.2.53"};
static const char *const peers[] = {"203.0.113.1",    "203.0.113.2", "198.51.100.7",
				    "198.51.100.200", "192.0.2.53",  "198.51.100.53",
				    "255.255.255.255"};
static const char *const hosts6[] = {"2001:db8::10", "2001:db8::10", "2001:db8::20"};
static const char *const peers6[] = {"2001:db8:1::1", "2001:db8:2::1"};
static const char *const names[] = {"www.example.org", "a.cdn.example.org", "b.c.cdn.example.org",
				    "other.example.com"};
static const uint16_t ports[] = {21, 25, 53, 53, 53, 80, 123, 443, 9093, 20, 40000, 40001};
static const char *const lines[] = {
	"227 Entering Passive Mode (203,0,113,1,156,64).\r\n",
	"227 Entering Passive Mode (203,0,113,9,156,64).\r\n",
	"229 Entering Extended Passive Mode (|||40001|)\r\n",
	"PORT 192,0,2,10,156,64\r\n",
	"AUTH TLS\r\n",
	"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
	"CONNECT www.example.org:443 HTTP/1.1\r\n\r\n",
	"HTTP/1.1 404 Not Found\r\n\r\n",
	"\x15\x03\x03\x00\x02\x02\x28",
};

static uint32_t below(struct both *both, uint32_t n)
{
	return me_seed_next(&both->random) % n;
}

#define ONE_OF(both, list) (list)[below(both, sizeof(list) / sizeof(*(list)))]

/* --- Frames ------------------------------------------------------------------------------------- */

static void fill_dns(struct both *both, struct me_dns_build *build, struct transit_packet *p,
		     bool sent)
{
	char address[32];

	snprintf(address, sizeof(address), "203.0.113.%u", 1 + below(both, 4));
	me_dns_build(build, below(both, 4), sent ? 0x0100 : ME_DNS_BUILD_ANSWER,
		     ONE_OF(both, names), ME_DNS_A);
	if (!sent && below(both, 4) == 0)
		me_dns_build_cname(build, NULL, ONE_OF(both, names), 60);
	else if (!sent)
		me_dns_build_address(build, NULL, address, 300);
	p->payload = build->data;
	p->size = build->length;
}

static struct transit_packet random_packet(struct both *both, struct me_dns_build *build, bool sent)
{
	static const uint8_t flags[] = {2, 2, 0x12, 0x10, 0x18, 0x11, 4, 0x14, 0, 0x29};
	static const uint8_t protos[] = {6, 6, 6, 6, 17, 17, 17, 1, 132, 47, 50, 2};
	bool v6 = below(both, 4) == 0;
	const char *host = v6 ? ONE_OF(both, hosts6) : ONE_OF(both, hosts);
	const char *peer = v6 ? ONE_OF(both, peers6) : ONE_OF(both, peers);
	uint16_t near = 50000 + below(both, 12), far = ONE_OF(both, ports);
	struct transit_packet p = {.src = sent ? host : peer,
				   .dst = sent ? peer : host,
				   .proto = ONE_OF(both, protos),
				   .sport = sent ? near : far,
				   .dport = sent ? far : near,
				   .flags = ONE_OF(both, flags),
				   .seq = below(both, 4) * 100,
				   .ack = below(both, 4) * 100,
				   .type = ONE_OF(both, ((const uint8_t[]){0, 3, 8, 11})),
				   .size = below(both, 3) * 100};
	const char *line = ONE_OF(both, lines);

	if (p.proto == 1 && v6)
		p.proto = 58;
	if (far == 53 && p.proto == 17) {
		p.sport = sent ? 50000 : 53;
		p.dport = sent ? 53 : 50000;
		fill_dns(both, build, &p, sent);
	} else if (p.size) {
		p.payload = below(both, 2) ? line : NULL;
		p.size = p.payload ? strlen(line) : p.size;
	}
	if (below(both, 12) == 0) {
		p.identity = 1 + below(both, 3);
		p.place = below(both, 2) * 4;
		p.more = below(both, 2);
	}
	return p;
}

/* A frame of it: behind VLAN tags, cut, damaged, under other addresses of the link. */
static size_t random_frame(struct both *both, bool sent, uint8_t *frame, size_t room)
{
	uint8_t bytes[TRANSIT_PACKET_MAX];
	struct me_dns_build build = {};
	struct transit_packet p = random_packet(both, &build, sent);
	size_t tags = below(both, 8) ? 0 : below(both, 4), size = transit_packet_build(&p, bytes);
	uint8_t *host = frame + (sent ? 6 : 0), *router = frame + (sent ? 0 : 6);

	if (below(both, 10) == 0)
		size = below(both, size + 1);
	if (below(both, 10) == 0 && size)
		bytes[below(both, size < 60 ? size : 60)] ^= 1 << below(both, 8);
	size = packets_frame(tags, strchr(p.src, ':') != NULL, bytes, size, frame, room);
	memcpy(host, (uint8_t[]){2, 0, 0, 0, 0, below(both, 20) ? 0x10 : 0x77}, 6);
	memcpy(router, (uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
	if (below(both, 40) == 0)
		memset(frame, 0xff, 6);
	if (below(both, 60) == 0)
		frame[12] = below(both, 256);
	return size;
}

static void pass(struct both *both, bool sent, const uint8_t *frame, size_t size)
{
	const struct me_program_packet packet = {
		.bytes = frame,
		.have = size,
		.length = size,
		.protocol = frame[12] << 8 | frame[13],
		.ethernet = true,
		.sent = sent,
		.broadcast = !memcmp(frame, (uint8_t[]){255, 255, 255, 255, 255, 255}, 6),
	};

	both_pass(both, frame, size, &packet);
}

/* --- What the daemon runs ------------------------------------------------------------------------ */

static uint32_t random_endpoint(struct both *both)
{
	return 1 + below(both, me_registry_count(both->kernel->registry, ME_ID_ENDPOINT) - 1);
}

/* A verdict as the daemon would find one. */
static void random_verdict(struct both *both, struct me_settle *settle)
{
	static const uint8_t verdicts[] = {ME_ALLOWED, ME_VIOLATION, ME_UNRESOLVED};

	settle->state.verdict = ONE_OF(both, verdicts);
	settle->generation = both->kernel->image->head->generation;
	settle->service = below(both, 3);
	if (settle->state.verdict == ME_VIOLATION)
		settle->state.reason = 1 + below(both, ME_REASON_COUNT - 1);
	if (settle->state.verdict != ME_ALLOWED)
		return;
	settle->state.evidence = below(both, ME_EVIDENCE_COUNT);
	settle->endpoint = random_endpoint(both);
	settle->rule = 1;
	settle->flags = below(both, 2) ? ME_SETTLE_BYPASSED : 0;
}

struct choice {
	struct both *both;
	uint32_t one_of; /* so many */
};

/* A flow of the kernel's table and its twin: settled, ended, or taken out. Those set aside have no twin. */
static int touch(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	const struct choice *choice = userdata;
	struct both *both = choice->both;
	struct me_settle settle = {.key = *key, .id = flow->id, .now_ns = flow->last_ns}, twin;
	const struct me_flow *there;
	struct me_take take = {.key = *key};

	if (key->earlier || below(both, choice->one_of))
		return 0;
	there = me_map_lookup(both->host.me_flows, key);
	assert_non_null(there);
	if (below(both, 3) == 0) {
		take.id = there->id;
		me_take(&take);
		assert_int_equal(me_kernel_flow_take(both->kernel->kernel, key, flow->id, NULL),
				 take.result);
		both->taken += !take.result;
		return 0;
	}
	settle.what = below(both, 3) ? ME_SETTLE_VERDICT : ME_SETTLE_END;
	random_verdict(both, &settle);
	twin = settle;
	twin.id = there->id;
	me_settle(&twin);
	assert_int_equal(me_kernel_settle(both->kernel->kernel, &settle), twin.result);
	both->settled += !twin.result;
	return 0;
}

static struct me_addr ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t bytes[] = {a, b, c, d};
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return me_addr_v4(word);
}

static void learn_and_forget(struct both *both)
{
	uint64_t now_ns = me_clock_now(CLOCK_MONOTONIC);

	for (int i = 0; i < 30; i++) {
		struct me_addr address = ipv4(203, 0, 113, below(both, 8));
		struct me_learn learn = {.address = address,
					 .endpoint = random_endpoint(both),
					 .expires_ns = now_ns + below(both, 60) * ME_NS_PER_S};
		struct me_forget forget = {.address = address,
					   .now_ns = now_ns + below(both, 400) * ME_NS_PER_S};
		struct me_learn learn_twin;
		struct me_forget forget_twin = forget;

		learn.stale_ns = learn.expires_ns + 60 * ME_NS_PER_S;
		learn_twin = learn;
		assert_int_equal(me_kernel_learn(both->kernel->kernel, &learn), 0);
		me_learn_one(&learn_twin);
		assert_int_equal(learn.result, learn_twin.result);
		both->learned += learn.result == ME_REFUSED_COUNT;
		if (below(both, 2))
			continue;
		assert_int_equal(me_kernel_forget(both->kernel->kernel, &forget), 0);
		me_forget_one(&forget_twin);
		assert_int_equal(forget.result, forget_twin.result);
		both->freed += !forget.result;
	}
}

static void run_the_rest(struct both *both)
{
	struct choice choice = {.both = both, .one_of = 20};

	assert_int_equal(me_kernel_flows_each(both->kernel->kernel, touch, &choice), 0);
	both_compare_records(both, false);
	learn_and_forget(both);
	assert_int_equal(me_kernel_sync_passing(both->kernel->kernel), 0);
	me_sync_passing(NULL);
	both_expire_fragments(both);
}

/* --- The test ----------------------------------------------------------------------------------- */

static void kernel_and_host_see_the_same(void **state)
{
	struct both *both = both_begin(*state, FLOWS);
	uint8_t frame[PACKETS_FRAME_MAX + TRANSIT_PACKET_MAX];

	both->random = me_seed();
	for (unsigned int i = 1; i <= FRAMES; i++) {
		bool sent = below(both, 2);
		size_t size = random_frame(both, sent, frame, sizeof(frame));

		pass(both, sent, frame, size);
		if (i % 200 == 0)
			both_compare_records(both, false);
		if (i % LOOK == 0) {
			run_the_rest(both);
			both_compare(both);
		}
	}
	printf("# %" PRIu64 " frames, %" PRIu64 " too short for this kernel, %zu flows\n",
	       both->frames, both->refused, me_map_count(both->host.me_flows));
	printf("# %" PRIu64 " settled, %" PRIu64 " taken out, %" PRIu64 " learned, %" PRIu64
	       " freed, %" PRIu64 " fragments judged\n",
	       both->settled, both->taken, both->learned, both->freed, both->orphans);
	assert_true(both->frames > both->refused);
	assert_true(both->settled && both->taken && both->learned && both->freed);
	assert_true(both->orphans);
	both_end(&both);
}

static int begin(void **state)
{
	*state = transit_begin("same", *state, FLOWS);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[sizeof(policies) / sizeof(*policies)];

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++)
		tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate_setup_teardown(
			kernel_and_host_see_the_same, begin, end, (void *)policies[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
