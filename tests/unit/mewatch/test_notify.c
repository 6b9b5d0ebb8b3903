/* SPDX-License-Identifier: GPL-2.0-only */
/* The words to the service manager, as a real datagram socket hears them. */
#include "mewatch/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"

struct manager {
	int fd;
	char name[64]; /* as NOTIFY_SOCKET has it */
	char heard[4096];
};

static void listen_at(struct manager *manager, const char *prefix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length;

	snprintf(manager->name, sizeof(manager->name), "%s%d", prefix, (int)getpid());
	length = strlen(manager->name);
	memcpy(address.sun_path, manager->name, length);
	if (manager->name[0] == '@')
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(manager->fd >= 0);
	assert_int_equal(bind(manager->fd, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + length),
			 0);
	setenv("NOTIFY_SOCKET", manager->name, 1);
}

/* The next message, as text; empty if there is none. */
static const char *hear(struct manager *manager)
{
	ssize_t n = recv(manager->fd, manager->heard, sizeof(manager->heard) - 1, 0);

	manager->heard[n < 0 ? 0 : n] = '\0';
	return manager->heard;
}

static int setup(void **state)
{
	struct manager *manager = calloc(1, sizeof(*manager));

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	listen_at(manager, "/tmp/mewatch-notify-");
	*state = manager;
	return 0;
}

static int teardown(void **state)
{
	struct manager *manager = *state;

	close(manager->fd);
	if (manager->name[0] == '/')
		unlink(manager->name);
	free(manager);
	return 0;
}

static void every_word(void **state)
{
	struct manager *manager = *state;
	struct me_notify notify;
	uint64_t before = me_clock_now(CLOCK_MONOTONIC) / 1000, at;

	assert_int_equal(me_notify_open(&notify), 0);
	assert_true(fcntl(notify.fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(hear(manager), "");
	me_notify_ready(&notify, "watching");
	assert_string_equal(hear(manager), "READY=1\nSTATUS=watching");
	me_notify_reloading(&notify);
	assert_int_equal(sscanf(hear(manager), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &at), 1);
	assert_in_range(at, before, me_clock_now(CLOCK_MONOTONIC) / 1000);
	me_notify_alive(&notify);
	assert_string_equal(hear(manager), "WATCHDOG=1");
	me_notify_failed(&notify, EBUSY, "held by another");
	assert_string_equal(hear(manager), "ERRNO=16\nSTATUS=held by another");
	me_notify_stopping(&notify);
	assert_non_null(strstr(hear(manager), "STOPPING=1\n"));
	assert_string_equal(hear(manager), "");
	me_notify_close(&notify);
}

static void an_abstract_name(void **state)
{
	struct manager manager;
	struct me_notify notify;

	(void)state;
	listen_at(&manager, "@mewatch-notify-");
	assert_int_equal(me_notify_open(&notify), 0);
	me_notify_ready(&notify, "x");
	assert_string_equal(hear(&manager), "READY=1\nSTATUS=x");
	me_notify_close(&notify);
	close(manager.fd);
}

/* A status from outside cannot add a line, and a long one does not push the rest out. */
static void a_status_is_one_line(void **state)
{
	struct manager *manager = *state;
	struct me_notify notify;
	char big[5000];

	assert_int_equal(me_notify_open(&notify), 0);
	me_notify_ready(&notify, "a\nMAINPID=1\r\x7f\033b\xc3\xa9");
	assert_string_equal(hear(manager), "READY=1\nSTATUS=a MAINPID=1   b\xc3\xa9");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	me_notify_failed(&notify, EINVAL, big);
	assert_memory_equal(hear(manager), "ERRNO=22\nSTATUS=xxx", 19);
	assert_in_range(strlen(manager->heard), 100, 1023);
	me_notify_close(&notify);
}

static void without_a_manager(void **state)
{
	struct manager *manager = *state;
	struct me_notify notify;

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(me_notify_open(&notify), 0);
	assert_int_equal(notify.fd, -1);
	me_notify_ready(&notify, "x");
	me_notify_close(&notify);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(me_notify_open(&notify), 0);
	assert_int_equal(notify.fd, -1);
	assert_string_equal(hear(manager), "");
}

static void expect_refused(const char *name, int error)
{
	struct me_notify notify;

	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(me_notify_open(&notify), error);
	assert_int_equal(notify.fd, -1);
	assert_int_equal(notify.watchdog_ns, 0);
	me_notify_alive(&notify);
	me_notify_close(&notify);
}

static void what_cannot_be_reached(void **state)
{
	char big[200];

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	memset(big, '/', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	expect_refused("/tmp/mewatch-notify-nobody", -ENOENT);
	expect_refused("@mewatch-notify-nobody", -ECONNREFUSED);
	expect_refused("relative", -EAFNOSUPPORT);
	expect_refused("vsock:2:1234", -EAFNOSUPPORT);
	expect_refused("/", -EINVAL);
	expect_refused("@", -EINVAL);
	expect_refused(big, -EINVAL);
}

/* A manager that does not read holds nobody up. */
static void a_manager_that_is_busy(void **state)
{
	struct manager *manager = *state;
	struct me_notify notify;
	int n = 0;

	assert_int_equal(me_notify_open(&notify), 0);
	for (int i = 0; i < 10000; i++)
		me_notify_alive(&notify);
	while (*hear(manager))
		n++;
	assert_in_range(n, 1, 9999);
	me_notify_ready(&notify, "later");
	assert_string_equal(hear(manager), "READY=1\nSTATUS=later");
	close(manager->fd);
	manager->fd = -1;
	me_notify_ready(&notify, "nobody hears this");
	me_notify_close(&notify);
}

static uint64_t watchdog(const char *allowed, const char *whose)
{
	struct me_notify notify;

	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", allowed, 1);
	if (whose)
		setenv("WATCHDOG_PID", whose, 1);
	assert_int_equal(me_notify_open(&notify), 0);
	me_notify_close(&notify);
	return notify.watchdog_ns;
}

static void the_watchdog_is_due_at_half(void **state)
{
	char own[16], parent[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	snprintf(parent, sizeof(parent), "%d", (int)getppid());
	assert_int_equal(watchdog("30000000", NULL), 15 * ME_NS_PER_S);
	assert_int_equal(watchdog("30000000", own), 15 * ME_NS_PER_S);
	assert_int_equal(watchdog("1", own), 500);
	assert_int_equal(watchdog("30000000", parent), 0);
	assert_int_equal(watchdog("30000000", "x"), 0);
	assert_int_equal(watchdog("0", NULL), 0);
	assert_int_equal(watchdog("-1", NULL), 0);
	assert_int_equal(watchdog("18446744073709551615", NULL), 0);
	assert_int_equal(watchdog("", NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_word),
		TEST(an_abstract_name),
		TEST(a_status_is_one_line),
		TEST(without_a_manager),
		TEST(what_cannot_be_reached),
		TEST(a_manager_that_is_busy),
		TEST(the_watchdog_is_due_at_half),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
