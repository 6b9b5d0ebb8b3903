/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a DNS message from a packet as the programs do, and leaves what was read where the test can
 * compare it with what the same headers make of it on the host.
 */
#include <linux/pkt_cls.h>
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function" /* most of it is for the hooks */
#include "bpf/dns.h"
#pragma clang diagnostic pop
#include "names_case.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct names_case);
} names_cases SEC(".maps");

SEC("tc") int names_case(struct __sk_buff *skb)
{
	const struct me_control *control = me_control_get();
	__u32 zero = 0, length;
	struct names_case *c = bpf_map_lookup_elem(&names_cases, &zero);
	struct me_room *room = me_room_take();

	if (!room)
		return TC_ACT_SHOT;
	length = me_room_read(skb, NAMES_HEADER, ME_MESSAGE_MAX, room);
	if (c && control && length) {
		/* What is not read stays 0, as on the host. */
		bpf_probe_read_kernel(&room->dns, sizeof(room->dns), &c->blank);
		c->unreadable = me_room_question(room, length) != 0;
		if (!c->unreadable) {
			me_room_answers(room, length);
			me_room_names(room, control->active & 1);
			c->category = me_room_category(room);
		}
		bpf_probe_read_kernel(&c->dns, sizeof(c->dns), &room->dns);
		c->named = room->named;
		c->length = length;
	}
	me_room_give(room);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
