/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_MEMORY_H
#define MEWATCH_MEWATCH_MEMORY_H

/* How much memory the daemon takes at most: everything that it keeps has a bound, and this is their sum. */
#include <stddef.h>
#include <stdint.h>

struct me_daemon;

struct me_memory_bounds {
	uint32_t flows;   /* limits.flows */
	uint32_t learned; /* limits.learned */
	size_t endpoints; /* ids given out since detach */
	size_t entries;   /* names and addresses of the policy, beyond the first of each endpoint */
};

/* Bytes, for these bounds. */
uint64_t me_memory_most(const struct me_memory_bounds *bounds);

/* Bytes, for those of the daemon. */
uint64_t me_memory_of(const struct me_daemon *daemon);

/* What is free goes back to the system: long answers leave holes that nothing else fills. */
void me_memory_trim(void);

#endif
