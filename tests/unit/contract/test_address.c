/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/in6.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "mewatch/address.h"

static struct me_addr parse(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

static void test_kind(void **state)
{
	static const struct {
		const char *address;
		enum me_addr_kind kind;
	} lines[] = {
		{"0.0.0.0", ME_ADDR_OTHER},
		{"0.255.255.255", ME_ADDR_OTHER},
		{"1.0.0.0", ME_ADDR_GLOBAL},
		{"10.0.0.1", ME_ADDR_GLOBAL},
		{"100.64.0.1", ME_ADDR_GLOBAL},
		{"126.255.255.255", ME_ADDR_GLOBAL},
		{"127.0.0.0", ME_ADDR_LOOPBACK},
		{"127.255.255.255", ME_ADDR_LOOPBACK},
		{"128.0.0.0", ME_ADDR_GLOBAL},
		{"169.253.255.255", ME_ADDR_GLOBAL},
		{"169.254.0.0", ME_ADDR_LINKLOCAL},
		{"169.254.169.254", ME_ADDR_LINKLOCAL},
		{"169.255.0.0", ME_ADDR_GLOBAL},
		{"192.0.2.1", ME_ADDR_GLOBAL},
		{"223.255.255.255", ME_ADDR_GLOBAL},
		{"224.0.0.0", ME_ADDR_LINK},
		{"224.0.0.255", ME_ADDR_LINK},
		{"224.0.1.0", ME_ADDR_OTHER},
		{"239.255.255.250", ME_ADDR_OTHER},
		{"240.0.0.1", ME_ADDR_OTHER},
		{"255.255.255.254", ME_ADDR_OTHER},
		{"255.255.255.255", ME_ADDR_LINK},
		{"::", ME_ADDR_OTHER},
		{"::1", ME_ADDR_LOOPBACK},
		{"::2", ME_ADDR_GLOBAL},
		{"::127.0.0.1", ME_ADDR_GLOBAL}, /* compatible, not mapped */
		{"::ffff:127.0.0.1", ME_ADDR_LOOPBACK},
		{"::ffff:255.255.255.255", ME_ADDR_LINK},
		{"64:ff9b::7f00:1", ME_ADDR_GLOBAL},
		{"1:0:0:0:0:ffff:7f00:1", ME_ADDR_GLOBAL},
		{"2001:db8::1", ME_ADDR_GLOBAL},
		{"fd00::1", ME_ADDR_GLOBAL},
		{"fe7f::1", ME_ADDR_GLOBAL},
		{"fe80::1", ME_ADDR_LINKLOCAL},
		{"febf:ffff::1", ME_ADDR_LINKLOCAL},
		{"fec0::1", ME_ADDR_GLOBAL},
		{"ff01::1", ME_ADDR_LINK},
		{"ff02::1:ff00:1", ME_ADDR_LINK},
		{"ff05::2", ME_ADDR_OTHER},
		{"ff0e::1", ME_ADDR_OTHER},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		struct me_addr address = parse(lines[i].address);

		if (me_addr_kind(&address) != lines[i].kind)
			fail_msg("%s: kind %d", lines[i].address, me_addr_kind(&address));
	}
}

static void test_mapped(void **state)
{
	struct me_addr quad = me_addr_v4(ME_NET32(0xc0000201u)), text = parse("192.0.2.1"),
		       mapped = parse("::ffff:c000:201"), compatible = parse("::192.0.2.1");

	assert_true(me_addr_equal(&quad, &text));
	assert_true(me_addr_equal(&quad, &mapped));
	assert_false(me_addr_equal(&quad, &compatible));
	assert_true(me_addr_is_v4(&quad));
	assert_false(me_addr_is_v4(&compatible));
	assert_int_equal(sizeof(struct me_addr), 16);
}

static void test_prefix(void **state)
{
	static const struct {
		const char *address, *net;
		unsigned int bits; /* in the mapped form */
		bool in;
	} lines[] = {
		{"10.1.2.3", "10.1.2.3", 128, true},
		{"10.1.2.2", "10.1.2.3", 128, false},
		{"10.1.2.2", "10.1.2.3", 127, true},
		{"10.1.2.4", "10.1.2.3", 127, false},
		{"10.1.2.255", "10.1.2.0", 120, true},
		{"10.1.3.0", "10.1.2.0", 120, false},
		{"10.127.0.1", "10.0.0.0", 105, true},
		{"10.128.0.1", "10.0.0.0", 105, false},
		{"203.0.113.1", "0.0.0.0", 96, true},
		{"2001:db8::1", "0.0.0.0", 96, false},
		{"2001:db8::1", "::", 0, true},
		{"10.0.0.1", "::", 0, true},
		{"7fff::", "::", 1, true},
		{"8000::", "::", 1, false},
		{"febf::1", "fe80::", 10, true},
		{"fec0::1", "fe80::", 10, false},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		struct me_addr address = parse(lines[i].address), net = parse(lines[i].net);

		if (me_addr_in(&address, &net, lines[i].bits) != lines[i].in)
			fail_msg("%s in %s/%u", lines[i].address, lines[i].net, lines[i].bits);
	}
}

/* Every protocol and port has a slot of its own inside the array, and those without ports share none. */
static void test_slots(void **state)
{
	static const uint8_t ported[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP};
	static unsigned char taken[ME_SLOT_COUNT];

	memset(taken, 0, sizeof(taken));
	for (unsigned int proto = 0; proto < 256; proto++) {
		bool has = memchr(ported, (int)proto, sizeof(ported));

		assert_int_equal(!!me_proto_has_ports((uint8_t)proto), has);
		for (unsigned int port = 0; port < (has ? 65536u : 1u); port++) {
			uint32_t slot = me_slot((uint8_t)proto, (uint16_t)port);

			assert_in_range(slot, 0, ME_SLOT_COUNT - 1);
			assert_int_equal(taken[slot]++, 0);
		}
	}
	assert_int_equal(me_slot(IPPROTO_ICMP, 7), me_slot(IPPROTO_ICMP, 0));
	assert_int_equal(me_slot(IPPROTO_ICMPV6, 0), ME_SLOT_PROTO + 58);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
