/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_CGROUP_H
#define MEWATCH_KERNEL_CGROUP_H

/*
 * Control groups by path and by id. A path begins at the root of the cgroup2 hierarchy: "/" is the
 * root, "/system.slice/x.service" a group. An id is what bpf_get_current_cgroup_id() and
 * INET_DIAG_CGROUP_ID give; the kernel does not use it again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ME_CGROUP_CACHE_MAX 4096 /* paths kept; when full, all are forgotten and asked for anew */
#define ME_CGROUP_UNKNOWN "unknown" /* the path of a group that is gone and was never asked for */

struct me_cgroups;

/*
 * Opens the hierarchy mounted at `mount` (me_mounts_cgroup2()). 0, -ENOMEM, or an errno of open;
 * -EMEDIUMTYPE: that is no cgroup2. Freed with me_cgroups_free().
 */
int me_cgroups_new(const char *mount, struct me_cgroups **ret_cgroups);
void me_cgroups_free(struct me_cgroups **cgroups);

/*
 * Writes a path in its one form: the mount point taken off the front if it is there, one slash
 * between components, none at the end. The caller frees *ret_path.
 * 0, -EINVAL: not absolute, or has a component "." or ".."; -ENOMEM.
 */
int me_cgroup_normalize(const struct me_cgroups *cgroups, const char *path, char **ret_path);

/*
 * Opens the folder of the group `path` (any form). The caller closes *ret_fd; *ret_id is its id.
 * 0, an errno of me_cgroup_normalize(), -ENOENT: no such group; -ENOTDIR: a file in it; -EPERM.
 */
int me_cgroup_open(const struct me_cgroups *cgroups, const char *path, int *ret_fd,
		   uint64_t *ret_id);

/*
 * The path of the group `id`, or ME_CGROUP_UNKNOWN. Once found it is remembered after the group has
 * gone. Needs CAP_DAC_READ_SEARCH. The string is valid until the next call.
 */
const char *me_cgroup_path(struct me_cgroups *cgroups, uint64_t id);

/* Whether `path` is `top` or lies below it; both in normal form. */
bool me_cgroup_covers(const char *top, const char *path);

/*
 * Leaves the topmost of `n` paths in normal form at the front of the array, in their order, each
 * once; the others are freed. Returns how many are left.
 */
size_t me_cgroup_reduce(char **paths, size_t n);

/* Whether the group `id` is one of `tops` (normal form) or lies below one. Gone and unknown: only
 * below the root. */
bool me_cgroup_is_below(struct me_cgroups *cgroups, uint64_t id, const char *const *tops, size_t n);

#endif
