/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_LOOP_H
#define MEWATCH_LOOP_H

/*
 * Loops over bytes that the kernel's verifier takes: me_loop(n, step, context, 0) calls
 * step(index, context) up to `n` times, until it returns 1. In the kernel that is the helper
 * bpf_loop() (Linux 5.17), whose context has to lie on the stack.
 */
#include <linux/types.h>

#ifdef __bpf__
#include <linux/bpf.h>

static long (*const me_loop)(__u32 n, void *step, void *context,
			     __u64 flags) = (void *)BPF_FUNC_loop;

/* Always 0, and not constant as far as the verifier can tell. */
static volatile __u32 me_loop_zero;

/* Keeps the compiler from concluding what a value is, so that a mask in front of an access stays. */
#define ME_HIDE(value) asm volatile("" : "+r"(value))
#else
static inline long me_loop(__u32 n, long (*step)(__u32 index, void *context), void *context,
			   __u64 flags)
{
	__u32 i = 0;

	(void)flags;
	while (i < n && !step(i++, context))
		;
	return i;
}

#define me_loop_zero 0u

#define ME_HIDE(value) ((void)0)
#endif

/*
 * What a step reads and changes has to begin with this: before Linux 6.7 the verifier walks through a
 * step once, takes what it finds the first time for always so, and removes the other branches.
 */
static inline __u32 me_loop_begin(__u32 value)
{
	return value + me_loop_zero;
}

#endif
