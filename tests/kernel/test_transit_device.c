/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel = host for packets, on real devices: without an Ethernet header, cut off where
 * BPF_PROG_TEST_RUN takes no frame, without a VLAN tag that the kernel has taken out, and with headers
 * that do not lie where programs can look at them.
 */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../packets.h"
#include "../seed.h"
#include "base/cleanup.h"
#include "transit_device.h"
#include "transit_model.h"
#include "transit_packet.h"
#include "transit_same.h"

#define ETHERNET 14
#define VLAN 4
#define SUMMED 64
#define LONG 4200 /* bytes of a packet that does not fit into one page */

struct fixture {
	struct transit *transit;
	struct transit_device tun, tap;
	struct transit_same same;
};

static const char everything[] =
	"version: 1\n"
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, 192.0.2.20, \"2001:db8::a\",\n"
	"    \"2001:db8::14\", {mac: \"02:00:00:00:00:10\"}]}\n"
	"resolvers: [192.0.2.53]\n"
	"allow:\n"
	"  - {service: all, name: all, to: [192.0.2.0/24, \"2001:db8::/64\"],\n"
	"     ports: [tcp/*, udp/*, udplite/*, sctp/*, icmp, icmp6, proto/2, proto/4, proto/41,\n"
	"         proto/47, proto/50, proto/59, proto/255]}\n";

static uint64_t mix(size_t index, size_t n)
{
	uint64_t any = index << 16 | n;

	return me_seed_next(&any);
}

static void assert_sums(struct fixture *f, size_t index)
{
	char name[PACKETS_NAME_MAX];

	packets_name(index, name);
	if (!transit_same_sums(&f->same))
		fail_msg("%s, or one of those before it", name);
}

/* --- Without an Ethernet header ------------------------------------------------------------------- */

/* Of so many packets, which are alike but for one thing, each is cut off at every byte of its kind. */
#define EVERY 8

/* The protocol that the driver names: now and then a wrong one. */
static uint16_t named_protocol(bool v6, uint64_t mixed)
{
	static const uint16_t others[] = {0x0800, 0x86dd, 0x0806, 0x8847};

	return mixed % 32 ? (v6 ? 0x86dd : 0x0800) : others[mixed / 32 % ME_ARRAY_SIZE(others)];
}

static void without_ethernet(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[PACKETS_MAX];
	struct packets_expected e;

	for (size_t i = 0; i < packets_count(); i++) {
		size_t size = packets_build(i, packet, sizeof(packet), &e);

		for (size_t n = 1; n <= size; n++) {
			uint64_t mixed = mix(i, n);
			struct model_frame frame = {.byte = packet,
						    .size = n,
						    .protocol = named_protocol(e.v6, mixed / 2),
						    .sent = mixed % 2};

			if (n < size && (i + n) % EVERY)
				continue;
			transit_device_pass(&f->tun, frame.sent, frame.protocol, packet, n);
			transit_same_left(&f->same, &frame, 1);
		}
		if (i % SUMMED == 0)
			assert_sums(f, i);
	}
	assert_sums(f, packets_count() - 1);
	transit_same_report(&f->same);
}

/* --- With one ------------------------------------------------------------------------------------- */

/* What the programs see of a frame that comes in: without its first tag. False: nothing. */
static bool untagged(struct model_frame *frame)
{
	if (frame->protocol != 0x8100 && frame->protocol != 0x88a8)
		return true;
	if (frame->size < VLAN + 2)
		return false;
	frame->protocol = (uint16_t)(frame->byte[2] << 8 | frame->byte[3]);
	frame->byte += VLAN;
	frame->size -= VLAN;
	return true;
}

static struct model_frame frame_of(const uint8_t *frame, size_t size, bool sent)
{
	return (struct model_frame){.byte = frame + ETHERNET,
				    .size = size - ETHERNET,
				    .protocol = (uint16_t)(frame[12] << 8 | frame[13]),
				    .mac = me_mac(frame + (sent ? 6 : 0)),
				    .sent = sent};
}

/* The kernel takes out the first tag of what comes in, and runs no frame that is shorter than that. */
static void with_tags(void **state)
{
	uint8_t packet[PACKETS_MAX], frame[PACKETS_FRAME_MAX];
	struct fixture *f = *state;
	struct packets_expected e;

	for (size_t i = 0; i < packets_count(); i += 7) {
		size_t size = packets_build(i, packet, sizeof(packet), &e), tagged;

		tagged = packets_frame(mix(i, 0) % (PACKETS_TAGS_MAX + 1), e.v6, packet, size,
				       frame, sizeof(frame));
		for (size_t n = ETHERNET; n <= tagged; n++) {
			struct model_frame of = frame_of(frame, n, mix(i, n) % 2);

			if (n < tagged && n > ETHERNET + ME_PACKET_IP6 && (i + n) % EVERY)
				continue;
			transit_device_pass(&f->tap, of.sent, of.protocol, frame, n);
			if (!of.sent || untagged(&of))
				transit_same_left(&f->same, &of, 1);
		}
		assert_sums(f, i);
	}
	transit_same_report(&f->same);
}

/* A frame of more than a page, of which the programs can look at the first bytes only. */
static void out_of_reach(void **state)
{
	uint8_t packet[LONG] = {}, frame[ETHERNET + LONG];
	struct fixture *f = *state;
	struct packets_expected e;

	for (size_t i = 0; i < packets_count(); i++) {
		size_t size = packets_build(i, packet, sizeof(packet), &e), linear;
		struct model_frame of;

		memset(packet + size, 0x45, sizeof(packet) - size);
		packets_shorten(packet, e.v6, sizeof(packet));
		packets_frame(0, e.v6, packet, sizeof(packet), frame, sizeof(frame));
		linear = ETHERNET + mix(i, 0) % (size + 1);
		of = frame_of(frame, sizeof(frame), true);
		transit_device_come_in(&f->tap, frame, sizeof(frame), linear, 0);
		transit_same_left(&f->same, &of, 1);
		if (i % SUMMED == 0)
			assert_sums(f, i);
	}
	assert_sums(f, packets_count() - 1);
	transit_same_report(&f->same);
}

/* What a virtual machine leaves to the network card to cut up: nobody has counted its segments yet. */
static void segments_of_a_virtual_machine(void **state)
{
	uint8_t packet[TRANSIT_PACKET_MAX], frame[ETHERNET + TRANSIT_PACKET_MAX];
	struct fixture *f = *state;
	struct talk talk = talk_begin(f->transit, IPPROTO_TCP, "192.0.2.10", "192.0.2.77", 22);
	struct transit_packet p;
	size_t size;

	talk_handshake(&talk);
	p = talk_packet(&talk, SENT);
	p.flags = A;
	p.seq = talk.isn[1] + 1;
	p.ack = talk.isn[0] + 1;
	p.size = 1300;
	size = packets_frame(0, false, packet, transit_packet_build(&p, packet), frame,
			     sizeof(frame));
	transit_device_come_in(&f->tap, frame, size, ETHERNET + 40, 500);
	talk_count(&talk, SENT, 3, 1300 + 3 * 40);
	TALK_EXPECT(&talk, .verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_LISTED,
		    .outcome = ME_OUTCOME_ESTABLISHED, .sent = 1300);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->transit = transit_begin("transit-device", everything, 16);
	f->tun = transit_device_open(f->transit, false);
	f->tap = transit_device_open(f->transit, true);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	transit_device_close(&f->tun);
	transit_device_close(&f->tap);
	transit_same_end(&f->same);
	transit_end(&f->transit);
	free(f);
	return 0;
}

static int mark(void **state)
{
	struct fixture *f = *state;

	transit_same_begin(&f->same, f->transit);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_ethernet),
		TEST(with_tags),
		TEST(out_of_reach),
		TEST(segments_of_a_virtual_machine),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
