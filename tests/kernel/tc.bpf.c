/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs for interfaces that count IPv4 packets, and one that lets no other program run after it.
 * Two variants of the first two, with one map, count apart.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} tc_counts SEC(".maps");

const volatile __u32 tc_variant = 0;

static __always_inline int count(const struct __sk_buff *skb, __u32 direction)
{
	__u32 index = 2 * tc_variant + direction;
	__u64 *count = bpf_map_lookup_elem(&tc_counts, &index);

	if (count && skb->protocol == bpf_htons(ETH_P_IP))
		__sync_fetch_and_add(count, 1);
	return TC_ACT_UNSPEC;
}

SEC("tc") int tc_ingress(struct __sk_buff *skb)
{
	return count(skb, 0);
}

SEC("tc") int tc_egress(struct __sk_buff *skb)
{
	return count(skb, 1);
}

SEC("tc") int tc_end(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
