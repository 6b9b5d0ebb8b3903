/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes facts from a packet and puts the judgement there: the programs' own lookups and judge, on
 * the policy that the loader put in force. For the test that compares the kernel with the host.
 */
#include <linux/pkt_cls.h>
#include "bpf/policy.h"
#include "judge_case.h"

SEC("tc") int judge_case(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct judge_case *c = data + ETH_LENGTH;
	struct me_judgement judgement = {};
	struct me_facts facts;

	if ((void *)(c + 1) > end)
		return TC_ACT_SHOT;
	__builtin_memcpy(&facts, &c->facts, sizeof(facts));
	c->generation = me_policy_judge(&facts, &judgement);
	__builtin_memcpy(&c->judgement, &judgement, sizeof(judgement));
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
