/* SPDX-License-Identifier: GPL-2.0-only */
/* A flow table without room: what is not remembered is counted all the same. */
#include "host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>

#define ROOM 8
#define MANY 20

static void sums_are_exact_without_room(void **state)
{
	struct host *host = *state;
	uint16_t ports[MANY] = {};
	int fds[MANY], servers[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = host_socket(host, AF_INET, SOCK_DGRAM, 0);
		servers[i] = host_server(host, SOCK_DGRAM, i % 2 ? HOST_BAD : HOST_GOOD, &ports[i]);
		for (int n = 0; n < 3; n++)
			host_send(fds[i], i % 2 ? HOST_BAD : HOST_GOOD, ports[i], 10);
	}
	assert_int_equal(host_flows(host), ROOM);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = MANY / 2, FINAL(STRANGER) = MANY / 2,
		    TOTAL(FLOW_OVERFLOW) = MANY - ROOM);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), MANY / 2);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).attempts, MANY / 2);
	for (int i = 0; i < MANY; i++) {
		close(fds[i]);
		close(servers[i]);
	}
}

/* What cannot be remembered cannot wait for a name. */
static void pending_without_room_is_unresolved(void **state)
{
	struct host *host = *state;
	int fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = host_socket(host, AF_INET, SOCK_DGRAM, 0);
		host_send(fds[i], HOST_BAD, HOST_NAMED + i, 1);
	}
	assert_int_equal(host_flows(host), ROOM);
	HOST_EXPECT(host, OPENED(ME_REASON_UNLISTED_DESTINATION) = ROOM,
		    FINAL(ME_UNRESOLVED) = MANY - ROOM, TOTAL(FLOW_OVERFLOW) = MANY - ROOM);
	assert_int_equal(host_told(host, ME_RECORD_PENDING), ROOM);
	assert_int_equal(host->n_records, ROOM);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void connections_without_room(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port), fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = host_socket(host, AF_INET, SOCK_STREAM, 0);
		assert_int_equal(host_connect(fds[i], HOST_GOOD, port), 0);
	}
	assert_int_equal(host_flows(host), ROOM);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	close(server);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = MANY, TOTAL(FLOW_OVERFLOW) = MANY - ROOM);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).attempts, MANY);
}

/* Nobody but the socket knows of such a flow; a new policy makes no new attempt of it. */
static void a_reload_without_room(void **state)
{
	struct host *host = *state;
	uint16_t ports[MANY] = {};
	int fds[MANY], servers[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = host_socket(host, AF_INET, SOCK_DGRAM, 0);
		servers[i] = host_server(host, SOCK_DGRAM, HOST_GOOD, &ports[i]);
		host_send(fds[i], HOST_GOOD, ports[i], 10);
	}
	host_again(host);
	for (int i = 0; i < MANY; i++)
		host_send(fds[i], HOST_GOOD, ports[i], 10);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = MANY, TOTAL(FLOW_OVERFLOW) = MANY - ROOM);
	for (int i = 0; i < MANY; i++) {
		close(fds[i]);
		close(servers[i]);
	}
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("room", "", ROOM);
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
		TEST(sums_are_exact_without_room),
		TEST(pending_without_room_is_unresolved),
		TEST(connections_without_room),
		TEST(a_reload_without_room),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
