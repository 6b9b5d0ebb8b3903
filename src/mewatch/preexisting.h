/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PREEXISTING_H
#define MEWATCH_MEWATCH_PREEXISTING_H

/*
 * Flows that were open before the hooks were there: found by sock_diag, judged by the policy in
 * memory, put into the flow table, where the sync follows them like others. They are no attempts.
 */
struct me_daemon;
struct me_netns;

/* Finds them in the namespaces of `netns`: once, right after an attachment. 0 or a negative errno. */
int me_preexisting_find(struct me_daemon *daemon, const struct me_netns *netns);

#endif
