/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REPLAY_GUESS_H
#define MEWATCH_MEWATCH_REPLAY_GUESS_H

/*
 * Who the mail host is, where nobody says so: the address that opens most TCP connections in the captures,
 * the lowest of equal ones.
 */
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "mewatch/types.h"
#include "mewatch/address.h"

#define ME_GUESS_ADDRESSES_MAX 65536u /* addresses that are counted */

struct me_capture_packet;
struct me_guess;

/* NULL without memory. */
struct me_guess *me_guess_new(void);
void me_guess_free(struct me_guess **guess);
ME_DEFINE_CLEANUP(struct me_guess *, me_guess_free)

/* 0 or -ENOMEM. */
int me_guess_packet(struct me_guess *guess, const struct me_capture_packet *packet);
/* All packets of a capture, as far as it can be read. 0 or -ENOMEM. */
int me_guess_file(struct me_guess *guess, const char *path);

/* 0, or -ENOENT: nobody opens any. */
int me_guess_made(const struct me_guess *guess, struct me_addr *ret_address, uint64_t *ret_opened);

#endif
