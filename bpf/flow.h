/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_FLOW_H
#define MEWATCH_BPF_FLOW_H

/*
 * Flows of the host vantage: the table, the one-entry cache of each socket in front of it, and the
 * one path by which an attempt becomes a flow.
 *
 * The cache holds the socket's owner, the peer it spoke to last with the verdict, and what was sent
 * and received since the flow was last written. Two CPUs may use one socket at once: `seq` is odd
 * while the peer is being exchanged; whoever finds it odd, or changed, works without the cache.
 */
#include <stdbool.h>
#include "bpf/origin.h"
#include "bpf/policy.h"
#include "bpf/tell.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct me_flow_key);
	__type(value, struct me_flow);
} me_flows SEC(".maps");

/* What a send through the cache adds to; folded into the flow when the peer changes or at a sync. */
struct me_delta {
	__u64 bytes_sent, packets_sent, wire_sent;
	__u64 bytes_received, packets_received, wire_received;
};

enum me_cache {
	ME_CACHE_EMPTY,
	ME_CACHE_PROBED, /* judged by a UDP connect: no attempt yet */
	ME_CACHE_OPEN,   /* an attempt was made of it */
};

struct me_sock {
	struct me_origin origin;
	__u64 cookie;
	__u32 seq;
	__u32 attempts; /* TCP connects of this socket */
	/* the cached peer */
	struct me_addr peer;
	struct me_addr wire; /* where packets for this peer go: after DNAT */
	__u16 port;          /* host order */
	__u16 wire_port;     /* host order */
	__u8 proto;
	__u8 state; /* enum me_cache */
	__u8 answered;
	__u8 redirect; /* the next packet tells `wire` */
	__u32 generation;
	__u64 last_ns; /* coarse */
	struct me_judgement judged;
	struct me_delta delta;
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

/* Where somebody wants to send. */
struct me_target {
	struct me_addr peer;
	__u16 port; /* host order */
	__u8 proto;
	__u8 facts; /* ME_FACT_UNPARSABLE or 0 */
};

static __always_inline bool me_link_only(const struct me_addr *peer)
{
	return me_addr_kind(peer) == ME_ADDR_LINK;
}

/* First sight of a namespace is told, so that the daemon can read its addresses. */
static __always_inline void me_netns_meet(const struct me_origin *origin)
{
	__u32 told = 0;

	if (bpf_map_lookup_elem(&me_netns, &origin->netns))
		return;
	if (!bpf_map_update_elem(&me_netns, &origin->netns, &told, BPF_NOEXIST))
		me_tell_origin(ME_RECORD_NETNS, 0, origin);
}

static __always_inline __u8 me_own_facts(__u64 netns, const struct me_addr *dst)
{
	struct me_own_key key = {.netns = netns, .address = *dst};
	__u32 *known;

	if (bpf_map_lookup_elem(&me_own, &key))
		return ME_FACT_OWN;
	known = bpf_map_lookup_elem(&me_netns, &netns);
	if (known && *known)
		return 0;
	me_count_total(ME_TOTAL_OWN_UNKNOWN);
	return ME_FACT_OWN_UNKNOWN;
}

/* Judges `target` for a socket of namespace `netns`. The generation, or 0 if nothing could be judged. */
static __always_inline __u32 me_host_judge(__u64 netns, const struct me_target *target,
					   struct me_judgement *ret_judgement)
{
	struct me_facts facts = {
		.dst = target->peer, .dport = target->port, .proto = target->proto};

	facts.flags = target->facts | me_own_facts(netns, &target->peer);
	return me_policy_judge(&facts, ret_judgement);
}

static __always_inline void me_flow_key(const struct me_sock *sock, const struct me_target *target,
					struct me_flow_key *ret_key)
{
	struct me_flow_key key = {.peer = target->peer,
				  .port = target->port,
				  .proto = target->proto,
				  .vantage = ME_HOST};

	key.opener.cookie = sock->cookie;
	if (target->proto == IPPROTO_TCP)
		key.opener.attempt = sock->attempts;
	*ret_key = key;
}

/* The key of the cached peer's flow. */
static __always_inline void me_sock_key(const struct me_sock *sock, struct me_flow_key *ret_key)
{
	struct me_target target = {.peer = sock->peer, .port = sock->port, .proto = sock->proto};

	me_flow_key(sock, &target, ret_key);
}

/* Adds bytes to a flow and its endpoint. */
static __always_inline void me_flow_add(struct me_flow *flow, struct me_endpoint_counts *endpoint,
					const struct me_delta *d, __u64 last_ns)
{
	__sync_fetch_and_add(&flow->bytes_sent, d->bytes_sent);
	__sync_fetch_and_add(&flow->packets_sent, d->packets_sent);
	__sync_fetch_and_add(&flow->wire_bytes_sent, d->wire_sent);
	__sync_fetch_and_add(&flow->bytes_received, d->bytes_received);
	__sync_fetch_and_add(&flow->packets_received, d->packets_received);
	__sync_fetch_and_add(&flow->wire_bytes_received, d->wire_received);
	if (last_ns > flow->last_ns)
		flow->last_ns = last_ns;
	if (!endpoint)
		return;
	if (d->bytes_sent)
		__sync_fetch_and_add(&endpoint->bytes_sent, d->bytes_sent);
	if (d->bytes_received) {
		__sync_fetch_and_add(&endpoint->bytes_received, d->bytes_received);
		endpoint->last_success_ns = last_ns;
	}
}

/* The outcome becomes known, once. */
static __always_inline void me_flow_outcome(struct me_flow *flow, enum me_outcome outcome)
{
	struct me_endpoint_counts *endpoint;

	if (flow->outcome != ME_OUTCOME_NONE)
		return;
	flow->outcome = outcome;
	endpoint = me_count_endpoint(flow->endpoint);
	if (endpoint)
		__sync_fetch_and_add(&endpoint->outcome[outcome & 7], 1);
}

/* The flow ends: `outcome` unless one is known. */
static __always_inline void me_flow_end(struct me_flow *flow, enum me_outcome outcome, __u64 now)
{
	me_flow_outcome(flow, outcome);
	flow->closed_ns = now;
	barrier();
	flow->flags |= ME_FLOW_CLOSED;
}

static __always_inline __u64 me_take(__u64 *from)
{
	return *from ? __sync_lock_test_and_set(from, 0) : 0;
}

/* Moves what the cache has collected to the flow of the cached peer. */
static __noinline int me_sock_flush(struct me_sock *sock)
{
	struct me_flow_key key;
	struct me_flow *flow;
	struct me_delta d;

	if (sock->state != ME_CACHE_OPEN || sock->proto == IPPROTO_TCP)
		return 0;
	/* Asked before anything is taken: a packet's bytes are added before it is counted. */
	if (!sock->delta.packets_sent && !sock->delta.packets_received)
		return 0;
	d.bytes_sent = me_take(&sock->delta.bytes_sent);
	d.packets_sent = me_take(&sock->delta.packets_sent);
	d.wire_sent = me_take(&sock->delta.wire_sent);
	d.bytes_received = me_take(&sock->delta.bytes_received);
	d.packets_received = me_take(&sock->delta.packets_received);
	d.wire_received = me_take(&sock->delta.wire_received);
	me_sock_key(sock, &key);
	flow = bpf_map_lookup_elem(&me_flows, &key);
	if (flow)
		me_flow_add(flow, me_count_endpoint(flow->endpoint), &d, sock->last_ns);
	return 0;
}

/* Whether the cache is about this target, by the policy in force, and not idle for too long. */
static __always_inline bool me_sock_hit(const struct me_sock *sock, const struct me_target *target,
					const struct me_control *control, __u64 now)
{
	__u32 seq = *(volatile const __u32 *)&sock->seq;
	bool hit = sock->state != ME_CACHE_EMPTY && me_addr_equal(&sock->peer, &target->peer) &&
		   sock->port == target->port && sock->proto == target->proto &&
		   sock->generation == control->generation &&
		   (__s64)(now - sock->last_ns) < (__s64)control->udp_idle_ns;

	barrier();
	return hit && !(seq & 1) && seq == *(volatile const __u32 *)&sock->seq;
}

/* Makes `target` the cached peer. Left alone when another CPU is at it. */
static __noinline int me_sock_cache(struct me_sock *sock, const struct me_target *target,
				    const struct me_judgement *judged, __u32 generation,
				    enum me_cache state)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 seq = *(volatile __u32 *)&sock->seq;

	if ((seq & 1) || __sync_val_compare_and_swap(&sock->seq, seq, seq + 1) != seq)
		return 0;
	me_sock_flush(sock);
	sock->peer = target->peer;
	sock->wire = target->peer;
	sock->port = target->port;
	sock->wire_port = target->port;
	sock->proto = target->proto;
	sock->state = state;
	sock->answered = 0;
	sock->generation = generation;
	sock->last_ns = now;
	sock->judged = *judged;
	barrier();
	*(volatile __u32 *)&sock->seq = seq + 2;
	return 0;
}

/* Counts an attempt under its verdict. */
static __always_inline void me_attempt_count(const struct me_judgement *judged,
					     const union me_state *state, __u64 now)
{
	struct me_endpoint_counts *endpoint;

	if (state->verdict == ME_PENDING)
		me_count_cell(judged->service, ME_CELL_OPENED, state->reason & 15);
	else
		me_count_cell(judged->service, ME_CELL_FINAL,
			      me_cell_end(state->verdict, state->reason) & 15);
	endpoint = me_count_endpoint(judged->endpoint);
	if (!endpoint)
		return;
	__sync_fetch_and_add(&endpoint->attempts, 1);
	endpoint->last_attempt_ns = now;
	if (judged->flags & ME_ENTRY_RETIRED)
		__sync_fetch_and_add(&endpoint->retired_used, 1);
}

/*
 * An attempt: makes the flow, tells it if it is (or may become) a violation, counts it. Another CPU
 * may have made the same flow in the meantime: then it is no attempt. Returns whether it was one.
 */
static __noinline bool me_attempt(struct me_sock *sock, const struct me_flow_key *key,
				  const struct me_judgement *judged, __u32 generation, __u64 flags)
{
	__u64 now = bpf_ktime_get_ns();
	struct me_flow flow = {
		.first_ns = now,
		.last_ns = now,
		.seen_ns = now,
		.origin = sock->origin,
		.state = {.verdict = judged->verdict,
			  .reason = judged->reason,
			  .evidence = judged->evidence,
			  .was_pending = judged->verdict == ME_PENDING},
		.generation = generation,
		.endpoint = judged->endpoint,
		.rule = judged->rule,
		.service = judged->service,
		.flags = flags | (judged->flags & ME_ENTRY_RETIRED ? ME_FLOW_RETIRED : 0),
	};
	long err;

	flow.id = me_next_id();
	err = bpf_map_update_elem(&me_flows, key, &flow, BPF_NOEXIST);
	if (err == -17 /* EEXIST */)
		return false;
	if (err) {
		me_count_total(ME_TOTAL_FLOW_OVERFLOW);
		if (flow.state.verdict == ME_PENDING) {
			flow.state.word = 0;
			flow.state.verdict = ME_UNRESOLVED;
		}
	}
	if (flow.state.verdict == ME_PENDING)
		me_tell_flow(ME_RECORD_PENDING, flow.id, now, key, &flow);
	else if (flow.state.verdict == ME_VIOLATION)
		me_tell_flow(ME_RECORD_VIOLATION, flow.id, now, key, &flow);
	me_attempt_count(judged, &flow.state, now);
	return true;
}

#endif
