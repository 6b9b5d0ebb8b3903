/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of every shape through the egress and ingress programs: for real, from raw sockets, and
 * cut off and damaged under BPF_PROG_TEST_RUN, where each run has a socket of its own.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "../seed.h"

#define PACKET_MAX 1024
#define DAMAGED 20000
#define LINK "wire" /* a device for packets that need one */
#define FOREIGN 253 /* a protocol for experiments (RFC 3692) */

struct packet {
	uint8_t byte[PACKET_MAX];
	size_t size;
};

static void put(struct packet *p, const void *bytes, size_t size)
{
	assert_true(p->size + size <= sizeof(p->byte));
	memcpy(p->byte + p->size, bytes, size);
	p->size += size;
}

static void put_zeroes(struct packet *p, size_t size)
{
	static const uint8_t zeroes[PACKET_MAX];

	put(p, zeroes, size);
}

/* An IPv4 header with `options` bytes of no-operation; `fragment` is the field as it is. */
static void put_ip(struct packet *p, const char *to, uint8_t proto, size_t options,
		   uint16_t fragment)
{
	struct iphdr ip = {.version = 4,
			   .ihl = 5 + options / 4,
			   .ttl = 64,
			   .protocol = proto,
			   .id = htons(7),
			   .frag_off = htons(fragment)};

	assert_int_equal(inet_pton(AF_INET, HOST_BAD, &ip.saddr), 1);
	assert_int_equal(inet_pton(AF_INET, to, &ip.daddr), 1);
	put(p, &ip, sizeof(ip));
	for (size_t i = 0; i < options; i++)
		put(p, "\1", 1);
}

static void put_ip6(struct packet *p, const char *to, uint8_t next)
{
	struct ip6_hdr ip = {.ip6_nxt = next, .ip6_hlim = 64};

	ip.ip6_vfc = 6 << 4;
	assert_int_equal(inet_pton(AF_INET6, HOST_BAD6, &ip.ip6_src), 1);
	assert_int_equal(inet_pton(AF_INET6, to, &ip.ip6_dst), 1);
	put(p, &ip, sizeof(ip));
}

/* An extension header of 8 * (units + 1) bytes, all padding. */
static void put_extension(struct packet *p, uint8_t next, uint8_t units)
{
	uint8_t head[2] = {next, units}, pad = units * 8 + 4;

	put(p, head, sizeof(head));
	put(p, "\1", 1);
	put(p, &pad, 1);
	put_zeroes(p, pad);
}

static void put_udp(struct packet *p, uint16_t port, size_t payload)
{
	struct udphdr udp = {
		.source = htons(4444), .dest = htons(port), .len = htons(sizeof(udp) + payload)};

	put(p, &udp, sizeof(udp));
	put_zeroes(p, payload);
}

/* The total length or the payload length, as it became. */
static void finish(struct packet *p)
{
	uint16_t size;

	if (p->byte[0] >> 4 == 4) {
		size = htons(p->size);
		memcpy(p->byte + offsetof(struct iphdr, tot_len), &size, sizeof(size));
	} else {
		size = htons(p->size - sizeof(struct ip6_hdr));
		memcpy(p->byte + offsetof(struct ip6_hdr, ip6_plen), &size, sizeof(size));
	}
}

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

	finish(p);
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
	assert_int_equal(f.key.opener.earlier, 0);
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

		put_ip(&p, HOST_GOOD, IPPROTO_UDP, options, 0);
		put_udp(&p, 9, 33);
		assert_attempt(*state, &p, HOST_GOOD, 9, IPPROTO_UDP, 33);
	}
}

static void v4_protocols(void **state)
{
	struct host *host = *state;
	struct packet p = {};

	put_ip(&p, HOST_GOOD, IPPROTO_UDPLITE, 0, 0);
	put_udp(&p, 10, 5);
	assert_attempt(host, &p, HOST_GOOD, 10, IPPROTO_UDPLITE, 5);

	p.size = 0;
	put_ip(&p, HOST_GOOD, IPPROTO_ICMP, 0, 0);
	put(&p, &(struct icmphdr){.type = ICMP_ECHO}, sizeof(struct icmphdr));
	put_zeroes(&p, 56);
	assert_attempt(host, &p, HOST_GOOD, 0, IPPROTO_ICMP, 56);

	p.size = 0;
	put_ip(&p, HOST_GOOD, FOREIGN, 0, 0);
	put_zeroes(&p, 12);
	assert_attempt(host, &p, HOST_GOOD, 0, FOREIGN, 12);
}

/* What a raw socket sends as TCP is no connection, but an attempt like any other. */
static void v4_tcp_by_hand(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	uint8_t tcp[20] = {0x11, 0x5c, 0, 80, [12] = 0x50, [13] = 2};
	int fd;

	put_ip(&p, HOST_GOOD, IPPROTO_TCP, 0, 0);
	put(&p, tcp, sizeof(tcp));
	assert_attempt(host, &p, HOST_GOOD, 80, IPPROTO_TCP, sizeof(tcp));

	/* A socket of the protocol itself hides nothing either. */
	host_mark(host);
	fd = host_socket(host, AF_INET, SOCK_RAW, IPPROTO_TCP);
	finish(&p);
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

		put_ip6(&p, HOST_GOOD6, n ? kinds[0] : IPPROTO_UDP);
		for (size_t i = 0; i < n; i++)
			put_extension(&p, i + 1 < n ? kinds[i + 1] : IPPROTO_UDP, i);
		put_udp(&p, 11, 44);
		assert_attempt(host, &p, HOST_GOOD6, 11, IPPROTO_UDP, 44);
	}
}

static void v6_protocols(void **state)
{
	struct packet p = {};

	put_ip6(&p, HOST_GOOD6, IPPROTO_ICMPV6);
	put(&p, &(struct icmp6_hdr){.icmp6_type = ICMP6_ECHO_REQUEST}, sizeof(struct icmp6_hdr));
	put_zeroes(&p, 16);
	assert_attempt(*state, &p, HOST_GOOD6, 0, IPPROTO_ICMPV6, 16);

	p.size = 0;
	put_ip6(&p, HOST_GOOD6, IPPROTO_UDPLITE);
	put_udp(&p, 12, 3);
	assert_attempt(*state, &p, HOST_GOOD6, 12, IPPROTO_UDPLITE, 3);

	p.size = 0;
	put_ip6(&p, HOST_GOOD6, FOREIGN);
	put_zeroes(&p, 21);
	assert_attempt(*state, &p, HOST_GOOD6, 0, FOREIGN, 21);
}

/* SCTP is in no rule: its own reason; and a protocol nobody knows. */
static void unlisted_protocols(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	struct host_flow f;

	put_ip(&p, HOST_GOOD, IPPROTO_SCTP, 0, 0);
	put(&p, (uint8_t[]){0, 1, 0x23, 0x28, 0, 0, 0, 0, 0, 0, 0, 0}, 12);
	send_twice(host, &p);
	f = host_flow(host, HOST_GOOD, 9000);
	assert_int_equal(f.key.proto, IPPROTO_SCTP);
	assert_int_equal(f.flow.packets_sent, 2);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNLISTED_PROTOCOL) = 1, BLIND(RAW) = 1);

	host_mark(host);
	p.size = 0;
	put_ip6(&p, HOST_GOOD6, IPPROTO_ESP);
	put_zeroes(&p, 20);
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

	put_ip(&first, HOST_GOOD, IPPROTO_UDP, 0, IP_MF);
	put_udp(&first, 13, 40);
	finish(&first);
	put_ip(&later, HOST_GOOD, IPPROTO_UDP, 0, 48 / 8);
	put_zeroes(&later, 60);
	finish(&later);
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

	put_ip(&p, "224.0.0.251", IPPROTO_UDP, 0, 0);
	put_udp(&p, 5353, 10);
	assert_link(host, &p);

	p.size = 0;
	put_ip(&p, "255.255.255.255", IPPROTO_UDP, 0, 0);
	put_udp(&p, 67, 10);
	assert_link(host, &p);

	p.size = 0;
	put_ip(&p, HOST_GOOD, IPPROTO_IGMP, 4, 0);
	put_zeroes(&p, 8);
	assert_link(host, &p);

	p.size = 0;
	put_ip6(&p, "ff02::fb", IPPROTO_UDP);
	put_udp(&p, 5353, 10);
	assert_link(host, &p);

	for (size_t i = 0; i < sizeof(types); i++) {
		p.size = 0;
		put_ip6(&p, HOST_GOOD6, IPPROTO_HOPOPTS);
		put_extension(&p, IPPROTO_ICMPV6, 0);
		put(&p, &types[i], 1);
		put_zeroes(&p, 23);
		assert_link(host, &p);
	}
}

/* --- Packets that say nothing ------------------------------------------------------------------- */

static void what_cannot_be_parsed(void **state)
{
	struct host *host = *state;
	struct packet p = {};
	int fd;

	put_ip(&p, HOST_BAD, IPPROTO_UDP, 0, 0);
	put_zeroes(&p, 3);
	send_twice(host, &p);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE) = 1, BLIND(RAW) = 1);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);

	/* An extension header that says it is longer than the packet. */
	host_mark(host);
	p.size = 0;
	put_ip6(&p, HOST_BAD6, IPPROTO_DSTOPTS);
	put(&p, (uint8_t[]){IPPROTO_UDP, 255, 1, 4, 0, 0, 0, 0}, 8);
	finish(&p);
	fd = raw_socket(host, AF_INET6);
	assert_int_equal(send_raw(fd, &p, p.size), 0);
	close(fd);
	HOST_EXPECT(host, FINAL(ME_VIOLATION + ME_REASON_UNPARSABLE) = 1, BLIND(RAW) = 1);
}

/* --- Under test run ------------------------------------------------------------------------------ */

struct programs {
	int egress, ingress;
};

static int attached_program(struct host *host, enum bpf_attach_type type)
{
	uint32_t ids[2], flags, n = ME_ARRAY_SIZE(ids);
	char path[8192];
	int fd;

	snprintf(path, sizeof(path), "%s%s", host->mount, host->group);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_query(fd, type, 0, &flags, ids, &n), 0);
	close(fd);
	assert_int_equal(n, 1);
	fd = bpf_prog_get_fd_by_id(ids[0]);
	assert_true(fd >= 0);
	return fd;
}

static struct programs open_programs(struct host *host)
{
	struct programs p = {attached_program(host, BPF_CGROUP_INET_EGRESS),
			     attached_program(host, BPF_CGROUP_INET_INGRESS)};

	return p;
}

static void close_programs(struct programs *p)
{
	close(p->egress);
	close(p->ingress);
}

/* The kernel runs no packet that lacks a part of it. */
static size_t network_header(bool v4)
{
	return v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

/* Runs the program on the first `size` bytes of the packet, behind an Ethernet header. */
static void run(int program, const struct packet *p, size_t size, bool v4)
{
	uint8_t frame[14 + PACKET_MAX] = {[12] = v4 ? 0x08 : 0x86, [13] = v4 ? 0x00 : 0xdd};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = 14 + size);

	memcpy(frame + 14, p->byte, size);
	assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
	assert_int_equal(opts.retval, 1);
}

/* All that the runs since the mark came to: attempts, and packets that stay on the link. */
static uint64_t seen_packets(struct host *host, uint64_t *ret_unparsable)
{
	struct host_counts c = host_counts(host);
	uint64_t n = c.total[ME_TOTAL_LINK];

	for (uint32_t what = 0; what < ME_CELL_ENDS; what++)
		n += c.cell[ME_CELL_FINAL][what] + c.cell[ME_CELL_OPENED][what];
	*ret_unparsable = c.cell[ME_CELL_FINAL][ME_VIOLATION + ME_REASON_UNPARSABLE];
	return n;
}

/* Cut off at every byte that leaves the network header: `needed` bytes or more can be parsed. */
static void assert_cut(struct host *host, const struct packet *p, size_t needed)
{
	struct programs programs = open_programs(host);
	bool v4 = p->byte[0] >> 4 == 4;
	size_t header = network_header(v4);
	uint64_t unparsable;

	host_mark(host);
	for (size_t size = header; size <= p->size; size++) {
		run(programs.egress, p, size, v4);
		assert_int_equal(seen_packets(host, &unparsable), size - header + 1);
		assert_int_equal(unparsable, size < needed ? size - header + 1 : needed - header);
	}
	for (size_t size = header; size <= p->size; size++)
		run(programs.ingress, p, size, v4);
	assert_int_equal(seen_packets(host, &unparsable), p->size - header + 1);
	assert_int_equal(host_flows(host), p->size - header + 1);
	close_programs(&programs);
}

/* The packets that are cut off and damaged, with the bytes that each needs to be parsed. */
static size_t sample(int which, struct packet *p)
{
	p->size = 0;
	switch (which) {
	case 0:
		put_ip(p, HOST_GOOD, IPPROTO_UDP, 8, 0);
		put_udp(p, 9, 4);
		return 20 + 8 + 4;
	case 1:
		put_ip(p, HOST_GOOD, IPPROTO_ICMP, 0, 0);
		put(p, &(struct icmphdr){.type = ICMP_ECHO}, sizeof(struct icmphdr));
		return 20;
	case 2:
		put_ip6(p, HOST_GOOD6, IPPROTO_UDP);
		put_udp(p, 9, 4);
		return 40 + 4;
	case 3:
		put_ip6(p, HOST_GOOD6, IPPROTO_HOPOPTS);
		put_extension(p, IPPROTO_DSTOPTS, 1);
		put_extension(p, IPPROTO_FRAGMENT, 0);
		put_extension(p, IPPROTO_UDPLITE, 0);
		put_udp(p, 9, 4);
		return 40 + 16 + 8 + 8 + 4;
	default:
		put_ip(p, HOST_GOOD, FOREIGN, 40, 0);
		put_zeroes(p, 8);
		return 20;
	}
}

#define SAMPLES 5

static void cut_off_anywhere(void **state)
{
	struct packet p;

	for (int i = 0; i < SAMPLES; i++) {
		size_t needed = sample(i, &p);

		finish(&p);
		assert_cut(*state, &p, needed);
	}
}

/* Damaged at random: each packet passes, and is counted once, as one thing or another. */
static void damaged_anyhow(void **state)
{
	struct host *host = *state;
	struct programs programs = open_programs(host);
	uint64_t random = me_seed(), unparsable;
	struct packet p;

	for (int i = 0; i < DAMAGED; i++) {
		size_t least;
		bool v4;

		sample(me_seed_next(&random) % SAMPLES, &p);
		finish(&p);
		v4 = p.byte[0] >> 4 == 4;
		for (uint64_t n = me_seed_next(&random) % 8; n > 0; n--)
			p.byte[me_seed_next(&random) % p.size] = me_seed_next(&random);
		least = network_header(v4);
		p.size = least + me_seed_next(&random) % (p.size - least + 1);
		run(programs.egress, &p, p.size, v4);
		run(programs.ingress, &p, p.size, v4);
	}
	assert_int_equal(seen_packets(host, &unparsable), DAMAGED);
	assert_true(unparsable > 0 && unparsable < DAMAGED);
	close_programs(&programs);
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
	/* Test runs are in the namespace of the test itself. */
	assert_int_equal(me_kernel_netns(host->kernel, world_cookie(-1), true), 0);
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
		TEST(cut_off_anywhere),   TEST(damaged_anyhow),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
