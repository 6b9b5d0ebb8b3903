/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of every shape through the egress program, for real, from raw sockets. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "packet.h"

#define PACKET_MAX 1024
#define LINK "wire" /* a device for packets that need one */
#define FOREIGN 253 /* a protocol for experiments (RFC 3692) */

static int raw_socket(struct host *host, int family)
{
	int fd = host_socket(host, family, SOCK_RAW, IPPROTO_RAW), one = 1;

	if (family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)), 0);
	return fd;
}

/* Sends it as it is to where its header says; 0 or a negative errno. */
static int send_raw(int fd, const struct packet *p, size_t size)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	bool v4 = p->byte[0] >> 4 == 4;

	memcpy(&to.sin_addr, p->byte + offsetof(struct iphdr, daddr), sizeof(to.sin_addr));
	memcpy(&to6.sin6_addr, p->byte + offsetof(struct ip6_hdr, ip6_dst), sizeof(to6.sin6_addr));
	return sendto(fd, p->byte, size, 0,
		      v4 ? (const struct sockaddr *)&to : (const struct sockaddr *)&to6,
		      v4 ? sizeof(to) : sizeof(to6)) < 0
		       ? -errno
		       : 0;
}

/* Sends it twice from a socket of its own: one raw socket, and what it says in the counters. */
static void send_twice(struct host *host, struct packet *p)
{
	int fd = raw_socket(host, p->byte[0] >> 4 == 4 ? AF_INET : AF_INET6);

	packet_finish(p);
	if (p->byte[0] >> 4 == 6 && p->byte[offsetof(struct ip6_hdr, ip6_dst)] == 0xff)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, LINK, sizeof(LINK)),
				 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(send_raw(fd, p, p->size), 0);
	close(fd);
}

/* --- Packets that are attempts ------------------------------------------------------------------- */

/* Twice the same packet: one flow of two packets with so many bytes after its headers. */
static void assert_attempt(struct host *host, struct packet *p, const char *to, uint16_t port,
			   uint8_t proto, size_t payload)
{
	struct host_flow f;

	host_mark(host);
	send_twice(host, p);
	f = host_flow(host, to, port);
	assert_int_equal(f.key.proto, proto);
	assert_int_equal(f.key.earlier, 0);
	assert_int_equal(f.flow.packets_sent, 2);
	assert_int_equal(f.flow.bytes_sent, 2 * payload);
	assert_int_equal(f.flow.wire_bytes_sent, 2 * p->size);
	assert_int_equal(f.flow.flags & ME_FLOW_CLOSED, ME_FLOW_CLOSED);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_UNANSWERED);
	assert_int_equal(host_flows(host), 1);
	assert_int_equal(host_told(host, ME_RECORD_SOCKET), 1);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, BLIND(RAW) = 1);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).attempts, 1);
}

static void v4_with_options(void **state)
{
	for (size_t options = 0; options <= 40; options += 4) {
		struct packet p = {};

		packet_put_ip(&p, HOST_GOOD, IPPROTO_UDP, options, 0);
		packet_put_udp(&p, 9, 33);
		assert_attempt(*state, &p, HOST_GOOD, 9, IPPROTO_UDP, 33);
	}
}

static void v4_protocols(void **state)
{
	struct host *host = *state;
	struct packet p = {};

	packet_put_ip(&p, HOST_GOOD, IPPROTO_UDPLITE, 0, 0);
	packet_put_udp(&p, 10, 5);
	assert_attempt(host, &p, HOST_GOOD, 10, IPPROTO_UDPLITE, 5);

	p.size = 0;
	packet_put_ip(&p, HOST_GOOD, IPPROTO_ICMP, 0, 0);
	packet_put(&p, &(struct icmphdr){.type = ICMP_ECHO}, sizeof(struct icmphdr));
	packet_put_zeroes(&p, 56);
	assert_attempt(host, &p, HOST_GOOD, 0, IPPROTO_ICMP, 56);

	p.size = 0;
	packet_put_ip(&p, HOST_GOOD, FOREIGN, 0, 0);
	packet_put_zeroes(&p, 12);
	assert_attempt(host, &p, HOST_GOOD, 0, FOREIGN, 12);
}

/* What a raw socket sends as TCP is no connection, but an attempt like any other. */
static void v4_tcp_by_hand(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	uint8_t tcp[20] = {0x11, 0x5c, 0, 80, [12] = 0x50, [13] = 2};
	int fd;

	packet_put_ip(&p, HOST_GOOD, IPPROTO_TCP, 0, 0);
	packet_put(&p, tcp, sizeof(tcp));
	assert_attempt(host, &p, HOST_GOOD, 80, IPPROTO_TCP, sizeof(tcp));

	/* A socket of the protocol itself hides nothing either. */
	host_mark(host);
	fd = host_socket(host, AF_INET, SOCK_RAW, IPPROTO_TCP);
	packet_finish(&p);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &(int){1}, sizeof(int)), 0);
	assert_int_equal(send_raw(fd, &p, p.size), 0);
	close(fd);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, BLIND(RAW) = 1);
}

static void v6_with_extensions(void **state)
{
	static const uint8_t kinds[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS};
	struct host *host = *state;

	for (size_t n = 0; n <= ME_ARRAY_SIZE(kinds); n++) {
		struct packet p = {};

		packet_put_ip6(&p, HOST_GOOD6, n ? kinds[0] : IPPROTO_UDP);
		for (size_t i = 0; i < n; i++)
			packet_put_extension(&p, i + 1 < n ? kinds[i + 1] : IPPROTO_UDP, i);
		packet_put_udp(&p, 11, 44);
		assert_attempt(host, &p, HOST_GOOD6, 11, IPPROTO_UDP, 44);
	}
}

static void v6_protocols(void **state)
{
	struct packet p = {};

	packet_put_ip6(&p, HOST_GOOD6, IPPROTO_ICMPV6);
	packet_put(&p, &(struct icmp6_hdr){.icmp6_type = ICMP6_ECHO_REQUEST},
		   sizeof(struct icmp6_hdr));
	packet_put_zeroes(&p, 16);
	assert_attempt(*state, &p, HOST_GOOD6, 0, IPPROTO_ICMPV6, 16);

	p.size = 0;
	packet_put_ip6(&p, HOST_GOOD6, IPPROTO_UDPLITE);
	packet_put_udp(&p, 12, 3);
	assert_attempt(*state, &p, HOST_GOOD6, 12, IPPROTO_UDPLITE, 3);

	p.size = 0;
	packet_put_ip6(&p, HOST_GOOD6, FOREIGN);
	packet_put_zeroes(&p, 21);
	assert_attempt(*state, &p, HOST_GOOD6, 0, FOREIGN, 21);
}

/* SCTP is in no rule: its own reason; and a protocol nobody knows. */
static void unlisted_protocols(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	struct host_flow f;

	packet_put_ip(&p, HOST_GOOD, IPPROTO_SCTP, 0, 0);
	packet_put(&p, (uint8_t[]){0, 1, 0x23, 0x28, 0, 0, 0, 0, 0, 0, 0, 0}, 12);
	send_twice(host, &p);
	f = host_flow(host, HOST_GOOD, 9000);
	assert_int_equal(f.key.proto, IPPROTO_SCTP);
	assert_int_equal(f.flow.packets_sent, 2);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNLISTED_PROTOCOL) = 1, BLIND(RAW) = 1);

	host_mark(host);
	p.size = 0;
	packet_put_ip6(&p, HOST_GOOD6, IPPROTO_ESP);
	packet_put_zeroes(&p, 20);
	send_twice(host, &p);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNLISTED_PROTOCOL) = 1, BLIND(RAW) = 1);
}

/* Fragments beyond the first have no ports: a flow of their own, at port 0. */
static void fragments(void **state)
{
	struct host *host = *state;
	struct packet first = {}, later = {};
	struct host_flow f;
	int fd = raw_socket(host, AF_INET);

	packet_put_ip(&first, HOST_GOOD, IPPROTO_UDP, 0, IP_MF);
	packet_put_udp(&first, 13, 40);
	packet_finish(&first);
	packet_put_ip(&later, HOST_GOOD, IPPROTO_UDP, 0, 48 / 8);
	packet_put_zeroes(&later, 60);
	packet_finish(&later);
	assert_int_equal(send_raw(fd, &first, first.size), 0);
	assert_int_equal(send_raw(fd, &later, later.size), 0);
	f = host_flow(host, HOST_GOOD, 13);
	assert_int_equal(f.flow.packets_sent, 1);
	assert_int_equal(f.flow.bytes_sent, 40);
	close(fd);
	assert_int_equal(host_flows(host), 2);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 2, BLIND(RAW) = 1);
}

/* --- Packets that are none ----------------------------------------------------------------------- */

static void assert_link(struct host *host, struct packet *p)
{
	host_mark(host);
	send_twice(host, p);
	assert_int_equal(host_flows(host), 0);
	HOST_EXPECT(host, TOTAL(LINK) = 2, BLIND(RAW) = 1);
}

static void what_stays_on_the_link(void **state)
{
	static const uint8_t types[] = {130, 131, 132, 133, 134, 135, 136, 137, 143};
	struct host *host = *state;
	struct packet p = {};

	packet_put_ip(&p, "224.0.0.251", IPPROTO_UDP, 0, 0);
	packet_put_udp(&p, 5353, 10);
	assert_link(host, &p);

	p.size = 0;
	packet_put_ip(&p, "255.255.255.255", IPPROTO_UDP, 0, 0);
	packet_put_udp(&p, 67, 10);
	assert_link(host, &p);

	p.size = 0;
	packet_put_ip(&p, HOST_GOOD, IPPROTO_IGMP, 4, 0);
	packet_put_zeroes(&p, 8);
	assert_link(host, &p);

	p.size = 0;
	packet_put_ip6(&p, "ff02::fb", IPPROTO_UDP);
	packet_put_udp(&p, 5353, 10);
	assert_link(host, &p);

	for (size_t i = 0; i < sizeof(types); i++) {
		p.size = 0;
		packet_put_ip6(&p, HOST_GOOD6, IPPROTO_HOPOPTS);
		packet_put_extension(&p, IPPROTO_ICMPV6, 0);
		packet_put(&p, &types[i], 1);
		packet_put_zeroes(&p, 23);
		assert_link(host, &p);
	}
}

/* --- Packets that say nothing ------------------------------------------------------------------- */

static void what_cannot_be_parsed(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	int fd;

	packet_put_ip(&p, HOST_BAD, IPPROTO_UDP, 0, 0);
	packet_put_zeroes(&p, 3);
	send_twice(host, &p);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE) = 1, BLIND(RAW) = 1);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);

	/* An extension header that says it is longer than the packet. */
	host_mark(host);
	p.size = 0;
	packet_put_ip6(&p, HOST_BAD6, IPPROTO_DSTOPTS);
	packet_put(&p, (uint8_t[]){IPPROTO_UDP, 255, 1, 4, 0, 0, 0, 0}, 8);
	packet_finish(&p);
	fd = raw_socket(host, AF_INET6);
	assert_int_equal(send_raw(fd, &p, p.size), 0);
	close(fd);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE) = 1, BLIND(RAW) = 1);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	struct host *host = host_begin("egress", "", 1024);

	world_run(host->world.ns, "ip route add 224.0.0.0/4 dev lo");
	world_run(host->world.ns, "ip route add 255.255.255.255/32 dev lo");
	world_run(host->world.ns, "ip link add " LINK " type veth peer name " LINK "-peer");
	world_run(host->world.ns, "ip link set " LINK "-peer up");
	world_run(host->world.ns, "ip link set " LINK " up");
	world_run(host->world.ns, "ip addr add fe80::1/64 dev " LINK " nodad");
	*state = host;
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
		TEST(v4_with_options),    TEST(v4_protocols),           TEST(v4_tcp_by_hand),
		TEST(v6_with_extensions), TEST(v6_protocols),           TEST(unlisted_protocols),
		TEST(fragments),          TEST(what_stays_on_the_link), TEST(what_cannot_be_parsed),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
