/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_PASSING_H
#define MEWATCH_BPF_PASSING_H

/* What a packet does to its flow, and the first packet of a flow. */
#include "mewatch/wire.h"
#include "bpf/answer.h"
#include "bpf/ftp.h"
#include "bpf/hosts.h"
#include "bpf/once.h"
#include "bpf/remoting.h"
#include "bpf/witness.h"

/* The key of the packet's flow: the mail hosts' side first. */
static __always_inline void me_passage_key(struct me_passage *p)
{
	if (p->sent) {
		p->key.opener.address = p->packet.src;
		p->key.peer = p->packet.dst;
		p->key.sport = p->packet.sport;
		p->key.port = p->packet.dport;
	} else {
		p->key.opener.address = p->packet.dst;
		p->key.peer = p->packet.src;
		p->key.sport = p->packet.dport;
		p->key.port = p->packet.sport;
	}
	p->key.proto = p->packet.proto;
	p->key.vantage = ME_TRANSIT;
	p->key.earlier = 0;
}

/* --- A packet of a known flow ---------------------------------------------------------------------- */

/* Outcome and end, as the packet changes them. */
static __noinline int me_passing_change(struct me_flow *flow, const struct me_wire_change *change)
{
	struct me_endpoint_counts *endpoint;
	__u64 now = bpf_ktime_get_ns();

	if (!flow || !change)
		return 0;
	endpoint =
		change->outcome == ME_OUTCOME_ANSWERED ? me_count_endpoint(flow->endpoint) : NULL;
	if (endpoint)
		endpoint->last_success_ns = now;
	if (!(change->flags & ME_FLOW_CLOSED) || (flow->flags & ME_FLOW_CLOSED)) {
		me_flow_become(flow, change->outcome, change->flags & ~ME_FLOW_CLOSED);
		return 0;
	}
	if (me_wire_is_one_sided(flow))
		me_count_total(ME_TOTAL_ONE_SIDED);
	me_flow_become(flow, change->outcome, change->flags & ~ME_FLOW_CLOSED);
	me_flow_credit(flow, now);
	me_flow_end(flow, change->outcome, now);
	return 0;
}

/* `payload` bytes in `packets` of `wire` bytes; endpoints get theirs at a sync. */
static __always_inline void me_passing_add(struct me_flow *flow, bool sent, __u64 payload,
					   __u64 packets, __u64 wire)
{
	me_add(sent ? &flow->bytes_sent : &flow->bytes_received, payload);
	__sync_fetch_and_add(sent ? &flow->packets_sent : &flow->packets_received, packets);
	__sync_fetch_and_add(sent ? &flow->wire_bytes_sent : &flow->wire_bytes_received, wire);
}

/* How many packets it stands for. Of what a virtual machine sends nobody has counted them yet. */
static __always_inline __u64 me_passing_packets(const struct __sk_buff *skb, __u32 payload)
{
	__u32 segments = skb->gso_segs, size = skb->gso_size;

	if (!segments && size)
		segments = (payload + size - 1) / size;
	return segments > 1 ? segments : 1;
}

__noinline int me_passing_count(struct __sk_buff *skb, struct me_passage *p, struct me_flow *flow)
{
	struct me_wire_change change;
	__u64 packets;

	if (!p || !flow)
		return 0;
	packets = me_passing_packets(skb, p->packet.payload);
	me_wire_packet(flow, &p->packet, p->sent, p->now, &change);
	if (change.payload && !p->sent && me_wire_is_first(flow, &p->packet))
		me_answer_seen(skb, flow, p->link + p->packet.headers, p->packet.payload);
	me_passing_add(flow, p->sent, change.payload, packets,
		       p->packet.length + (packets - 1) * p->packet.headers);
	if (p->now > flow->last_ns)
		flow->last_ns = p->now;
	p->open = !me_state_is_final(flow->state);
	p->denied = me_deny_state(flow->state);
	p->proxied = (flow->flags & ME_FLOW_PROXY) && flow->wire.segments < ME_FIRST_SEGMENTS;
	if (change.flags || (change.outcome && !flow->outcome))
		me_passing_change(flow, &change);
	return 0;
}

static __always_inline void me_passing_segment(const struct me_passage *p,
					       struct me_segment *segment)
{
	segment->offset = p->link + p->packet.headers;
	segment->seq = p->packet.seq + !!(p->packet.tcp_flags & ME_TCP_SYN);
	segment->ack = p->packet.ack;
}

/* First payload of a flow that is not final, or to the proxy. */
static __noinline int me_passing_first_payload(struct __sk_buff *skb, const struct me_passage *p)
{
	struct me_segment segment;
	struct me_flow_key key;
	struct me_flow *flow;

	if (!p)
		return 0;
	key = p->key;
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow || flow->wire.segments >= ME_FIRST_SEGMENTS)
		return 0;
	me_passing_segment(p, &segment);
	if (segment.seq - flow->wire.side[0].isn - 1 >= ME_FIRST_BYTES)
		return 0;
	__sync_fetch_and_add(&flow->wire.segments, 1);
	if (!me_segment_tell(skb, &key, &segment, me_first_kind(flow), ME_FIRST_BYTES))
		me_ending_change(flow, ME_OUTCOME_NONE, ME_FLOW_UNHEARD);
	return 0;
}

/* A segment of DNS over TCP. */
static __noinline int me_passing_dns_segment(struct __sk_buff *skb, const struct me_passage *p,
					     bool resolver)
{
	struct me_exchange exchange;
	struct me_segment segment;
	const struct me_flow *flow;
	struct me_flow_key key;
	__u32 flags = 0;

	if (!p)
		return 0;
	me_passage_exchange(p, resolver, &exchange);
	if (!exchange.server.trusted)
		return 0;
	if (p->sent)
		flags |= ME_PAYLOAD_SENT;
	if (exchange.server.own_leg)
		flags |= ME_PAYLOAD_UPSTREAM;
	if (exchange.server.claimed)
		flags |= ME_PAYLOAD_CLAIMED;
	me_passing_segment(p, &segment);
	key = p->key;
	if (!p->sent) {
		flow = bpf_map_lookup_elem(&me_flows, &key);
		segment.ack = flow && (flow->wire.side[1].is & ME_WIRE_SYN)
				      ? flow->wire.side[1].isn + 1
				      : 0;
	}
	me_segment_tell(skb, &key, &segment, ME_RECORD_STREAM | flags << 8, ME_MESSAGE_MAX);
	return 0;
}

/*
 * What is in the packet, where it says something about names; not a look at all the others. For DNS and
 * FTP the room in which it is to be read.
 */
static __always_inline struct me_room *me_passing_read(struct __sk_buff *skb,
						       const struct me_passage *p,
						       enum me_step step)
{
	__u16 port = p->key.port;

	if (!p->packet.payload || (p->packet.flags & ME_PACKET_LATER))
		return NULL;
	if (port == ME_FTP_PORT && p->key.proto == IPPROTO_TCP && step == ME_STEP_READ)
		return me_passage_exchange_begin(p, false);
	if (port == ME_DNS_PORT) {
		if (p->key.proto == IPPROTO_UDP)
			return me_passage_exchange_begin(p, step == ME_STEP_RESOLVER);
		if (p->key.proto == IPPROTO_TCP)
			me_passing_dns_segment(skb, p, step == ME_STEP_RESOLVER);
	} else if ((p->proxied || (p->open && (port == ME_HTTPS_PORT || port == ME_HTTP_PORT))) &&
		   p->sent && p->key.proto == IPPROTO_TCP && step == ME_STEP_READ) {
		me_passing_first_payload(skb, p);
	}
	return NULL;
}

/* --- The first packet of a flow -------------------------------------------------------------------- */

static const struct me_origin me_origin_none;

/* Judges for a mail host. The generation, or 0 if nothing could be judged. Verified by itself. */
__noinline __u32 me_passing_judge(const struct me_flow_key *key, __u32 flags,
				  struct me_judgement *ret_judgement)
{
	const struct me_control *control = me_control_get();
	struct me_facts facts = {.flags = ME_FACT_WIRE};
	const struct me_head *head;
	__u32 zero = 0;

	if (!key || !ret_judgement || !control)
		return 0;
	facts.dst = key->peer;
	facts.dport = key->port;
	facts.proto = key->proto;
	if (flags & ME_PACKET_UNREAD) /* and not its protocol: the number may be real */
		facts.flags |= ME_FACT_UNPARSABLE;
	head = me_slot_lookup(&me_heads, me_policy_slot(control), &zero);
	if (key->port == ME_DNS_PORT && head && (head->flags & ME_HEAD_RECURSIVE))
		facts.flags |= ME_FACT_RECURSIVE;
	facts.flags |= me_judge_dhcp(key->proto, key->sport, key->port);
	return me_policy_judge(&facts, ret_judgement);
}

/*
 * How likely somebody listens on a port: 2, it is a well-known one; 1, the policy knows it, which it
 * may do of all ports; 0.
 */
static __always_inline __u32 me_port_listens(__u8 proto, __u16 port)
{
	const struct me_column *column = port < 1024 ? NULL : me_port_column(proto, port);

	if (port < 1024)
		return 2;
	return column &&
	       (column->service != ME_SERVICE_UNLISTED || (column->flags & ME_COLUMN_REMOTING));
}

/* Who opened a flow that was under way. */
static __always_inline enum me_direction me_underway_direction(const struct me_passage *p)
{
	__u32 here, there;

	if (p->packet.tcp_flags & ME_TCP_SYN) /* with an ACK: who sends it was called */
		return p->sent ? ME_DIRECTION_IN : ME_DIRECTION_OUT;
	here = me_port_listens(p->key.proto, p->key.sport);
	there = me_port_listens(p->key.proto, p->key.port);
	return here == there  ? ME_DIRECTION_UNKNOWN
	       : here > there ? ME_DIRECTION_IN
			      : ME_DIRECTION_OUT;
}

/* A flow under way: judged if the mail host opened it, and counted apart from attempts. */
static __noinline enum me_step me_passing_underway(struct me_passage *p)
{
	if (!p)
		return ME_STEP_DONE;
	p->flags = ME_FLOW_PREEXISTING | ME_FLOW_OUTCOME | ME_FLOW_SENT;
	p->direction = me_underway_direction(p);
	p->judged.verdict = ME_UNRESOLVED;
	return p->direction == ME_DIRECTION_OUT ? ME_STEP_JUDGE : ME_STEP_PUT;
}

/* A flow that the peer opens. */
static __noinline enum me_step me_passing_inbound(struct me_passage *p)
{
	if (!p)
		return ME_STEP_DONE;
	p->flags = ME_FLOW_SENT;
	p->direction = ME_DIRECTION_IN;
	p->judged.verdict = ME_UNRESOLVED;
	if (p->key.port == ME_FTP_DATA_PORT && p->key.proto == IPPROTO_TCP &&
	    me_ftp_data(&p->key.opener, &p->key, 1, &p->judged))
		return ME_STEP_PUT;
	p->judged.reason = ME_REASON_NONE;
	if (me_remoting_reached(p->key.proto, p->key.sport, &p->key.peer))
		p->judged.reason = ME_REASON_REMOTING_OFF_HOST;
	return ME_STEP_PUT;
}

/* Whether the same 5-tuple stands for another flow from this packet on. */
static __always_inline bool me_passing_anew(const struct me_flow *flow, const struct me_passage *p)
{
	const struct me_control *control;

	if (p->key.proto == IPPROTO_TCP)
		return me_wire_reopens(flow, &p->packet, p->sent);
	control = me_control_get();
	return (flow->flags & ME_FLOW_CLOSED) ||
	       (control && (__s64)(p->now - flow->last_ns) >= (__s64)control->udp_idle_ns);
}

/* Broadcasts, and what speaks about the link itself. */
static __always_inline bool me_passing_link(const struct __sk_buff *skb, const struct me_passage *p)
{
	return (p->packet.flags & ME_PACKET_LINK) || skb->pkt_type == 1 /* PACKET_BROADCAST */ ||
	       me_addr_kind(&p->packet.dst) == ME_ADDR_LINK;
}

/*
 * Whether it is the answer to a mail host that called before the watch began: that the socket which
 * answers is watched, such as a proxy's, does not make it the host vantage's.
 */
static __always_inline bool me_passing_answers(const struct me_passage *p)
{
	return !p->sent && p->key.proto == IPPROTO_TCP && !me_wire_is_syn(&p->packet) &&
	       me_underway_direction(p) == ME_DIRECTION_OUT;
}

/*
 * Sets the flow of before aside. False: it is not over after all. Only when it is claimed its place in
 * memory is sure to stay its own, so that is the time to look.
 */
static __always_inline bool me_passing_aside(struct me_passage *p, __u64 id)
{
	struct me_flow *flow = me_flow_claim(&p->key, id);

	if (!flow) {
		me_flow_await(&p->key, id);
	} else if (me_passing_anew(flow, p)) {
		me_flow_move(&p->key, flow, me_wire_unanswered(flow, p->key.proto));
	} else {
		me_flow_release(flow);
		return false;
	}
	return true;
}

/* A packet for which there is no flow, or only one that is over. */
static __noinline enum me_step me_passing_first(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_flow *flow;
	__u64 id;
	__u8 tcp;

	if (!p)
		return ME_STEP_DONE;
	p->number = me_host_number(skb, p);
	if (!p->number)
		return me_passage_unwatched(skb, p);
	if (me_passing_link(skb, p)) {
		me_count_total(ME_TOTAL_LINK);
		return ME_STEP_DONE;
	}
	if (!me_passing_answers(p) && me_elsewhere(skb, p))
		return ME_STEP_DONE;
	if (me_crowd_has(p))
		return ME_STEP_READ;
	flow = bpf_map_lookup_elem(&me_flows, &p->key);
	id = flow ? flow->id : 0;
	if (flow && (!me_passing_anew(flow, p) || !me_passing_aside(p, id))) {
		me_passing_count(skb, p, flow); /* another packet was first, just now */
		return ME_STEP_READ;
	}
	tcp = p->packet.tcp_flags;
	if (p->key.proto == IPPROTO_TCP && !me_wire_is_syn(&p->packet)) {
		if (!(tcp & ME_TCP_RST) && ((tcp & ME_TCP_SYN) || p->packet.payload))
			return me_passing_underway(p);
		me_count_total(ME_TOTAL_STRAYS);
		return ME_STEP_DONE;
	}
	return p->sent ? ME_STEP_JUDGE : me_passing_inbound(p);
}

/* --- The steps of the entry program ---------------------------------------------------------------- */

/* It was judged. */
static __noinline enum me_step me_passing_judged(struct me_passage *p)
{
	if (!p || !p->generation)
		return ME_STEP_DONE;
	if (!(p->flags & ME_FLOW_PREEXISTING))
		return ME_STEP_ATTEMPT;
	/* No deadline runs for it, so what a name might explain is left open. */
	if (p->judged.verdict == ME_PENDING) {
		__builtin_memset(&p->judged, 0, sizeof(p->judged));
		p->judged.verdict = ME_UNRESOLVED;
	}
	return ME_STEP_PUT;
}

/* The flow is there, unless there was no room for it: its first packet. */
static __noinline enum me_step me_passing_opened(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_flow *flow;

	if (!p)
		return ME_STEP_DONE;
	flow = bpf_map_lookup_elem(&me_flows, &p->key);
	if (!flow)
		return ME_STEP_READ; /* what it says of names counts all the same */
	flow->wire.interface = skb->ifindex;
	me_passing_count(skb, p, flow);
	return ME_STEP_READ;
}

static __noinline enum me_step me_passing_attempted(struct __sk_buff *skb, struct me_passage *p,
						    int full)
{
	if (!p)
		return ME_STEP_DONE;
	p->denied = me_attempt_denied(&p->judged, full);
	if (full > 0)
		me_crowd_add(p);
	if (full >= 0) /* else another packet was first */
		me_host_attempt(skb, p);
	return me_passing_opened(skb, p);
}

/* A flow that is no attempt: opened by the peer, or under way. */
static __noinline int me_passing_put(struct me_passage *p)
{
	__u64 now = bpf_ktime_get_ns();
	struct me_flow flow = {.first_ns = now, .last_ns = now, .seen_ns = now};
	__u32 what = ME_FINDING_COUNT;
	int err; /* before Linux 6.4 the helper leaves the upper half of its long undefined */

	if (!p)
		return 0;
	flow.id = me_next_id();
	flow.direction = p->direction;
	flow.flags = p->flags | me_flow_flags(p->judged.flags);
	flow.sport = p->key.sport;
	flow.generation = p->generation;
	flow.state.verdict = p->judged.verdict;
	flow.state.evidence = p->judged.evidence;
	flow.endpoint = p->judged.endpoint;
	flow.rule = p->judged.rule;
	flow.service = p->judged.service;
	if (p->flags & ME_FLOW_PREEXISTING) {
		what = ME_FINDING_BEFORE_START;
		flow.state.reason = p->judged.reason;
		if (p->key.proto == IPPROTO_TCP && !(p->packet.tcp_flags & ME_TCP_SYN))
			flow.outcome = ME_OUTCOME_ESTABLISHED;
	} else if (p->judged.reason == ME_REASON_REMOTING_OFF_HOST) {
		what = ME_FINDING_INBOUND_REMOTING;
	}
	err = bpf_map_update_elem(&me_flows, &p->key, &flow, BPF_NOEXIST);
	if (err == -EEXIST)
		return 0; /* another packet was first */
	if (p->flags & ME_FLOW_PREEXISTING)
		me_count_total(ME_TOTAL_PREEXISTING(p->judged.verdict & 7));
	if (err) {
		me_count_total(ME_TOTAL_FLOW_OVERFLOW);
		me_crowd_add(p);
	}
	if (what < ME_FINDING_COUNT)
		me_tell_finding(what, &p->key, &flow);
	return 0;
}

/* A packet that was parsed. */
static __always_inline enum me_step me_passing(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_flow *flow;

	p->now = bpf_ktime_get_coarse_ns();
	me_passage_key(p);
	flow = bpf_map_lookup_elem(&me_flows, &p->key);
	if (!flow || me_passing_anew(flow, p))
		return me_passing_first(skb, p);
	me_passing_count(skb, p, flow);
	return ME_STEP_READ;
}

#endif
