/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP at the host: what an attempt is, and what became of it. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "base/inet.h"

static void established_and_listed(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct host_flow f = host_flow(host, HOST_GOOD, p.port);
	struct me_endpoint_counts e;
	char source[ME_INET_LEN];
	struct sockaddr_in own;
	socklen_t size = sizeof(own);
	int netns_socket = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	uint64_t cookie;

	assert_int_equal(getsockname(p.client, (struct sockaddr *)&own, &size), 0);
	size = sizeof(cookie);
	assert_int_equal(getsockopt(p.client, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	assert_true(f.key.opener.cookie == cookie);
	assert_int_equal(f.key.earlier, 0);
	assert_int_equal(f.key.proto, IPPROTO_TCP);
	assert_int_equal(f.key.sport, 0);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(f.flow.direction, ME_DIRECTION_OUT);
	assert_int_equal(f.flow.flags, ME_FLOW_SENT | ME_FLOW_OUTCOME);
	assert_int_equal(f.flow.state.verdict, ME_ALLOWED);
	assert_int_equal(f.flow.state.evidence, ME_EVIDENCE_LISTED);
	assert_int_equal(f.flow.generation, me_kernel_generation(host->kernel));
	assert_int_equal(f.flow.sport, ntohs(own.sin_port));
	me_inet_format(f.flow.src.byte, source);
	assert_string_equal(source, HOST_GOOD);
	assert_true(f.flow.origin.netns == host->world.cookie);
	assert_true(f.flow.origin.cgroup == host->group_id);
	close(netns_socket);

	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD, p.port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	host_assert_bytes(&f, 0, 0);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 0);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(e.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(e.resets, 0);
}

static void established_and_not_listed(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_BAD);
	struct host_flow f;

	host_pair_close(&p);
	f = host_flow_closed(host, HOST_BAD, p.port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(f.flow.state.verdict, ME_VIOLATION);
	assert_int_equal(f.flow.state.reason, ME_REASON_UNLISTED_DESTINATION);
	assert_int_equal(f.flow.endpoint, 0);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	assert_int_equal(host->n_records, 1);
	assert_true(host->records[0].id == f.flow.id);
	assert_memory_equal(&host->records[0].key, &f.key, sizeof(f.key));
	assert_true(host->records[0].ts_ns == f.flow.first_ns);
}

static void over_ipv6(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_GOOD6);
	struct host_flow f;
	char source[ME_INET_LEN];

	host_write(p.client, 11);
	host_read(p.accepted, 11);
	host_pair_close(&p);
	f = host_flow_closed(host, HOST_GOOD6, p.port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	host_assert_bytes(&f, 11, 0);
	me_inet_format(f.flow.src.byte, source);
	assert_string_equal(source, HOST_GOOD6);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

/* A v6 socket and a mapped address: the same peer as over v4. */
static void mapped_is_folded(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	int client = host_socket(host, AF_INET6, SOCK_STREAM, 0);
	char source[ME_INET_LEN];
	struct host_flow f;

	assert_int_equal(host_connect(client, "::ffff:" HOST_GOOD, port), 0);
	f = host_flow(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_not_equal(f.flow.sport, 0);
	me_inet_format(f.flow.src.byte, source);
	assert_string_equal(source, HOST_GOOD);
	close(client);
	close(server);
	host_flow_closed(host, HOST_GOOD, port);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

static void retired_is_counted(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, HOST_OLD);
	struct host_flow f = host_flow(host, HOST_OLD, p.port);

	assert_int_equal(f.flow.flags & ME_FLOW_RETIRED, ME_FLOW_RETIRED);
	host_pair_close(&p);
	assert_int_equal(host_endpoint(host, "old", "old/hosts").retired_used, 1);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

/* --- What was never established ------------------------------------------------------------------ */

static void refused(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct me_endpoint_counts e;
	struct host_flow f;

	close(server);
	assert_int_equal(host_connect(client, HOST_GOOD, port), -ECONNREFUSED);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_REFUSED);
	assert_int_not_equal(f.flow.sport, 0);
	host_assert_bytes(&f, 0, 0);
	close(client);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(e.outcome[ME_OUTCOME_REFUSED], 1);
	assert_int_equal(e.resets, 0);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

static void timed_out(void **state)
{
	struct host *host = *state;
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0), one = 1;
	unsigned int patience_ms = 500;
	struct host_flow f;

	assert_int_equal(setsockopt(client, SOL_TCP, TCP_SYNCNT, &one, sizeof(one)), 0);
	assert_int_equal(
		setsockopt(client, SOL_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms)),
		0);
	assert_int_equal(host_connect(client, HOST_SILENT, 4000), -ETIMEDOUT);
	f = host_flow_closed(host, HOST_SILENT, 4000);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_TIMEOUT);
	host_assert_bytes(&f, 0, 0);
	close(client);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

/* Nothing leaves, and the socket never gets a state to lose. */
/* A gateway says so, while the SYN is under way. */
static void unreachable_by_icmp(void **state)
{
	struct host *host = *state;
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct host_flow f;

	world_run(host->world.ns, "nft add rule inet silent in tcp dport 4001 reject with icmp "
				  "type admin-prohibited");
	assert_int_equal(host_connect(client, HOST_BAD, 4001), -EHOSTUNREACH);
	f = host_flow_closed(host, HOST_BAD, 4001);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_UNREACHABLE);
	assert_int_equal(f.flow.flags & ME_FLOW_SENT, ME_FLOW_SENT);
	close(client);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

static void aborted(void **state)
{
	struct host *host = *state;
	int client = host_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct host_flow f;

	assert_int_equal(host_connect(client, HOST_SILENT, 4002), -EINPROGRESS);
	f = host_flow(host, HOST_SILENT, 4002);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_NONE);
	assert_int_equal(f.flow.flags, ME_FLOW_SENT);
	close(client);
	f = host_flow_closed(host, HOST_SILENT, 4002);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ABORTED);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

/* --- Attempts ------------------------------------------------------------------------------------ */

static void connecting_again_is_another(void **state)
{
	struct host *host = *state;
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	uint16_t port = 0, other = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	int refuser = host_server(host, SOCK_STREAM, HOST_GOOD, &other);
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct host_flow f;

	close(refuser);
	assert_int_equal(host_connect(client, HOST_GOOD, other), -ECONNREFUSED);
	assert_int_equal(host_connect(client, HOST_GOOD, port), 0);
	f = host_flow(host, HOST_GOOD, port);
	assert_int_equal(host_flow_closed(host, HOST_GOOD, other).flow.outcome, ME_OUTCOME_REFUSED);
	host_write(client, 5);
	assert_int_equal(connect(client, &nobody, sizeof(nobody)), 0); /* resets it */
	host_assert_bytes(&f, 0, 0);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	host_assert_bytes(&f, 5, 0);
	close(client);
	close(server);
	assert_int_equal(host_flows(host), 2);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 2);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).attempts, 2);
}

/* Nothing tells that a connect never left: who misses its socket ends it, with that outcome. */
static void what_never_left_is_unreachable(void **state)
{
	struct host *host = *state;
	struct me_settle end = {.what = ME_SETTLE_END};
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct host_flow f;

	assert_int_equal(host_connect(client, HOST_NOROUTE, 4004), -ENETUNREACH);
	close(client);
	f = host_flow(host, HOST_NOROUTE, 4004);
	assert_int_equal(f.flow.flags, 0);
	end.key = f.key;
	end.id = f.flow.id;
	end.now_ns = f.flow.first_ns + 1;
	assert_int_equal(me_kernel_settle(host->kernel, &end), 0);
	f = host_flow(host, HOST_NOROUTE, 4004);
	assert_int_equal(f.flow.flags, ME_FLOW_CLOSED);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_UNREACHABLE);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

/* The same peer twice over one socket: two flows, the first set aside. */
static void the_same_peer_again(void **state)
{
	struct host *host = *state;
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_BAD, &port);
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);

	assert_int_equal(host_connect(client, HOST_BAD, port), 0);
	assert_int_equal(connect(client, &nobody, sizeof(nobody)), 0);
	assert_int_equal(host_connect(client, HOST_BAD, port), 0);
	close(client);
	close(server);
	assert_int_equal(host_flows(host), 2);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 2);
	assert_true(host->records[0].id != host->records[1].id);
	HOST_EXPECT(host, FINAL(STRANGER) = 2);
}

static void asking_again_is_none(void **state)
{
	struct host *host = *state;
	int client = host_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port), pending, err;
	struct pollfd p = {.fd = client, .events = POLLOUT};

	pending = host_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(host_connect(pending, HOST_SILENT, 4003), -EINPROGRESS);
	for (int i = 0; i < 5; i++)
		assert_int_equal(host_connect(pending, HOST_SILENT, 4003), -EALREADY);
	close(pending);
	err = host_connect(client, HOST_GOOD, port);
	assert_true(err == 0 || err == -EINPROGRESS);
	assert_int_equal(poll(&p, 1, 20000), 1);
	err = host_connect(client, HOST_GOOD, port);
	assert_true(err == 0 || err == -EISCONN);
	assert_int_equal(host_connect(client, HOST_GOOD, port), -EISCONN);
	close(client);
	close(server);
	assert_int_equal(host_flows(host), 2);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, FINAL(STRANGER) = 1);
}

static void loopback_is_local(void **state)
{
	struct host *host = *state;
	struct host_pair p = host_pair_open(host, "127.0.0.1");
	struct host_flow f = host_flow(host, "127.0.0.1", p.port);

	assert_int_equal(f.flow.state.verdict, ME_LOCAL);
	assert_int_equal(f.flow.service, ME_SERVICE_LOCAL);
	host_pair_close(&p);
	p = host_pair_open(host, "::1");
	assert_int_equal(host_flow(host, "::1", p.port).flow.state.verdict, ME_LOCAL);
	host_pair_close(&p);
	HOST_EXPECT(host, FINAL(ME_LOCAL) = 2);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("tcp", "", 1024);
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
		TEST(established_and_listed),
		TEST(established_and_not_listed),
		TEST(over_ipv6),
		TEST(mapped_is_folded),
		TEST(retired_is_counted),
		TEST(refused),
		TEST(timed_out),
		TEST(unreachable_by_icmp),
		TEST(aborted),
		TEST(connecting_again_is_another),
		TEST(what_never_left_is_unreachable),
		TEST(the_same_peer_again),
		TEST(asking_again_is_none),
		TEST(loopback_is_local),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
