/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_KERNEL_JUDGE_CASE_H
#define MEWATCH_TEST_KERNEL_JUDGE_CASE_H

/* What stands in the packet, after an Ethernet header. */
#include "mewatch/judge.h"

#define ETH_LENGTH 14

struct judge_case {
	struct me_facts facts;
	struct me_judgement judgement;
	__u32 generation;
} __attribute__((packed));

#endif
