/* SPDX-License-Identifier: GPL-2.0-only */
/* Datagrams at the host: which of them is an attempt, and what each flow adds up to. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include "base/clock.h"

#define TICK_NS 10000000ull /* what the coarse clock may be behind */
#define HEADERS 28          /* IPv4 and UDP */
#define HEADERS6 48
#define ROUNDS 20000
#define ANSWER_MS 20000
#define STORM_NS 10000000000ull /* on a slow machine: fewer rounds */

static void assert_sent(const struct host_flow *f, uint64_t packets, uint64_t bytes,
			uint64_t headers)
{
	assert_int_equal(f->flow.packets_sent, packets);
	assert_int_equal(f->flow.bytes_sent, bytes);
	assert_int_equal(f->flow.wire_bytes_sent, bytes + packets * headers);
}

static void assert_received(const struct host_flow *f, uint64_t packets, uint64_t bytes,
			    uint64_t headers)
{
	assert_int_equal(f->flow.packets_received, packets);
	assert_int_equal(f->flow.bytes_received, bytes);
	assert_int_equal(f->flow.wire_bytes_received, bytes + packets * headers);
}

/* Resolvers connect to every address of a name only to sort them. */
static void a_connect_is_a_probe(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(host_connect(fd, HOST_BAD, 9), 0);
	assert_int_equal(host_connect(fd, HOST_GOOD, 9), 0);
	close(fd);
	assert_int_equal(host_flows(host), 0);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 0);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).attempts, 0);
	HOST_EXPECT(host, TOTAL(UDP_PROBES) = 2);
}

static void the_first_datagram_is_the_attempt(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct me_endpoint_counts e;
	struct host_flow f;

	assert_int_equal(host_connect(fd, HOST_GOOD, port), 0);
	HOST_EXPECT(host, TOTAL(UDP_PROBES) = 1);
	for (int i = 0; i < 10; i++)
		host_write(fd, 100);
	f = host_flow(host, HOST_GOOD, port);
	assert_int_equal(f.key.proto, IPPROTO_UDP);
	assert_int_equal(f.key.earlier, 0);
	assert_int_equal(f.flow.flags, ME_FLOW_SENT);
	assert_int_equal(f.flow.state.verdict, ME_ALLOWED);
	assert_true(f.flow.origin.cgroup == host->group_id);
	assert_true(f.flow.origin.netns == host->world.cookie);
	assert_sent(&f, 10, 1000, HEADERS);
	assert_received(&f, 0, 0, 0);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_NONE);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_UNANSWERED);
	assert_sent(&f, 10, 1000, HEADERS);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(e.bytes_sent, 1000);
	assert_int_equal(e.outcome[ME_OUTCOME_UNANSWERED], 1);
	HOST_EXPECT(host, TOTAL(UDP_PROBES) = 1, FINAL(ME_ALLOWED) = 1);
}

static void answered(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct me_endpoint_counts e;
	struct host_flow f;

	for (int i = 0; i < 5; i++) {
		host_send(fd, HOST_GOOD, port, 20);
		host_answer(server, 300);
		host_read(fd, 300);
	}
	f = host_flow(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ANSWERED);
	assert_sent(&f, 5, 100, HEADERS);
	assert_received(&f, 5, 1500, HEADERS);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ANSWERED);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.bytes_sent, 100);
	assert_int_equal(e.bytes_received, 1500);
	assert_int_equal(e.outcome[ME_OUTCOME_ANSWERED], 1);
	assert_int_equal(e.outcome[ME_OUTCOME_UNANSWERED], 0);
	assert_true(e.last_success_ns + TICK_NS >= f.flow.first_ns);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

static void over_ipv6(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD6, &port);
	int fd = host_socket(host, AF_INET6, SOCK_DGRAM, 0);
	struct host_flow f;

	host_send(fd, HOST_BAD6, port, 0);
	host_send(fd, HOST_BAD6, port, 33);
	host_answer(server, 0);
	host_answer(server, 44);
	host_read(fd, 44);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_BAD6, port);
	assert_sent(&f, 2, 33, HEADERS6);
	assert_received(&f, 1, 44, HEADERS6);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ANSWERED);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

/* Connected or not, each send from a v6 socket to a mapped peer runs a hook. */
static void mapped_is_folded(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	int fd = host_socket(host, AF_INET6, SOCK_DGRAM, 0);
	struct host_flow f;

	host_send(fd, "::ffff:" HOST_GOOD, port, 10);
	host_send(fd, "::ffff:" HOST_GOOD, port, 10);
	assert_int_equal(host_connect(fd, "::ffff:" HOST_GOOD, port), 0);
	for (int i = 0; i < 3; i++) {
		host_write(fd, 10);
		host_answer(server, 5);
		host_read(fd, 5);
	}
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_sent(&f, 5, 50, HEADERS);
	assert_received(&f, 3, 15, HEADERS);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, TOTAL(UDP_PROBES) = 1);
}

static void many_peers_of_one_socket(void **state)
{
	enum { PEERS = 8, EACH = 20 };
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0), servers[PEERS];
	uint16_t ports[PEERS] = {};
	struct me_endpoint_counts e;

	for (int i = 0; i < PEERS; i++)
		servers[i] = host_server(host, SOCK_DGRAM, i % 2 ? HOST_BAD : HOST_GOOD, &ports[i]);
	for (int n = 0; n < EACH; n++)
		for (int i = 0; i < PEERS; i++) {
			host_send(fd, i % 2 ? HOST_BAD : HOST_GOOD, ports[i], 10 + i);
			host_answer(servers[i], 100 + i);
			host_read(fd, 100 + i);
		}
	for (int i = 0; i < PEERS; i++) {
		struct host_flow f = host_flow(host, i % 2 ? HOST_BAD : HOST_GOOD, ports[i]);

		assert_sent(&f, EACH, (10 + i) * EACH, HEADERS);
		assert_received(&f, EACH, (100 + i) * EACH, HEADERS);
		assert_int_equal(f.flow.outcome, ME_OUTCOME_ANSWERED);
		close(servers[i]);
	}
	close(fd);
	assert_int_equal(host_flows(host), PEERS);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = PEERS / 2, FINAL(STRANGER) = PEERS / 2);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, PEERS / 2);
	assert_int_equal(e.bytes_sent, (10 + 12 + 14 + 16) * EACH);
	assert_int_equal(e.bytes_received, (100 + 102 + 104 + 106) * EACH);
}

static void connected_and_sending_elsewhere(void **state)
{
	struct host *host = *state;
	uint16_t port = 0, other = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port);
	int second = host_server(host, SOCK_DGRAM, HOST_GOOD, &other);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct host_flow f;

	assert_int_equal(host_connect(fd, HOST_BAD, port), 0);
	for (int i = 0; i < 4; i++) {
		host_write(fd, 10);
		host_send(fd, HOST_GOOD, other, 20);
	}
	f = host_flow(host, HOST_BAD, port);
	assert_sent(&f, 4, 40, HEADERS);
	f = host_flow(host, HOST_GOOD, other);
	assert_sent(&f, 4, 80, HEADERS);
	close(fd);
	close(server);
	close(second);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, FINAL(STRANGER) = 1, TOTAL(UDP_PROBES) = 1);
}

/*
 * A send by address that makes no packet, and then one to the connected peer: that is a stranger's,
 * not the one's that was never sent to.
 */
static void a_send_that_fails_hides_nobody(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in nowhere = {.sin_family = AF_INET,
				      .sin_port = htons(9),
				      .sin_addr = {htonl(0xc0000209)}}; /* HOST_NOROUTE */
	struct host_flow f;

	assert_int_equal(host_connect(fd, HOST_BAD, port), 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&nowhere, sizeof(nowhere)),
			 -1);
	assert_int_equal(errno, ENETUNREACH);
	host_write(fd, 10);
	host_write(fd, 10);
	f = host_flow(host, HOST_BAD, port);
	assert_sent(&f, 2, 20, HEADERS);
	f = host_flow(host, HOST_NOROUTE, 9);
	assert_sent(&f, 0, 0, HEADERS);
	close(fd);
	close(server);
	HOST_EXPECT(host, FINAL(STRANGER) = 2, TOTAL(UDP_PROBES) = 1);
}

/* The packet goes elsewhere than the program said: it is the program's word that counts. */
static void dnat_is_seen_through(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct host_flow f;
	char rule[128];

	world_run(host->world.ns, "nft add table ip turn");
	world_run(host->world.ns,
		  "nft add chain ip turn out { type nat hook output priority -100 ; }");
	snprintf(rule, sizeof(rule),
		 "nft add rule ip turn out ip daddr " HOST_BAD " udp dport 5300 dnat to " HOST_GOOD
		 ":%u",
		 port);
	world_run(host->world.ns, rule);
	for (int i = 0; i < 3; i++)
		host_send(fd, HOST_BAD, 5300, 10);
	close(fd);
	f = host_flow_closed(host, HOST_BAD, 5300);
	assert_sent(&f, 3, 30, HEADERS);
	fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(host_connect(fd, HOST_BAD, 5300), 0);
	host_mark(host);
	for (int i = 0; i < 3; i++)
		host_write(fd, 10);
	f = host_flow(host, HOST_BAD, 5300);
	assert_sent(&f, 3, 30, HEADERS);
	close(fd);
	close(server);
	world_run(host->world.ns, "nft delete table ip turn");
	assert_int_equal(host_flows(host), 1);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
}

static void segments_of_one_send(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0), segment = 500;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	struct host_flow f;

	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	host_send(fd, HOST_GOOD, port, 5 * 500 + 1);
	for (int i = 0; i < 5; i++)
		host_read(server, 500);
	host_answer(server, 0); /* of one byte */
	f = host_flow(host, HOST_GOOD, port);
	assert_sent(&f, 6, 2501, HEADERS);

	assert_int_equal(setsockopt(server, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 0);
	segment = 0;
	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	host_send(fd, HOST_GOOD, port, 1);
	host_answer(server, 1500);
	host_read(fd, 1500);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_GOOD, port);
	assert_sent(&f, 7, 2502, HEADERS);
	assert_received(&f, 3, 1500, HEADERS);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1);
}

struct sender {
	int fd;
	const char *address;
	uint16_t port;
	size_t size;
};

static void *send_all_the_time(void *data)
{
	const struct sender *sender = data;

	for (int i = 0; i < ROUNDS; i++)
		host_send(sender->fd, sender->address, sender->port, sender->size);
	return NULL;
}

/* Two threads exchange the cache under each other: two attempts, and nothing is mistaken. */
static void two_threads_and_two_peers(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct sender senders[2] = {{fd, HOST_GOOD, 0, 10}, {fd, HOST_BAD, 0, 20}};
	struct host_flow f[2];
	pthread_t threads[2];
	int servers[2];

	for (int i = 0; i < 2; i++)
		servers[i] = host_server(host, SOCK_DGRAM, senders[i].address, &senders[i].port);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all_the_time, &senders[i]),
				 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		f[i] = host_flow(host, senders[i].address, senders[i].port);
		close(servers[i]);
	}
	close(fd);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, FINAL(STRANGER) = 1);
	assert_sent(&f[0], ROUNDS, 10 * ROUNDS, HEADERS);
	assert_sent(&f[1], ROUNDS, 20 * ROUNDS, HEADERS);
}

struct responder {
	int fd;
	bool stop;
};

static void *answer_all_the_time(void *data)
{
	struct responder *r = data;
	struct pollfd p = {.fd = r->fd, .events = POLLIN};

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
		if (poll(&p, 1, 10) == 1)
			host_answer(r->fd, 1);
	return NULL;
}

/*
 * Each attempt has one outcome, also when the answer meets the close: the first waits for its answer,
 * the others close at any time up to twice as late as that came.
 */
static void outcomes_partition(void **state)
{
	struct host *host = *state;
	struct responder r = {};
	struct me_endpoint_counts e;
	uint64_t start = me_clock_now(CLOCK_MONOTONIC), begin = start, trip = 0, rounds;
	uint16_t port = 0;
	pthread_t thread;

	r.fd = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	assert_int_equal(pthread_create(&thread, NULL, answer_all_the_time, &r), 0);
	for (rounds = 0; rounds < ROUNDS && begin - start < STORM_NS; rounds++) {
		int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);

		begin = me_clock_now(CLOCK_MONOTONIC);
		host_send(fd, HOST_GOOD, port, 1);
		if (rounds == 0) {
			assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, ANSWER_MS), 1);
			trip = me_clock_now(CLOCK_MONOTONIC) - begin;
		}
		while (me_clock_now(CLOCK_MONOTONIC) - begin < trip * (rounds % 512) / 256)
			;
		close(fd);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(r.fd);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, rounds);
	assert_in_range(e.outcome[ME_OUTCOME_ANSWERED], 2, rounds);
	assert_int_equal(e.outcome[ME_OUTCOME_ANSWERED] + e.outcome[ME_OUTCOME_UNANSWERED], rounds);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = rounds);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("udp", "", 65536);
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

/* Only the last peer's flow can be found from a socket that goes: that it had others is told. */
static void a_release_is_told_where_there_were_more(void **state)
{
	struct host *host = *state;
	int one = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	int two = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	host_send(one, HOST_GOOD, 5001, 1);
	host_send(two, HOST_GOOD, 5002, 1);
	host_send(two, HOST_GOOD, 5003, 1);
	assert_int_equal(getsockopt(two, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	close(one);
	close(two);
	assert_int_equal(host_flow_closed(host, HOST_GOOD, 5001).flow.outcome,
			 ME_OUTCOME_UNANSWERED);
	assert_int_equal(host_flow_closed(host, HOST_GOOD, 5003).flow.outcome,
			 ME_OUTCOME_UNANSWERED);
	assert_int_equal(host_flow(host, HOST_GOOD, 5002).flow.flags & ME_FLOW_CLOSED, 0);
	assert_int_equal(host_told(host, ME_RECORD_RELEASED), 1);
	assert_true(host->records[0].key.opener.cookie == cookie);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 3);
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connect_is_a_probe),
		TEST(the_first_datagram_is_the_attempt),
		TEST(answered),
		TEST(over_ipv6),
		TEST(mapped_is_folded),
		TEST(many_peers_of_one_socket),
		TEST(connected_and_sending_elsewhere),
		TEST(a_send_that_fails_hides_nobody),
		TEST(dnat_is_seen_through),
		TEST(segments_of_one_send),
		TEST(two_threads_and_two_peers),
		TEST(outcomes_partition),
		TEST(a_release_is_told_where_there_were_more),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
