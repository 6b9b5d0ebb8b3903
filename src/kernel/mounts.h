/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_MOUNTS_H
#define MEWATCH_KERNEL_MOUNTS_H

/*
 * What is mounted where, as this process sees it (/proc/self/mountinfo, proc(5)).
 */

#define ME_BPFFS "/sys/fs/bpf"

/* One mount. The strings live as long as the call. */
struct me_mount {
	const char *root;  /* what of the file system is mounted: "/", or "net:[4026531840]" */
	const char *point; /* where */
	const char *type;  /* "cgroup2", "nsfs", ... */
};

/*
 * Calls `fn` for each mount in order. A return other than 0 ends the walk and is its result.
 * 0, what `fn` returned, -EBADMSG for a line that cannot be read, -ENOMEM, or an errno of open.
 */
int me_mounts_each(int (*fn)(const struct me_mount *mount, void *userdata), void *userdata);

/*
 * Where the cgroup2 hierarchy is mounted whole; the caller frees *ret_path. On an error `*remedy`
 * is a sentence for people: what is missing and what to do about it.
 * 0, -ENOENT: not mounted; or an errno of me_mounts_each().
 */
int me_mounts_cgroup2(char **ret_path, const char **remedy);

/*
 * Makes sure that `path`, which need not be there yet, lies on a BPF file system; mounts one at
 * ME_BPFFS if that would do. On an error `*remedy` is a sentence for people, as above.
 * 0; -EMEDIUMTYPE: it lies elsewhere; -ENOENT: no folder to mount it at; -ENODEV: the kernel has no
 * BPF file system; -EPERM or -EROFS: this process may not mount one; -EINVAL: not absolute.
 */
int me_mounts_ensure_bpffs(const char *path, const char **remedy);

#endif
