/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a segment of FTP as the programs do, and leaves where the test can see it what it says. */
#include <linux/pkt_cls.h>
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function" /* most of it is for the hooks */
#include "bpf/message.h"
#pragma clang diagnostic pop
#include "ftp_case.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ftp_case);
} ftp_cases SEC(".maps");

SEC("tc") int ftp_case(struct __sk_buff *skb)
{
	__u32 zero = 0, length;
	struct ftp_case *c = bpf_map_lookup_elem(&ftp_cases, &zero);
	struct me_room *room = me_room_take();

	if (!room)
		return TC_ACT_SHOT;
	length = me_room_read(skb, FTP_HEADER, ME_FTP_SEGMENT_MAX, room);
	if (c) {
		c->length = length;
		if (length)
			me_room_ftp(room, length, c->sent);
		c->ftp = room->ftp;
	}
	me_room_give(room);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
