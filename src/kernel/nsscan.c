/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/nsscan.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/text.h"
#include "kernel/mounts.h"
#include "kernel/procfs.h"

#define NETNS "net:[" /* what a mounted namespace has for a root: "net:[4026531840]" */

struct scan {
	int (*fn)(const struct me_nsuse *use, void *userdata);
	void *userdata;
};

static int tell(const struct scan *scan, const char *path, uint32_t pid)
{
	struct me_nsuse use = {.pid = pid, .path = path};
	struct stat st;

	/* A process that went, or that we may not look into, shows nothing. */
	if (stat(path, &st) < 0)
		return 0;
	use.inode = st.st_ino;
	return scan->fn(&use, scan->userdata);
}

static int on_process(uint32_t pid, void *userdata)
{
	char path[sizeof("/proc/4294967295/ns/net")];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return tell(userdata, path, pid);
}

static int on_mount(const struct me_mount *mount, void *userdata)
{
	if (strcmp(mount->type, "nsfs") != 0 || strncmp(mount->root, NETNS, strlen(NETNS)) != 0)
		return 0;
	return tell(userdata, mount->point, 0);
}

int me_nsscan(int (*fn)(const struct me_nsuse *use, void *userdata), void *userdata)
{
	struct scan scan = {.fn = fn, .userdata = userdata};
	int r = tell(&scan, "/proc/thread-self/ns/net", 0);

	if (r == 0)
		r = me_procfs_each("/proc", on_process, &scan);
	if (r == 0)
		r = me_mounts_each(on_mount, &scan);
	return r;
}
