/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_SUMS_H
#define MEWATCH_REPORT_SUMS_H

/* Sums by up to three words, in the order in which these came. */
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"

#define ME_SUMS_WIDTH 16u

struct me_intern;
struct me_sums;

struct me_sum {
	uint32_t word[3];
	uint64_t values[ME_SUMS_WIDTH];
};

/* NULL without memory. `texts` keeps the words and outlives it. */
struct me_sums *me_sums_new(struct me_intern *texts);
void me_sums_free(struct me_sums **sums);
ME_DEFINE_CLEANUP(struct me_sums *, me_sums_free)
#define _cleanup_sums_ _cleanup_(me_sums_freep)

/* Its values, from 0; valid until the next call. NULL without memory. NULL and "" are one word. */
uint64_t *me_sums_at(struct me_sums *sums, const char *a, const char *b, const char *c);

size_t me_sums_count(const struct me_sums *sums);
const struct me_sum *me_sums_get(const struct me_sums *sums, size_t i);

/* Word `i` of the sum; "" for none. */
const char *me_sums_word(const struct me_sums *sums, const struct me_sum *sum, unsigned int i);

#endif
