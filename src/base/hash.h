/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_HASH_H
#define MEWATCH_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): without the key
 * nobody can choose inputs that collide, so what the network fills tables with cannot slow them down.
 */
uint64_t me_hash(const uint64_t key[2], const void *bytes, size_t len);

#endif
