/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every capture that the fuzzer begins with, through the programs in the kernel and through those that
 * replay has, by several policies: the same flows, verdicts, reasons, rules and records. Where a link has
 * no Ethernet header the kernel's get one.
 */
#include "both.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include "policy/compile.h"
#include "replay/capture.h"
#include "replay/ends.h"

#define FLOWS 1024
#define CAPTURES "tests/fuzz/fuzz_capture"
#define FRAME_MAX 4096

static const char *const policies[] = {
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, \"2001:db8::10\"]}\n"
	"resolvers: [192.0.2.53, \"2001:db8::53\"]\n"
	"remoting: {ports: [tcp/9093]}\n"
	"peers: [203.0.113.9]\n"
	"dns: {ip_zones: [zen.example.org], uri_zones: [uri.example.org]}\n"
	"allow:\n"
	"  - {service: updates, name: site, to: [update.example.net, \"*.cdn.example.org\"],\n"
	"     ports: [tcp/443, tcp/80]}\n"
	"  - {service: files, name: ftp, to: [ftp.example.net, 198.51.100.21], ports: tcp/21,\n"
	"     passive: announced}\n"
	"  - {service: smtp, name: mail, to: any, ports: tcp/25}\n",
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [192.0.2.0/28, \"2001:db8::/64\"]}\n"
	"resolvers: {recursive: {exe: /usr/sbin/named}}\n"
	"proxy: 198.51.100.7:80\n"
	"allow:\n"
	"  - {service: updates, name: site, to: \"**.example.net\", ports: [tcp/443, tcp/80]}\n"
	"  - {service: files, name: ftp, to: any, ports: tcp/21, passive: any}\n"
	"  - {service: rest, name: rest, to: 203.0.113.0/24, ports: [tcp/25, udp/123, icmp]}\n",
};

struct test {
	struct transit *transit;
	struct both *both;
	uint64_t packets, flows;
};

/* With an Ethernet header, which only says what is to be said. */
static size_t frame_of(const struct me_capture_packet *packet, uint8_t *frame)
{
	static const uint8_t macs[2 * ETH_ALEN] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	size_t head = packet->ethernet ? 0 : ETH_HLEN;

	assert_true(head + packet->have <= FRAME_MAX);
	if (head) {
		memcpy(frame, macs, sizeof(macs));
		if (packet->broadcast)
			memset(frame, 0xff, ETH_ALEN);
		frame[12] = packet->protocol >> 8;
		frame[13] = packet->protocol;
	}
	memcpy(frame + head, packet->bytes, packet->have);
	return head + packet->have;
}

/* What was cut is cut for both: a frame that the kernel runs is whole. */
static void pass(struct test *test, const struct me_capture_packet *packet)
{
	struct me_program_packet one = {.bytes = packet->bytes,
					.have = packet->have,
					.length = packet->have,
					.protocol = packet->protocol,
					.ethernet = packet->ethernet,
					.broadcast = packet->broadcast};
	struct me_packet_ends ends;
	uint8_t frame[FRAME_MAX];

	me_packet_ends(packet, &ends);
	one.sent = !ends.ip || !me_image_host(test->transit->image, &ends.dst);
	both_pass(test->both, frame, frame_of(packet, frame), &one);
	test->packets++;
}

static void replay_capture(struct test *test, const char *path)
{
	char error[ME_CAPTURE_ERROR_MAX];
	struct me_capture *capture = NULL;
	struct me_capture_packet packet;

	if (me_capture_open(path, &capture, error))
		fail_msg("%s: %s", path, error);
	while (me_capture_next(capture, &packet, error) == 1) {
		pass(test, &packet);
		both_compare_records(test->both, false);
	}
	me_capture_close(&capture);
	test->flows += me_map_count(test->both->host.me_flows);
	both_compare(test->both);
	both_finish(test->both);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void kernel_and_host_read_captures_alike(void **state)
{
	struct test test = {.transit = *state, .both = both_begin(*state, FLOWS)};
	struct dirent **names;
	int n = scandir(CAPTURES, &names, is_file, alphasort);

	assert_true(n > 20);
	for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++) {
		transit_policy(test.transit, policies[p]);
		both_policy(test.both);
		for (int i = 0; i < n; i++) {
			char path[512];

			snprintf(path, sizeof(path), CAPTURES "/%s", names[i]->d_name);
			printf("# %s\n", path);
			replay_capture(&test, path);
		}
	}
	both_end(&test.both);
	printf("# %d captures, %zu policies, %llu packets, %llu flows\n", n,
	       sizeof(policies) / sizeof(*policies), (unsigned long long)test.packets,
	       (unsigned long long)test.flows);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int begin(void **state)
{
	*state = transit_begin("captures", policies[0], FLOWS);
	return 0;
}

static int end(void **state)
{
	transit_end((struct transit **)state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_and_host_read_captures_alike),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
