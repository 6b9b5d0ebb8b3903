/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PREEXISTING_H
#define MEWATCH_MEWATCH_PREEXISTING_H

/*
 * Flows that were open before the hooks were there: found by sock_diag, judged by the policy in
 * memory, put into the flow table and followed until their sockets are gone. They are no attempts.
 */
struct me_daemon;
struct me_netns;
struct me_preexisting;

/* `daemon` and `netns` are borrowed. 0 or -ENOMEM. */
int me_preexisting_new(struct me_daemon *daemon, const struct me_netns *netns,
		       struct me_preexisting **ret_preexisting);
void me_preexisting_free(struct me_preexisting **preexisting);

/* Finds them: once, right after a fresh attachment. 0 or a negative errno. */
int me_preexisting_find(struct me_preexisting *preexisting);

/* Brings those still open up to date, and ends those whose sockets are gone. */
void me_preexisting_follow(struct me_preexisting *preexisting);

#endif
