/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/members.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "kernel/cgroup.h"

struct walk {
	int (*fn)(uint32_t pid, void *userdata);
	void *userdata;
};

/* -EOPNOTSUPP: the group is in threaded mode and lists only its threads. */
static int list(const struct walk *walk, int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC), r = 0;
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	uint32_t pid;

	if (!file) {
		r = -errno;
		me_closep(&fd);
		return r;
	}
	errno = 0;
	while (r == 0 && fscanf(file, "%u", &pid) == 1)
		r = pid ? walk->fn(pid, walk->userdata) : 0;
	return r == 0 && ferror(file) ? -errno : r;
}

/* A group that is removed meanwhile has no processes. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

static int enter(const struct walk *walk, int folder, unsigned int depth);

static int enter_below(const struct walk *walk, DIR *dir, unsigned int depth)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_close_ int fd = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			r = enter(walk, fd, depth + 1);
		else if (!is_gone(-errno))
			r = -errno;
	}
	return r;
}

static int enter(const struct walk *walk, int folder, unsigned int depth)
{
	int r = list(walk, folder, "cgroup.procs"), copy;
	DIR *dir;

	if (r == -EOPNOTSUPP)
		r = list(walk, folder, "cgroup.threads");
	if (r)
		return is_gone(r) ? 0 : r;
	if (depth > ME_CGROUP_DEPTH_MAX)
		return -ELOOP;
	copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		r = -errno;
		me_closep(&copy);
		return is_gone(r) ? 0 : r;
	}
	r = enter_below(walk, dir, depth);
	closedir(dir);
	return r;
}

int me_cgroup_members(const struct me_cgroups *cgroups, const char *path,
		      int (*fn)(uint32_t pid, void *userdata), void *userdata)
{
	const struct walk walk = {fn, userdata};
	_cleanup_close_ int folder = -1;
	uint64_t id;
	int r = me_cgroup_open(cgroups, path, &folder, &id);

	return r ? r : enter(&walk, folder, 0);
}
