/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "policy/explain.h"

static void test_query(void **state)
{
	static const struct {
		const char *text, *as;
	} good[] = {
		{"meupdate.gfi.com:443/tcp", "meupdate.gfi.com:443/tcp"},
		{"MeUpdate.GFI.com.:443", "meupdate.gfi.com:443/tcp"},
		{"192.0.2.1:53/udp", "192.0.2.1:53/udp"},
		{"[2001:DB8::1]:53/udp", "[2001:db8::1]:53/udp"},
		{"[::ffff:192.0.2.1]:53/udp", "192.0.2.1:53/udp"},
		{"192.0.2.1:9/udplite", "192.0.2.1:9/udplite"},
		{"192.0.2.1:65535/sctp", "192.0.2.1:65535/sctp"},
		{"10.0.0.1/icmp", "10.0.0.1/icmp"},
		{"2001:db8::1/icmp6", "2001:db8::1/icmp6"},
		{"[2001:db8::1]/icmp6", "2001:db8::1/icmp6"},
		{"gw.example/47", "gw.example/47"},
		{"10.0.0.1:80/6", "10.0.0.1:80/tcp"},
	};
	static const char *const bad[] = {
		"",
		"x",
		"x:",
		"x:65536",
		"x:-1",
		":80",
		"x:80/",
		"x:80/foo",
		"x:80/256",
		"x:80/tcp/tcp",
		"a b:80",
		"*.x:80",
		".x:80",
		"x..y:80",
		"[::1]",
		"[::1:80",
		"::1:80",
		"1.2.3.4",
		"1.2.3.400:80",
		"1.2.3:80",
		"[1.2.3.4]:80",
		"10.0.0.1:7/icmp",
		"\xc3\xa9.example:80",
		"/icmp",
		"[]/icmp",
		/* A label of 64 bytes. */
		"a234567890123456789012345678901234567890123456789012345678901234.example:80",
	};
	char long_name[300];

	for (size_t i = 0; i < ME_ARRAY_SIZE(good); i++) {
		const char *expected = NULL;
		struct me_query query;
		char text[ME_QUERY_LEN];

		assert_int_equal(me_query_parse(good[i].text, &query, &expected), 0);
		assert_null(expected);
		me_query_format(&query, text);
		assert_string_equal(text, good[i].as);
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(bad); i++) {
		const char *expected = NULL;
		struct me_query query;

		if (me_query_parse(bad[i], &query, &expected) != -EINVAL || !expected)
			fail_msg("`%s` was taken", bad[i]);
	}
	for (size_t i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 60 == 59 ? '.' : 'a';
	for (size_t length = 250; length < 290; length++) {
		const char *expected = NULL;
		struct me_query query;

		memcpy(long_name + length, ":80", 4);
		assert_int_equal(me_query_parse(long_name, &query, &expected),
				 length <= 253 ? 0 : -EINVAL);
		long_name[length] = long_name[length + 1] = long_name[length + 2] = 'a';
		long_name[length + 3] = 'a';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
