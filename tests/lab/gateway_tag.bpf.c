/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * VLAN 10 for kernels without 802.1Q: what comes out of a veth gets the tag on its way to the trunk, and
 * loses it on its way back. The action behind each program (mirred) carries it to the other side.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN 10
#define MATCHED (-1) /* of cls_bpf: go on with the action */
#define OTHER 0

SEC("push")
int gateway_push(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN) ? OTHER : MATCHED;
}

SEC("pop")
int gateway_pop(struct __sk_buff *skb)
{
	if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != VLAN)
		return OTHER;
	return bpf_skb_vlan_pop(skb) ? OTHER : MATCHED;
}

char LICENSE[] SEC("license") = "GPL";
