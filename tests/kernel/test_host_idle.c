/* SPDX-License-Identifier: GPL-2.0-only */
/* A datagram flow that is idle for limits.udp_idle is forgotten, and no sooner. */
#include "host.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/clock.h"

#define IDLE_NS 2000000000ull /* an emulated machine takes half a second for a new policy */
#define HEADERS 28            /* IPv4 and UDP */

static void assert_sent(const struct host_flow *f, uint64_t packets, uint64_t bytes,
			uint64_t headers)
{
	assert_int_equal(f->flow.packets_sent, packets);
	assert_int_equal(f->flow.bytes_sent, bytes);
	assert_int_equal(f->flow.wire_bytes_sent, bytes + packets * headers);
}

static bool is_idle(void *userdata)
{
	const uint64_t *since = userdata;

	return me_clock_now(CLOCK_MONOTONIC) - *since > IDLE_NS + 50000000;
}

/* Waits until what was sent up to now was sent too long ago. */
static void idle(void)
{
	uint64_t since = me_clock_now(CLOCK_MONOTONIC);

	world_wait(is_idle, &since);
}

/* Idle for too long: the next datagram is another attempt, and its flow begins with nothing. */
static void assert_forgotten(struct host *host, bool connected)
{
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port);
	struct host_flow f, before;

	if (connected)
		assert_int_equal(host_connect(fd, HOST_BAD, port), 0);
	for (int i = 0; i < 4; i++) {
		if (i == 2) {
			before = host_flow(host, HOST_BAD, port);
			idle();
		}
		if (connected)
			host_write(fd, 10);
		else
			host_send(fd, HOST_BAD, port, 10);
	}
	assert_sent(&before, 2, 20, HEADERS);
	f = host_flow(host, HOST_BAD, port);
	assert_sent(&f, 2, 20, HEADERS);
	assert_true(f.flow.id != before.flow.id && f.flow.first_ns > before.flow.last_ns);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 2);
	close(fd);
	close(server);
}

static void an_idle_flow_is_forgotten(void **state)
{
	assert_forgotten(*state, false);
	HOST_EXPECT(*state, FINAL(STRANGER) = 2);
}

static void an_idle_connected_flow_is_forgotten(void **state)
{
	assert_forgotten(*state, true);
	HOST_EXPECT(*state, FINAL(STRANGER) = 2, TOTAL(UDP_PROBES) = 1);
}

/* What the cache had not handed on belongs to the flow that was, also if nobody synced. */
static void an_idle_flow_leaves_nothing_to_the_next(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	struct host_flow f;

	host_send(fd, HOST_GOOD, port, 1000);
	host_send(fd, HOST_GOOD, port, 1000);
	idle();
	host_send(fd, HOST_GOOD, port, 3);
	f = host_flow(host, HOST_GOOD, port);
	assert_sent(&f, 1, 3, HEADERS);
	close(fd);
	close(server);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).bytes_sent, 2003);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 2);
}

/*
 * Sends for longer than that, but never idles, and once more when the policy is of another
 * generation, which voids the cache. Returns how many packets; 0 if the machine was too slow.
 */
static uint64_t keep_busy(struct host *host, int fd, int server, uint16_t port)
{
	uint64_t begin = me_clock_now(CLOCK_MONOTONIC), last = begin, now = begin, packets = 0;
	bool reloaded = false;

	while (now - begin < 2 * IDLE_NS || !reloaded) {
		host_send(fd, HOST_GOOD, port, 1);
		host_answer(server, 0);
		packets++;
		if (!reloaded && now - begin > IDLE_NS) {
			host_again(host);
			reloaded = true;
		}
		now = me_clock_now(CLOCK_MONOTONIC);
		if (now - last > IDLE_NS / 4 * 3)
			return 0;
		last = now;
	}
	return packets;
}

static void a_busy_flow_is_kept(void **state)
{
	struct host *host = *state;
	uint64_t packets = 0;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);

	for (int tries = 0; !packets && tries < 20; tries++) {
		int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);

		host_mark(host);
		packets = keep_busy(host, fd, server, port);
		if (packets) {
			struct host_flow f = host_flow(host, HOST_GOOD, port);

			assert_sent(&f, packets, packets, HEADERS);
			HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
		}
		close(fd);
	}
	close(server);
	assert_int_not_equal(packets, 0);
}

/* The same socket and peer after an idle time: another flow under the same key. */
static void a_reused_key_is_another_flow(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct host_flow before, after;
	struct me_settle settle;

	host_send(fd, HOST_BAD, HOST_NAMED, 10);
	before = host_flow(host, HOST_BAD, HOST_NAMED);
	idle();
	host_send(fd, HOST_BAD, HOST_NAMED, 10);
	after = host_flow(host, HOST_BAD, HOST_NAMED);
	assert_memory_equal(&before.key, &after.key, sizeof(after.key));
	settle = (struct me_settle){
		.key = before.key, .id = before.flow.id, .what = ME_SETTLE_VERDICT};
	settle.state.verdict = ME_UNRESOLVED;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -ENOENT);
	settle.what = ME_SETTLE_END;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -ENOENT);
	assert_true(me_kernel_flow_get(host->kernel, &after.key, &before.flow));
	assert_memory_equal(&before.flow, &after.flow, sizeof(after.flow));
	settle.id = after.flow.id;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	/* Another flow under the same key stays. */
	assert_int_equal(me_kernel_flow_take(host->kernel, &after.key, after.flow.id + 1, NULL),
			 -ENOENT);
	assert_true(me_kernel_flow_get(host->kernel, &after.key, &(struct me_flow){}));
	assert_int_equal(me_kernel_flow_take(host->kernel, &after.key, after.flow.id, NULL), 0);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -ENOENT);
	HOST_EXPECT(host, OPENED(ME_REASON_UNLISTED_DESTINATION) = 2);
	close(fd);
}

/* The flow of before is not settled yet: it stays, under a key of its own, until it is. */
static void a_pending_flow_is_set_aside(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct host_flow before;
	struct me_settle settle;
	struct me_flow taken;

	host_send(fd, HOST_BAD, HOST_NAMED, 10);
	before = host_flow(host, HOST_BAD, HOST_NAMED);
	idle();
	host_send(fd, HOST_BAD, HOST_NAMED, 10);
	assert_int_equal(host_flows(host), 2);
	before.key.earlier = (uint16_t)before.flow.id;
	settle = (struct me_settle){
		.key = before.key, .id = before.flow.id, .what = ME_SETTLE_VERDICT};
	settle.state.verdict = ME_UNRESOLVED;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	assert_int_equal(me_kernel_flow_take(host->kernel, &before.key, before.flow.id, &taken), 0);
	assert_int_equal(taken.state.verdict, ME_UNRESOLVED);
	assert_int_equal(taken.outcome, ME_OUTCOME_UNANSWERED);
	assert_int_equal(taken.flags, before.flow.flags | ME_FLOW_CLOSED);
	assert_int_equal(taken.bytes_sent, 10);
	assert_int_equal(host_flows(host), 1);
	HOST_EXPECT(host, OPENED(ME_REASON_UNLISTED_DESTINATION) = 2, VIA(ME_UNRESOLVED) = 1,
		    SHED(ME_REASON_UNLISTED_DESTINATION) = 1);
	close(fd);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("idle", "udp_idle: 2s", 1024);
	return 0;
}

static int end(void **state)
{
	host_end((struct host **)state);
	return 0;
}

static int mark(void **state)
{
	host_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_idle_flow_is_forgotten),
		TEST(an_idle_connected_flow_is_forgotten),
		TEST(an_idle_flow_leaves_nothing_to_the_next),
		TEST(a_busy_flow_is_kept),
		TEST(a_reused_key_is_another_flow),
		TEST(a_pending_flow_is_set_aside),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
