/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_SEED_H
#define MEWATCH_TESTS_SEED_H

/* Random numbers that can be had again: every run prints its seed, ME_TEST_SEED sets it. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Starts a sequence, from ME_TEST_SEED or the clock. */
static inline uint64_t me_seed(void)
{
	const char *given = getenv("ME_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 10)
		     : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	printf("# seed: ME_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

/* The next number of the sequence (Steele, Lea and Flood, "SplitMix", 2014). */
static inline uint64_t me_seed_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif
