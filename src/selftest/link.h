/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_LINK_H
#define MEWATCH_SELFTEST_LINK_H

/*
 * Interfaces, addresses and routes of the network namespace that the thread is in, by netlink. Each
 * returns 0 or a negative errno.
 */
#include <stdint.h>

int me_link_up(const char *name);
int me_link_address(const char *device, const char *text, uint8_t prefix);
/* By way of `via`, or NULL: every address of it is one of this namespace. */
int me_link_route(const char *text, uint8_t prefix, const char *via);
/* Two ends: `name` here, of that `station` or any (NULL); eth0 in the namespace `other`. */
int me_link_pair(const char *name, const char *station, int other);
/* A macvlan of that name in the namespace `other`, above the device `below` of this one. */
int me_link_above(const char *below, const char *name, int other);

#endif
