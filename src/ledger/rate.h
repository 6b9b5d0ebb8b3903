/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_RATE_H
#define MEWATCH_LEDGER_RATE_H

/*
 * A quantity in two bytes, for a million flows have two each: 10 bits that count and how far they are
 * shifted, so that it is off by less than a thousandth. Packed ones keep their order.
 */
#include <stdint.h>

#define ME_RATE_BITS 10u

static inline uint16_t me_rate_pack(uint64_t rate)
{
	unsigned int shift = 0;

	/* The highest bit of what is shifted is always set, so it need not be kept. */
	while (rate >> shift >> (ME_RATE_BITS + 1))
		shift++;
	if (!(rate >> ME_RATE_BITS))
		return (uint16_t)rate;
	return (uint16_t)((shift + 1) << ME_RATE_BITS |
			  (rate >> shift & ((1u << ME_RATE_BITS) - 1)));
}

static inline uint64_t me_rate_unpack(uint16_t packed)
{
	unsigned int shift = packed >> ME_RATE_BITS;
	uint64_t bits = packed & ((1u << ME_RATE_BITS) - 1);

	return shift ? (bits | 1u << ME_RATE_BITS) << (shift - 1) : bits;
}

#endif
