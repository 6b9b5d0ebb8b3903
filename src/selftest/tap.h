/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_TAP_H
#define MEWATCH_SELFTEST_TAP_H

/*
 * What arrives at the far end, whatever protocol it is: packets are counted on its interface. That nothing
 * came is known when a datagram that was sent behind is there; all of the self-test runs on one processor,
 * so that none overtakes another.
 */
#include <stdint.h>
#include "selftest/network.h"

#define ME_TAP_PORT 20098 /* a mute one of the far end */

struct me_tap;

/* 0 or an errno. Freed with me_tap_free(). */
int me_tap_open(const struct me_network *network, struct me_tap **ret_tap);
void me_tap_free(struct me_tap **tap);

/* Counts packets to that address and its twin from here on. */
void me_tap_watch(struct me_tap *tap, const struct me_addr *address);
/*
 * How many have arrived of those that were sent before the call. 0; -ETIMEDOUT: what is sent does not
 * arrive at all; others.
 */
int me_tap_count(struct me_tap *tap, uint64_t *ret_count);

#endif
