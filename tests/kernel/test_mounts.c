/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/mounts.h"
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include "base/cleanup.h"

struct search {
	const char *point;
	char type[16];
};

static int look(const struct me_mount *mount, void *userdata)
{
	struct search *search = userdata;

	if (strcmp(mount->point, search->point) != 0)
		return 0;
	snprintf(search->type, sizeof(search->type), "%s", mount->type);
	return 42;
}

static void reads_odd_names(void **state)
{
	char top[] = "/tmp/mewatch-mounts-XXXXXX", path[128];
	struct search search = {.point = path};

	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/a b\\040\tc\nd#-", top);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(me_mounts_each(look, &search), 0);
	assert_int_equal(mount("a source - with words", path, "tmpfs", 0, NULL), 0);
	assert_int_equal(me_mounts_each(look, &search), 42);
	assert_string_equal(search.type, "tmpfs");
	assert_int_equal(umount(path), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(top), 0);
}

static void finds_the_whole_hierarchy(void **state)
{
	_cleanup_free_ char *path = NULL;
	char again[] = "/tmp/mewatch-mounts-XXXXXX", part[64], group[512];
	const char *remedy = NULL;
	struct statfs fs;
	char *found = NULL;

	assert_int_equal(me_mounts_cgroup2(&path, &remedy), 0);
	assert_null(remedy);
	assert_int_equal(statfs(path, &fs), 0);
	assert_int_equal(fs.f_type, CGROUP2_SUPER_MAGIC);

	/* A mount of a part of it is passed over. */
	snprintf(group, sizeof(group), "%s/mewatch-mounts-%d", path, getpid());
	assert_int_equal(mkdir(group, 0755), 0);
	assert_non_null(mkdtemp(again));
	snprintf(part, sizeof(part), "%s", again);
	assert_int_equal(mount(group, part, NULL, MS_BIND, NULL), 0);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(me_mounts_cgroup2(&found, &remedy), -ENOENT);
	assert_null(found);
	assert_non_null(strstr(remedy, "mount -t cgroup2"));

	assert_int_equal(umount(part), 0);
	assert_int_equal(mount("none", again, "cgroup2", 0, NULL), 0);
	assert_int_equal(me_mounts_cgroup2(&found, &remedy), 0);
	assert_string_equal(found, again);
	free(found);
	snprintf(group, sizeof(group), "%s/mewatch-mounts-%d", again, getpid());
	assert_int_equal(rmdir(group), 0);
	assert_int_equal(umount(again), 0);
	assert_int_equal(rmdir(again), 0);
	assert_int_equal(mount("none", path, "cgroup2", 0, NULL), 0);
}

static bool is_bpffs(void)
{
	struct statfs fs;

	assert_int_equal(statfs(ME_BPFFS, &fs), 0);
	return fs.f_type == BPF_FS_MAGIC;
}

static void mounts_a_bpffs_where_one_belongs(void **state)
{
	const char *remedy = NULL;

	while (is_bpffs())
		assert_int_equal(umount2(ME_BPFFS, MNT_DETACH), 0);
	assert_int_equal(me_mounts_ensure_bpffs(ME_BPFFS "/not/yet/there", &remedy), 0);
	assert_true(is_bpffs());
	assert_int_equal(me_mounts_ensure_bpffs(ME_BPFFS, &remedy), 0);
	assert_null(remedy);
	/* It was mounted once. */
	assert_int_equal(umount2(ME_BPFFS, MNT_DETACH), 0);
	assert_false(is_bpffs());
}

static void refuses_another_file_system(void **state)
{
	const char *remedy = NULL;

	assert_int_equal(me_mounts_ensure_bpffs("/tmp/mewatch-pins", &remedy), -EMEDIUMTYPE);
	assert_non_null(strstr(remedy, ME_BPFFS));
	assert_int_equal(me_mounts_ensure_bpffs("/sys/fs/bpfx", &remedy), -EMEDIUMTYPE);
	assert_int_equal(me_mounts_ensure_bpffs("pins", &remedy), -EINVAL);
	assert_int_equal(me_mounts_ensure_bpffs("/etc/passwd/pins", &remedy), -ENOTDIR);
}

static void says_who_may_mount(void **state)
{
	const char *remedy = NULL;
	int status;
	pid_t pid;

	while (is_bpffs())
		assert_int_equal(umount2(ME_BPFFS, MNT_DETACH), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setuid(65534) < 0)
			_exit(2);
		_exit(me_mounts_ensure_bpffs(ME_BPFFS "/x", &remedy) != -EPERM ||
		      !strstr(remedy, "as root"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What the tests mount and unmount stays in a mount namespace of their own. */
static int leave_the_mounts(void **state)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_odd_names),
		cmocka_unit_test(finds_the_whole_hierarchy),
		cmocka_unit_test(mounts_a_bpffs_where_one_belongs),
		cmocka_unit_test(refuses_another_file_system),
		cmocka_unit_test(says_who_may_mount),
	};

	return cmocka_run_group_tests(tests, leave_the_mounts, NULL);
}
