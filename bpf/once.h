/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_ONCE_H
#define MEWATCH_BPF_ONCE_H

/*
 * Each flow once: those whose socket the host vantage watches are left to it, and those for which the
 * table had no room are remembered for a while, so that their next packet is not one more attempt.
 */
#include "bpf/hosts.h"

#define ME_CGROUP_DEPTH_MAX 16

/* The cgroups that the host vantage watches. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} me_watched SEC(".maps");

/* Flows of sockets in them. Who is forgotten here is met again at the next packet of its socket. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct me_flow_key);
	__type(value, __u64);
} me_elsewheres SEC(".maps");

/* Flows beyond the table. */
struct me_crowded {
	__u64 last_ns;
	__u32 isn;
	__u32 denied;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct me_flow_key);
	__type(value, struct me_crowded);
} me_crowd SEC(".maps");

/*
 * Whether the packet comes from a socket in a watched cgroup; a packet socket (AF_PACKET) passes the hooks
 * of the host.
 */
static __noinline bool me_skb_watched(struct __sk_buff *skb)
{
	const struct bpf_sock *sk = skb->sk;

	if (!sk || (sk->family != AF_INET && sk->family != AF_INET6))
		return false;
	for (int level = 0; level < ME_CGROUP_DEPTH_MAX; level++) {
		__u64 id = bpf_skb_ancestor_cgroup_id(skb, level);

		if (!id)
			break;
		if (bpf_map_lookup_elem(&me_watched, &id))
			return true;
	}
	return false;
}

/* Whether what came for this 5-tuple at `last_ns` is the same flow as this packet. */
static __always_inline bool me_once_same(const struct me_passage *p, __u64 last_ns)
{
	const struct me_control *control = me_control_get();

	return p->key.proto == IPPROTO_TCP ||
	       (control && (__s64)(p->now - last_ns) < (__s64)control->udp_idle_ns);
}

/* Whether the flow of the packet is the host vantage's. */
static __noinline bool me_elsewhere(struct __sk_buff *skb, struct me_passage *p)
{
	const struct me_control *control = me_control_get();
	__u64 *last;
	bool syn;

	if (!p || !control || !control->watched)
		return false;
	syn = me_wire_is_syn(&p->packet);
	last = bpf_map_lookup_elem(&me_elsewheres, &p->key);
	if (last && !syn && me_once_same(p, *last)) {
		*last = p->now;
		return true;
	}
	if (!me_skb_watched(skb))
		return false;
	bpf_map_update_elem(&me_elsewheres, &p->key, &p->now, BPF_ANY);
	return true;
}

static __always_inline void me_crowd_add(const struct me_passage *p)
{
	struct me_crowded crowded = {.last_ns = p->now, .isn = p->packet.seq, .denied = p->denied};
	struct me_control *control = (struct me_control *)me_control_get();

	if (control)
		control->crowded = 1;
	bpf_map_update_elem(&me_crowd, &p->key, &crowded, BPF_ANY);
	/* Else those that were met again would be kept, and the new ones forgotten. */
	bpf_map_lookup_elem(&me_crowd, &p->key);
}

/* Whether the flow of the packet was counted as one beyond the table. */
static __always_inline bool me_crowd_has(struct me_passage *p)
{
	const struct me_control *control = me_control_get();
	struct me_crowded *crowded;

	if (!control || !control->crowded)
		return false;
	crowded = bpf_map_lookup_elem(&me_crowd, &p->key);
	if (!crowded || !me_once_same(p, crowded->last_ns) ||
	    (me_wire_is_syn(&p->packet) && p->packet.seq != crowded->isn))
		return false;
	crowded->last_ns = p->now;
	p->denied = crowded->denied;
	return true;
}

#endif
