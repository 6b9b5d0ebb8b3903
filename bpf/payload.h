/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_PAYLOAD_H
#define MEWATCH_BPF_PAYLOAD_H

/*
 * What TCP sockets send first, and what they speak with resolvers. The other packets of a connection
 * cost a look at its port.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include "bpf/answer.h"
#include "bpf/away.h"
#include "bpf/ftp.h"
#include "bpf/resolver.h"
#include "bpf/witness.h"

/* Finds the payload. False: there is none, or the headers are out of reach. */
static __always_inline bool me_segment_read(struct __sk_buff *skb, struct me_segment *segment)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 ip_size = sizeof(struct ipv6hdr);
	const struct tcphdr *tcp;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = data;

		if ((void *)(ip + 1) > end)
			return false;
		ip_size = ip->ihl * 4;
	}
	tcp = data + ip_size;
	if ((void *)(tcp + 1) > end)
		return false;
	segment->offset = ip_size + tcp->doff * 4;
	segment->seq = bpf_ntohl(tcp->seq) + tcp->syn;
	segment->ack = bpf_ntohl(tcp->ack_seq);
	return skb->len > segment->offset;
}

/* The key of the socket's flow. */
static __always_inline void me_segment_key(struct __sk_buff *skb, struct bpf_sock *sk,
					   struct me_flow_key *ret_key)
{
	struct me_target target = {.proto = IPPROTO_TCP};

	me_meant(sk, &target);
	me_flow_key(bpf_get_socket_cookie(skb), &target, ret_key);
}

/* A segment that leaves for port 80 or 443, or that of the proxy. */
static __noinline int me_first_payload(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct me_segment segment;
	struct bpf_tcp_sock *tp;
	struct me_flow_key key;
	struct me_flow *flow;

	if (!sk || !me_segment_read(skb, &segment))
		return 0;
	tp = bpf_tcp_sock(sk);
	/* The kernel has counted this packet's segments already. */
	if (!tp || tp->data_segs_out >= ME_FIRST_SEGMENTS + (skb->gso_segs ? skb->gso_segs : 1))
		return 0;
	me_segment_key(skb, sk, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow && me_first_is_heard(flow) &&
	    !me_segment_tell(skb, &key, &segment, me_first_kind(flow), ME_FIRST_BYTES))
		me_ending_change(flow, ME_OUTCOME_NONE, ME_FLOW_UNHEARD);
	return 0;
}

/* A segment of DNS over TCP, either way. */
static __noinline int me_dns_segment(struct __sk_buff *skb, struct bpf_sock *sk, __u32 sent)
{
	struct me_segment segment;
	struct me_server server = {};
	struct bpf_tcp_sock *tp;
	struct me_flow_key key;
	struct me_flow *flow;
	__u32 flags = sent;

	if (!sk || !me_segment_read(skb, &segment))
		return 0;
	me_segment_key(skb, sk, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow)
		return 0;
	me_server_find(&flow->origin, &key.peer, &server);
	if (!server.trusted)
		return 0;
	if (me_sock_is_foreign(sk)) {
		if (!sent)
			me_count_refused(ME_REFUSED_FOREIGN);
		return 0;
	}
	if (!sent && skb->ifindex == ME_LOOPBACK && !me_server_is_local(&flow->origin, &key.peer)) {
		me_count_refused(ME_REFUSED_NOT_LOCAL);
		return 0;
	}
	if (server.own_leg)
		flags |= ME_PAYLOAD_UPSTREAM;
	if (!sent) {
		tp = bpf_tcp_sock(sk);
		/* 0 while the socket waits for the answer to its SYN. */
		segment.ack = tp ? tp->rcv_nxt : 0;
	}
	me_segment_tell(skb, &key, &segment, ME_RECORD_STREAM | flags << 8, ME_MESSAGE_MAX);
	return 0;
}

/* A segment of an FTP control channel, either way. */
static __noinline int me_sock_ftp(struct __sk_buff *skb, struct bpf_sock *sk, __u32 sent)
{
	struct me_segment segment;
	struct me_flow_key key;
	struct me_room *room;
	struct me_flow *flow;

	if (!sk || !me_segment_read(skb, &segment))
		return 0;
	me_segment_key(skb, sk, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow || !(flow->flags & ME_FLOW_FTP))
		return 0;
	room = me_room_take();
	if (!room)
		return 0;
	__builtin_memset(&room->exchange, 0, sizeof(room->exchange));
	room->exchange.opener.cookie = flow->origin.netns;
	room->exchange.opener.zero = flow->origin.proc.tgid;
	room->exchange.address = key.peer;
	room->exchange.offset = segment.offset;
	room->exchange.sent = sent;
	room->payload.key = key;
	return me_ftp_segment(skb, room);
}

/* Whether it is the port of the proxy, which most packets learn that are of no other interest here. */
static __always_inline bool me_port_is_proxy(__be16 port)
{
	const struct me_control *control = me_control_get();

	return control && bpf_htons(control->proxy) == port;
}

/* Whether the packet belongs to a connection that is cut. */
static __noinline int me_stream_cut(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct me_flow_key key;
	struct me_flow *flow;

	if (!sk)
		return 0;
	me_segment_key(skb, sk, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow)
		return 0;
	if (me_away_facts(skb))
		me_away(&key, flow);
	return me_deny_still(&key, flow->state);
}

/* A packet of a TCP socket leaves. */
static __always_inline void me_stream_egress(struct __sk_buff *skb, struct bpf_sock *sk)
{
	__be16 port = sk->dst_port;

	if (port == bpf_htons(ME_HTTPS_PORT) || port == bpf_htons(ME_HTTP_PORT))
		me_first_payload(skb, sk);
	else if (port == bpf_htons(ME_DNS_PORT))
		me_dns_segment(skb, sk, ME_PAYLOAD_SENT);
	else if (port == bpf_htons(ME_FTP_PORT))
		me_sock_ftp(skb, sk, 1);
	else if (me_port_is_proxy(port))
		me_first_payload(skb, sk);
}

/*
 * The first payload that a peer sends. The socket has not counted this segment yet, and one that comes
 * before it or once more has another number than the socket waits for.
 */
static __noinline int me_first_answer(struct __sk_buff *skb, struct bpf_sock *sk,
				      struct bpf_tcp_sock *tp)
{
	struct me_segment segment;
	struct me_flow_key key;
	struct me_flow *flow;

	if (!sk || !tp || !me_segment_read(skb, &segment) || segment.seq != tp->rcv_nxt)
		return 0;
	me_segment_key(skb, sk, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	return flow ? me_answer_seen(skb, flow, segment.offset, skb->len - segment.offset) : 0;
}

static __always_inline void me_stream_ingress(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);

	if (tp && !tp->bytes_received)
		me_first_answer(skb, sk, tp);
	if (sk->dst_port == bpf_htons(ME_DNS_PORT))
		me_dns_segment(skb, sk, 0);
	else if (sk->dst_port == bpf_htons(ME_FTP_PORT))
		me_sock_ftp(skb, sk, 0);
}

#endif
