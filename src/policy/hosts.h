/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_HOSTS_H
#define MEWATCH_POLICY_HOSTS_H

/* The mail hosts whose packets are watched in transit: `watch: {hosts: …}`. */
#include "base/inet.h"
#include "policy/read.h"

#define ME_HOST_LEN (ME_INET_LEN + 4) /* a prefix and a NUL */

/* Reads the list into policy->hosts: addresses, prefixes, MAC addresses. */
void me_read_hosts(struct me_reader *reader, const struct me_node *node, struct me_policy *policy);

/* "192.0.2.10", "2001:db8::/64", "02:00:00:00:00:10" */
void me_host_format(const struct me_watch_host *host, char out[ME_HOST_LEN]);

/*
 * The hosts of a policy by (address, bits), the wider before what lies in it, then those known by
 * their MAC address, by me_mac(); of equal ones the first in the policy first. 0 or -ENOMEM; the
 * caller frees the array, which points into the policy.
 */
int me_hosts_sort(const struct me_policy *policy, const struct me_watch_host ***ret_hosts);

/* Whether they are the same address, prefix or MAC address. */
bool me_host_same(const struct me_watch_host *a, const struct me_watch_host *b);

/* Whether `host` lies in the prefix `outer`, or is it. */
bool me_host_in(const struct me_watch_host *host, const struct me_watch_host *outer);

#endif
