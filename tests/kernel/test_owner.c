/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/owner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "world.h"

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

static void names_this_process(void **state)
{
	int tcp = world_socket(-1, AF_INET, SOCK_STREAM, 0);
	int udp = world_socket(-1, AF_INET6, SOCK_DGRAM, 0);
	struct me_owner owners[] = {
		{.inode = inode_of(udp)}, {.inode = 0},          {.inode = inode_of(tcp)},
		{.inode = inode_of(udp)}, {.inode = UINT32_MAX},
	};
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

	assert_int_equal(me_owners_find(owners, ME_ARRAY_SIZE(owners)), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(owners); i++) {
		if (i == 1 || i == 4) {
			assert_int_equal(owners[i].pid, 0);
			assert_int_equal(owners[i].exe.len, 0);
			continue;
		}
		assert_int_equal(owners[i].pid, getpid());
		assert_string_equal(owners[i].comm, "test_owner");
		assert_int_equal(owners[i].exe.len, n);
		assert_memory_equal(owners[i].exe.exe + ME_EXE_LEN - n, exe, n);
		assert_false(owners[i].exe.truncated);
	}
	assert_int_equal(owners[4].inode, UINT32_MAX);
	assert_int_equal(me_owners_find(NULL, 0), 0);
	close(udp);
	close(tcp);
}

static void names_the_elder_of_two(void **state)
{
	int fd = world_socket(-1, AF_INET, SOCK_STREAM, 0);
	struct me_owner owner = {.inode = inode_of(fd)};
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_int_equal(me_owners_find(&owner, 1), 0);
	/* Process numbers may have wrapped: the lowest is what is promised. */
	assert_int_equal(owner.pid, pid < getpid() ? pid : getpid());
	close(fd);
	assert_int_equal(me_owners_find(&owner, 1), 0);
	assert_int_equal(owner.pid, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(me_owners_find(&owner, 1), 0);
	assert_int_equal(owner.pid, 0);
}

static void copy_file(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	for (off_t at = 0; at < st.st_size;)
		assert_true(sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0);
}

static bool runs_sleep(void *userdata)
{
	struct me_owner *owner = userdata;

	assert_int_equal(me_owners_find(owner, 1), 0);
	return strcmp(owner->comm, "sleep") == 0;
}

/* A program below a long path, removed while it runs, that holds an inherited socket. */
static void keeps_the_end_of_a_long_path(void **state)
{
	enum { DEPTH = ME_EXE_LEN / 200 + 1 };
	char top[] = "/tmp/mewatch-owner-XXXXXX", folder[PATH_MAX], exe[PATH_MAX], name[200];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct me_owner owner = {.inode = inode_of(fd)};
	pid_t pid;

	assert_non_null(mkdtemp(top));
	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(folder, top, sizeof(top));
	for (int i = 0; i < DEPTH; i++) {
		size_t len = strlen(folder);

		snprintf(folder + len, sizeof(folder) - len, "/%s", name);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
	assert_true((size_t)snprintf(exe, sizeof(exe), "%s/sleep", folder) < sizeof(exe));
	copy_file("/bin/sleep", exe);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(exe, "sleep", "60", NULL);
		_exit(127);
	}
	close(fd);
	world_wait(runs_sleep, &owner);
	assert_int_equal(unlink(exe), 0);
	assert_int_equal(me_owners_find(&owner, 1), 0);
	assert_int_equal(owner.pid, pid);
	assert_true(owner.exe.truncated);
	assert_int_equal(owner.exe.len, ME_EXE_LEN);
	assert_memory_equal(owner.exe.exe, exe + strlen(exe) - ME_EXE_LEN, ME_EXE_LEN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i <= DEPTH; i++) {
		assert_int_equal(rmdir(folder), 0);
		*strrchr(folder, '/') = '\0';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_this_process),
		cmocka_unit_test(names_the_elder_of_two),
		cmocka_unit_test(keeps_the_end_of_a_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
