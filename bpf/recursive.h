/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_RECURSIVE_H
#define MEWATCH_BPF_RECURSIVE_H

/* Whether somebody is the resolver that walks the DNS itself (`resolvers: {recursive: …}`). */
#include <stdbool.h>
#include "bpf/origin.h"
#include "bpf/policy.h"

/* A path as the process table has it, and one as the policy has it. */
struct me_exe_comparison {
	const struct me_proc *proc;
	const struct me_head *head;
	__u32 differ;
};

static long me_exe_compare_step(__u32 index, void *context)
{
	struct me_exe_comparison *c = context;
	__u32 at, there = index;

	if (!c->proc || !c->head || index > c->proc->len)
		return 1;
	at = ME_EXE_LEN - c->proc->len + index;
	ME_HIDE(at);
	ME_HIDE(there);
	c->differ = index == c->proc->len ? 0 : c->proc->exe[at & (ME_EXE_LEN - 1)];
	c->differ ^= c->head->recursive_exe[there & (ME_RECURSIVE_EXE_MAX - 1)];
	return c->differ != 0;
}

/* Whether the origin is the recursive resolver of the policy: its cgroup, or its program. */
static __noinline bool me_origin_is_recursive(const struct me_origin *origin,
					      const struct me_head *head)
{
	const struct me_control *control = me_control_get();
	struct me_exe_comparison c = {.head = head, .differ = 1};
	struct me_proc_key proc;

	if (!origin || !head || !control || !(head->flags & ME_HEAD_RECURSIVE))
		return false;
	if (!head->recursive_exe[0])
		return origin->cgroup && origin->cgroup == control->recursive;
	proc = origin->proc;
	c.proc = bpf_map_lookup_elem(&me_procs, &proc);
	if (c.proc && !c.proc->truncated && c.proc->len < ME_RECURSIVE_EXE_MAX)
		me_loop(ME_RECURSIVE_EXE_MAX, me_exe_compare_step, &c, 0);
	return !c.differ;
}

/* The same by the policy in force. */
static __noinline __u8 me_recursive_facts(const struct me_origin *origin)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	__u32 zero = 0, slot;

	if (!control || !origin)
		return 0;
	slot = me_policy_slot(control);
	head = me_slot_lookup(&me_heads, slot, &zero);
	return head && me_origin_is_recursive(origin, head) ? ME_FACT_RECURSIVE : 0;
}

#endif
