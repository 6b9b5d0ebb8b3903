/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/outside.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/members.h"
#include "kernel/mounts.h"
#include "kernel/netns.h"
#include "world.h"

#define FOUND_MAX 16

/* A group of this test's own, "/mewatch-outside-PID", with "/deep/est" below it. */
struct fixture {
	char *mount;
	char top[64];
	struct me_cgroups *cgroups;
	struct me_netns *netns;
	struct me_outside *outside;
	struct me_socket found[FOUND_MAX];
	struct me_owner holder[FOUND_MAX];
	size_t n_found;
};

static const char *const below[] = {"", "/deep", "/deep/est"};

static void path_of(const struct fixture *f, char path[4096], const char *group, const char *file)
{
	snprintf(path, 4096, "%s%s%s%s", f->mount, f->top, group, file);
}

static void ignore(enum me_netns_event event, const struct me_own_key *own, void *userdata)
{
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *why;
	char path[4096];

	assert_int_equal(me_mounts_cgroup2(&f->mount, &why), 0);
	assert_int_equal(me_cgroups_new(f->mount, &f->cgroups), 0);
	assert_int_equal(me_netns_new(ignore, NULL, &f->netns), 0);
	assert_int_equal(me_netns_scan(f->netns), 0);
	f->outside = me_outside_new();
	assert_non_null(f->outside);
	snprintf(f->top, sizeof(f->top), "/mewatch-outside-%d", getpid());
	for (size_t i = 0; i < ME_ARRAY_SIZE(below); i++) {
		path_of(f, path, below[i], "");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	*state = f;
	return 0;
}

static bool can_go(void *path)
{
	return rmdir(path) == 0 || errno == ENOENT;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[4096];

	for (size_t i = ME_ARRAY_SIZE(below); i-- > 0;) {
		path_of(f, path, below[i], "");
		world_wait(can_go, path);
	}
	me_outside_free(&f->outside);
	me_netns_free(&f->netns);
	me_cgroups_free(&f->cgroups);
	free(f->mount);
	free(f);
	return 0;
}

/* A process that enters the group and then calls `make`; it keeps all descriptors. */
static pid_t begin(const struct fixture *f, const char *group, void (*make)(void))
{
	char path[4096], byte = 0;
	int ready[2], fd;
	pid_t pid;

	path_of(f, path, group, "/cgroup.procs");
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		if (make)
			make();
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void note(const struct me_socket *socket, const struct me_owner *holder, void *userdata)
{
	struct fixture *f = userdata;

	assert_true(f->n_found < FOUND_MAX);
	f->found[f->n_found] = *socket;
	f->holder[f->n_found++] = *holder;
}

/* How many the run told. */
static size_t run(struct fixture *f)
{
	const char *tops[] = {f->top};

	f->n_found = 0;
	assert_int_equal(me_outside_run(f->outside, f->netns, f->cgroups, tops, 1, note, f), 0);
	return f->n_found;
}

static void listens(void)
{
	int fd = world_socket(-1, AF_INET, SOCK_STREAM, 0);

	world_bind(fd, "127.0.0.1", 0);
	if (listen(fd, 1))
		_exit(1);
}

static void inherited_is_found_once(void **state)
{
	struct fixture *f = *state;
	int udp = world_socket(-1, AF_INET6, SOCK_DGRAM, 0);
	uint16_t port = world_bind(udp, "::1", 0);
	pid_t pid = begin(f, "/deep/est", listens);

	assert_int_equal(run(f), 1);
	assert_int_equal(f->found[0].sport, port);
	assert_int_equal(f->found[0].proto, IPPROTO_UDP);
	assert_int_equal(f->holder[0].pid, pid);
	assert_string_equal(f->holder[0].comm, "test_outside");
	assert_true(f->holder[0].exe.len > 0);
	assert_int_equal(me_outside_open(f->outside), 1);
	assert_int_equal(run(f), 0);
	assert_int_equal(me_outside_open(f->outside), 1);
	me_outside_forget(f->outside);
	assert_int_equal(run(f), 1);
	end(pid);
	assert_int_equal(run(f), 0);
	assert_int_equal(me_outside_open(f->outside), 0);
	close(udp);
}

static void born_inside_is_none(void **state)
{
	struct fixture *f = *state;
	pid_t pid = begin(f, "", listens);

	assert_int_equal(run(f), 0);
	assert_int_equal(me_outside_open(f->outside), 0);
	end(pid);
}

/* A TCP socket is not listed before it is bound or connected: it is asked for until it is. */
static void found_when_it_is_used(void **state)
{
	struct fixture *f = *state;
	int tcp = world_socket(-1, AF_INET, SOCK_STREAM, 0);
	int other = world_socket(-1, AF_UNIX, SOCK_DGRAM, 0);
	pid_t pid = begin(f, "", NULL);

	assert_int_equal(run(f), 0);
	world_bind(tcp, "127.0.0.1", 0);
	assert_int_equal(listen(tcp, 1), 0);
	assert_int_equal(run(f), 1);
	assert_int_equal(f->found[0].proto, IPPROTO_TCP);
	assert_int_equal(run(f), 0);
	end(pid);
	close(other);
	close(tcp);
}

static int add_pid(uint32_t pid, void *userdata)
{
	uint64_t *sum = userdata;

	*sum += pid;
	return 0;
}

static int stop(uint32_t pid, void *userdata)
{
	return 7;
}

static void members_of_all_levels(void **state)
{
	struct fixture *f = *state;
	pid_t one = begin(f, "", NULL), two = begin(f, "/deep/est", NULL);
	uint64_t sum = 0;

	assert_int_equal(me_cgroup_members(f->cgroups, f->top, add_pid, &sum), 0);
	assert_int_equal(sum, (uint64_t)one + (uint64_t)two);
	assert_int_equal(me_cgroup_members(f->cgroups, f->top, stop, NULL), 7);
	assert_int_equal(me_cgroup_members(f->cgroups, "/no/such/group", add_pid, &sum), -ENOENT);
	end(one);
	end(two);
}

/* In threaded mode a group lists no processes, only threads. */
static void members_of_a_threaded_group(void **state)
{
	struct fixture *f = *state;
	char path[4096], deep[128];
	uint64_t sum = 0;
	pid_t pid;
	int fd;

	path_of(f, path, "/deep", "/cgroup.type");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "threaded", 8), 8);
	close(fd);
	pid = begin(f, "/deep", NULL);
	snprintf(deep, sizeof(deep), "%s/deep", f->top);
	assert_int_equal(me_cgroup_members(f->cgroups, deep, add_pid, &sum), 0);
	assert_int_equal(sum, pid);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(inherited_is_found_once, setup, teardown),
		cmocka_unit_test_setup_teardown(born_inside_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(found_when_it_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(members_of_all_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(members_of_a_threaded_group, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
