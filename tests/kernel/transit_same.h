/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_TRANSIT_SAME_H
#define MEWATCH_TESTS_KERNEL_TRANSIT_SAME_H

/* Frames that pass the programs and the model; both must say the same of each. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"

struct transit;
struct model;

struct transit_same {
	struct transit *transit;
	struct model *model;
	uint64_t frames, allowed, refused; /* refused by the kernel, which does not run them */
	int flows, fragments;              /* the maps */
};

/* Begins anew, with the policy that is in force. */
void transit_same_begin(struct transit_same *same, struct transit *transit);
void transit_same_end(struct transit_same *same);

/*
 * A frame with an Ethernet header passes twice where no flow is known, and its flow is forgotten.
 * Fails unless it was the right one. Its verdict; ME_VERDICT_COUNT: there was none.
 */
enum me_verdict transit_same_run(struct transit_same *same, bool sent, const uint8_t *frame,
				 size_t size);
/* The same for a frame that went another way: what is left of it. */
struct model_frame;
enum me_verdict transit_same_left(struct transit_same *same, const struct model_frame *frame,
				  unsigned int times);

/* Whether all that was counted since the beginning is the same; says what is not. */
bool transit_same_sums(struct transit_same *same);

/* Prints how many frames there were. */
void transit_same_report(const struct transit_same *same);

#endif
