/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/needs.h"

#include <errno.h>
#include <stdio.h>
#include "kernel/internal.h"

/* The program type in which the host's programs call most helpers. */
#define TRIED_IN BPF_PROG_TYPE_CGROUP_SKB

/* X(kind, of libbpf's probes; which; what it is called; since which Linux) */
#define NEEDS(X)                                                                                   \
	X(map_type, BPF_MAP_TYPE_SK_STORAGE, "socket storage", "5.2")                              \
	X(map_type, BPF_MAP_TYPE_RINGBUF, "ring buffers", "5.8")                                   \
	X(helper, BPF_FUNC_get_current_task_btf, "bpf_get_current_task_btf()", "5.11")             \
	X(helper, BPF_FUNC_ktime_get_coarse_ns, "bpf_ktime_get_coarse_ns()", "5.11")               \
	X(helper, BPF_FUNC_for_each_map_elem, "bpf_for_each_map_elem()", "5.13")                   \
	X(prog_type, BPF_PROG_TYPE_SYSCALL, "syscall programs", "5.14")                            \
	X(helper, BPF_FUNC_loop, "bpf_loop()", "5.17")                                             \
	X(helper, BPF_FUNC_skc_to_mptcp_sock, "bpf_skc_to_mptcp_sock()", "5.19")                   \
	X(helper, BPF_FUNC_map_lookup_percpu_elem, "bpf_map_lookup_percpu_elem()", "5.19")

#define try_map_type(id) libbpf_probe_bpf_map_type(id, NULL)
#define try_prog_type(id) libbpf_probe_bpf_prog_type(id, NULL)
#define try_helper(id) libbpf_probe_bpf_helper(TRIED_IN, id, NULL)

size_t me_needs_missing(char *out, size_t size)
{
	size_t n = 0, length = 0;

	*out = '\0';
#define TRY(kind, id, name, since)                                                                 \
	if (!try_##kind(id)) {                                                                     \
		if (length < size)                                                                 \
			length += snprintf(out + length, size - length, "%s" name " (" since ")",  \
					   n ? ", " : "");                                         \
		n++;                                                                               \
	}
	NEEDS(TRY)
#undef TRY
	return n;
}

int me_needs_refused(struct me_why *why, int err, const char *what)
{
	char missing[384];

	if (err != -EINVAL && err != -E2BIG)
		return me_load_failed(why, err, what);
	if (!me_needs_missing(missing, sizeof(missing)))
		return me_load_failed(why, -ENOSYS, what);
	return me_why(why, -ENOSYS, "%s: this kernel lacks %s; 6.1 or later is needed", what,
		      missing);
}
