/* SPDX-License-Identifier: GPL-2.0-only */
/* A program of somebody else on connect4: it lets everything pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup/connect4")
int foreign(struct bpf_sock_addr *ctx)
{
	return 1;
}
