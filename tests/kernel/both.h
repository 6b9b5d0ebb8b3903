/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_BOTH_H
#define MEWATCH_TESTS_KERNEL_BOTH_H

/*
 * The programs of the transit vantage twice: in the kernel, and compiled for the host. Both get the same
 * frames by the same policy, and have to be left with the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "replay/program.h"
#include "transit.h"

#define BOTH_MESSAGES 1024

struct both {
	struct transit *kernel;
	struct me_program_maps host;
	uint64_t frames, refused; /* by this kernel: too short for it */
	/* What the records of both, the kernel's first, have to have in common. */
	char message[2][BOTH_MESSAGES][64];
	size_t n[2];
	/* The test's own. */
	uint64_t random;
	uint64_t settled, taken, learned, freed, orphans;
};

/* The host's side of what transit_begin() began with so many flows. */
struct both *both_begin(struct transit *transit, uint32_t flows);
void both_end(struct both **both);
/* The policy that is in force in the kernel now. */
void both_policy(struct both *both);

/* A frame with its Ethernet header passes in the kernel, and on the host as it is told there. */
void both_pass(struct both *both, const uint8_t *frame, size_t size,
	       const struct me_program_packet *packet);

/* The time of all fragments is over. */
void both_expire_fragments(struct both *both);
/* All flows get a verdict, unless they have one, end, and are taken out. */
void both_finish(struct both *both);

/* Flows, the sizes of the other tables, counters. */
void both_compare(struct both *both);
/* The records since the last time, which takes them. `sorted`: whoever told them went through a hash. */
void both_compare_records(struct both *both, bool sorted);

#endif
