/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_ORIGIN_H
#define MEWATCH_BPF_ORIGIN_H

/*
 * Who it was: the running process, and the path of its program, read by a walk over the dentries
 * because /proc comes too late for short lives. The path is read once a process.
 */
#include "bpf/core.h"
#include "bpf/count.h"
#include "mewatch/loop.h"

#define ME_PROCS_MAX 16384
#define ME_EXE_DEPTH 64 /* components of a path, mount crossings included */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_PROCS_MAX);
	__type(key, struct me_proc_key);
	__type(value, struct me_proc);
} me_procs SEC(".maps");

/* What a new entry starts from: it is filled in place, being too large for the stack. */
static const struct me_proc me_proc_empty;

/* A walk from the program's dentry up to the root of its mount namespace. */
struct me_exe_walk {
	struct me_proc *proc;
	const struct dentry *dentry;
	const struct mount *mount;
	__u32 at;
	__u32 truncated;
};

static long me_exe_step(__u32 i, struct me_exe_walk *walk)
{
	const struct dentry *dentry = walk->dentry;
	const struct mount *mount = walk->mount;
	const struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	struct me_proc *proc = walk->proc;
	const unsigned char *name;
	__u32 length, at;

	if (dentry == parent || dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = BPF_CORE_READ(mount, mnt_parent);
		return walk->mount == mount;
	}
	length = BPF_CORE_READ(dentry, d_name.len);
	name = BPF_CORE_READ(dentry, d_name.name);
	if (!proc || length >= ME_EXE_SLACK || walk->at < length + 1) {
		walk->truncated = 1;
		return 1;
	}
	walk->at -= length + 1;
	walk->dentry = parent;
	at = walk->at & (ME_EXE_LEN - 1);
	proc->exe[at] = '/';
	bpf_probe_read_kernel(&proc->exe[at + 1], length & (ME_EXE_SLACK - 1), name);
	return 0;
}

static __noinline int me_exe_read(struct me_proc *proc)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct me_exe_walk walk = {.proc = proc, .at = me_loop_begin(ME_EXE_LEN)};

	if (!proc)
		return 0;
	if (exe) {
		walk.dentry = BPF_CORE_READ(exe, f_path.dentry);
		walk.mount = (const void *)BPF_CORE_READ(exe, f_path.mnt) -
			     bpf_core_field_offset(struct mount, mnt);
		if (bpf_loop(ME_EXE_DEPTH, me_exe_step, &walk, 0) >= ME_EXE_DEPTH)
			walk.truncated = 1;
	}
	proc->len = ME_EXE_LEN - walk.at;
	proc->truncated = walk.truncated;
	return 0;
}

/* The verifier does not let a socket be read beyond its public fields; its address may be copied. */
static __always_inline const struct sock *me_sock_pointer(struct bpf_sock *sk)
{
	const struct sock *pointer = NULL;
	void *known = sk;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), &known);
	return pointer;
}

/*
 * Whether its network namespace was made by somebody without privileges, who may have any address
 * there, a resolver's too: what is answered there is no evidence for anybody else.
 */
static __always_inline __u8 me_sock_is_foreign(struct bpf_sock *sk)
{
	return BPF_CORE_READ(me_sock_pointer(sk), __sk_common.skc_net.net, user_ns, level) != 0;
}

/* The cgroup that the socket was born in: it is watched, wherever its user is now. */
static __always_inline __u64 me_sock_cgroup(struct bpf_sock *sk)
{
	return BPF_CORE_READ(me_sock_pointer(sk), sk_cgrp_data.cgroup, kn, id);
}

/* The same of a TCP socket, and cheaper. */
static __always_inline __u64 me_stream_cgroup(struct bpf_sock *sk)
{
	struct sock *tp = (struct sock *)bpf_skc_to_tcp_sock(sk);

	return tp ? tp->sk_cgrp_data.cgroup->kn->id : 0;
}

/* Cookie of its network namespace, where the program has no context to ask for it. */
static __always_inline __u64 me_sock_netns(struct bpf_sock *sk)
{
	return BPF_CORE_READ(me_sock_pointer(sk), __sk_common.skc_net.net, net_cookie);
}

/*
 * Fills everything but `cgroup` and `netns` from the running task. Only where it is the caller. Not every
 * kind of program may ask for its user.
 */
static __always_inline void me_origin_task(struct me_origin *origin, __u32 uid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int err; /* before Linux 6.4 the helper leaves the upper half of its long undefined */

	if (task->flags & PF_KTHREAD)
		return;
	origin->proc.start_ns = task->group_leader->start_boottime;
	origin->proc.exe = (__u64)task->mm->exe_file;
	origin->proc.tgid = task->tgid;
	origin->uid = uid;
	/* A worker has a name of its own; the process is meant. */
	__builtin_memcpy(origin->comm, task->group_leader->comm, sizeof(origin->comm));

	if (bpf_map_lookup_elem(&me_procs, &origin->proc))
		return;
	err = bpf_map_update_elem(&me_procs, &origin->proc, &me_proc_empty, BPF_NOEXIST);
	if (err == -EEXIST) /* another thread of it is at it */
		return;
	if (err) {
		me_count_total(ME_TOTAL_PROC_OVERFLOW);
		return;
	}
	me_exe_read(bpf_map_lookup_elem(&me_procs, &origin->proc));
}

static __always_inline void me_origin_current(struct me_origin *origin)
{
	me_origin_task(origin, bpf_get_current_uid_gid());
}

#endif
