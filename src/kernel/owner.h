/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_OWNER_H
#define MEWATCH_KERNEL_OWNER_H

/*
 * Whose socket is it: from the inode of a socket to the process that holds it, by a walk over
 * /proc/PID/fd.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "mewatch/abi.h"

struct me_owner {
	uint32_t inode; /* in: of the socket */
	pid_t pid;      /* 0: nobody holds it, or its process may not be looked into */
	char comm[ME_COMM_LEN];
	struct me_proc exe; /* len 0: a kernel thread, or it went */
};

/*
 * Finds the owners of `n` sockets in one walk, which ends early when all are found. Of several
 * processes that hold a socket the one with the lowest pid is named. Duplicate inodes are welcome;
 * inode 0 has no owner. Other users' processes need CAP_SYS_PTRACE. 0, -ENOMEM, or an errno of
 * opening /proc; `owners` is complete only if it is 0.
 */
int me_owners_find(struct me_owner *owners, size_t n);

/* Fills in what /proc says of `owner->pid`; what cannot be read is as in an owner of nobody. */
void me_owner_read(struct me_owner *owner);

/*
 * The inode of the socket that `path` (/proc/PID/fd/N) leads to. False: it leads to none, or the
 * process is gone or closed to us.
 */
bool me_owner_socket(const char *path, uint32_t *ret_inode);

#endif
