/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_FTP_H
#define MEWATCH_BPF_FTP_H

/*
 * FTP in passing. What a server or a client announces on its control connection is remembered before the
 * other side reads it, and is good for one data connection.
 */
#include "bpf/message.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_FTP_CONTROLS_MAX);
	__type(key, struct me_ftp_key);
	__type(value, struct me_ftp_control);
} me_ftp_controls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_FTP_ANNOUNCED_MAX);
	__type(key, struct me_ftp_key);
	__type(value, struct me_ftp_announced);
} me_ftp_announced SEC(".maps");

/* --- The control connection ------------------------------------------------------------------------ */

static __always_inline __u64 me_ftp_life(void)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	__u32 zero = 0;

	head = control ? me_slot_lookup(&me_heads, me_policy_slot(control), &zero) : NULL;
	return head ? head->ftp_ns : 0;
}

/* A port was announced; key->port and ->active say which. */
static __always_inline void me_ftp_announce(struct me_ftp_key *key)
{
	struct me_ftp_announced announced = {.until_ns = bpf_ktime_get_ns() + me_ftp_life()};

	if (bpf_map_update_elem(&me_ftp_announced, key, &announced, BPF_ANY))
		me_count_total(ME_TOTAL_FTP_FULL);
}

/* The control connection is known, and what it is. */
static __always_inline void me_ftp_control_put(const struct me_ftp_key *key,
					       const struct me_flow_key *flow_key, __u64 is)
{
	struct me_ftp_control *known = bpf_map_lookup_elem(&me_ftp_controls, key);
	struct me_ftp_control control = {.flow = *flow_key, .is = is};

	if (known && known->flow.sport == flow_key->sport &&
	    me_addr_equal(&known->flow.opener.address, &flow_key->opener.address)) {
		if ((known->is & is) != is)
			__sync_fetch_and_or(&known->is, is);
		return;
	}
	if (bpf_map_update_elem(&me_ftp_controls, key, &control, BPF_ANY))
		me_count_total(ME_TOTAL_FTP_FULL);
}

/*
 * What was said, in the room: room->payload.key is the flow of the control connection, room->exchange
 * its client and server. Finding ftp-bounce: an address that is neither's.
 */
static __noinline int me_ftp_heard(struct me_room *room)
{
	struct me_ftp_key key = {};
	struct me_flow_key flow_key;
	struct me_flow *flow;
	__u32 says, is = 0;

	if (!room)
		return 0;
	flow_key = room->payload.key;
	flow = bpf_map_lookup_elem(&me_flows, &flow_key);
	if (!flow || flow->state.verdict != ME_ALLOWED || !(flow->flags & ME_FLOW_FTP))
		return 0;
	key.client = room->exchange.opener;
	key.server = room->exchange.address;
	says = room->ftp.says;
	if (says & ME_FTP_TLS)
		is |= ME_FTP_IS_HIDDEN;
	/* Some servers do not know their own address and say 0.0.0.0. */
	if ((says & ME_FTP_PASSIVE) && room->ftp.address.word[3] &&
	    !me_addr_equal(&room->ftp.address, &key.server)) {
		is |= ME_FTP_IS_BOUNCED;
		says &= ~ME_FTP_PASSIVE;
		me_tell_finding(ME_FINDING_FTP_BOUNCE, &flow_key, flow);
	}
	if ((says & ME_FTP_ACTIVE) && flow_key.vantage == ME_TRANSIT &&
	    !me_addr_equal(&room->ftp.address, &flow_key.opener.address)) {
		says &= ~ME_FTP_ACTIVE;
		me_tell_finding(ME_FINDING_FTP_BOUNCE, &flow_key, flow);
	}
	me_ftp_control_put(&key, &flow_key, is);
	key.port = room->ftp.port;
	key.active = !!(says & (ME_FTP_ACTIVE | ME_FTP_EXT_ACTIVE));
	if (key.port &&
	    (says & (ME_FTP_PASSIVE | ME_FTP_EXTENDED | ME_FTP_ACTIVE | ME_FTP_EXT_ACTIVE)))
		me_ftp_announce(&key);
	return 0;
}

/* Reads the segment in the room's exchange. Gives the room back. */
static __noinline int me_ftp_segment(struct __sk_buff *skb, struct me_room *room)
{
	__u32 length;

	if (!room)
		return 0;
	length = me_room_read(skb, room->exchange.offset, ME_FTP_SEGMENT_MAX, room);
	if (length) {
		me_room_ftp(room, length, room->exchange.sent);
		me_ftp_heard(room);
	}
	me_room_give(room);
	return 0;
}

/* --- Data connections ------------------------------------------------------------------------------- */

/* The flow of the live control connection of `key`; NULL: there is none. */
static __always_inline struct me_flow *me_ftp_live(const struct me_ftp_key *key, __u64 *ret_is)
{
	struct me_ftp_control *control = bpf_map_lookup_elem(&me_ftp_controls, key);
	struct me_flow_key flow_key;
	struct me_flow *flow;

	if (!control)
		return NULL;
	flow_key = control->flow;
	*ret_is = control->is;
	flow = bpf_map_lookup_elem(&me_flows, &flow_key);
	return flow && !(flow->flags & ME_FLOW_CLOSED) && flow->state.verdict == ME_ALLOWED ? flow
											    : NULL;
}

/* Whether the port was announced; then it is used up. */
static __always_inline bool me_ftp_take(const struct me_ftp_key *key)
{
	struct me_ftp_announced *announced = bpf_map_lookup_elem(&me_ftp_announced, key);
	__u64 until = announced ? announced->until_ns : 0;

	return until && !bpf_map_delete_elem(&me_ftp_announced, key) && until >= bpf_ktime_get_ns();
}

/*
 * A TCP connection between `client` and `key`'s peer that no rule allows: what it is if there is a control
 * connection between the two. `active`: the server calls.
 */
static __noinline int me_ftp_data(const union me_opener *client, const struct me_flow_key *key,
				  __u32 active, struct me_judgement *judged)
{
	struct me_ftp_facts facts = {};
	struct me_ftp_key ftp = {};
	struct me_flow *control;
	__u64 is = 0;

	if (!client || !key || !judged)
		return 0;
	ftp.client = *client;
	ftp.server = key->peer;
	control = me_ftp_live(&ftp, &is);
	if (!control)
		return 0;
	ftp.port = active ? key->sport : key->port;
	ftp.active = active;
	facts.entry = control->flags >> ME_FLOW_FTP_SHIFT;
	facts.announced = me_ftp_take(&ftp);
	facts.blind = is != 0;
	me_judge_ftp(&facts, active ? 0 : key->port, judged);
	me_count_total(ME_TOTAL_FTP(active, judged->evidence & 15));
	judged->service = control->service;
	if (judged->verdict != ME_ALLOWED)
		return 0;
	judged->endpoint = control->endpoint;
	judged->rule = control->rule;
	judged->flags = 0;
	return 1;
}

#endif
