/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_SOCKET_H
#define MEWATCH_BPF_SOCKET_H

/*
 * Flows of the host vantage: how they are found from a socket, and the one-entry cache that a datagram
 * socket has in front of the table.
 *
 * A TCP connection is found by its socket's cookie and its peer. A datagram socket may have many
 * peers: its storage holds the owner, the peer it spoke to last with the verdict, and what was sent
 * and received since that flow was last written. Two CPUs may use one socket at once: `seq` is odd
 * while the peer is being exchanged; whoever finds it odd, or changed, works without the cache.
 */
#include "bpf/flow.h"
#include "bpf/recursive.h"

/*
 * What is added to through the cache: one word with the bytes of payload, the packets, and a tag that
 * says which peer they are for, so that an addition counts all or, when the peer was exchanged
 * meanwhile, nothing. It is folded into the flow when the peer changes, at a sync, and before it
 * overflows.
 */
#define ME_DELTA_PACKET (1ull << 32)
#define ME_DELTA_COUNTS ((1ull << 48) - 1)
#define ME_DELTA_FULL (1ull << 47 | 1ull << 31) /* half of the room for packets, or for bytes */

static __always_inline __u64 me_delta_tag(__u32 seq)
{
	return (__u64)(__u16)(seq >> 1) << 48;
}

static __always_inline __u64 me_delta_bytes(__u64 delta)
{
	return (__u32)delta;
}

static __always_inline __u64 me_delta_packets(__u64 delta)
{
	return (delta & ME_DELTA_COUNTS) >> 32;
}

/* Adds to a word of the cache. 0: it is not for this tag (any more); else the word. */
static __always_inline __u64 me_delta_add(__u64 *word, __u64 tag, __u64 delta)
{
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)word;

		if ((old & ~ME_DELTA_COUNTS) != tag)
			return 0;
		if (__sync_val_compare_and_swap(word, old, old + delta) == old)
			return old + delta;
	}
	return 0;
}

enum me_cache {
	ME_CACHE_EMPTY,
	ME_CACHE_PROBED, /* judged by a UDP connect: no attempt yet */
	ME_CACHE_OPEN,   /* an attempt was made of it */
	ME_CACHE_DENIED, /* and denied: each datagram asks whether it still is */
	/* with those: the table had no room for it, so that the cache alone knows of it */
	ME_CACHE_CROWDED = 0x80,
};

struct me_sock {
	/* the cached peer; what every datagram reads comes first */
	struct me_addr peer;
	struct me_addr wire; /* where packets for this peer go: after DNAT */
	__u16 port;          /* host order */
	__u16 wire_port;     /* host order */
	__u8 proto;
	__u8 state; /* enum me_cache */
	__u8 answered;
	__u8 redirect; /* the next packet tells `wire` */
	__u32 generation;
	__u32 seq;
	__u64 last_ns;  /* coarse */
	__u64 sent;     /* delta */
	__u64 received; /* delta */
	__u16 headers;  /* bytes from the network header to the payload */
	__u8 asked;     /* 1: it has sent a query to a resolver */
	__u8 foreign;   /* 1: me_sock_is_foreign() */
	__u8 crowded;   /* ME_CACHE_CROWDED, or 0 */
	__u8 zero[3];
	struct me_judgement judged;
	/* the socket */
	__u32 peers; /* flows that were made of it */
	__u64 cookie;
	struct me_origin origin;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct me_sock);
} me_socks SEC(".maps");

/* Own addresses of the network namespaces; filled by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct me_own_key);
	__type(value, __u32);
} me_own SEC(".maps");

/* Network namespaces: 0, seen and told; 1, its addresses are in me_own. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} me_netns SEC(".maps");

/* Where somebody wants to send, and what the packets for it look like. */
struct me_target {
	struct me_addr peer;
	struct me_addr wire; /* where the packets go: elsewhere than to the peer after DNAT */
	__u16 port;          /* host order */
	__u16 wire_port;     /* host order */
	__u16 headers;       /* bytes from the network header to the payload */
	__u8 proto;
	__u8 facts; /* ME_FACT_UNPARSABLE, ME_FACT_DHCP, ME_FACT_AWAY */
};

/* The target's packets go where it says and have the usual headers. */
static __always_inline void me_target_plain(struct me_target *target)
{
	target->wire = target->peer;
	target->wire_port = target->port;
	target->headers = me_addr_is_v4(&target->peer) ? 28 : 48;
}

/* Whom the program meant by a packet that does not go where the cache says. */
static __always_inline void me_meant(struct bpf_sock *sk, struct me_target *target)
{
	if (!sk->dst_port)
		return;
	if (sk->family == AF_INET) {
		if (sk->dst_ip4) {
			target->peer = me_addr_v4(sk->dst_ip4);
			target->port = bpf_ntohs(sk->dst_port);
		}
	} else if (sk->dst_ip6[0] | sk->dst_ip6[1] | sk->dst_ip6[2] | sk->dst_ip6[3]) {
		target->peer.word[0] = sk->dst_ip6[0];
		target->peer.word[1] = sk->dst_ip6[1];
		target->peer.word[2] = sk->dst_ip6[2];
		target->peer.word[3] = sk->dst_ip6[3];
		target->port = bpf_ntohs(sk->dst_port);
	}
}

static __always_inline bool me_link_only(const struct me_addr *peer)
{
	return me_addr_kind(peer) == ME_ADDR_LINK;
}

/*
 * Whether `dst` is an own address of the origin's namespace; it is not, if its packet is away from there.
 * First sight of a namespace is told, so that the daemon can read its addresses.
 */
static __always_inline __u8 me_own_facts(const struct me_origin *origin, const struct me_addr *dst,
					 bool away)
{
	struct me_own_key key = {.netns = origin->netns, .address = *dst};
	const struct me_control *control = me_control_get();
	__u32 told = 0, *known;

	if (bpf_map_lookup_elem(&me_own, &key))
		return ME_FACT_OWN;
	if (control && control->home == origin->netns)
		return 0;
	known = bpf_map_lookup_elem(&me_netns, &key.netns);
	if (known && *known)
		return 0;
	if (!away)
		me_count_total(ME_TOTAL_OWN_UNKNOWN);
	if (!known && !bpf_map_update_elem(&me_netns, &key.netns, &told, BPF_NOEXIST))
		me_tell_origin(ME_RECORD_NETNS, 0, origin);
	return away ? 0 : ME_FACT_OWN_UNKNOWN;
}

/*
 * Judges `target` for an origin. The generation, or 0 if nothing could be judged. Not static, so that
 * it is verified by itself and not once more at each caller.
 */
__noinline __u32 me_host_judge(const struct me_origin *origin, const struct me_target *target,
			       struct me_judgement *ret_judgement)
{
	struct me_facts facts = {};

	if (!origin || !target || !ret_judgement)
		return 0;
	facts.dst = target->peer;
	facts.dport = target->port;
	facts.proto = target->proto;
	facts.flags =
		target->facts | me_own_facts(origin, &facts.dst, target->facts & ME_FACT_AWAY);
	if (target->port == ME_DNS_PORT)
		facts.flags |= me_recursive_facts(origin);
	return me_policy_judge(&facts, ret_judgement);
}

static __always_inline void me_flow_key(__u64 cookie, const struct me_target *target,
					struct me_flow_key *ret_key)
{
	struct me_flow_key key = {.peer = target->peer,
				  .port = target->port,
				  .proto = target->proto,
				  .vantage = ME_HOST};

	key.opener.cookie = cookie;
	*ret_key = key;
}

/* The key of the cached peer's flow. */
static __always_inline void me_sock_key(const struct me_sock *sock, struct me_flow_key *ret_key)
{
	struct me_target target = {.peer = sock->peer, .port = sock->port, .proto = sock->proto};

	me_flow_key(sock->cookie, &target, ret_key);
}

/* Adds datagrams to a flow and its endpoint. `sent` and `received` are deltas. */
static __always_inline void me_flow_add(struct me_flow *flow, __u64 sent, __u64 received,
					__u32 headers, __u64 last_ns)
{
	struct me_endpoint_counts *endpoint;

	me_add(&flow->bytes_sent, me_delta_bytes(sent));
	me_add(&flow->packets_sent, me_delta_packets(sent));
	me_add(&flow->wire_bytes_sent, me_delta_bytes(sent) + me_delta_packets(sent) * headers);
	me_add(&flow->bytes_received, me_delta_bytes(received));
	me_add(&flow->packets_received, me_delta_packets(received));
	me_add(&flow->wire_bytes_received,
	       me_delta_bytes(received) + me_delta_packets(received) * headers);
	if (last_ns > flow->last_ns)
		flow->last_ns = last_ns;
	me_flow_credit(flow, last_ns);
	/* An answer is a success, be it empty. */
	endpoint = me_delta_packets(received) ? me_count_endpoint(flow->endpoint) : NULL;
	if (endpoint)
		endpoint->last_success_ns = last_ns;
}

/* Folds what was taken out of the cache into the flow of its peer. */
static __always_inline void me_sock_fold(const struct me_flow_key *key, __u64 sent, __u64 received,
					 __u32 headers, __u64 last_ns)
{
	struct me_flow *flow;

	if (!((sent | received) & ME_DELTA_COUNTS))
		return;
	flow = bpf_map_lookup_elem(&me_flows, key);
	if (flow)
		me_flow_add(flow, sent, received, headers, last_ns);
}

/* Takes the counts of one word, if it is for this tag; leaves the tag. */
static __always_inline __u64 me_delta_take(__u64 *word, __u64 tag)
{
	__u64 old = *(volatile __u64 *)word;

	if ((old & ~ME_DELTA_COUNTS) != tag || __sync_val_compare_and_swap(word, old, tag) != old)
		return 0; /* somebody adds just now: the next flush has it */
	return old;
}

/* Moves what the cache has collected to the flow of the cached peer. */
static __noinline int me_sock_flush(struct me_sock *sock)
{
	__u32 seq = *(volatile __u32 *)&sock->seq, headers = sock->headers;
	bool open = sock->state == ME_CACHE_OPEN;
	struct me_flow_key key;
	__u64 sent, received;

	me_sock_key(sock, &key);
	barrier();
	if (!open || (seq & 1) || seq != *(volatile __u32 *)&sock->seq)
		return 0;
	sent = me_delta_take(&sock->sent, me_delta_tag(seq));
	received = me_delta_take(&sock->received, me_delta_tag(seq));
	me_sock_fold(&key, sent, received, headers, sock->last_ns);
	return 0;
}

/* Whether the cache is about this target, by whatever policy. */
static __always_inline bool me_sock_about(const struct me_sock *sock,
					  const struct me_target *target)
{
	__u32 seq = *(volatile const __u32 *)&sock->seq;
	bool about = sock->state != ME_CACHE_EMPTY && me_addr_equal(&sock->peer, &target->peer) &&
		     sock->port == target->port && sock->proto == target->proto;

	barrier();
	return about && !(seq & 1) && seq == *(volatile const __u32 *)&sock->seq;
}

/* Whether it is, by the policy in force. */
static __always_inline bool me_sock_hit(const struct me_sock *sock, const struct me_target *target,
					const struct me_control *control)
{
	return sock->generation == control->generation && me_sock_about(sock, target);
}

/* Makes `target` the cached peer; `state` is of enum me_cache. Left alone when another CPU is at it. */
static __noinline int me_sock_cache(struct me_sock *sock, const struct me_target *target,
				    const struct me_judgement *judged, __u32 generation,
				    __u32 state)
{
	__u32 seq = *(volatile __u32 *)&sock->seq;
	struct me_flow_key key;
	__u64 sent, received;

	if ((seq & 1) || __sync_val_compare_and_swap(&sock->seq, seq, seq + 1) != seq)
		return 0;
	sent = __sync_lock_test_and_set(&sock->sent, me_delta_tag(seq + 2));
	received = __sync_lock_test_and_set(&sock->received, me_delta_tag(seq + 2));
	me_sock_key(sock, &key);
	me_sock_fold(&key, sent, received, sock->headers, sock->last_ns);
	sock->peer = target->peer;
	sock->wire = target->wire;
	sock->port = target->port;
	sock->wire_port = target->wire_port;
	sock->proto = target->proto;
	sock->headers = target->headers;
	sock->state = state & ~ME_CACHE_CROWDED;
	sock->crowded = state & ME_CACHE_CROWDED;
	sock->answered = 0;
	sock->generation = generation;
	sock->last_ns = bpf_ktime_get_coarse_ns();
	sock->judged = *judged;
	barrier();
	*(volatile __u32 *)&sock->seq = seq + 2;
	return 0;
}

#endif
