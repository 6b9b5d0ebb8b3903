/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_DAEMON_H
#define MEWATCH_BPF_DAEMON_H

/* What the daemon keeps in maps, so that it outlives it: no program looks at these. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "mewatch/abi.h"

/* Stable ids by (kind, service, text). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_ENDPOINTS_MAX);
	__type(key, struct me_id_key);
	__type(value, __u32);
} me_registry SEC(".maps");

/* One block of the daemon's own; the loader sets its size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8);
} me_kept SEC(".maps");

/* And one element of it for each endpoint; the loader sets size and number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8);
} me_kept_each SEC(".maps");

#endif
