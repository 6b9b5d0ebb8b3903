/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that does nothing on every hook of the host vantage, and one for a device: what it costs
 * to be called at all, which no monitor on these hooks can go below.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EMPTY(section, name, context)                                                              \
	SEC(section) int name(struct context *ctx)                                                 \
	{                                                                                          \
		return 1;                                                                          \
	}

EMPTY("cgroup/connect4", connect4, bpf_sock_addr)
EMPTY("cgroup/connect6", connect6, bpf_sock_addr)
EMPTY("cgroup/sendmsg4", sendmsg4, bpf_sock_addr)
EMPTY("cgroup/sendmsg6", sendmsg6, bpf_sock_addr)
EMPTY("cgroup/sock_create", sock_create, bpf_sock)
EMPTY("cgroup/sock_release", sock_release, bpf_sock)
EMPTY("sockops", sock_ops, bpf_sock_ops)
EMPTY("cgroup_skb/ingress", ingress, __sk_buff)
EMPTY("cgroup_skb/egress", egress, __sk_buff)

#define NEXT (-1) /* TCX_NEXT, which headers before Linux 6.6 lack */

SEC("tc") int transit(struct __sk_buff *skb)
{
	return NEXT;
}

char LICENSE[] SEC("license") = "GPL";
