/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_RETRY_H
#define METOP_RETRY_H

/* How long to wait until a daemon that gave no answer is asked again. */
#include <stdbool.h>
#include <stdint.h>

#define ME_RETRY_LOCAL_NS (2ull * 1000000000ull)   /* at the most, on a socket of this machine */
#define ME_RETRY_REMOTE_NS (30ull * 1000000000ull) /* and over a network */

/*
 * After `failures` in a row (0: none): twice as long each time, beginning with `interval_ns`, never less
 * than that. `random` of any value moves it by up to a quarter either way, so that many who lost the
 * same daemon do not come back at once.
 */
uint64_t me_retry_wait(unsigned int failures, uint64_t interval_ns, bool remote, uint32_t random);

#endif
