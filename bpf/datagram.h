/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_DATAGRAM_H
#define MEWATCH_BPF_DATAGRAM_H

/*
 * Packets of everything but TCP. Egress counts datagrams, and makes the attempt where no address
 * hook did: connected sockets, raw, ping, UDP-Lite, SCTP. Ingress counts the answers.
 *
 * Egress runs after POSTROUTING: with DNAT the packet goes elsewhere than the program said. The
 * cache keeps both, the peer that was meant and where its packets go (`wire`).
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include "bpf/connect.h"
#include "bpf/payload.h"

#define ME_IPV6_EXTENSIONS_MAX 8
#define ME_FRAGMENT_OFFSET 0x1fff
#define ME_ICMP_HEADER 8

/* One side of a packet and its sizes. */
struct me_datagram {
	struct me_target target; /* destination at egress, source at ingress */
	__u8 icmp_type;
	__u64 delta; /* packets and payload bytes */
};

static __always_inline void me_target_ip6(struct me_target *target, const struct in6_addr *address)
{
	__builtin_memcpy(&target->peer, address, sizeof(target->peer));
}

/* UDP without IP options or extension headers, in the linear part: nearly all datagrams. */
static __always_inline bool me_datagram_quick(struct __sk_buff *skb, bool egress,
					      struct me_datagram *d)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	const struct udphdr *udp;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = data;

		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || ip->version != 4 || ip->ihl != 5 ||
		    ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(ME_FRAGMENT_OFFSET)))
			return false;
		d->target.peer = me_addr_v4(egress ? ip->daddr : ip->saddr);
		d->target.headers = sizeof(*ip) + sizeof(*udp);
	} else {
		const struct ipv6hdr *ip = data;

		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
			return false;
		me_target_ip6(&d->target, egress ? &ip->daddr : &ip->saddr);
		d->target.headers = sizeof(*ip) + sizeof(*udp);
	}
	d->target.port = bpf_ntohs(egress ? udp->dest : udp->source);
	d->target.proto = IPPROTO_UDP;
	return true;
}

/* The transport header at `offset`: ports, and where its payload begins. */
static __always_inline bool me_datagram_transport(struct __sk_buff *skb, bool egress, __u32 offset,
						  struct me_datagram *d)
{
	__u8 proto = d->target.proto;
	__be16 ports[2];

	d->target.headers = offset;
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		bpf_skb_load_bytes(skb, offset, &d->icmp_type, 1);
		d->target.headers += ME_ICMP_HEADER;
	}
	if (!me_proto_has_ports(proto))
		return true;
	if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
		return false;
	d->target.port = bpf_ntohs(ports[egress ? 1 : 0]);
	if (proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE)
		d->target.headers += sizeof(struct udphdr);
	return true;
}

static __always_inline bool me_datagram_v6(struct __sk_buff *skb, bool egress,
					   struct me_datagram *d)
{
	__u32 offset = sizeof(struct ipv6hdr);
	struct ipv6hdr ip;
	__u8 next;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	me_target_ip6(&d->target, egress ? &ip.daddr : &ip.saddr);
	next = ip.nexthdr;
	for (int i = 0; i < ME_IPV6_EXTENSIONS_MAX; i++) {
		__u8 extension[2];

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
			return false;
		offset += next == IPPROTO_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	d->target.proto = next;
	return me_datagram_transport(skb, egress, offset, d);
}

/* Any packet that starts with its network header. False: it cannot be parsed. */
static __noinline bool me_datagram_parse(struct __sk_buff *skb, bool egress, struct me_datagram *d)
{
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return me_datagram_v6(skb, egress, d);
	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return false;
	d->target.peer = me_addr_v4(egress ? ip.daddr : ip.saddr);
	d->target.proto = ip.protocol;
	d->target.headers = ip.ihl * 4;
	if (ip.frag_off & bpf_htons(ME_FRAGMENT_OFFSET))
		return true;
	return me_datagram_transport(skb, egress, ip.ihl * 4, d);
}

static __always_inline void me_datagram_sizes(struct __sk_buff *skb, struct me_datagram *d)
{
	__u64 segments = skb->gso_segs, payload = 0;

	if (skb->len > d->target.headers)
		payload = skb->len - d->target.headers;
	d->delta = (segments ? segments : 1) * ME_DELTA_PACKET + payload;
}

/* Neighbour discovery and multicast listener reports, also to unicast addresses. */
static __always_inline bool me_link_protocol(const struct me_datagram *d)
{
	if (d->target.proto == IPPROTO_IGMP)
		return true;
	return d->target.proto == IPPROTO_ICMPV6 &&
	       ((d->icmp_type >= 130 && d->icmp_type <= 137) || d->icmp_type == 143);
}

/*
 * The packet may be the one that a send by address announced, turned elsewhere by DNAT: then it was
 * meant for the cached peer. But that send may have made no packet; a packet to the connected peer,
 * or to one that has its flow, is just that.
 */
static __noinline bool me_redirected(struct me_sock *sock, struct bpf_sock *sk,
				     struct me_target *target)
{
	__u32 seq = *(volatile __u32 *)&sock->seq;
	struct me_target meant = *target;
	struct me_flow_key key;

	if (!sock->redirect || sock->state != ME_CACHE_OPEN || sock->proto != target->proto)
		return false;
	meant.port = 0;
	me_meant(sk, &meant);
	if (meant.port == target->port && me_addr_equal(&meant.peer, &target->peer))
		return false;
	me_flow_key(sock->cookie, target, &key);
	if (bpf_map_lookup_elem(&me_flows, &key))
		return false;
	meant.peer = sock->peer;
	meant.port = sock->port;
	barrier();
	if ((seq & 1) || seq != *(volatile __u32 *)&sock->seq)
		return false;
	sock->redirect = 0;
	target->peer = meant.peer;
	target->port = meant.port;
	return true;
}

/* Counts a packet in its flow, past the cache. */
static __noinline struct me_flow *me_flow_count(struct me_sock *sock,
						const struct me_target *target,
						const struct me_datagram *d, bool sent)
{
	struct me_flow_key key;
	struct me_flow *flow;

	me_flow_key(sock->cookie, target, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (!flow || (flow->flags & ME_FLOW_CLOSED))
		return NULL;
	me_flow_add(flow, sent ? d->delta : 0, sent ? 0 : d->delta, d->target.headers,
		    bpf_ktime_get_coarse_ns());
	return flow;
}

/*
 * A packet that the cache does not cover. Afterwards the cache is about its peer, if possible. Whether it
 * may leave.
 */
static __always_inline bool me_egress_slow(const struct __sk_buff *skb, struct bpf_sock *sk,
					   struct me_sock *sock, struct me_datagram *d, __u64 now)
{
	if (me_link_only(&d->target.peer) || me_link_protocol(d)) {
		me_count_total(ME_TOTAL_LINK);
		return true;
	}
	d->target.wire = d->target.peer;
	d->target.wire_port = d->target.port;
	if (!me_redirected(sock, sk, &d->target) && sk->protocol == d->target.proto)
		me_meant(sk, &d->target);
	d->target.facts |= me_away_facts(skb);
	if (d->target.facts & ME_FACT_AWAY)
		me_away_datagram(sock, &d->target);
	d->target.facts |= me_judge_dhcp(d->target.proto, sk->src_port, d->target.port);
	if (me_datagram_open(sock, &d->target, now))
		return false;
	me_flow_count(sock, &d->target, d, true);
	return true;
}

/* The tag under which a packet to `d->target` may be added to the cache; 1: it may not. */
static __always_inline __u64 me_wire_tag(const struct me_sock *sock, const struct me_datagram *d,
					 const struct me_control *control, __u64 now)
{
	__u32 seq = *(volatile const __u32 *)&sock->seq;
	bool hit = sock->state == ME_CACHE_OPEN && me_addr_equal(&sock->wire, &d->target.peer) &&
		   sock->wire_port == d->target.port && sock->proto == d->target.proto &&
		   sock->headers == d->target.headers && sock->generation == control->generation &&
		   !control->cut && (__s64)(now - sock->last_ns) < (__s64)control->udp_idle_ns;

	barrier();
	return hit && !(seq & 1) && seq == *(volatile const __u32 *)&sock->seq ? me_delta_tag(seq)
									       : 1;
}

/* The kernel's own control sockets answer pings, report errors, speak IGMP: nobody's attempts. */
static __always_inline bool me_kernel_control(struct bpf_sock *sk)
{
	return sk->type == SOCK_RAW &&
	       BPF_CORE_READ_BITFIELD_PROBED(me_sock_pointer(sk), sk_kern_sock);
}

/* Storage for a socket made before the hooks were there. Who owns it cannot be told from a packet. */
static __noinline struct me_sock *me_sock_late(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct me_sock *sock;

	if (me_kernel_control(sk))
		return NULL;
	sock = bpf_sk_storage_get(&me_socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sock) {
		me_count_total(ME_TOTAL_STORAGE_FAILED);
		return NULL;
	}
	sock->cookie = bpf_get_socket_cookie(skb);
	sock->foreign = me_sock_is_foreign(sk);
	sock->origin.uid = bpf_get_socket_uid(skb);
	sock->origin.cgroup = bpf_skb_cgroup_id(skb);
	sock->origin.netns = me_sock_netns(sk);
	return sock;
}

/* TCP proper. A raw socket of that protocol is no connection, whatever it sends. */
static __always_inline bool me_is_stream(const struct bpf_sock *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->type != SOCK_RAW;
}

/* UDP proper: a raw socket of that protocol gets copies of what others are answered. */
static __always_inline bool me_is_udp(const struct bpf_sock *sk)
{
	return sk->protocol == IPPROTO_UDP && sk->type != SOCK_RAW;
}

/* A packet that the cache covers was meant for the cached peer, unless that was just exchanged. */
static __noinline int me_cached_query(struct __sk_buff *skb, struct me_sock *sock,
				      const struct me_datagram *d)
{
	__u32 seq = *(volatile __u32 *)&sock->seq;
	struct me_addr server = sock->peer;

	barrier();
	if ((seq & 1) || seq != *(volatile __u32 *)&sock->seq)
		server = d->target.peer;
	return me_sock_query(skb, sock, &server, d->target.headers);
}

SEC("cgroup_skb/egress") int me_egress(struct __sk_buff *skb)
{
	const struct me_control *control = me_control_get();
	struct bpf_sock *sk = skb->sk;
	struct me_datagram d = {};
	struct me_sock *sock;
	__u64 now, word;

	if (!sk || !control)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (me_is_stream(sk)) {
		if (control->cut && me_stream_cut(skb, sk))
			return 0;
		me_stream_egress(skb, sk);
		return 1;
	}
	sock = bpf_sk_storage_get(&me_socks, sk, 0, 0);
	if (!sock)
		sock = me_sock_late(skb, sk);
	if (!sock)
		return 1;
	if (!me_datagram_quick(skb, true, &d) && !me_datagram_parse(skb, true, &d)) {
		__builtin_memset(&d.target, 0, sizeof(d.target));
		d.target.facts = ME_FACT_UNPARSABLE;
	}
	me_datagram_sizes(skb, &d);
	now = bpf_ktime_get_coarse_ns();
	word = me_delta_add(&sock->sent, me_wire_tag(sock, &d, control, now), d.delta);
	if (!word) {
		if (!me_egress_slow(skb, sk, sock, &d, now))
			return 0;
		if (d.target.port == ME_DNS_PORT && me_is_udp(sk))
			me_sock_query(skb, sock, &d.target.peer, d.target.headers);
		return 1;
	}
	if (sock->port == ME_DNS_PORT && me_is_udp(sk))
		me_cached_query(skb, sock, &d);
	sock->last_ns = now;
	if (sock->redirect)
		sock->redirect = 0;
	if (word & ME_DELTA_FULL)
		me_sock_flush(sock);
	return 1;
}

/* The tag under which an answer may be added to the cache; 1: it may not. */
static __always_inline __u64 me_answer_tag(const struct me_sock *sock, const struct me_datagram *d)
{
	__u32 seq = *(volatile const __u32 *)&sock->seq;
	bool hit = sock->answered && sock->state == ME_CACHE_OPEN &&
		   sock->headers == d->target.headers && sock->port == d->target.port &&
		   sock->proto == d->target.proto && me_addr_equal(&sock->peer, &d->target.peer);

	barrier();
	return hit && !(seq & 1) && seq == *(volatile const __u32 *)&sock->seq ? me_delta_tag(seq)
									       : 1;
}

SEC("cgroup_skb/ingress") int me_ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct me_datagram d = {};
	struct me_sock *sock;
	struct me_flow *flow;
	__u64 word;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (me_is_stream(sk)) {
		me_stream_ingress(skb, sk);
		return 1;
	}
	sock = bpf_sk_storage_get(&me_socks, sk, 0, 0);
	if (!sock) {
		/* It never sent anything, so it asked nothing. */
		if (me_is_udp(sk) && me_datagram_quick(skb, false, &d) &&
		    d.target.port == ME_DNS_PORT)
			me_dns_unsolicited(skb, d.target.headers);
		return 1;
	}
	if (!me_datagram_quick(skb, false, &d) && !me_datagram_parse(skb, false, &d))
		return 1;
	if ((d.target.port == ME_DNS_PORT || sock->asked) && me_is_udp(sk))
		me_sock_answer(skb, sock, &d.target);
	me_datagram_sizes(skb, &d);
	word = me_delta_add(&sock->received, me_answer_tag(sock, &d), d.delta);
	if (word) {
		sock->last_ns = bpf_ktime_get_coarse_ns();
		if (word & ME_DELTA_FULL)
			me_sock_flush(sock);
		return 1;
	}
	flow = me_flow_count(sock, &d.target, &d, false);
	if (!flow)
		return 1;
	me_flow_become(flow, ME_OUTCOME_ANSWERED, 0);
	if (me_addr_equal(&sock->peer, &d.target.peer) && sock->port == d.target.port)
		sock->answered = 1;
	return 1;
}

#endif
