/* SPDX-License-Identifier: GPL-2.0-only */
/* Every byte of a TCP connection, once, however it ends. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/tcp.h>

#define BULK (8u << 20)

static void wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
}

/* Ends a connection with a reset. */
static void reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(fd);
}

static void drain(int fd)
{
	char byte;

	wait_readable(fd);
	assert_int_equal(read(fd, &byte, 1), 0);
}

static void bytes_when_the_client_ends(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct me_endpoint_counts e;
	struct host_flow f;

	host_write(p.client, 1000);
	host_read(p.accepted, 1000);
	host_write(p.accepted, 333);
	host_read(p.client, 333);
	close(p.client);
	drain(p.accepted);
	close(p.accepted);
	close(p.server);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 1000, 333);
	assert_int_equal(f.flow.flags & ME_FLOW_RESET, 0);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.bytes_sent, 1000);
	assert_int_equal(e.bytes_received, 333);
	assert_true(e.last_success_ns >= f.flow.first_ns);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

static void bytes_when_the_server_ends(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	host_write(p.client, 1);
	host_read(p.accepted, 1);
	host_write(p.accepted, 4097);
	close(p.accepted);
	host_read(p.client, 4097);
	drain(p.client);
	f = host_flow(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 1, 4097); /* the FIN is no byte */
	close(p.client);
	close(p.server);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 1, 4097);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).bytes_received, 4097);
}

static void bytes_of_nothing_but_a_fin(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	close(p.accepted);
	drain(p.client);
	f = host_flow(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 0, 0);
	close(p.client);
	close(p.server);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 0, 0);
	assert_true(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).last_success_ns <
		    f.flow.first_ns);
}

/* One direction ends and the other goes on. */
static void bytes_after_a_half_close(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	host_write(p.client, 10);
	assert_int_equal(shutdown(p.client, SHUT_WR), 0);
	host_read(p.accepted, 10);
	drain(p.accepted);
	host_write(p.accepted, 20000);
	host_read(p.client, 20000);
	f = host_flow(host, HOST_GOOD, p.port);
	assert_int_equal(f.flow.flags & ME_FLOW_CLOSED, 0);
	host_assert_bytes(&f, 10, 20000);
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 10, 20000);

	host_mark(host);
	p = host_pair_open(host, HOST_GOOD);
	assert_int_equal(shutdown(p.accepted, SHUT_WR), 0);
	drain(p.client);
	host_write(p.client, 30000);
	host_read(p.accepted, 30000);
	f = host_flow(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 30000, 0);
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 30000, 0);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

static void reset_by_the_server(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	host_write(p.client, 7);
	host_read(p.accepted, 7);
	host_write(p.accepted, 9);
	host_read(p.client, 9);
	reset(p.accepted);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(f.flow.flags & ME_FLOW_RESET, ME_FLOW_RESET);
	host_assert_bytes(&f, 7, 9);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).resets, 1);
	assert_int_equal(
		host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).outcome[ME_OUTCOME_ESTABLISHED],
		1);
	close(p.client);
	close(p.server);
}

static void reset_by_the_client(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	host_write(p.client, 7);
	host_read(p.accepted, 7);
	reset(p.client);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	host_assert_bytes(&f, 7, 0);
	close(p.accepted);
	close(p.server);
}

/* A server that says no to bytes it did not read. */
static void reset_after_unread_bytes(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;

	host_write(p.client, 50000);
	wait_readable(p.accepted);
	close(p.accepted);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	assert_int_equal(f.flow.flags & ME_FLOW_RESET, ME_FLOW_RESET);
	host_assert_bytes(&f, 50000, 0);
	close(p.client);
	close(p.server);
}

/* Both ways at once, with syncs in between; what they say only grows and ends exact. */
static void bytes_of_much(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct me_endpoint_counts e;
	uint64_t sent = 0, received = 0;
	struct host_flow f;

	for (uint32_t done = 0; done < BULK; done += BULK / 256) {
		host_write(p.client, BULK / 256);
		host_write(p.accepted, BULK / 512);
		host_read(p.accepted, BULK / 256);
		host_read(p.client, BULK / 512);
		if (done % (BULK / 16))
			continue;
		f = host_flow(host, HOST_GOOD, p.port);
		assert_true(f.flow.bytes_sent > sent && f.flow.bytes_received > received);
		host_assert_bytes(&f, done + BULK / 256, (done + BULK / 256) / 2);
		sent = f.flow.bytes_sent;
		received = f.flow.bytes_received;
	}
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, BULK, BULK / 2);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.bytes_sent, BULK);
	assert_int_equal(e.bytes_received, BULK / 2);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

/* Segments that were lost and sent again are counted once. */
static void bytes_of_retransmissions(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f;
	struct tcp_info info;
	socklen_t size = sizeof(info);

	world_run(host->world.ns, "nft add table inet lossy");
	world_run(host->world.ns,
		  "nft add chain inet lossy in { type filter hook input priority 1 ; }");
	world_run(host->world.ns, "nft add rule inet lossy in meta l4proto tcp meta length > 1000 "
				  "numgen inc mod 4 0 drop");
	for (int i = 0; i < 16; i++)
		host_write(p.client, 10000);
	host_read(p.accepted, 160000);
	world_run(host->world.ns, "nft delete table inet lossy");
	assert_int_equal(getsockopt(p.client, SOL_TCP, TCP_INFO, &info, &size), 0);
	assert_int_not_equal(info.tcpi_total_retrans, 0);
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	host_assert_bytes(&f, 160000, 0);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("bytes", "", 1024);
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
		TEST(bytes_when_the_client_ends), TEST(bytes_when_the_server_ends),
		TEST(bytes_of_nothing_but_a_fin), TEST(bytes_after_a_half_close),
		TEST(reset_by_the_server),        TEST(reset_by_the_client),
		TEST(reset_after_unread_bytes),   TEST(bytes_of_much),
		TEST(bytes_of_retransmissions),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
