/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/mounts.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include "base/cleanup.h"

/* Undoes \ooo in place: the kernel writes space, tab, newline and backslash so. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* "22 27 0:21 ROOT POINT OPTIONS [tag]... - TYPE SOURCE OPTIONS" */
static bool parse(char *line, struct me_mount *ret_mount)
{
	enum { ROOT = 3, POINT = 4, FIXED = 6 };
	char *field[FIXED], *save = NULL, *word;

	for (int i = 0; i < FIXED; i++) {
		field[i] = strtok_r(i ? NULL : line, " \n", &save);
		if (!field[i])
			return false;
	}
	do
		word = strtok_r(NULL, " \n", &save);
	while (word && strcmp(word, "-") != 0);
	word = word ? strtok_r(NULL, " \n", &save) : NULL;
	if (!word)
		return false;
	unescape(field[ROOT]);
	unescape(field[POINT]);
	*ret_mount = (struct me_mount){.root = field[ROOT], .point = field[POINT], .type = word};
	return true;
}

int me_mounts_each(int (*fn)(const struct me_mount *mount, void *userdata), void *userdata)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	for (;;) {
		struct me_mount mount;
		int r;

		errno = 0;
		if (getline(&line, &size, file) < 0)
			return -errno; /* 0 at the end of the file */
		if (!parse(line, &mount))
			return -EBADMSG;
		r = fn(&mount, userdata);
		if (r)
			return r;
	}
}

static int is_whole_cgroup2(const struct me_mount *mount, void *userdata)
{
	char **path = userdata;

	if (strcmp(mount->type, "cgroup2") != 0 || strcmp(mount->root, "/") != 0)
		return 0;
	*path = strdup(mount->point);
	return *path ? 1 : -ENOMEM;
}

int me_mounts_cgroup2(char **ret_path, const char **remedy)
{
	char *path = NULL;
	int r = me_mounts_each(is_whole_cgroup2, &path);

	if (r == 1) {
		*ret_path = path;
		return 0;
	}
	*remedy = r == 0 ? "no cgroup2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup"
			 : "/proc/self/mountinfo cannot be read: mount /proc";
	return r == 0 ? -ENOENT : r;
}

/* 0: on a BPF file system; -EMEDIUMTYPE: on another one. Looks at the part of the path that exists. */
static int check_bpffs(const char *path)
{
	char part[PATH_MAX];
	struct statfs fs;

	if (path[0] != '/')
		return -EINVAL;
	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		return -ENAMETOOLONG;
	while (statfs(part, &fs) < 0) {
		char *slash = strrchr(part, '/');

		if (errno != ENOENT)
			return -errno;
		slash[slash == part] = '\0'; /* "/a" becomes "/", which is always there */
	}
	return fs.f_type == BPF_FS_MAGIC ? 0 : -EMEDIUMTYPE;
}

static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static const char *bpffs_remedy(int error)
{
	switch (-error) {
	case EMEDIUMTYPE:
		return "not on a BPF file system: choose a folder below " ME_BPFFS;
	case ENOENT:
		return ME_BPFFS " does not exist: mount -t sysfs sysfs /sys";
	case ENODEV:
		return "this kernel has no BPF file system: it needs CONFIG_BPF_SYSCALL";
	case EPERM:
	case EACCES:
	case EROFS:
		return "may not mount a BPF file system: mount -t bpf bpf " ME_BPFFS " as root";
	case EINVAL:
		return "not an absolute path";
	default:
		return "the folder for the pins cannot be used: see the error";
	}
}

int me_mounts_ensure_bpffs(const char *path, const char **remedy)
{
	int r = check_bpffs(path);

	if (r == -EMEDIUMTYPE && is_below(path, ME_BPFFS)) {
		r = mount("bpf", ME_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700");
		r = r < 0 ? -errno : check_bpffs(path);
	}
	if (r < 0)
		*remedy = bpffs_remedy(r);
	return r;
}
