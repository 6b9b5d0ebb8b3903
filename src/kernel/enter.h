/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_ENTER_H
#define MEWATCH_KERNEL_ENTER_H

/*
 * Runs `fn` with the calling thread inside the network namespace `ns_fd` and comes back. What `fn`
 * opens there stays there. Should the way back fail, the process says so and aborts: going on in a
 * stranger's namespace would make every later fact wrong.
 *
 * Returns what `fn` returns, or a negative errno without having called it: -EPERM without
 * CAP_SYS_ADMIN over the namespace, -EINVAL if ns_fd is no network namespace, -EMFILE.
 */
int me_enter_netns(int ns_fd, int (*fn)(void *userdata), void *userdata);

#endif
