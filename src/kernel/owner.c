/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/owner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "kernel/procfs.h"

/* Links of /proc: what a socket points to, and what is appended to the path of a removed file. */
#define SOCKET "socket:["
#define GONE " (deleted)"

#define PROC_PATH_LEN sizeof("/proc/4294967295/fd/4294967295")

struct walk {
	struct me_owner *owners;
	struct me_table *wanted; /* inode -> size_t: the first of `owners` that asks for it */
	size_t missing;          /* of `wanted` */
	uint32_t pid;
};

ME_DEFINE_CLEANUP(struct me_table *, me_table_free)

static void read_comm(uint32_t pid, char ret_comm[ME_COMM_LEN])
{
	char path[PROC_PATH_LEN], comm[ME_COMM_LEN + 1]; /* 15 bytes and a newline */
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, sizeof(comm));
	if (n > 0)
		memcpy(ret_comm, comm, (size_t)n - 1);
}

static void read_exe(uint32_t pid, struct me_proc *ret_exe)
{
	char path[PROC_PATH_LEN], exe[PATH_MAX];
	size_t len;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, exe, sizeof(exe));
	if (n < 0)
		return;
	len = (size_t)n;
	if (len > strlen(GONE) && memcmp(exe + len - strlen(GONE), GONE, strlen(GONE)) == 0)
		len -= strlen(GONE);
	ret_exe->truncated = len > ME_EXE_LEN;
	ret_exe->len = len > ME_EXE_LEN ? ME_EXE_LEN : (uint32_t)len;
	memcpy(ret_exe->exe + ME_EXE_LEN - ret_exe->len, exe + len - ret_exe->len, ret_exe->len);
}

void me_owner_read(struct me_owner *owner)
{
	memset(owner->comm, 0, sizeof(owner->comm));
	memset(&owner->exe, 0, sizeof(owner->exe));
	read_comm((uint32_t)owner->pid, owner->comm);
	read_exe((uint32_t)owner->pid, &owner->exe);
}

bool me_owner_socket(const char *path, uint32_t *ret_inode)
{
	char link[sizeof(SOCKET) + sizeof("4294967295]")];
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	uint64_t inode;

	if (n <= (ssize_t)strlen(SOCKET) || memcmp(link, SOCKET, strlen(SOCKET)) != 0)
		return false;
	link[n - 1] = '\0'; /* the bracket */
	if (!me_text_parse_u64(link + strlen(SOCKET), 1, UINT32_MAX, &inode))
		return false;
	*ret_inode = (uint32_t)inode;
	return true;
}

static int on_descriptor(uint32_t number, void *userdata)
{
	struct walk *walk = userdata;
	char path[PROC_PATH_LEN];
	struct me_owner *owner;
	const size_t *first;
	uint32_t inode;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", walk->pid, number);
	if (!me_owner_socket(path, &inode))
		return 0;
	first = me_table_get(walk->wanted, &inode);
	if (!first || walk->owners[*first].pid)
		return 0;
	owner = &walk->owners[*first];
	owner->pid = (pid_t)walk->pid;
	me_owner_read(owner);
	return --walk->missing == 0;
}

static int on_process(uint32_t pid, void *userdata)
{
	struct walk *walk = userdata;
	char path[PROC_PATH_LEN];
	int r;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	walk->pid = pid;
	r = me_procfs_each(path, on_descriptor, walk);
	return r > 0; /* a process that went or is closed to us has none that we could name */
}

int me_owners_find(struct me_owner *owners, size_t n)
{
	_cleanup_(me_table_freep) struct me_table *wanted =
		me_table_new(sizeof(uint32_t), sizeof(size_t), n);
	struct walk walk = {.owners = owners, .wanted = wanted};
	int r;

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		void *first;

		owners[i] = (struct me_owner){.inode = owners[i].inode};
		if (owners[i].inode == 0)
			continue;
		r = me_table_put(wanted, &owners[i].inode, &first);
		if (r < 0)
			return r;
		if (r == 0)
			*(size_t *)first = i;
	}
	walk.missing = me_table_count(wanted);
	if (walk.missing == 0)
		return 0;
	r = me_procfs_each("/proc", on_process, &walk);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		const size_t *first = me_table_get(wanted, &owners[i].inode);

		if (first)
			owners[i] = owners[*first];
	}
	return 0;
}
