/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_PREEXISTING_H
#define MEWATCH_MEWATCH_PREEXISTING_H

/*
 * Flows that were open before the hooks were there: found by sock_diag, judged by the policy in
 * memory, put into the flow table, where the sync follows them like others. They are no attempts;
 * each is a finding.
 */
#include <stddef.h>

struct me_daemon;
struct me_netns;

/*
 * Finds them in the namespaces of `netns`, right after an attachment. What was born below one of the
 * `known` cgroups is left out: the hooks were there before. 0 or a negative errno.
 */
int me_preexisting_find(struct me_daemon *daemon, const struct me_netns *netns, char *const *known,
			size_t n_known);

#endif
