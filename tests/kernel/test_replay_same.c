/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs in the kernel and the same compiled for the host: random frames through both, by the same
 * policy, leave the same flows, counters, names and records.
 */
#include "transit.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../packets.h"
#include "../seed.h"
#include "base/clock.h"
#include "dns_build.h"
#include "policy/compile.h"
#include "replay/program.h"
#include "transit_packet.h"

#define FRAMES 40000
#define LOOK 2000   /* frames between two comparisons */
#define FLOWS 16384 /* beyond the table flows are remembered by LRUs, which differ */
#define ETHERNET 14
#define MESSAGES 1024

static const char policy[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, \"2001:db8::10\",\n"
	"        {mac: \"02:00:00:00:00:77\"}]}\n"
	"resolvers: [192.0.2.53]\n"
	"remoting: {ports: [tcp/9093]}\n"
	"allow:\n"
	"  - {service: web, name: www, to: [www.example.org, \"*.cdn.example.org\"],\n"
	"     ports: [tcp/443, tcp/80]}\n"
	"  - {service: files, name: ftp, to: 203.0.113.1, ports: tcp/21, passive: announced}\n"
	"  - {service: net, name: nets, to: [198.51.100.0/24, 198.51.100.128/25],\n"
	"     ports: [tcp/25, udp/123]}\n"
	"  - {service: six, name: six, to: \"2001:db8:1::/48\", ports: tcp/443}\n";

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
};

struct both {
	struct transit *kernel;
	struct me_program_maps host;
	uint64_t random;
	uint64_t frames, refused;   /* by this kernel: too short for it */
	char message[MESSAGES][64]; /* records of the host: what of them has to be the same */
	size_t n;
};

static uint32_t below(struct both *both, uint32_t n)
{
	return me_seed_next(&both->random) % n;
}

#define ONE_OF(both, list) (list)[below(both, sizeof(list) / sizeof(*(list)))]

/* --- Frames ------------------------------------------------------------------------------------- */

static void fill_dns(struct both *both, struct dns_build *build, struct transit_packet *p,
		     bool sent)
{
	char address[32];

	snprintf(address, sizeof(address), "203.0.113.%u", 1 + below(both, 4));
	dns_begin(build, below(both, 4), sent ? 0x0100 : BUILD_ANSWER, ONE_OF(both, names),
		  ME_DNS_A);
	if (!sent && below(both, 4) == 0)
		dns_cname(build, NULL, ONE_OF(both, names), 60);
	else if (!sent)
		dns_address(build, NULL, address, 300);
	p->payload = build->data;
	p->size = build->length;
}

static struct transit_packet random_packet(struct both *both, struct dns_build *build, bool sent)
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
	struct dns_build build = {};
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
		.interface = both->kernel->interface,
	};

	if (transit_run(both->kernel, sent, frame, size)) {
		both->refused++;
		return;
	}
	me_program_time(me_clock_now(CLOCK_MONOTONIC));
	me_program_packet(&packet);
	both->frames++;
}

/* --- What is the same --------------------------------------------------------------------------- */

/* Times and ids are each side's own. */
static void strip(struct me_flow *flow)
{
	flow->id = flow->first_ns = flow->last_ns = flow->seen_ns = 0;
	flow->wire.syn_ns = flow->wire.gap_ns = 0;
	flow->closed_ns = !!flow->closed_ns;
}

static int look_at_flow(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct both *both = userdata;
	const struct me_flow *found;
	struct me_flow here = *flow, there;
	struct me_flow_key moved = *key;

	/* What tells flows that were set aside apart is of their ids. */
	if (key->earlier)
		return 0;
	found = me_map_lookup(both->host.me_flows, &moved);
	assert_non_null(found);
	there = *found;
	strip(&here);
	strip(&there);
	assert_memory_equal(&here, &there, sizeof(here));
	return 0;
}

static void compare(struct both *both)
{
	const uint32_t zero = 0;
	uint64_t totals[ME_TOTALS_ALL], dns[ME_DNS_COUNTS];

	assert_int_equal(me_kernel_flows_each(both->kernel->kernel, look_at_flow, both), 0);
	assert_int_equal(transit_entries(both->kernel, "me_flows"),
			 me_map_count(both->host.me_flows));
	assert_int_equal(transit_entries(both->kernel, "me_learned"),
			 me_map_count(both->host.me_learned));
	assert_int_equal(transit_entries(both->kernel, "me_queries"),
			 me_map_count(both->host.me_queries));
	assert_int_equal(transit_entries(both->kernel, "me_aliases"),
			 me_map_count(both->host.me_aliases));
	assert_int_equal(transit_entries(both->kernel, "me_fragments"),
			 me_map_count(both->host.me_fragments));
	assert_int_equal(transit_entries(both->kernel, "me_host_table"),
			 me_map_count(both->host.me_host_table));
	assert_int_equal(transit_entries(both->kernel, "me_ftp_announced"),
			 me_map_count(both->host.me_ftp_announced));
	assert_int_equal(me_kernel_counters(both->kernel->kernel, ME_SERVICES_MAX,
					    both->kernel->cells, totals),
			 0);
	assert_memory_equal(both->kernel->cells, me_map_lookup(both->host.me_cells, &zero),
			    ME_CELL_COUNT * sizeof(uint64_t));
	assert_memory_equal(totals, me_map_lookup(both->host.me_totals, &zero), sizeof(totals));
	assert_int_equal(me_kernel_dns(both->kernel->kernel, dns), 0);
	assert_memory_equal(dns, me_map_lookup(both->host.me_dns_counts, &zero), sizeof(dns));
}

/* A record without its times and ids, as text. */
static void describe(const void *data, char out[64])
{
	const struct me_record *record = data;
	const struct me_payload *payload = data;

	if (record->kind < ME_RECORD_ANSWER)
		snprintf(out, 64, "%u %u %u %u %u>%u %08x", record->kind, record->what,
			 record->key.proto, record->flow.direction, record->key.sport,
			 record->key.port, record->flow.state.word);
	else
		snprintf(out, 64, "%u %u %u>%u %u", payload->kind, payload->flags,
			 payload->key.sport, payload->key.port, payload->length);
}

static int keep(void *userdata, void *data, size_t size)
{
	struct both *both = userdata;

	if (both->n < MESSAGES)
		describe(data, both->message[both->n]);
	both->n++;
	return 0;
}

struct told {
	struct both *both;
	size_t n;
};

static int is_same(struct told *told, const void *data)
{
	char text[64];

	describe(data, text);
	if (told->n < MESSAGES && told->n < told->both->n)
		assert_string_equal(text, told->both->message[told->n]);
	told->n++;
	return 0;
}

static int same_record(const struct me_record *record, void *userdata)
{
	return is_same(userdata, record);
}

static int same_payload(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	return is_same(userdata, head);
}

static void compare_records(struct both *both)
{
	struct told told = {.both = both};

	both->n = 0;
	assert_true(me_map_consume(both->host.me_ring, keep, both) >= 0);
	assert_true(me_kernel_ring(both->kernel->kernel, same_record, same_payload, &told) >= 0);
	assert_int_equal(told.n, both->n);
}

/* --- The test ----------------------------------------------------------------------------------- */

static void kernel_and_host_see_the_same(void **state)
{
	const struct me_program_sizes sizes = {.flows = FLOWS, .endpoints = 256, .learned = 256};
	struct both *both = calloc(1, sizeof(*both));
	uint8_t frame[PACKETS_FRAME_MAX + TRANSIT_PACKET_MAX];

	assert_non_null(both);
	both->random = me_seed();
	both->kernel = *state;
	assert_int_equal(me_program_open(&sizes, &both->host), 0);
	assert_int_equal(me_program_policy(&both->host, both->kernel->image), 0);
	for (unsigned int i = 1; i <= FRAMES; i++) {
		bool sent = below(both, 2);
		size_t size = random_frame(both, sent, frame, sizeof(frame));

		pass(both, sent, frame, size);
		if (i % 200 == 0)
			compare_records(both);
		if (i % LOOK == 0)
			compare(both);
	}
	printf("# %" PRIu64 " frames, %" PRIu64 " too short for this kernel, %zu flows\n",
	       both->frames, both->refused, me_map_count(both->host.me_flows));
	assert_true(both->frames > both->refused);
	me_program_close(&both->host);
	free(both);
}

static int begin(void **state)
{
	*state = transit_begin("same", policy, FLOWS);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_and_host_see_the_same),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
