/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/packet_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../packets.h"
#include "../../seed.h"
#include "base/cleanup.h"
#include "mewatch/frame.h"

#define DAMAGED 300000

/* Memory that ends where the bytes in it end, so that a look behind them is seen. */
struct tail {
	uint8_t *byte;
	size_t size;
};

static int tail_new(void **state)
{
	struct tail *tail = malloc(sizeof(*tail));

	assert_non_null(tail);
	tail->size = ME_PACKET_ROOM;
	tail->byte = malloc(tail->size);
	assert_non_null(tail->byte);
	*state = tail;
	return 0;
}

static int tail_free(void **state)
{
	struct tail *tail = *state;

	free(tail->byte);
	free(tail);
	return 0;
}

static uint8_t *tail_put(const struct tail *tail, const uint8_t *bytes, size_t n)
{
	assert_true(n <= tail->size);
	return memcpy(tail->byte + tail->size - n, bytes, n);
}

/* What was read. */
struct result {
	bool quick;
	enum me_unparsed why;
	struct me_packet packet, quick_packet;
	struct me_packet_about about;
};

/* Reads the first `have` bytes of `whole`, over what was in memory before. */
static struct result read_over(const struct tail *tail, const uint8_t *bytes, size_t have,
			       size_t whole, bool v6, int fill)
{
	const uint8_t *there = tail_put(tail, bytes, have);
	struct result r;

	memset(&r, fill, sizeof(r));
	r.why = me_packet_parse(there, (uint32_t)have, (uint32_t)whole, v6, &r.packet);
	me_packet_about(there, (uint32_t)have, &r.packet, &r.about);
	r.quick = me_packet_quick(there, there + have, v6, (uint32_t)whole, &r.quick_packet);
	return r;
}

static struct result read_part(const struct tail *tail, const uint8_t *bytes, size_t have,
			       size_t whole, bool v6)
{
	struct result r = read_over(tail, bytes, have, whole, v6, 0);
	struct result other = read_over(tail, bytes, have, whole, v6, 0xa5);

	assert_int_equal(r.why, other.why);
	assert_int_equal(r.quick, other.quick);
	assert_memory_equal(&r.packet, &other.packet, sizeof(r.packet));
	assert_memory_equal(&r.about, &other.about, sizeof(r.about));
	if (r.quick) {
		assert_int_equal(r.why, ME_UNPARSED_COUNT);
		assert_memory_equal(&r.packet, &r.quick_packet, sizeof(r.packet));
		assert_memory_equal(&r.packet, &other.quick_packet, sizeof(r.packet));
	}
	return r;
}

/* --- Packets written by hand -------------------------------------------------------------------- */

/* From 192.0.2.10 to 192.0.2.20; `first` is version and header length. */
#define IP4(first, length, fragment, proto)                                                        \
	first "00" length "beef" fragment "40" proto "dead c000020a c0000214"
/* From 2001:db8::10 to 2001:db8::20. */
#define IP6(length, next)                                                                          \
	"60000000" length next "40"                                                                \
	"20010db8000000000000000000000010 20010db8000000000000000000000020"
#define TCP(offset) "9c410035 01020304 05060708" offset "12ffff 00000000"
#define UDP "9c410035 0008dead"
#define PORTS .sport = 0x9c41, .dport = 53
#define SEGMENT PORTS, .seq = 0x01020304, .ack = 0x05060708, .tcp_flags = ME_TCP_SYN | ME_TCP_ACK

struct written {
	const char *name, *hex;
	size_t behind; /* bytes that do not lie there */
	bool v6;
	enum me_unparsed why;
	unsigned int addresses; /* how many can be read: the source, the destination */
	struct me_packet packet;
};

/* clang-format off */
static const struct written written[] = {
	{"TCP", IP4("45", "0028", "4000", "06") TCP("50"), 0, false, ME_UNPARSED_COUNT, 2,
	 {.proto = 6, .length = 40, .headers = 40, SEGMENT}},
	{"TCP with options", IP4("45", "002d", "0000", "06") TCP("60") "01010101 aa", 0, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 6, .length = 45, .headers = 44, .payload = 1, SEGMENT}},
	{"nothing", "", 0, false, ME_UNPARSED_TRUNCATED, 0, {.proto = 0}},
	{"15 bytes", "4500002800000000 40060000c00002", 0, false, ME_UNPARSED_TRUNCATED, 0,
	 {.proto = 0}},
	{"a source", "4500002800000000 40060000c000020a", 0, false, ME_UNPARSED_TRUNCATED, 1,
	 {.proto = 6}},
	{"IPv6 in a frame of IPv4", IP6("0008", "11") UDP, 0, false, ME_UNPARSED_VERSION, 0,
	 {.proto = 0}},
	{"IPv4 in a frame of IPv6", IP4("45", "0028", "0000", "06") TCP("50"), 0, true,
	 ME_UNPARSED_VERSION, 0, {.proto = 0}},
	{"a header of 16 bytes", IP4("44", "001c", "0000", "11") UDP, 0, false, ME_UNPARSED_HEADER, 2,
	 {.proto = 17}},
	{"a header longer than the packet", IP4("4f", "0028", "0000", "06") TCP("50"), 0, false,
	 ME_UNPARSED_TRUNCATED, 2, {.proto = 6}},
	{"a header longer than the packet says", IP4("47", "0018", "0000", "11") "0101010101010101" UDP,
	 0, false, ME_UNPARSED_LENGTH, 2, {.proto = 17}},
	{"longer than the frame", IP4("45", "001d", "0000", "11") UDP, 0, false, ME_UNPARSED_LENGTH, 2,
	 {.proto = 17}},
	{"over 64 kB, to be cut up by the card", IP4("45", "0000", "0000", "06") TCP("50"), 70000, false,
	 ME_UNPARSED_COUNT, 2,
	 {.proto = 6, .length = 70040, .headers = 40, .payload = 70000, SEGMENT}},
	{"padded", IP4("45", "001c", "0000", "11") UDP "000000000000000000", 0, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 17, .length = 28, .headers = 28, PORTS}},
	{"ports in the padding", IP4("45", "0016", "0000", "11") UDP, 0, false, ME_UNPARSED_LENGTH, 2,
	 {.proto = 17}},
	{"TCP in the padding", IP4("45", "0027", "0000", "06") TCP("50"), 0, false, ME_UNPARSED_LENGTH,
	 2, {.proto = 6}},
	{"not to be fragmented, and the reserved bit", IP4("45", "001c", "c000", "11") UDP, 0, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 17, .length = 28, .headers = 28, PORTS}},
	{"UDP with a length of its own", IP4("45", "001d", "0000", "11") "9c410035 ffffdead aa", 0,
	 false, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 29, .headers = 28, .payload = 1, PORTS}},
	{"a header of TCP of 16 bytes", IP4("45", "0028", "0000", "06") TCP("40"), 0, false,
	 ME_UNPARSED_HEADER, 2, {.proto = 6}},
	{"a header of TCP longer than the packet", IP4("45", "0028", "0000", "06") TCP("60"), 0, false,
	 ME_UNPARSED_LENGTH, 2, {.proto = 6}},
	{"options of TCP that do not lie there", IP4("45", "003c", "0000", "06") TCP("a0"), 20, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 6, .length = 60, .headers = 60, SEGMENT}},
	{"from nowhere", "4500001c 00000000 40110000 00000000 ffffffff" UDP, 0, false,
	 ME_UNPARSED_COUNT, 0, {.src = {.word = {0, 0, ME_MAPPED_PREFIX, 0}},
	 .dst = {.word = {0, 0, ME_MAPPED_PREFIX, 0xffffffff}},
	 .proto = 17, .length = 28, .headers = 28, PORTS}},
	{"an extension header of IPv6", IP4("45", "001c", "0000", "3c") "0600000000000000", 0, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 60, .length = 28, .headers = 20, .payload = 8}},
	{"AH over IPv4", IP4("45", "001c", "0000", "33") "0604000000000000", 0, false,
	 ME_UNPARSED_COUNT, 2, {.proto = 51, .length = 28, .headers = 20, .payload = 8}},
	{"protocol 0 over IPv4", IP4("45", "0014", "0000", "00"), 0, false, ME_UNPARSED_COUNT, 2,
	 {.proto = 0, .length = 20, .headers = 20}},

	{"a tiny first fragment", IP4("45", "001c", "2000", "06") "9c410035 01020304", 0, false,
	 ME_UNPARSED_FRAGMENT, 2, {.proto = 6}},
	{"a first fragment without all options", IP4("45", "0028", "2000", "06") TCP("60"), 0, false,
	 ME_UNPARSED_FRAGMENT, 2, {.proto = 6}},
	{"a first fragment of UDP", IP4("45", "001c", "2000", "11") UDP, 0, false, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 28, .headers = 28, .identity = 0xbeef, .flags = ME_PACKET_FIRST,
	  PORTS}},
	{"a second over the flags", IP4("45", "0028", "0001", "06") TCP("50"), 0, false,
	 ME_UNPARSED_FRAGMENT, 2, {.proto = 6}},
	{"the same of UDP", IP4("45", "001c", "2001", "11") UDP, 0, false, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 28, .headers = 20, .payload = 8, .identity = 0xbeef,
	  .flags = ME_PACKET_LATER}},
	{"a late place", IP4("45", "001c", "1000", "06") UDP, 0, false, ME_UNPARSED_COUNT, 2,
	 {.proto = 6, .length = 28, .headers = 20, .payload = 8, .identity = 0xbeef,
	  .flags = ME_PACKET_LATER | ME_PACKET_LAST}},

	{"UDP over IPv6", IP6("0008", "11") UDP, 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 48, .headers = 48, PORTS}},
	{"23 bytes", "60000000001411 40 20010db8000000000000000000 0000", 0, true,
	 ME_UNPARSED_TRUNCATED, 0, {.proto = 0}},
	{"a source of IPv6", "60000000001411 40 20010db8000000000000000000000010", 0, true,
	 ME_UNPARSED_TRUNCATED, 1, {.proto = 17}},
	{"longer than the frame, IPv6", IP6("0009", "11") UDP, 0, true, ME_UNPARSED_LENGTH, 2,
	 {.proto = 17}},
	{"a jumbogram", IP6("0000", "00") "0600c20400011170" TCP("50"), 70000, true, ME_UNPARSED_COUNT,
	 2, {.proto = 6, .length = 70068, .headers = 68, .payload = 70000, SEGMENT}},
	{"no next header, and padding", IP6("0000", "3b") "000000000000", 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 59, .length = 40, .headers = 40}},
	{"a header alone", IP6("0000", "06"), 0, true, ME_UNPARSED_TRUNCATED, 2, {.proto = 6}},
	{"an AH of 8 bytes", IP6("0010", "33") "1100000000000000" UDP, 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 56, .headers = 56, PORTS}},
	{"an AH of 12 bytes", IP6("0014", "33") "110100000000000000000000" UDP, 0, true,
	 ME_UNPARSED_COUNT, 2, {.proto = 17, .length = 60, .headers = 60, PORTS}},
	{"an extension header longer than the frame", IP6("0010", "3c") "1102000000000000" UDP, 0, true,
	 ME_UNPARSED_TRUNCATED, 2, {.proto = 17}},
	{"one longer than the packet says", IP6("0008", "3c") "1101000000000000" "0000000000000000" UDP,
	 0, true, ME_UNPARSED_LENGTH, 2, {.proto = 17}},
	{"one longer than the frame, and no ports", IP6("0008", "3c") "3201000000000000", 0, true,
	 ME_UNPARSED_TRUNCATED, 2, {.proto = 50}},
	{"a first fragment that ends in one", IP6("0010", "2c") "3c00000100000007 1101000000000000", 0,
	 true, ME_UNPARSED_FRAGMENT, 2, {.proto = 17}},
	{"a fragment of a fragment", IP6("0018", "2c") "2c00000100000007 1100000100000008" UDP, 0, true,
	 ME_UNPARSED_FRAGMENT, 2, {.proto = 0}},
	{"a fragment behind one that is none", IP6("0018", "2c") "2c00000000000007 1100000100000008" UDP,
	 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 64, .headers = 64, .identity = 8, .flags = ME_PACKET_FIRST, PORTS}},
	{"a second over the flags, IPv6", IP6("001c", "2c") "0600000900000007" TCP("50"), 0, true,
	 ME_UNPARSED_FRAGMENT, 2, {.proto = 6}},
	{"a later fragment of what is not shown", IP6("0010", "2c") "3c00001100000007" UDP, 0, true,
	 ME_UNPARSED_COUNT, 2,
	 {.proto = 0, .length = 56, .headers = 48, .payload = 8, .identity = 7,
	  .flags = ME_PACKET_LATER}},
	{"a late place, IPv6", IP6("0010", "2c") "1100800100000007" UDP, 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 17, .length = 56, .headers = 48, .payload = 8, .identity = 7,
	  .flags = ME_PACKET_LATER}},
	{"IGMP over IPv6", IP6("0008", "02") "1600000000000000", 0, true, ME_UNPARSED_COUNT, 2,
	 {.proto = 2, .length = 48, .headers = 40, .payload = 8}},
};
/* clang-format on */

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
	size_t digits = 0;

	for (; *hex; hex++) {
		const char *all = "0123456789abcdef", *digit = strchr(all, *hex);

		if (*hex == ' ')
			continue;
		assert_true(digit && digits / 2 < room);
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | (digit - all));
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

static void reads_what_is_written(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(written); i++) {
		const struct written *w = &written[i];
		struct me_packet expected = w->packet;
		uint8_t bytes[256];
		size_t n = unhex(w->hex, bytes, sizeof(bytes));
		struct result r = read_part(*state, bytes, n, n + w->behind, w->v6);

		if (w->addresses > 0)
			expected.src =
				w->v6 ? packets_address(true, 0x10) : packets_address(false, 10);
		if (w->addresses > 1)
			expected.dst =
				w->v6 ? packets_address(true, 0x20) : packets_address(false, 20);
		if (r.why != w->why || memcmp(&r.packet, &expected, sizeof(expected)))
			print_error("%s: %s\n", w->name, me_unparsed_label(r.why));
		assert_int_equal(r.why, w->why);
		assert_memory_equal(&r.packet, &expected, sizeof(expected));
	}
}

/* An extension header may lead to the end of the room that there is in the kernel, and past it. */
static void the_room_has_an_end(void **state)
{
	uint8_t bytes[ME_PACKET_ROOM] = {0};
	size_t at = unhex(IP6("1000", "3c") "11", bytes, sizeof(bytes));
	struct result r;

	for (unsigned int units = 121; units <= 123; units++) {
		bytes[at] = (uint8_t)units; /* with 121 the last 8 bytes are the header of UDP */
		r = read_part(*state, bytes, sizeof(bytes), 40 + 0x1000, true);
		assert_int_equal(r.why, units == 121 ? ME_UNPARSED_COUNT : ME_UNPARSED_EXTENSIONS);
		assert_int_equal(r.packet.proto, 17);
		assert_int_equal(r.packet.headers, units == 121 ? ME_PACKET_ROOM : 0);
		/* What was captured of it is shorter than that. */
		r = read_part(*state, bytes, sizeof(bytes) - 1, 40 + 0x1000, true);
		assert_int_equal(r.why, ME_UNPARSED_TRUNCATED);
	}
}

/* An IPv6 packet between mapped addresses would pass for one of IPv4. */
static void mapped_addresses_are_none_of_ipv6(void **state)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	for (unsigned int side = 0; side < 2; side++) {
		uint8_t bytes[128];
		size_t n = unhex(IP6("0008", "11") UDP, bytes, sizeof(bytes));
		struct result r = read_part(*state, bytes, n, n, true);

		assert_true(r.quick);
		memcpy(bytes + (side ? 24 : 8), mapped, sizeof(mapped));
		r = read_part(*state, bytes, n, n, true);
		assert_false(r.quick);
		assert_int_equal(r.why, ME_UNPARSED_VERSION);
	}
}

/* Every type and code of ICMP. */
static void errors_have_kinds(void **state)
{
	static const char *const quoted[2] = {IP4("45", "ffff", "0000", "11") UDP,
					      IP6("ffff", "11") UDP};
	static const char *const header[2] = {IP4("45", "0038", "0000", "01"), IP6("0038", "3a")};

	for (unsigned int kind = 0; kind < 0x20000; kind++) {
		bool v6 = kind >> 16;
		unsigned int type = kind >> 8 & 0xff, code = kind & 0xff;
		bool error = v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
		bool refused = v6 ? type == 1 && code == 4 : type == 3 && (code == 2 || code == 3);
		bool too_big = v6 ? type == 2 : type == 3 && code == 4;
		uint8_t bytes[128];
		size_t n = unhex(header[v6], bytes, sizeof(bytes));
		struct result r;

		bytes[n] = (uint8_t)type;
		bytes[n + 1] = (uint8_t)code;
		memset(bytes + n + 2, 0, 6);
		n += 8 + unhex(quoted[v6], bytes + n + 8, sizeof(bytes) - n - 8);
		r = read_part(*state, bytes, n, n, v6);
		assert_int_equal(r.why, ME_UNPARSED_COUNT);
		assert_int_equal(r.packet.icmp_type, type);
		assert_int_equal(!!(r.packet.flags & ME_PACKET_ERROR), error);
		assert_int_equal(r.about.refused, refused);
		assert_int_equal(r.about.too_big, too_big);
		assert_int_equal(r.about.proto, error ? 17 : 0);
		assert_int_equal(r.about.dport, error ? 53 : 0);
	}
}

static void some_protocols_are_of_the_link(void **state)
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100};
	static const uint16_t link[] = {0x0000, 0x0026, 0x05dc, 0x05ff, 0x0806, 0x8035,
					0x8809, 0x888e, 0x88cc, 0x88d9, 0x893a, 0x9000};
	size_t n = 0;

	(void)state;
	for (unsigned int protocol = 0; protocol <= 0xffff; protocol++) {
		bool is_tag = false, is_ip = protocol == 0x0800 || protocol == 0x86dd;
		uint32_t offset = 1;
		int v6 = 2;

		for (size_t i = 0; i < ME_ARRAY_SIZE(tags); i++)
			is_tag |= tags[i] == protocol;
		assert_int_equal(me_frame_is_tag((uint16_t)protocol), is_tag);
		assert_int_equal(me_frame_parse(NULL, 0, 0, (uint16_t)protocol, &offset, &v6),
				 is_tag  ? ME_UNPARSED_TRUNCATED
				 : is_ip ? ME_UNPARSED_COUNT
					 : ME_UNPARSED_ETHERTYPE);
		assert_int_equal(offset, is_ip ? 0 : 1);
		assert_int_equal(v6, is_ip ? protocol == 0x86dd : 2);
		assert_false(me_frame_is_link((uint16_t)protocol) && (is_tag || is_ip));
		n += me_frame_is_link((uint16_t)protocol);
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(link); i++)
		assert_true(me_frame_is_link(link[i]));
	assert_int_equal(n, 0x600 + ME_ARRAY_SIZE(link) - 4);
}

/* Behind a tag, the protocol that it hides is told, so that ARP in a VLAN is known for what it is. */
static void tags_are_passed_over(void **state)
{
	uint8_t bytes[] = {0x20, 0x64, 0x88, 0xa8, 0x00, 0x65, 0x08, 0x06};
	uint32_t offset = 0;
	uint16_t protocol = 0x8100;

	(void)state;
	assert_int_equal(me_frame_untag(bytes, sizeof(bytes), &offset, &protocol),
			 ME_UNPARSED_COUNT);
	assert_int_equal(offset, 8);
	assert_int_equal(protocol, 0x0806);
	assert_true(me_frame_is_link(protocol));
}

/* --- Every combination -------------------------------------------------------------------------- */

static void compare(size_t index, size_t n, const struct result *got,
		    const struct packets_expected *expected)
{
	char name[PACKETS_NAME_MAX];

	if (got->why == expected->why && got->quick == expected->quick &&
	    !memcmp(&got->packet, &expected->packet, sizeof(got->packet)) &&
	    !memcmp(&got->about, &expected->about, sizeof(got->about)))
		return;
	packets_name(index, name);
	print_error("%s (%zu), %zu bytes: %s, expected %s\n", name, index, n,
		    me_unparsed_label(got->why), me_unparsed_label(expected->why));
	assert_int_equal(got->why, expected->why);
	assert_int_equal(got->quick, expected->quick);
	assert_memory_equal(&got->packet, &expected->packet, sizeof(got->packet));
	assert_memory_equal(&got->about, &expected->about, sizeof(got->about));
}

static void reads_whole_packets(void **state)
{
	size_t counts[ME_UNPARSED_COUNT + 1] = {0}, quick = 0, errors = 0;

	for (size_t i = 0; i < packets_count(); i++) {
		uint8_t bytes[PACKETS_MAX];
		struct packets_expected expected;
		size_t n = packets_build(i, bytes, sizeof(bytes), &expected);
		struct result r = read_part(*state, bytes, n, n, expected.v6);

		compare(i, n, &r, &expected);
		counts[r.why]++;
		quick += r.quick;
		errors += r.about.proto != 0;
	}
	/* The ordinary: TCP with none, some and all options, UDP; of IPv4 also what says not to fragment. */
	assert_int_equal(quick, 3 * 4);
	assert_true(counts[ME_UNPARSED_COUNT] > 5000 && counts[ME_UNPARSED_EXTENSIONS] > 500);
	assert_true(errors > 1000);
	assert_int_equal(counts[ME_UNPARSED_COUNT] + counts[ME_UNPARSED_EXTENSIONS],
			 packets_count());
}

/* The frame ends early, or what was captured of it. */
static void reads_what_is_cut_off(void **state)
{
	for (size_t i = 0; i < packets_count(); i++) {
		uint8_t bytes[PACKETS_MAX];
		struct packets_expected whole, expected;
		size_t size = packets_build(i, bytes, sizeof(bytes), &whole);

		for (size_t n = 0; n <= size; n++) {
			struct result r = read_part(*state, bytes, n, n, whole.v6);

			packets_cut(&whole, n, size, &expected);
			compare(i, n, &r, &expected);
			r = read_part(*state, bytes, n, size, whole.v6);
			packets_part(&whole, n, &expected);
			compare(i, n, &r, &expected);
		}
	}
}

/* The packet says itself that it ends early, with and without bytes behind that. */
static void reads_what_says_it_is_short(void **state)
{
	for (size_t i = 0; i < packets_count(); i++) {
		uint8_t bytes[PACKETS_MAX];
		struct packets_expected whole, expected;
		size_t size = packets_build(i, bytes, sizeof(bytes), &whole);

		/* An IPv6 packet cannot say that there is nothing behind its header. */
		for (size_t n = whole.v6 ? 41 : 20; n < size; n++) {
			struct result r;

			packets_shorten(bytes, whole.v6, n);
			r = read_part(*state, bytes, n, n, whole.v6);
			packets_shortened(&whole, n, false, &expected);
			compare(i, n, &r, &expected);
			r = read_part(*state, bytes, size, size, whole.v6);
			packets_shortened(&whole, n, true, &expected);
			compare(i, n, &r, &expected);
		}
	}
}

/* Damage anywhere never leads out of the memory, nor to ports that are not in it. */
static void damage_does_no_harm(void **state)
{
	uint64_t random = me_seed();
	size_t readable = 0, quick = 0;

	for (size_t round = 0; round < DAMAGED; round++) {
		size_t index = me_seed_next(&random) % packets_count(), size, have, whole;
		uint8_t bytes[PACKETS_MAX];
		struct packets_expected expected;
		struct result r;

		/* Every other one of those without options and extension headers. */
		if (round % 2)
			index = index / PACKETS_TRANSPORTS % 2 * PACKETS_OPTIONS *
					PACKETS_FRAGMENTS * PACKETS_TRANSPORTS +
				index % PACKETS_TRANSPORTS;
		size = packets_build(index, bytes, sizeof(bytes), &expected);
		for (uint64_t n = 1 + me_seed_next(&random) % 4; n; n--)
			bytes[me_seed_next(&random) % size % 64] = (uint8_t)me_seed_next(&random);
		have = size - (round % 4 ? 0 : me_seed_next(&random) % size);
		whole = have + (round % 8 ? 0 : me_seed_next(&random) % 100);
		r = read_part(*state, bytes, have, whole, expected.v6);
		quick += r.quick;
		if (r.why != ME_UNPARSED_COUNT)
			continue;
		readable++;
		assert_true(r.packet.length <= whole && r.packet.headers <= r.packet.length);
		assert_int_equal(r.packet.payload, r.packet.length - r.packet.headers);
		if (!me_proto_has_ports(r.packet.proto) || (r.packet.flags & ME_PACKET_LATER))
			assert_true(!r.packet.sport && !r.packet.dport);
		else
			assert_true(have >= (expected.v6 ? 48 : 28));
	}
	assert_true(readable > DAMAGED / 10 && quick > DAMAGED / 1000);
}

/* Behind an Ethernet header, with more tags than are followed, cut off at every byte. */
static void frames_are_found(void **state)
{
	for (size_t i = 0; i < packets_count(); i += PACKETS_TRANSPORTS) {
		uint8_t packet[PACKETS_MAX], frame[PACKETS_FRAME_MAX];
		struct packets_expected expected;
		size_t size = packets_build(i, packet, sizeof(packet), &expected);

		for (unsigned int tags = 0; tags <= PACKETS_TAGS_MAX; tags++) {
			size_t header = 14 + 4 * (size_t)tags;
			size_t n = packets_frame(tags, expected.v6, packet, size, frame,
						 sizeof(frame));
			uint16_t protocol = (uint16_t)(frame[12] << 8 | frame[13]);

			assert_int_equal(n, header + size);
			for (size_t have = 14; have <= header + 1; have++) {
				const uint8_t *there = tail_put(*state, frame, have);
				uint32_t offset = 1;
				int v6 = 2;
				enum me_unparsed why = me_frame_parse(there, (uint32_t)have, 14,
								      protocol, &offset, &v6);

				if (have >= 30 && tags > ME_PACKET_TAGS_MAX)
					assert_int_equal(why, ME_UNPARSED_TAGS);
				else if (have < header)
					assert_int_equal(why, ME_UNPARSED_TRUNCATED);
				else
					assert_int_equal(why, ME_UNPARSED_COUNT);
				assert_int_equal(offset, why == ME_UNPARSED_COUNT ? header : 1);
				assert_int_equal(v6, why == ME_UNPARSED_COUNT ? expected.v6 : 2);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_written),
		cmocka_unit_test(the_room_has_an_end),
		cmocka_unit_test(mapped_addresses_are_none_of_ipv6),
		cmocka_unit_test(errors_have_kinds),
		cmocka_unit_test(some_protocols_are_of_the_link),
		cmocka_unit_test(tags_are_passed_over),
		cmocka_unit_test(reads_whole_packets),
		cmocka_unit_test(reads_what_is_cut_off),
		cmocka_unit_test(reads_what_says_it_is_short),
		cmocka_unit_test(damage_does_no_harm),
		cmocka_unit_test(frames_are_found),
	};

	return cmocka_run_group_tests_name("packet", tests, tail_new, tail_free);
}
