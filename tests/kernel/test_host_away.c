/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network namespace in its first moment, when its own addresses are not known: what leaves it not by lo is
 * for none of them, and is settled before it has left.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "mewatch/mode.h"

#define AWAY "198.51.100.77" /* a stranger behind a cable */
#define AWAY6 "2001:db8:77::77"
#define PLAIN 9
#define REASON ME_REASON_UNLISTED_DESTINATION
#define DENIED(reason) .cell[ME_CELL_DENIED][reason]

static int wire; /* sees what leaves by the cable */

static uint64_t now(void)
{
	return me_clock_now(CLOCK_MONOTONIC);
}

/* From now on violations are treated so, and nobody knows the namespace. */
static void say(struct host *host, enum me_mode mode, bool strict)
{
	const struct me_kernel_mode said = {.until_ns = UINT64_MAX,
					    .strict_ns = strict ? now() : UINT64_MAX,
					    .said = 1 + mode,
					    .most = ME_MODE_ENFORCE};

	me_kernel_mode(host->kernel, &said);
	me_kernel_lease(host->kernel, UINT64_MAX);
	assert_int_equal(me_kernel_netns(host->kernel, host->world.cookie, false), 0);
}

static int new_socket(struct host *host, const char *address, int type)
{
	return host_socket(host, strchr(address, ':') ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK,
			   0);
}

/* How many packets to the stranger have left since the last time. */
static unsigned int left(void)
{
	static const uint8_t away4[] = {198, 51, 100, 77};
	unsigned char packet[128];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	struct in6_addr away6;
	unsigned int n = 0;

	assert_int_equal(inet_pton(AF_INET6, AWAY6, &away6), 1);
	while (recvfrom(wire, packet, sizeof(packet), MSG_DONTWAIT, (void *)&from, &size) > 0) {
		n += from.sll_pkttype == PACKET_OUTGOING &&
		     (from.sll_protocol == htons(ETH_P_IP)
			      ? !memcmp(packet + 16, away4, sizeof(away4))
			      : from.sll_protocol == htons(ETH_P_IPV6) &&
					!memcmp(packet + 24, &away6, sizeof(away6)));
		size = sizeof(from);
	}
	return n;
}

static void a_connection(struct host *host, const char *address)
{
	int fd = new_socket(host, address, SOCK_STREAM);
	struct host_flow f;

	host_mark(host);
	say(host, ME_MODE_ENFORCE, false);
	assert_int_equal(host_connect(fd, address, PLAIN), -EINPROGRESS);
	assert_int_equal(left(), 0);
	f = host_flow(host, address, PLAIN);
	assert_int_equal(f.flow.state.verdict, ME_VIOLATION);
	assert_int_equal(me_state_action(f.flow.state), ME_ACTION_DENIED);
	HOST_EXPECT(host, OPENED(REASON) = 1, VIA(STRANGER) = 1, DENIED(REASON) = 1,
		    TOTAL(OWN_UNKNOWN) = 1);
	assert_int_equal(host_told(host, ME_RECORD_PENDING), 1);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), 1);
	close(fd);
	assert_int_equal(host_flow_closed(host, address, PLAIN).flow.outcome, ME_OUTCOME_ABORTED);
	assert_int_equal(left(), 0);
}

static void connections(void **state)
{
	a_connection(*state, AWAY);
	a_connection(*state, AWAY6);
}

static void datagrams(struct host *host, const char *address)
{
	int fd = new_socket(host, address, SOCK_DGRAM);

	host_mark(host);
	say(host, ME_MODE_ENFORCE, false);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_try_send(fd, address, PLAIN), -EPERM);
	assert_int_equal(left(), 0);
	assert_int_equal(host_flow(host, address, PLAIN).flow.packets_sent, 0);
	HOST_EXPECT(host, OPENED(REASON) = 1, VIA(STRANGER) = 1, DENIED(REASON) = 1,
		    TOTAL(OWN_UNKNOWN) = 1);
	close(fd);
}

static void datagrams_by_address(void **state)
{
	datagrams(*state, AWAY);
	datagrams(*state, AWAY6);
}

/* Judged when it leaves, so that it never waits. */
static void datagrams_of_a_connected_socket(void **state)
{
	struct host *host = *state;
	int fd = new_socket(host, AWAY, SOCK_DGRAM);

	say(host, ME_MODE_ENFORCE, false);
	assert_int_equal(host_connect(fd, AWAY, PLAIN), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(fd, "x", 1, 0), -1);
		assert_int_equal(errno, EPERM);
	}
	assert_int_equal(left(), 0);
	HOST_EXPECT(host, FINAL(STRANGER) = 1, DENIED(REASON) = 1, TOTAL(UDP_PROBES) = 1,
		    TOTAL(OWN_UNKNOWN) = 1);
	close(fd);
}

/* What is left to wait for is a name, as anywhere. */
static void a_name(void **state)
{
	struct host *host = *state;
	int fd = new_socket(host, AWAY, SOCK_DGRAM);
	struct host_flow f;

	say(host, ME_MODE_ENFORCE, false);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_try_send(fd, AWAY, HOST_NAMED), 0);
	assert_int_equal(left(), 3);
	f = host_flow(host, AWAY, HOST_NAMED);
	assert_int_equal(f.flow.state.verdict, ME_PENDING);
	assert_int_equal(f.flow.state.flags, ME_STATE_TOLD | ME_STATE_DENY);
	assert_int_equal(f.flow.packets_sent, 3);
	HOST_EXPECT(host, OPENED(REASON) = 1, TOTAL(OWN_UNKNOWN) = 1);
	close(fd);
}

static void a_name_where_names_are_strict(void **state)
{
	struct host *host = *state;
	int udp = new_socket(host, AWAY, SOCK_DGRAM), tcp = new_socket(host, AWAY, SOCK_STREAM);

	say(host, ME_MODE_ENFORCE, true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_try_send(udp, AWAY, HOST_NAMED), -EPERM);
	assert_int_equal(host_connect(tcp, AWAY, HOST_NAMED + 1), -EINPROGRESS);
	assert_int_equal(left(), 0);
	assert_int_equal(host_flow(host, AWAY, HOST_NAMED).flow.state.verdict, ME_PENDING);
	HOST_EXPECT(host, OPENED(REASON) = 2, DENIED(REASON) = 2, TOTAL(OWN_UNKNOWN) = 2);
	close(udp);
	close(tcp);
}

/* Nothing is denied, so the daemon settles it. */
static void otherwise_it_waits(void **state)
{
	struct host *host = *state;
	int fd = new_socket(host, AWAY, SOCK_DGRAM);

	say(host, ME_MODE_SHADOW, false);
	assert_int_equal(host_try_send(fd, AWAY, PLAIN), 0);
	say(host, ME_MODE_MONITOR, false);
	assert_int_equal(host_try_send(fd, AWAY, PLAIN + 1), 0);
	assert_int_equal(left(), 2);
	HOST_EXPECT(host, OPENED(REASON) = 2, TOTAL(OWN_UNKNOWN) = 2);
	close(fd);
}

/* It is in the cache of its socket, and leaves only now, after a look at the flows of before. */
static void what_was_opened_during_a_look(void **state)
{
	struct host *host = *state;
	int fd = new_socket(host, AWAY, SOCK_DGRAM);

	me_kernel_cut_begin(host->kernel);
	me_kernel_uncut(host->kernel);
	say(host, ME_MODE_ENFORCE, false);
	me_kernel_cut_begin(host->kernel);
	assert_int_equal(host_try_send(fd, HOST_NOROUTE, PLAIN), -ENETUNREACH);
	me_kernel_uncut(host->kernel);
	world_run(host->world.ns, "ip route add " HOST_NOROUTE " via " AWAY);
	assert_int_equal(host_try_send(fd, HOST_NOROUTE, PLAIN), -EPERM);
	world_run(host->world.ns, "ip route del " HOST_NOROUTE);
	HOST_EXPECT(host, OPENED(REASON) = 1, VIA(STRANGER) = 1, DENIED(REASON) = 1,
		    TOTAL(OWN_UNKNOWN) = 1);
	close(fd);
}

static void make_cable(int ns)
{
	static const char *const commands[] = {
		"ip link add away0 type veth peer name away1",
		"ip link set away1 up",
		"ip link set away0 up",
		"ip addr add 198.51.100.10/24 dev away0",
		"ip addr add 2001:db8:77::10/64 dev away0 nodad",
		"ip neigh add " AWAY " lladdr 02:00:00:00:00:77 dev away0",
		"ip neigh add " AWAY6 " lladdr 02:00:00:00:00:77 dev away0",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		world_run(ns, commands[i]);
}

static int begin(void **state)
{
	struct host *host = host_begin("away", "", 64);

	make_cable(host->world.ns);
	host_leave(host);
	wire = world_socket(host->world.ns, AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	host_enter(host);
	*state = host;
	return 0;
}

static int end(void **state)
{
	close(wire);
	host_end((struct host **)state);
	return 0;
}

static int mark(void **state)
{
	left();
	host_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections),
		TEST(datagrams_by_address),
		TEST(datagrams_of_a_connected_socket),
		TEST(a_name),
		TEST(a_name_where_names_are_strict),
		TEST(otherwise_it_waits),
		TEST(what_was_opened_during_a_look),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
