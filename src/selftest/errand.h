/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_ERRAND_H
#define MEWATCH_SELFTEST_ERRAND_H

/*
 * A process that does one thing in a control group and a network namespace, and then waits with its
 * sockets open until it is ended. It dies with its parent.
 */
#include <sys/types.h>
#include "selftest/traffic.h"

typedef void me_errand_fn(void *userdata, struct me_truth *truth);

enum me_errand_state {
	ME_ERRAND_RUNS,
	ME_ERRAND_DONE,
	ME_ERRAND_ABSENT, /* the kernel has no such thing: `words` */
	ME_ERRAND_BROKEN, /* it could not be done: `words` */
};

struct me_errand {
	pid_t pid;
	int fd; /* readable when me_errand_look() has something to do */
	enum me_errand_state state;
	struct me_truth *truth; /* shared */
	char words[256];
};

/*
 * Begins. `cgroup` is the folder of a control group or NULL, `netns` a namespace or -1. 0 or an errno.
 * Freed with me_errand_end(), which ends the process too.
 */
int me_errand_begin(struct me_errand *ret_errand, const char *cgroup, int netns, me_errand_fn *fn,
		    void *userdata);
/* Never waits. */
enum me_errand_state me_errand_look(struct me_errand *errand);
void me_errand_end(struct me_errand *errand);

/* Goes into the control group whose folder that is. 0 or an errno. */
int me_errand_enter(const char *cgroup);

#endif
