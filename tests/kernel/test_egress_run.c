/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The egress and ingress programs under BPF_PROG_TEST_RUN, where each run has a socket of its own:
 * packets cut off and damaged.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include "base/cleanup.h"
#include "packet.h"
#include "../seed.h"

#define DAMAGED 20000
#define FOREIGN 253 /* a protocol for experiments (RFC 3692) */

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
		packet_put_ip(p, HOST_GOOD, IPPROTO_UDP, 8, 0);
		packet_put_udp(p, 9, 4);
		return 20 + 8 + 4;
	case 1:
		packet_put_ip(p, HOST_GOOD, IPPROTO_ICMP, 0, 0);
		packet_put(p, &(struct icmphdr){.type = ICMP_ECHO}, sizeof(struct icmphdr));
		return 20;
	case 2:
		packet_put_ip6(p, HOST_GOOD6, IPPROTO_UDP);
		packet_put_udp(p, 9, 4);
		return 40 + 4;
	case 3:
		packet_put_ip6(p, HOST_GOOD6, IPPROTO_HOPOPTS);
		packet_put_extension(p, IPPROTO_DSTOPTS, 1);
		packet_put_extension(p, IPPROTO_FRAGMENT, 0);
		packet_put_extension(p, IPPROTO_UDPLITE, 0);
		packet_put_udp(p, 9, 4);
		return 40 + 16 + 8 + 8 + 4;
	default:
		packet_put_ip(p, HOST_GOOD, FOREIGN, 40, 0);
		packet_put_zeroes(p, 8);
		return 20;
	}
}

#define SAMPLES 5

static void cut_off_anywhere(void **state)
{
	struct packet p;

	for (int i = 0; i < SAMPLES; i++) {
		size_t needed = sample(i, &p);

		packet_finish(&p);
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
		packet_finish(&p);
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
	struct host *host = host_begin("run", "", 1024);

	/* The runs are in the namespace of the test itself. */
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
		TEST(cut_off_anywhere),
		TEST(damaged_anyhow),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
