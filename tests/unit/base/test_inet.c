/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/inet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"

static void reads_and_writes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::FFFF:c000:0201", "192.0.2.1"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"::", "::"},
		{"::1", "::1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		char text[ME_INET_LEN];
		uint8_t address[16];

		assert_int_equal(me_inet_parse(cases[i].in, address), 0);
		me_inet_format(address, text);
		assert_string_equal(text, cases[i].out);
	}
}

static void maps_ipv4(void **state)
{
	static const uint8_t expected[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
	uint8_t address[16];

	assert_int_equal(me_inet_parse("192.0.2.1", address), 0);
	assert_memory_equal(address, expected, sizeof(expected));
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const wrong[] = {
		"",           "192.0.2",      "192.0.2.256", "192.0.2.1.",
		" 192.0.2.1", "192.0.2.1/24", "0xc0000201",  "::1::",
		":::",        "fe80::1%eth0", "[::1]",       "2001:db8",
		"12345::",    "localhost",
	};
	uint8_t address[16] = "untouched------", before[16];

	memcpy(before, address, sizeof(before));
	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++)
		assert_int_equal(me_inet_parse(wrong[i], address), -EINVAL);
	assert_memory_equal(address, before, sizeof(before));
}

static void reads_address_and_port(void **state)
{
	static const struct {
		const char *in, *address;
		uint16_t port;
	} cases[] = {
		{"192.0.2.1:53", "192.0.2.1", 53},
		{"0.0.0.0:0", "0.0.0.0", 0},
		{"[2001:db8::1]:65535", "2001:db8::1", 65535},
		{"[::]:9815", "::", 9815},
		{"[::ffff:192.0.2.1]:53", "192.0.2.1", 53},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		char text[ME_INET_LEN];
		uint8_t address[16];
		uint16_t port;

		assert_int_equal(me_inet_parse_hostport(cases[i].in, address, &port), 0);
		me_inet_format(address, text);
		assert_string_equal(text, cases[i].address);
		assert_int_equal(port, cases[i].port);
	}
}

static void refuses_what_is_no_address_and_port(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		":53",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:65536",
		"192.0.2.1:-1",
		"192.0.2.1:53 ",
		"[192.0.2.1]:53",
		"[192.0.2.1:53",
		"::1:53",
		"2001:db8::1",
		"[::1]",
		"[::1]:",
		"[::1:53",
		"::1]:53",
		"[]:53",
		"[:53",
		"]:53",
		"[:]:53",
		"[::1]x:53",
		"x[::1]:53",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:53",
	};
	uint8_t address[16] = "untouched------", before[16];
	uint16_t port = 4711;

	memcpy(before, address, sizeof(before));
	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++)
		assert_int_equal(me_inet_parse_hostport(wrong[i], address, &port), -EINVAL);
	assert_memory_equal(address, before, sizeof(before));
	assert_int_equal(port, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(maps_ipv4),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(reads_address_and_port),
		cmocka_unit_test(refuses_what_is_no_address_and_port),
	};

	return cmocka_run_group_tests_name("inet", tests, NULL, NULL);
}
