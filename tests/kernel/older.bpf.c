/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host programs in another layout: structs that lie otherwise in the flow table, in the socket
 * storage, in the ring and in the process table.
 */
/* Each makes one member into two. */
/* clang-format off */
#define packets_sent older_count; __u64 packets_sent
#define uid older_group; __u32 uid
#define truncated older_note; __u32 truncated
/* clang-format on */
#include "mewatch/abi.h"
#undef packets_sent
#undef uid
#undef truncated
#include "bpf/host.bpf.c"

/* Where a flow has its id. */
const volatile __u32 older_flow_id = __builtin_offsetof(struct me_flow, id);
