/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/enter.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/cleanup.h"

int me_enter_netns(int ns_fd, int (*fn)(void *userdata), void *userdata)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0)
		return -errno;
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		return -errno;
	r = fn(userdata);
	if (setns(home, CLONE_NEWNET) < 0) {
		perror("mewatch: cannot return to its own network namespace");
		abort();
	}
	return r;
}
