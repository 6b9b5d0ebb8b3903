/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host programs in another layout: members that lie otherwise in the flow table, in the socket
 * storage and in the ring, and one more in the process table. The first do not grow: on Linux 6.1 the
 * longest chain of calls has no byte of stack left.
 */
/* clang-format off */
#define truncated older_note; __u32 truncated
/* clang-format on */
#include "gen/older_abi.h"
#undef truncated
#include "bpf/host.bpf.c"

/* Where a flow has its id. */
const volatile __u32 older_flow_id = __builtin_offsetof(struct me_flow, id);
