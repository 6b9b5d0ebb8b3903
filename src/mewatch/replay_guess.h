/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REPLAY_GUESS_H
#define MEWATCH_MEWATCH_REPLAY_GUESS_H

#include <stddef.h>
#include <stdint.h>
#include "mewatch/types.h"
#include "mewatch/address.h"

#define ME_GUESS_ADDRESSES_MAX 65536u /* addresses that are counted */

/*
 * Who the mail host is: the address that opens most TCP connections in the captures, the lowest of equal
 * ones. 0; -ENOENT: nobody opens any; -ENOMEM. A capture that cannot be read counts as far as it can.
 */
int me_replay_guess(char **paths, size_t n, struct me_addr *ret_address, uint64_t *ret_opened);

#endif
