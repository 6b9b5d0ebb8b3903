/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/cgroup.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include "base/cleanup.h"
#include "base/table.h"

/* A file handle of a cgroup is its id (FILEID_KERNFS, linux/exportfs.h since 5.5). */
#define KERNFS_HANDLE 0xfe

/* What the kernel appends to the path of a removed folder (d_path). */
#define GONE " (deleted)"
#define GONE_LEN ((ssize_t)sizeof(GONE) - 1)

struct me_cgroups {
	char *mount;            /* no slash at the end */
	int fd;                 /* of the mount point */
	struct me_table *paths; /* id -> char * */
};

static void forget(struct me_cgroups *cgroups)
{
	size_t cursor = 0;
	void *value;

	while (cgroups->paths && me_table_next(cgroups->paths, &cursor, NULL, &value))
		free(*(char **)value);
	me_table_free(&cgroups->paths);
}

void me_cgroups_free(struct me_cgroups **cgroups)
{
	struct me_cgroups *c = *cgroups;

	if (!c)
		return;
	forget(c);
	me_closep(&c->fd);
	free(c->mount);
	free(c);
	*cgroups = NULL;
}

ME_DEFINE_CLEANUP(struct me_cgroups *, me_cgroups_free)

static struct me_table *new_cache(void)
{
	return me_table_new(sizeof(uint64_t), sizeof(char *), ME_CGROUP_CACHE_MAX);
}

int me_cgroups_new(const char *mount, struct me_cgroups **ret_cgroups)
{
	_cleanup_(me_cgroups_freep) struct me_cgroups *c = calloc(1, sizeof(*c));
	struct statfs fs;
	size_t n;

	if (!c)
		return -ENOMEM;
	c->fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0 || fstatfs(c->fd, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -EMEDIUMTYPE;
	c->mount = strdup(mount);
	c->paths = new_cache();
	if (!c->mount || !c->paths)
		return -ENOMEM;
	for (n = strlen(mount); n > 0 && mount[n - 1] == '/'; n--)
		c->mount[n - 1] = '\0';
	*ret_cgroups = me_steal_ptr(&c);
	return 0;
}

bool me_cgroup_covers(const char *top, const char *path)
{
	size_t n = strlen(top);

	if (n > 0 && top[n - 1] == '/') /* the root */
		return true;
	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

int me_cgroup_normalize(const struct me_cgroups *cgroups, const char *path, char **ret_path)
{
	_cleanup_free_ char *normal = NULL;
	char *out;

	if (path[0] != '/')
		return -EINVAL;
	if (me_cgroup_covers(cgroups->mount, path))
		path += strlen(cgroups->mount);
	normal = out = malloc(strlen(path) + 2);
	if (!normal)
		return -ENOMEM;
	for (;;) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0)
			break;
		if (path[0] == '.' && (n == 1 || (n == 2 && path[1] == '.')))
			return -EINVAL;
		*out++ = '/';
		memcpy(out, path, n);
		out += n;
		path += n;
	}
	if (out == normal)
		*out++ = '/';
	*out = '\0';
	*ret_path = me_steal_ptr(&normal);
	return 0;
}

union handle {
	struct file_handle head;
	struct {
		unsigned int bytes;
		int type;
		uint64_t id;
	} __attribute__((packed)) kernfs;
};

static int id_of(int fd, uint64_t *ret_id)
{
	union handle handle = {.kernfs.bytes = sizeof(handle.kernfs.id)};
	int mount_id;

	if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) < 0)
		return -errno;
	*ret_id = handle.kernfs.id;
	return 0;
}

int me_cgroup_open(const struct me_cgroups *cgroups, const char *path, int *ret_fd,
		   uint64_t *ret_id)
{
	_cleanup_free_ char *normal = NULL;
	_cleanup_close_ int fd = -1;
	int r = me_cgroup_normalize(cgroups, path, &normal);

	if (r < 0)
		return r;
	fd = openat(cgroups->fd, normal[1] ? normal + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = id_of(fd, ret_id);
	if (r == 0)
		*ret_fd = me_steal_fd(&fd);
	return r;
}

/* Asks the kernel. NULL if the group is gone, or without memory or permission. */
static char *resolve(const struct me_cgroups *cgroups, uint64_t id)
{
	union handle handle = {
		.kernfs = {.bytes = sizeof(id), .type = KERNFS_HANDLE, .id = id},
	};
	char link[sizeof("/proc/self/fd/-2147483648")], path[PATH_MAX], *normal;
	_cleanup_close_ int fd = open_by_handle_at(cgroups->fd, &handle.head, O_PATH | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	/* Removed a moment ago: what was its path is still its name. */
	if (n > GONE_LEN && memcmp(path + n - GONE_LEN, GONE, GONE_LEN) == 0)
		n -= GONE_LEN;
	path[n] = '\0';
	return me_cgroup_normalize(cgroups, path, &normal) < 0 ? NULL : normal;
}

const char *me_cgroup_path(struct me_cgroups *cgroups, uint64_t id)
{
	char **known = cgroups->paths ? me_table_get(cgroups->paths, &id) : NULL, *path;
	void *value;
	int r;

	if (known)
		return *known;
	path = resolve(cgroups, id);
	if (!path)
		return ME_CGROUP_UNKNOWN;
	if (!cgroups->paths || me_table_count(cgroups->paths) == ME_CGROUP_CACHE_MAX) {
		forget(cgroups);
		cgroups->paths = new_cache();
	}
	r = cgroups->paths ? me_table_put(cgroups->paths, &id, &value) : -ENOMEM;
	if (r < 0) {
		free(path);
		return ME_CGROUP_UNKNOWN;
	}
	*(char **)value = path;
	return path;
}

size_t me_cgroup_reduce(char **paths, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		bool covered = false;

		/* Of equal paths the first stays. */
		for (size_t j = 0; j < n && !covered; j++)
			covered = paths[j] && j != i && me_cgroup_covers(paths[j], paths[i]) &&
				  (j < i || strcmp(paths[i], paths[j]) != 0);
		if (covered) {
			free(paths[i]);
			paths[i] = NULL;
		}
	}
	for (size_t i = 0; i < n; i++) {
		char *path = paths[i];

		paths[i] = NULL;
		if (path)
			paths[left++] = path;
	}
	return left;
}

bool me_cgroup_is_below(struct me_cgroups *cgroups, uint64_t id, const char *const *tops, size_t n)
{
	const char *path = me_cgroup_path(cgroups, id);

	for (size_t i = 0; i < n; i++) {
		if (me_cgroup_covers(tops[i], path))
			return true;
	}
	return false;
}
