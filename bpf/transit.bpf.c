/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transit vantage: tc programs on the interfaces behind which the mail hosts are. What comes in
 * there is what they send, before NAT; what goes out is what they get. passing.h has the packets of
 * flows, parsing.h those that are harder to read, hosts.h whose they are, once.h which are not counted.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include "bpf/transit_sweep.h"

/*
 * One packet, but for the names in it: the room in which those are to be read, or NULL. *act becomes
 * TC_ACT_SHOT if a mail host sends it and its flow is denied.
 */
static __noinline struct me_room *me_transit(struct __sk_buff *skb, __u32 link, __u32 sent,
					     __u32 *act)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	bool v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	struct me_passage p = {.link = link, .sent = sent};
	enum me_step step = ME_STEP_PASS;
	struct me_room *room = NULL;

	if ((!v6 && skb->protocol != bpf_htons(ETH_P_IP)) ||
	    !me_packet_quick(data + link, end, v6, skb->len - link, &p.packet))
		step = me_parsing(skb, &p);
	if (step == ME_STEP_PASS)
		step = me_passing(skb, &p);
	if (step == ME_STEP_JUDGE) {
		p.generation = me_passing_judge(&p.key, p.packet.flags, &p.judged);
		step = me_passing_judged(&p);
		if (p.judged.verdict >= ME_VIOLATION && p.key.proto == IPPROTO_TCP)
			me_ftp_data(&p.key.opener, &p.key, 0, &p.judged);
	}
	if (step == ME_STEP_ATTEMPT) {
		step = me_passing_attempted(
			skb, &p,
			me_attempt(&me_origin_none, &p.key, &p.judged, p.generation, ME_FLOW_SENT));
	} else if (step == ME_STEP_PUT) {
		me_passing_put(&p);
		step = me_passing_opened(skb, &p);
	}
	if (p.denied && p.sent && me_deny_mode(p.key.proto, p.key.port) == ME_MODE_ENFORCE)
		*act = TC_ACT_SHOT;
	else if (step != ME_STEP_DONE)
		room = me_passing_read(skb, &p, step);
	if (p.first)
		me_fragment_release(&p);
	return room;
}

/* Whoever else is there decides on the packet, unless it is denied: the numbers are those of tcx, too. */
#define ME_TRANSIT(program, link, sent)                                                            \
	SEC("tc") int program(struct __sk_buff *skb)                                               \
	{                                                                                          \
		__u32 act = TC_ACT_UNSPEC;                                                         \
		struct me_room *room = me_transit(skb, link, sent, &act);                          \
                                                                                                   \
		if (room)                                                                          \
			me_passage_names(skb, room);                                               \
		return act;                                                                        \
	}

ME_TRANSIT(me_transit_ingress, ETH_HLEN, 1)
ME_TRANSIT(me_transit_egress, ETH_HLEN, 0)
/* Interfaces without a link-layer header: tunnels. */
ME_TRANSIT(me_transit_ingress_raw, 0, 1)
ME_TRANSIT(me_transit_egress_raw, 0, 0)

char LICENSE[] SEC("license") = "GPL";
