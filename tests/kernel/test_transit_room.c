/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More flows than the table has room for, and two CPUs at once: details are bounded, sums are exact.
 */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include "../packets.h"
#include "transit_packet.h"

#define HOST "192.0.2.10"
#define GOOD "203.0.113.1"
#define BAD "198.51.100.1"
#define ETHERNET 14

#define ROOM 100000u
#define MANY 1000000u
#define BEHIND 1000u  /* flows later each comes once more */
#define DRAINED 4096u /* flows after which the ring is read */
#define AT_ONCE 20000u
#define LATE_MAX 20u

static const char policy[] = "version: 1\n"
			     "watch: {interfaces: [lan0], hosts: [" HOST "]}\n"
			     "limits: {flows: 100000}\n"
			     "allow:\n"
			     "  - {service: good, name: hosts, to: 203.0.112.0/20,\n"
			     "     ports: [tcp/22, udp/123]}\n"
			     "  - {service: web, name: www, to: www.example.org, ports: tcp/443}\n";

/* --- Many packets --------------------------------------------------------------------------------- */

/* Packets that differ in their ports and sequence numbers, to two peers by turns. */
struct many {
	struct transit *transit;
	uint8_t frame[2][ETHERNET + TRANSIT_PACKET_MAX];
	size_t size;
	bool tcp;
};

static void many_begin(struct many *many, struct transit *transit, uint8_t proto, uint8_t flags,
		       size_t payload)
{
	uint8_t packet[TRANSIT_PACKET_MAX];

	many->transit = transit;
	many->tcp = proto == IPPROTO_TCP;
	for (int i = 0; i < 2; i++) {
		struct transit_packet p = {.src = HOST,
					   .dst = i ? BAD : GOOD,
					   .proto = proto,
					   .dport = many->tcp ? 22 : 123,
					   .flags = flags,
					   .size = payload};

		many->size = packets_frame(0, false, packet, transit_packet_build(&p, packet),
					   many->frame[i], sizeof(many->frame[i]));
	}
}

/* The packet of the flow number `i` passes. */
static void many_pass(struct many *many, uint32_t i)
{
	uint8_t *frame = many->frame[i % 2], *ip = frame + ETHERNET;
	uint32_t n = i / 2;

	/* 64,000 ports, and so many addresses as it takes. */
	packets_set16(ip + 20, 1024 + n % 64000);
	ip[19] = (uint8_t)(1 + n / 64000);
	if (many->tcp)
		packets_set16(ip + 26, n & 0xffff);
	assert_int_equal(transit_run(many->transit, SENT, frame, many->size), 0);
}

/* `n` flows, of each two packets. */
static void many_flows(struct many *many, uint32_t n)
{
	for (uint32_t i = 0; i < n + BEHIND; i++) {
		if (i < n)
			many_pass(many, i);
		if (i >= BEHIND)
			many_pass(many, i - BEHIND);
		if (i % DRAINED == 0)
			transit_ring_count(many->transit);
	}
	transit_ring_count(many->transit);
}

struct sums {
	struct transit *transit;
	uint64_t flows, packets, verdict[ME_VERDICT_COUNT];
	bool forget;
};

static int add(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct sums *sums = userdata;

	sums->flows++;
	sums->packets += flow->packets_sent;
	sums->verdict[flow->state.verdict]++;
	return sums->forget ? me_kernel_flow_take(sums->transit->kernel, key, flow->id, NULL) : 0;
}

static struct sums sum_flows(struct transit *transit, bool forget)
{
	struct sums sums = {.transit = transit, .forget = forget};

	assert_int_equal(me_kernel_flows_each(transit->kernel, add, &sums), 0);
	return sums;
}

/* --- No room -------------------------------------------------------------------------------------- */

static void beyond_the_table(void **state, uint8_t proto, uint8_t flags, uint32_t n)
{
	struct transit *transit = *state;
	struct me_host_counts host;
	struct many many;
	struct sums sums;

	many_begin(&many, transit, proto, flags, 0);
	many_flows(&many, n);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = n / 2, FINAL(STRANGER) = n / 2,
		       TOTAL(FLOW_OVERFLOW) = n - ROOM);
	assert_int_equal(transit->n_records, n / 2);
	host = transit_host(transit, HOST);
	assert_int_equal(host.attempts, n);
	assert_int_equal(host.violations, n / 2);
	sums = sum_flows(transit, true);
	assert_int_equal(sums.flows, ROOM);
	assert_int_equal(sums.packets, 2 * ROOM);
	assert_int_equal(sums.verdict[ME_ALLOWED], ROOM / 2);
	assert_int_equal(sums.verdict[ME_VIOLATION], ROOM / 2);
	/* There is room again. */
	for (uint32_t i = 0; i < BEHIND; i++)
		many_pass(&many, n + i);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = (n + BEHIND) / 2,
		       FINAL(STRANGER) = (n + BEHIND) / 2, TOTAL(FLOW_OVERFLOW) = n - ROOM);
	assert_int_equal(sum_flows(transit, false).flows, BEHIND);
}

static void a_million_connections(void **state)
{
	beyond_the_table(state, IPPROTO_TCP, S, MANY);
}

static void many_datagrams(void **state)
{
	beyond_the_table(state, IPPROTO_UDP, 0, 3 * ROOM / 2);
}

/* The ports of a flow are used again, and there is no room to set it aside. */
static void no_room_to_set_aside(void **state)
{
	struct talk pending = talk_begin(*state, IPPROTO_TCP, HOST, BAD, 443),
		    good = talk_begin(*state, IPPROTO_TCP, HOST, GOOD, 22);
	struct transit *transit = *state;
	struct me_endpoint_counts c;
	struct many many;

	talk_handshake(&good);
	talk_segment(&good, SENT, A, 1, 1, 700);
	talk_segment(&pending, SENT, S, 0, 0, 0);
	assert_int_equal(transit_told(transit, ME_RECORD_PENDING), 1);
	many_begin(&many, transit, IPPROTO_UDP, 0, 0);
	for (uint32_t i = 0; i < ROOM - 2; i++) {
		many_pass(&many, i);
		if (i % DRAINED == 0)
			transit_ring_skip(transit);
	}
	transit_ring_skip(transit);
	talk_again(&good);
	talk_segment(&good, SENT, S, 0, 0, 0);
	talk_again(&pending);
	talk_segment(&pending, SENT, S, 0, 0, 0);
	TALK_EXPECT(&pending, .verdict = ME_PENDING, .reason = ME_REASON_UNLISTED_DESTINATION);
	TALK_EXPECT(&good, .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = ROOM / 2 + 1, FINAL(STRANGER) = ROOM / 2 - 1,
		       OPENED(ME_REASON_UNLISTED_DESTINATION) = 2, VIA(ME_UNRESOLVED) = 1,
		       SHED(ME_REASON_UNLISTED_DESTINATION) = 1);
	assert_int_equal(transit_told(transit, ME_RECORD_RESOLVED), 1);
	assert_int_equal(transit_told(transit, ME_RECORD_PENDING), 1);
	c = transit_endpoint(transit, "good", "good/hosts");
	assert_int_equal(c.attempts, ROOM / 2 + 1);
	assert_int_equal(c.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(c.bytes_sent, 700);
	assert_int_equal(sum_flows(transit, false).flows, ROOM);
}

/* --- Two CPUs ------------------------------------------------------------------------------------- */

struct runner {
	struct many many;
	pthread_barrier_t *start;
};

static void *run(void *userdata)
{
	struct runner *runner = userdata;

	for (uint32_t i = 0; i < AT_ONCE; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(runner->start);
		many_pass(&runner->many, i);
	}
	return NULL;
}

/* The first packets of the same flows pass on two CPUs. */
static void twice_at_once(struct transit *transit, uint8_t proto, uint8_t flags, size_t payload)
{
	struct runner runners[2];
	pthread_barrier_t start;
	pthread_t threads[2];

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int i = 0; i < 2; i++) {
		many_begin(&runners[i].many, transit, proto, flags, payload);
		runners[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&start);
}

static void assert_flows(struct transit *transit, uint64_t flows, uint64_t packets)
{
	struct sums sums = sum_flows(transit, false);

	assert_int_equal(sums.flows, flows);
	assert_int_equal(sums.packets, packets);
}

static void attempts_on_two_cpus(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
	struct transit *transit = *state;

	for (int i = 0; i < 2; i++) {
		twice_at_once(transit, protocols[i], S, 0);
		assert_flows(transit, AT_ONCE, 2 * AT_ONCE);
		TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = AT_ONCE / 2,
			       FINAL(STRANGER) = AT_ONCE / 2);
		assert_int_equal(transit_host(transit, HOST).attempts, AT_ONCE);
		transit_mark(transit);
	}
}

static int end_flow(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	return transit_settle(userdata, key, ME_SETTLE_END, 0, 0);
}

/* And those over the ports of others that are over. */
static void attempts_again_on_two_cpus(void **state)
{
	struct transit *transit = *state;
	struct sums sums;

	twice_at_once(transit, IPPROTO_UDP, 0, 0);
	assert_int_equal(me_kernel_flows_each(transit->kernel, end_flow, transit), 0);
	twice_at_once(transit, IPPROTO_UDP, 0, 0);
	/* What comes while the CPU that moves the flow of before stands still is counted there. */
	sums = sum_flows(transit, false);
	assert_int_equal(sums.flows, 2 * AT_ONCE);
	assert_in_range(sums.packets, 4 * AT_ONCE - LATE_MAX, 4 * AT_ONCE);
	TRANSIT_EXPECT(transit, FINAL(ME_ALLOWED) = AT_ONCE, FINAL(STRANGER) = AT_ONCE);
	assert_int_equal(transit_host(transit, HOST).attempts, 2 * AT_ONCE);
}

static void flows_under_way_on_two_cpus(void **state)
{
	struct transit *transit = *state;

	twice_at_once(transit, IPPROTO_TCP, A, 10);
	assert_flows(transit, AT_ONCE, 2 * AT_ONCE);
	TRANSIT_EXPECT(transit, .total[ME_TOTAL_PREEXISTING(ME_ALLOWED)] = AT_ONCE / 2,
		       .total[ME_TOTAL_PREEXISTING(ME_VIOLATION)] = AT_ONCE / 2);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	*state = transit_begin("transit-room", policy, ROOM);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

static int mark(void **state)
{
	transit_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_million_connections),      TEST(many_datagrams),
		TEST(no_room_to_set_aside),       TEST(attempts_on_two_cpus),
		TEST(attempts_again_on_two_cpus), TEST(flows_under_way_on_two_cpus),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
