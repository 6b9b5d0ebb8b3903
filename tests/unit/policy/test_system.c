/* SPDX-License-Identifier: GPL-2.0-only */
/* What `resolvers: system` means: resolv.conf, and whom a stub on loopback asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "policy/system.h"

static const char *const folders[] = {
	"/etc", "/run", "/run/systemd", "/run/systemd/resolve", "/run/dnsmasq", "/run/resolvconf",
};
static const char *const files[] = {
	"/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf",
	"/run/dnsmasq/resolv.conf",
	"/run/resolvconf/resolv.conf",
};

static char root[] = "/tmp/mewatch-system-XXXXXX";

static const char *below(const char *path)
{
	static char whole[128];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return whole;
}

static int setup(void **state)
{
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < ME_ARRAY_SIZE(folders); i++) {
		if (mkdir(below(folders[i]), 0700) < 0)
			return -1;
	}
	return 0;
}

static int clear(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(files); i++)
		unlink(below(files[i]));
	return 0;
}

static int teardown(void **state)
{
	clear(state);
	for (size_t i = ME_ARRAY_SIZE(folders); i; i--)
		rmdir(below(folders[i - 1]));
	return rmdir(root);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(below(path), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The addresses of the list, one space between them. */
static void assert_list(const struct me_system_list *list, const char *addresses)
{
	char text[ME_SYSTEM_RESOLVERS_MAX * ME_INET_LEN] = "", one[ME_INET_LEN];

	for (size_t i = 0; i < list->n; i++) {
		me_inet_format(list->address[i].byte, one);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 one);
	}
	assert_string_equal(text, addresses);
}

static void test_parse(void **state)
{
	struct me_system_list list = {0};

	me_system_parse(&list, "# nameserver 192.0.2.1\n"
			       "search example.com\n"
			       "nameserver 192.0.2.2\n"
			       "  nameserver\t2001:db8::1 # and a word on it\n"
			       "nameserver fe80::1%eth0\n"
			       "nameserver 192.0.2.2\n"
			       "nameserver nonsense\n"
			       "nameservers 192.0.2.9\n"
			       "nameserver\n"
			       "nameserver 192.0.2.3");
	assert_list(&list, "192.0.2.2 2001:db8::1 fe80::1 192.0.2.3");
}

static void test_maximum(void **state)
{
	struct me_system_list list = {0};
	char line[64];

	for (unsigned int i = 0; i < ME_SYSTEM_RESOLVERS_MAX + 3; i++) {
		snprintf(line, sizeof(line), "nameserver 192.0.2.%u\n", i);
		me_system_parse(&list, line);
	}
	assert_int_equal(list.n, ME_SYSTEM_RESOLVERS_MAX);
}

static void test_plain(void **state)
{
	struct me_system system;

	put(files[0], "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	put(files[1], "nameserver 192.0.2.3\n");
	me_system_read(&system, root);
	assert_list(&system.resolvers, "192.0.2.1 192.0.2.2");
	assert_list(&system.upstream, "");
}

/* The stub is who is asked; the servers behind it stand apart. */
static void test_stub(void **state)
{
	struct me_system system;

	put(files[0], "nameserver 127.0.0.53\nnameserver 192.0.2.2\n");
	put(files[1], "nameserver 192.0.2.3\nnameserver 192.0.2.2\n");
	put(files[2], "nameserver 2001:db8::4\nnameserver 192.0.2.3\n");
	me_system_read(&system, root);
	assert_list(&system.resolvers, "127.0.0.53 192.0.2.2");
	assert_list(&system.upstream, "192.0.2.3 192.0.2.2 2001:db8::4");
	put(files[0], "nameserver ::1\n");
	me_system_read(&system, root);
	assert_list(&system.resolvers, "::1");
	assert_list(&system.upstream, "192.0.2.3 192.0.2.2 2001:db8::4");
}

static void test_nothing(void **state)
{
	struct me_system system;

	memset(&system, 0xa5, sizeof(system));
	me_system_read(&system, root);
	assert_int_equal(system.resolvers.n, 0);
	assert_int_equal(system.upstream.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test_teardown(test_plain, clear),
		cmocka_unit_test_teardown(test_stub, clear),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
