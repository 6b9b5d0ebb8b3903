/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <net/if.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "base/table.h"
#include "kernel/enter.h"
#include "kernel/own.h"
#include "world.h"

/* What the events add up to; an event that contradicts the others fails the test. */
struct told {
	struct me_table *addresses; /* struct me_own_key */
	struct me_table *known;     /* cookies */
	struct me_netns *netns;
	int epoll; /* watches the watch */
};

static size_t count_of(const struct told *told, uint64_t cookie)
{
	const void *key;
	size_t cursor = 0, n = 0;

	while (me_table_next(told->addresses, &cursor, &key, NULL))
		n += ((const struct me_own_key *)key)->netns == cookie;
	return n;
}

static void hear(enum me_netns_event event, const struct me_own_key *own, void *userdata)
{
	struct told *told = userdata;

	switch (event) {
	case ME_NETNS_ADDRESS_ADDED:
		assert_int_equal(me_table_put(told->addresses, own, NULL), 0);
		break;
	case ME_NETNS_ADDRESS_REMOVED:
		assert_int_equal(me_table_remove(told->addresses, own), 0);
		break;
	case ME_NETNS_KNOWN:
		assert_int_equal(me_table_put(told->known, &own->netns, NULL), 0);
		break;
	case ME_NETNS_GONE:
		assert_int_equal(count_of(told, own->netns), 0);
		assert_int_equal(me_table_remove(told->known, &own->netns), 0);
		break;
	}
}

static int setup(void **state)
{
	struct told *told = calloc(1, sizeof(*told));

	told->addresses = me_table_new(sizeof(struct me_own_key), 0, 0);
	told->known = me_table_new(sizeof(uint64_t), 0, 0);
	*state = told;
	assert_int_equal(me_netns_new(hear, told, &told->netns), 0);
	told->epoll = epoll_create1(EPOLL_CLOEXEC);
	return epoll_ctl(told->epoll, EPOLL_CTL_ADD, me_netns_fd(told->netns),
			 &(struct epoll_event){.events = EPOLLIN});
}

static int teardown(void **state)
{
	struct told *told = *state;

	close(told->epoll);
	me_netns_free(&told->netns);
	me_table_free(&told->known);
	me_table_free(&told->addresses);
	free(told);
	return 0;
}

static bool is_own(const struct told *told, uint64_t cookie, const char *text)
{
	struct me_own_key own = {.netns = cookie};

	assert_int_equal(me_inet_parse(text, own.address.byte), 0);
	return me_table_get(told->addresses, &own) != NULL;
}

/* A condition for world_wait() that lets the watch work while it waits. */
struct expectation {
	struct told *told;
	uint64_t cookie;
	const char *address; /* NULL: about the namespace itself */
	bool wanted;
};

static bool holds(void *userdata)
{
	const struct expectation *e = userdata;
	struct epoll_event event;

	/* As the program does: an epoll within an epoll. */
	if (epoll_wait(e->told->epoll, &event, 1, 0) > 0)
		assert_int_equal(me_netns_dispatch(e->told->netns), 0);
	return e->wanted == (e->address ? is_own(e->told, e->cookie, e->address)
					: me_table_get(e->told->known, &e->cookie) != NULL);
}

static void expect(struct told *told, uint64_t cookie, const char *address, bool wanted)
{
	struct expectation e = {told, cookie, address, wanted};

	world_wait(holds, &e);
}

static void begins_with_its_own_namespace(void **state)
{
	struct told *told = *state;
	uint64_t here = world_cookie(-1), first;
	size_t cursor = 0;

	assert_false(me_netns_next(told->netns, &cursor, &first));
	assert_int_equal(me_netns_scan(told->netns), 0);
	cursor = 0;
	assert_true(me_netns_next(told->netns, &cursor, &first));
	assert_true(first == here);
	assert_non_null(me_table_get(told->known, &here));
	/* It is no other after a second look. */
	assert_int_equal(me_netns_scan(told->netns), 0);
	assert_non_null(me_table_get(told->known, &here));
}

static void follows_addresses(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();

	world_run(w.ns, "ip addr add 192.0.2.1/24 dev lo");
	assert_int_equal(me_netns_scan(told->netns), 0);
	assert_non_null(me_table_get(told->known, &w.cookie));
	assert_true(is_own(told, w.cookie, "192.0.2.1"));
	/* Loopback is local by its bits. */
	assert_int_equal(count_of(told, w.cookie), 1);

	world_run(w.ns, "ip addr add 2001:db8::1/64 dev lo");
	expect(told, w.cookie, "2001:db8::1", true);
	world_run(w.ns, "ip addr del 192.0.2.1/24 dev lo");
	expect(told, w.cookie, "192.0.2.1", false);
	assert_int_equal(count_of(told, w.cookie), 1);

	/* On a point-to-point link the peer's address is no own one. */
	world_run(w.ns, "ip addr add 192.0.2.5 peer 192.0.2.6/32 dev lo");
	expect(told, w.cookie, "192.0.2.5", true);
	assert_false(is_own(told, w.cookie, "192.0.2.6"));
	world_run(w.ns, "ip addr add 2001:db8::5 peer 2001:db8::6/128 dev lo");
	expect(told, w.cookie, "2001:db8::5", true);
	assert_false(is_own(told, w.cookie, "2001:db8::6"));
	world_end(&w);
}

static void keeps_an_address_that_another_interface_has(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();

	world_run(w.ns, "ip link add v0 type veth peer name v1");
	world_run(w.ns, "ip addr add 192.0.2.1/24 dev v0");
	world_run(w.ns, "ip addr add 192.0.2.1/24 dev v1");
	assert_int_equal(me_netns_scan(told->netns), 0);
	world_run(w.ns, "ip addr del 192.0.2.1/24 dev v0");
	world_run(w.ns, "ip addr add 192.0.2.9/24 dev v0");
	expect(told, w.cookie, "192.0.2.9", true);
	assert_true(is_own(told, w.cookie, "192.0.2.1"));
	world_run(w.ns, "ip addr del 192.0.2.1/24 dev v1");
	expect(told, w.cookie, "192.0.2.1", false);
	world_end(&w);
}

static void takes_in_the_namespace_of_a_process(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();
	uint64_t cookie = w.cookie;
	int fd;

	world_run(w.ns, "ip addr add 192.0.2.1/24 dev lo");
	assert_int_equal(me_netns_open(told->netns, cookie, &fd), -ENOENT);
	assert_int_equal(me_netns_add_pid(told->netns, w.pid, cookie + 1), -ENOENT);
	assert_int_equal(me_netns_add_pid(told->netns, getpid(), cookie), -ENOENT);
	assert_int_equal(me_netns_add_pid(told->netns, w.pid, 0), -ENOENT);
	assert_int_equal(me_table_count(told->known), 0);
	assert_int_equal(me_netns_add_pid(told->netns, w.pid, cookie), 0);
	assert_int_equal(me_netns_add_pid(told->netns, w.pid, cookie), 0);
	assert_int_equal(me_table_count(told->known), 1);
	assert_true(is_own(told, cookie, "192.0.2.1"));
	assert_int_equal(me_netns_open(told->netns, cookie, &fd), 0);
	close(fd);
	world_end(&w);
	expect(told, cookie, NULL, false);
	assert_int_equal(me_netns_add_pid(told->netns, w.pid, cookie), -ENOENT);
}

static void finds_soon_whom_a_process_left_behind(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();

	/* The process that made the socket is gone, another one in the same namespace is not. */
	assert_int_equal(me_netns_add_pid(told->netns, (pid_t)INT32_MAX, w.cookie), -ENOENT);
	expect(told, w.cookie, NULL, true);
	world_end(&w);
}

static int has_interface(void *userdata)
{
	return if_nametoindex("near") != 0;
}

static bool interface_is_gone(void *userdata)
{
	const struct world *w = userdata;

	return me_enter_netns(w->ns, has_interface, NULL) == 0;
}

static void lets_go_when_the_last_process_ends(void **state)
{
	struct told *told = *state;
	struct world a = world_begin(), b = world_begin();
	char command[128];

	snprintf(command, sizeof(command), "ip link add near type veth peer name far netns %d",
		 b.pid);
	world_run(a.ns, command);
	world_run(b.ns, "ip addr add 192.0.2.1/24 dev far");
	assert_int_equal(me_netns_scan(told->netns), 0);
	assert_true(is_own(told, b.cookie, "192.0.2.1"));
	world_end(&b);
	expect(told, b.cookie, NULL, false);
	/* Nothing of ours holds it: the kernel takes the veth pair down, too. */
	world_wait(interface_is_gone, &a);
	assert_non_null(me_table_get(told->known, &a.cookie));
	world_end(&a);
}

/* As the self-test's processes do for a moment. */
static void lets_go_although_a_child_holds_the_descriptors(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();
	int ns = fcntl(w.ns, F_DUPFD_CLOEXEC, 0);
	pid_t child;

	assert_int_equal(me_netns_add_pid(told->netns, w.pid, w.cookie), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	world_end(&w);
	expect(told, w.cookie, NULL, false);
	world_run(ns, "ip addr add 192.0.2.9/24 dev lo"); /* which the child's socket hears */
	assert_int_equal(me_netns_dispatch(told->netns), 0);
	assert_false(is_own(told, w.cookie, "192.0.2.9"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ns);
}

static void keeps_a_namespace_that_only_a_socket_uses(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();
	uint64_t cookie = w.cookie;
	int fd = world_socket(w.ns, AF_INET6, SOCK_DGRAM, 0);

	world_bind(fd, "::", 0);
	assert_int_equal(me_netns_scan(told->netns), 0);
	world_end(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(me_netns_scan(told->netns), 0);
	assert_non_null(me_table_get(told->known, &cookie));
	close(fd);
	assert_int_equal(me_netns_scan(told->netns), 0);
	assert_null(me_table_get(told->known, &cookie));
}

static void follows_named_namespaces(void **state)
{
	struct told *told = *state;
	char name[64], command[128];
	uint64_t cookie;
	int fd;

	assert_int_equal(me_netns_scan(told->netns), 0);
	snprintf(name, sizeof(name), "/run/netns/mewatch-%d", getpid());
	snprintf(command, sizeof(command), "ip netns add mewatch-%d", getpid());
	world_run(-1, command);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	cookie = world_cookie(fd);
	close(fd);
	expect(told, cookie, NULL, true);
	snprintf(command, sizeof(command), "ip -n mewatch-%d addr add 192.0.2.1/24 dev lo",
		 getpid());
	world_run(-1, command);
	expect(told, cookie, "192.0.2.1", true);
	snprintf(command, sizeof(command), "ip netns del mewatch-%d", getpid());
	world_run(-1, command);
	expect(told, cookie, NULL, false);
}

#define FLOOD (ME_OWN_MAX + 100)

static void survives_a_flood_of_addresses(void **state)
{
	struct told *told = *state;
	struct world w = world_begin();
	char path[] = "/tmp/mewatch-addresses-XXXXXX", command[128];
	FILE *batch = fdopen(mkstemp(path), "w");

	assert_int_equal(me_netns_scan(told->netns), 0);
	for (int i = 0; i < FLOOD; i++)
		fprintf(batch, "addr add 10.7.%d.%d/32 dev lo\n", i >> 8, i & 0xff);
	fclose(batch);
	snprintf(command, sizeof(command), "ip -batch %s", path);
	world_run(w.ns, command);
	unlink(path);
	/* Most notifications were dropped, no address was. */
	expect(told, w.cookie, "10.7.0.0", true);
	assert_true(me_netns_stats(told->netns).overruns > 0);
	assert_int_equal(count_of(told, w.cookie), ME_OWN_MAX);
	assert_int_equal(me_netns_stats(told->netns).own_refused, FLOOD - ME_OWN_MAX);
	world_run(w.ns, "ip addr flush dev lo");
	expect(told, w.cookie, "10.7.0.0", false);
	expect(told, w.cookie, "10.7.1.1", false);
	assert_int_equal(count_of(told, w.cookie), 0);
	assert_int_equal(me_netns_stats(told->netns).own_refused, 0);
	world_end(&w);
}

/* A process in a namespace of its own, without a way to look into it. */
static pid_t begin_bare(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		close_range(3, ~0u, 0);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void counts_namespaces_beyond_its_bound(void **state)
{
	struct told *told = *state;
	pid_t pid[ME_NETNS_MAX + 3];
	struct me_netns_stats stats;
	uint64_t cookie;
	char path[64];
	int fd;

	for (size_t i = 0; i < ME_ARRAY_SIZE(pid); i++)
		pid[i] = begin_bare();
	assert_int_equal(me_netns_scan(told->netns), 0);
	stats = me_netns_stats(told->netns);
	assert_int_equal(stats.watched, ME_NETNS_MAX);
	assert_true(stats.unwatched >= 4); /* the own one is watched, too */
	assert_int_equal(me_table_count(told->known), ME_NETNS_MAX);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid[ME_ARRAY_SIZE(pid) - 1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cookie = world_cookie(fd);
	close(fd);
	assert_int_equal(me_netns_add_pid(told->netns, pid[ME_ARRAY_SIZE(pid) - 1], cookie),
			 -ENOSPC);
	/* When there is room again it is taken in. */
	for (size_t i = 0; i < ME_ARRAY_SIZE(pid) - 1; i++) {
		kill(pid[i], SIGKILL);
		assert_int_equal(waitpid(pid[i], NULL, 0), pid[i]);
	}
	expect(told, cookie, NULL, true);
	kill(pid[ME_ARRAY_SIZE(pid) - 1], SIGKILL);
	assert_int_equal(waitpid(pid[ME_ARRAY_SIZE(pid) - 1], NULL, 0),
			 pid[ME_ARRAY_SIZE(pid) - 1]);
	expect(told, cookie, NULL, false);
}

static int add_one(void *userdata)
{
	return ++*(int *)userdata;
}

static void comes_back_from_a_namespace(void **state)
{
	struct world w = world_begin();
	_cleanup_close_ int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	uint64_t here = world_cookie(-1);
	int n = 41;

	assert_int_equal(me_enter_netns(w.ns, add_one, &n), 42);
	assert_true(world_cookie(-1) == here);
	assert_int_equal(me_enter_netns(file, add_one, &n), -EINVAL);
	assert_int_equal(n, 42);
	world_end(&w);
}

/* What the tests mount stays in a mount namespace of their own, and the files that ip makes too. */
static int leave_the_mounts(void **state)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("run", "/run", "tmpfs", 0, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_with_its_own_namespace),
		TEST(follows_addresses),
		TEST(keeps_an_address_that_another_interface_has),
		TEST(takes_in_the_namespace_of_a_process),
		TEST(finds_soon_whom_a_process_left_behind),
		TEST(lets_go_when_the_last_process_ends),
		TEST(lets_go_although_a_child_holds_the_descriptors),
		TEST(keeps_a_namespace_that_only_a_socket_uses),
		TEST(follows_named_namespaces),
		TEST(survives_a_flood_of_addresses),
		TEST(counts_namespaces_beyond_its_bound),
		cmocka_unit_test(comes_back_from_a_namespace),
	};

	return cmocka_run_group_tests(tests, leave_the_mounts, NULL);
}
