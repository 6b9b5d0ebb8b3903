/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_WIRE_H
#define MEWATCH_WIRE_H

/*
 * What a packet says about its flow, pure: in transit and in replay, where nobody can ask a socket.
 * Packets of one flow may be looked at by two CPUs at once, so what is added up is added atomically.
 *
 * A flow is opened by a SYN, or by the first packet of another protocol. Its opener is the mail host
 * (direction out) or its peer (in). Either side may be the only one that is seen, where the other way
 * takes another route.
 */
#include "mewatch/mode.h"
#include "mewatch/packet.h"

/* Segments beyond what is expected are no part of the connection (a window is at most 1 GB). */
#define ME_WIRE_WINDOW (1 << 30)
/* A reset counts if it lies that near to what is expected (RFC 9293, section 3.10.7). */
#define ME_WIRE_RESET_WINDOW (1 << 24)

/* What a packet changes, for the caller to carry out. */
struct me_wire_change {
	__u64 payload; /* bytes that were not seen before */
	__u16 flags;   /* ME_FLOW_RESET, ME_FLOW_CLOSED */
	__u8 outcome;  /* enum me_outcome; ME_OUTCOME_NONE: none yet */
};

/* How sequence number `a` lies behind `b`. */
static inline __s32 me_wire_after(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

static inline int me_wire_is_syn(const struct me_packet *packet)
{
	return packet->proto == IPPROTO_TCP &&
	       (packet->tcp_flags & (ME_TCP_SYN | ME_TCP_ACK | ME_TCP_RST)) == ME_TCP_SYN;
}

/* The side of the opener; of a flow whose opener is not known, the mail host's. */
static inline __u32 me_wire_opener(const struct me_flow *flow)
{
	return flow->direction == ME_DIRECTION_IN;
}

/*
 * Whether a SYN opens a new connection over the ports of this flow: it has another sequence number than
 * the one that opened it. The mail host's SYN on a connection to it is an attempt of its own; a peer's
 * is none while the mail host's waits for an answer (both open at once: RFC 9293, section 3.5).
 */
static inline int me_wire_reopens(const struct me_flow *flow, const struct me_packet *packet,
				  int sent)
{
	const struct me_wire_side *side = &flow->wire.side[!sent];

	if (!me_wire_is_syn(packet))
		return 0;
	if (!(flow->wire.side[0].is | flow->wire.side[1].is))
		return 0; /* another CPU makes it just now, and has yet to count its packet */
	if (side->is & ME_WIRE_SYN)
		return packet->seq != side->isn;
	return sent || flow->outcome || (flow->flags & ME_FLOW_CLOSED);
}

/* Counts each sequence byte up to `to` once. How many of them are new. */
static inline __u64 me_wire_payload(struct me_wire_side *side, __u32 to)
{
	for (int i = 0; i < 4; i++) {
		__u32 next = *(volatile __u32 *)&side->next;
		__s32 more = me_wire_after(to, next);

		if (more <= 0 || more > ME_WIRE_WINDOW)
			return 0;
		if (__sync_val_compare_and_swap(&side->next, next, to) == next)
			return more;
	}
	return 0;
}

static inline void me_wire_syn(struct me_wire *wire, struct me_wire_side *side,
			       const struct me_packet *packet, __u64 now_ns)
{
	if (!(side->is & ME_WIRE_SYN)) {
		side->isn = packet->seq;
		side->next = packet->seq + 1;
	}
	if (packet->tcp_flags & ME_TCP_ACK)
		return;
	if (wire->syn_ns && now_ns > wire->syn_ns)
		wire->gap_ns = now_ns - wire->syn_ns;
	wire->syn_ns = now_ns;
}

/* What a reset means, if it is one for this connection. */
static inline void me_wire_reset(const struct me_flow *flow, const struct me_packet *packet,
				 int sent, struct me_wire_change *ret_change)
{
	const struct me_wire_side *side = &flow->wire.side[!sent],
				  *other = &flow->wire.side[!!sent];
	__u32 opener = me_wire_opener(flow);
	__s32 away = me_wire_after(packet->seq, side->next);

	if (flow->outcome != ME_OUTCOME_NONE) {
		if ((side->is & ME_WIRE_SEEN) &&
		    (away < -ME_WIRE_RESET_WINDOW || away > ME_WIRE_RESET_WINDOW))
			return;
		/* One of a refused SYN that was tried once more is none either. */
		if (!sent && flow->outcome == ME_OUTCOME_ESTABLISHED &&
		    !(flow->flags & ME_FLOW_CLOSED) &&
		    !((side->is & ME_WIRE_FIN) && (other->is & ME_WIRE_FIN)))
			ret_change->flags |= ME_FLOW_RESET;
	} else if (opener == (__u32)!sent) {
		/* Before the answer it speaks of an older connection (RFC 5961, section 4). */
		if (!(other->is & ME_WIRE_SYN))
			return;
		ret_change->outcome = ME_OUTCOME_ABORTED;
	} else {
		if ((packet->tcp_flags & ME_TCP_ACK) && (other->is & ME_WIRE_SYN) &&
		    me_wire_after(packet->ack, other->isn) <= 0)
			return;
		ret_change->outcome = ME_OUTCOME_REFUSED;
	}
	ret_change->flags |= ME_FLOW_CLOSED;
}

/* A TCP segment of the flow; `sent` by the mail host. */
static inline void me_wire_segment(struct me_flow *flow, const struct me_packet *packet, int sent,
				   __u64 now_ns, struct me_wire_change *ret_change)
{
	struct me_wire_side *side = &flow->wire.side[!sent], *other = &flow->wire.side[!!sent];
	__u32 from = packet->seq, is = 0;

	if (packet->tcp_flags & ME_TCP_RST) {
		me_wire_reset(flow, packet, sent, ret_change);
		return;
	}
	if (packet->tcp_flags & ME_TCP_SYN) {
		me_wire_syn(&flow->wire, side, packet, now_ns);
		from++;
		is |= ME_WIRE_SYN;
	} else if (!(side->is & ME_WIRE_SEEN)) {
		side->next = from; /* it was under way */
	} else if ((packet->tcp_flags & ME_TCP_ACK) && (side->is & ME_WIRE_SYN)) {
		/* Who acknowledges has seen the other's SYN, whether or not we have. */
		ret_change->outcome = ME_OUTCOME_ESTABLISHED;
	}
	is |= ME_WIRE_SEEN;
	if (packet->payload)
		ret_change->payload = me_wire_payload(side, from + packet->payload);
	if (packet->tcp_flags & ME_TCP_FIN) {
		side->fin = from + packet->payload + 1;
		is |= ME_WIRE_FIN;
	}
	if ((side->is & is) != is)
		__sync_fetch_and_or(&side->is, is);
	if (!(packet->tcp_flags & ME_TCP_ACK) || !(other->is & ME_WIRE_FIN) ||
	    me_wire_after(packet->ack, other->fin) < 0)
		return;
	__sync_fetch_and_or(&other->is, ME_WIRE_ENDED);
	if (side->is & ME_WIRE_ENDED)
		ret_change->flags |= ME_FLOW_CLOSED;
}

/*
 * Whether it is the segment with which the peer begins to speak; its SYN was seen. Numbers come again
 * after 4 GB.
 */
static inline int me_wire_is_first(const struct me_flow *flow, const struct me_packet *packet)
{
	const struct me_wire_side *peer = &flow->wire.side[1];

	return packet->seq == peer->isn + 1 && packet->proto == IPPROTO_TCP &&
	       (peer->is & ME_WIRE_SYN) && !(packet->tcp_flags & ME_TCP_SYN) &&
	       !(packet->flags & ME_PACKET_LATER) && flow->bytes_received < ME_WIRE_WINDOW;
}

/* Any packet of the flow. Every field of the answer is set. */
static inline void me_wire_packet(struct me_flow *flow, const struct me_packet *packet, int sent,
				  __u64 now_ns, struct me_wire_change *ret_change)
{
	*ret_change = (struct me_wire_change){.outcome = ME_OUTCOME_NONE};
	if (packet->proto == IPPROTO_TCP && !(packet->flags & ME_PACKET_LATER)) {
		me_wire_segment(flow, packet, sent, now_ns, ret_change);
		return;
	}
	ret_change->payload = packet->payload;
	if (packet->proto != IPPROTO_TCP && (__u32)!sent != me_wire_opener(flow))
		ret_change->outcome = ME_OUTCOME_ANSWERED;
}

/* What a flow that nobody ends comes to, unless an outcome is known. */
static inline enum me_outcome me_wire_unanswered(const struct me_flow *flow, __u8 proto)
{
	const struct me_wire_side *other = &flow->wire.side[!me_wire_opener(flow)];

	if (proto != IPPROTO_TCP)
		return ME_OUTCOME_UNANSWERED;
	if ((other->is & ME_WIRE_SYN) || me_state_action(flow->state) == ME_ACTION_DENIED)
		return ME_OUTCOME_ABORTED; /* half open, or nobody was asked */
	if (flow->wire.errors & ME_WIRE_REFUSED)
		return ME_OUTCOME_REFUSED;
	return flow->wire.errors & ME_WIRE_UNREACHABLE ? ME_OUTCOME_UNREACHABLE
						       : ME_OUTCOME_TIMEOUT;
}

/* limits: how long a flow may be silent. */
struct me_wire_limits {
	__u64 syn_ns;  /* limits.tcp_syn */
	__u64 idle_ns; /* limits.tcp_idle */
	__u64 udp_ns;  /* limits.udp_idle: also of a connection that one side has closed */
};

/*
 * For how long after its last packet the flow may go on. An opener repeats its SYN after twice the time
 * of before (RFC 6298, section 5.5).
 */
static inline __u64 me_wire_patience(const struct me_flow *flow, __u8 proto,
				     const struct me_wire_limits *limits)
{
	__u64 repeat = flow->wire.gap_ns * 2 + flow->wire.gap_ns / 2;

	if (proto != IPPROTO_TCP)
		return limits->udp_ns;
	if (flow->outcome == ME_OUTCOME_NONE)
		return repeat > limits->syn_ns ? repeat : limits->syn_ns;
	return (flow->wire.side[0].is | flow->wire.side[1].is) & ME_WIRE_FIN ? limits->udp_ns
									     : limits->idle_ns;
}

/* Whether only one side of an established connection was seen. */
static inline int me_wire_is_one_sided(const struct me_flow *flow)
{
	return flow->outcome == ME_OUTCOME_ESTABLISHED &&
	       (!flow->packets_sent || !flow->packets_received);
}

#endif
