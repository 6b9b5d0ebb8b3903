/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the handover from another layout does inside the kernel, where a kill cannot split it. Loaded
 * for the handover alone, on the maps of the host programs and on three of the old layout.
 */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function" /* most of it is for the hooks */
#include "bpf/socket.h"
#pragma clang diagnostic pop

#define ME_CPUS_MAX 65536 /* more than a kernel can have; the walk ends at the last one there is */

/* Put in place by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} me_old_cells SEC(".maps"), me_old_totals SEC(".maps"), me_old_dns_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} me_old_socks SEC(".maps");

/* Storage of sockets by cookie, converted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_CARRY_SOCKS);
	__type(key, __u64);
	__type(value, struct me_sock);
} me_carried_socks SEC(".maps");

/* Bytes of a value of me_old_socks. */
const volatile __u32 me_old_sock_size = 1;

/* --- Counters ----------------------------------------------------------------------------------- */

struct me_taken {
	__u32 index;
	__u64 sum;
};

/* Moves one counter, all CPUs' parts of it, in one run. */
#define ME_CARRY_COUNTER(name, from, to)                                                           \
	static long me_take_##name(__u32 cpu, struct me_taken *taken)                              \
	{                                                                                          \
		__u64 *old = bpf_map_lookup_percpu_elem(&from, &taken->index, cpu);                \
                                                                                                   \
		if (!old)                                                                          \
			return 1;                                                                  \
		taken->sum += __sync_lock_test_and_set(old, 0);                                    \
		return 0;                                                                          \
	}                                                                                          \
                                                                                                   \
	SEC("syscall") int me_carry_##name(struct me_carry_counter *counter)                       \
	{                                                                                          \
		struct me_taken taken = {.index = counter->index};                                 \
		__u64 *new = bpf_map_lookup_elem(&to, &taken.index);                               \
                                                                                                   \
		if (!new)                                                                          \
			return 0;                                                                  \
		bpf_loop(ME_CPUS_MAX, me_take_##name, &taken, 0);                                  \
		me_add(new, taken.sum);                                                            \
		return 0;                                                                          \
	}

ME_CARRY_COUNTER(cell, me_old_cells, me_cells)
ME_CARRY_COUNTER(total, me_old_totals, me_totals)
ME_CARRY_COUNTER(dns, me_old_dns_counts, me_dns_counts)

/* --- Flows -------------------------------------------------------------------------------------- */

static __always_inline void me_carry_max(__u64 *counter, __u64 value)
{
	if (*counter < value)
		*counter = value;
}

/* A TCP flow was put there with its totals, which only grow; others without what they had counted. */
static __always_inline void me_carry_bytes(struct me_flow *flow, const struct me_flow *old,
					   bool tcp)
{
	me_carry_max(&flow->last_ns, old->last_ns);
	if (tcp) {
		me_carry_max(&flow->bytes_sent, old->bytes_sent);
		me_carry_max(&flow->bytes_received, old->bytes_received);
	}
	if (tcp && old->endpoint) {
		me_carry_max(&flow->credited_sent, old->bytes_sent);
		me_carry_max(&flow->credited_received, old->bytes_received);
	} else if (old->endpoint) {
		me_add(&flow->credited_sent, old->bytes_sent);
		me_add(&flow->credited_received, old->bytes_received);
	}
	if (tcp)
		return;
	me_add(&flow->bytes_sent, old->bytes_sent);
	me_add(&flow->packets_sent, old->packets_sent);
	me_add(&flow->wire_bytes_sent, old->wire_bytes_sent);
	me_add(&flow->bytes_received, old->bytes_received);
	me_add(&flow->packets_received, old->packets_received);
	me_add(&flow->wire_bytes_received, old->wire_bytes_received);
}

/* Both sides may have counted an outcome since the flow was put there: the older one holds. */
static __always_inline void me_carry_outcome(struct me_flow *flow, const struct me_flow *old)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(flow->endpoint);

	if (!old->outcome || (flow->flags & ME_FLOW_CARRIED))
		return;
	if (endpoint && (flow->flags & ME_FLOW_OUTCOME))
		__sync_fetch_and_add(&endpoint->outcome[flow->outcome & 7], -1);
	flow->outcome = old->outcome;
	flow->flags |= ME_FLOW_CARRIED | (old->endpoint ? ME_FLOW_OUTCOME : 0);
}

/* A flow that has no place in the table: counted as such, and so that nothing is pending for ever. */
static __always_inline void me_carry_lost(__u32 vantage, const struct me_flow *old)
{
	me_count_total(ME_TOTAL_FLOW_OVERFLOW);
	if (me_state_is_final(old->state))
		return;
	if (old->state.verdict == ME_PENDING)
		me_count_cell(vantage, old->service, ME_CELL_SHED, old->state.reason & 15);
	me_count_cell(vantage, old->service, ME_CELL_VIA,
		      old->state.verdict == ME_PENDING ? ME_UNRESOLVED : ME_ALLOWED);
}

/*
 * Adds what a flow did in the old layout to its entry here, which the caller has put there. Another
 * flow under its key, or none, means that there was no room for it.
 */
SEC("syscall") int me_carry_one(struct me_carry_flow *argument)
{
	struct me_carry_flow carry = *argument;
	struct me_flow *flow = bpf_map_lookup_elem(&me_flows, &carry.key);
	const struct me_flow *old = &carry.flow;

	if (!flow || flow->id != old->id) {
		me_carry_lost(carry.key.vantage, old);
		return 0;
	}
	me_carry_bytes(flow, old, carry.key.proto == IPPROTO_TCP);
	me_carry_outcome(flow, old);
	if (!flow->sport) {
		flow->src = old->src;
		flow->sport = old->sport;
	}
	if (!flow->closed_ns)
		flow->closed_ns = old->closed_ns;
	flow->flags |= old->flags & ~(ME_FLOW_CARRIED | ME_FLOW_OUTCOME | ME_FLOW_RESETS);
	if (!flow->answer)
		flow->answer = old->answer;
	me_flow_credit_answer(flow);
	return 0;
}

/* --- Sockets ------------------------------------------------------------------------------------ */

/* Writes the cookie and the old storage of each socket. */
SEC("iter/bpf_sk_storage_map") int me_dump_socks(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	void *value = ctx->value;
	__u64 cookie;

	if (!sk || !value)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	bpf_seq_write(ctx->meta->seq, &cookie, sizeof(cookie));
	bpf_seq_write(ctx->meta->seq, value, me_old_sock_size);
	return 0;
}

/*
 * Gives each socket the storage that was converted for it, and the flow what no sync has moved there.
 * A program that met the socket since may have had to make storage without knowing the owner.
 */
SEC("iter/bpf_sk_storage_map") int me_carry_socks(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct me_sock *carried, *sock;
	struct sock *sk = ctx->sk;
	struct me_flow_key key;
	__u64 cookie, sent, received;

	if (!sk)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	carried = bpf_map_lookup_elem(&me_carried_socks, &cookie);
	if (!carried)
		return 0;
	sent = carried->sent;
	received = carried->received;
	carried->sent = carried->received = carried->seq = 0;
	sock = bpf_sk_storage_get(&me_socks, sk, carried, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sock)
		me_count_total(ME_TOTAL_STORAGE_FAILED);
	else if (!sock->origin.proc.tgid)
		sock->origin = carried->origin;
	if (carried->state == ME_CACHE_OPEN) {
		me_sock_key(carried, &key);
		me_sock_fold(&key, sent, received, carried->headers, carried->last_ns);
	}
	bpf_sk_storage_delete(&me_old_socks, sk);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
