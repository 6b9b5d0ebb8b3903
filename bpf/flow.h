/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_FLOW_H
#define MEWATCH_BPF_FLOW_H

/* The table of flows, and the one path by which an attempt becomes a flow, at either vantage. */
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include "bpf/core.h"
#include "bpf/credit.h"
#include "bpf/deny.h"
#include "bpf/policy.h"
#include "bpf/tell.h"

#define ME_DNS_PORT 53

#define ME_GOING_TRIES 512 /* looks whether another CPU is done with a flow */
#define ME_ASIDE_TRIES 8   /* numbers for a flow that is set aside */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct me_flow_key);
	__type(value, struct me_flow);
} me_flows SEC(".maps");

/* Counts an attempt of an endpoint. */
static __always_inline void me_attempt_credit(__u32 id, __u8 entry_flags, __u64 now)
{
	struct me_endpoint_counts *endpoint = me_count_endpoint(id);

	if (!endpoint)
		return;
	__sync_fetch_and_add(&endpoint->attempts, 1);
	endpoint->last_attempt_ns = now;
	if (entry_flags & ME_ENTRY_RETIRED)
		__sync_fetch_and_add(&endpoint->retired_used, 1);
}

/* Counts an attempt under its verdict, or as open. */
static __always_inline void me_attempt_count(__u32 vantage, const struct me_judgement *judged,
					     const union me_state *state, bool held, __u64 now)
{
	if (held || state->verdict == ME_PENDING)
		me_count_cell(vantage, judged->service, ME_CELL_OPENED, state->reason & 15);
	else
		me_count_cell(vantage, judged->service, ME_CELL_FINAL,
			      me_cell_end(state->verdict, state->reason) & 15);
	if (!held)
		me_attempt_credit(judged->endpoint, judged->flags, now);
}

/* It was told and counted: from now on it may be settled. */
static __always_inline void me_pending_open(const struct me_flow_key *key, union me_state state)
{
	struct me_flow *flow = bpf_map_lookup_elem(&me_flows, key);

	if (flow)
		*(volatile __u32 *)&flow->state.word = state.word;
}

/*
 * Whether a second witness may speak yet: a flow that a name allows is final when the client has said
 * whom it means, or can no more. Whom it names to a proxy is somebody else.
 */
static __always_inline bool me_judged_waits(const struct me_judgement *judged,
					    const struct me_flow_key *key)
{
	return judged->verdict == ME_ALLOWED && me_evidence_waits(judged->evidence) &&
	       me_client_names_peer(key->proto, key->port) && !(judged->flags & ME_ENTRY_PROXY);
}

/* What a flow keeps of its entry. */
static __always_inline __u16 me_flow_flags(__u32 entry)
{
	return (entry & ME_ENTRY_RETIRED ? ME_FLOW_RETIRED : 0) |
	       (entry & ME_ENTRY_PROXY ? ME_FLOW_PROXY : 0) |
	       (entry << ME_FLOW_FTP_SHIFT & ME_FLOW_FTP);
}

/*
 * An attempt: makes the flow, tells it if it is (or may become) a violation, counts it. 1: that is
 * all, the table had no room for it. -EEXIST: there is such a flow already, and nothing was counted.
 */
static __noinline int me_attempt(const struct me_origin *origin, const struct me_flow_key *key,
				 const struct me_judgement *judged, __u32 generation, __u64 flags)
{
	__u64 now = bpf_ktime_get_ns();
	union me_state state = {
		.verdict = judged->verdict, .reason = judged->reason, .evidence = judged->evidence};
	bool held = me_judged_waits(judged, key);
	struct me_flow flow = {
		.first_ns = now,
		.last_ns = now,
		.seen_ns = now,
		.origin = *origin,
		.state = state,
		.generation = generation,
		.endpoint = held ? 0 : judged->endpoint,
		.rule = judged->rule,
		.service = judged->service,
		.sport = key->sport,
		.flags = flags | me_flow_flags(judged->flags),
	};
	int err; /* before Linux 6.4 the helper leaves the upper half of its long undefined */

	state.flags = judged->acts;
	if (held)
		flow.state.verdict = ME_PENDING;
	else if (state.verdict == ME_VIOLATION)
		flow.state = state;
	if (key->vantage == ME_HOST && key->proto == IPPROTO_TCP && me_deny_state(state)) {
		/* Nobody will hear of that connection any more. */
		flow.closed_ns = now;
		flow.outcome = ME_OUTCOME_ABORTED;
		flow.flags |= ME_FLOW_CLOSED;
	}
	flow.id = me_next_id();
	err = bpf_map_update_elem(&me_flows, key, &flow, BPF_NOEXIST);
	if (err == -EEXIST)
		return err;
	if (err) {
		me_count_total(ME_TOTAL_FLOW_OVERFLOW);
		if (state.verdict == ME_PENDING) {
			state.word = 0;
			state.verdict = ME_UNRESOLVED;
		}
		held = false;
	}
	flow.state = state;
	if (state.verdict == ME_PENDING)
		me_tell_flow(ME_RECORD_PENDING, flow.id, now, key, &flow);
	else if (state.verdict == ME_VIOLATION)
		me_tell_flow(ME_RECORD_VIOLATION, flow.id, now, key, &flow);
	me_attempt_count(key->vantage, judged, &state, held, now);
	me_deny_count(key->vantage, judged->service, flow.state);
	if (err)
		return 1;
	if (!held && state.verdict != ME_PENDING)
		return 0;
	state.flags = judged->acts | (held ? ME_STATE_HELD : ME_STATE_TOLD);
	me_pending_open(key, state);
	if (state.flags & ME_STATE_OWN)
		me_cut_new();
	return 0;
}

/*
 * Whether that attempt is denied. `full` is what me_attempt() said: what had to wait, and had no room to,
 * is not.
 */
static __always_inline bool me_attempt_denied(const struct me_judgement *judged, int full)
{
	union me_state state = {.verdict = judged->verdict, .flags = judged->acts};

	return !(full && judged->verdict == ME_PENDING) && me_deny_state(state);
}

/* Counts how a flow ends that was opened under `service` for `before`. */
static __always_inline void me_settle_count(__u32 vantage, __u32 service, union me_state before,
					    const struct me_flow *flow, union me_state after)
{
	bool other = after.verdict != ME_VIOLATION || after.reason != before.reason;

	if (other && before.reason != ME_REASON_NONE)
		me_count_cell(vantage, service, ME_CELL_SHED, before.reason & 15);
	if (other && after.verdict == ME_VIOLATION)
		me_count_cell(vantage, flow->service, ME_CELL_GAINED, after.reason & 15);
	me_count_cell(vantage, flow->service, ME_CELL_VIA,
		      me_cell_end(after.verdict, after.reason) & 15);
}

/*
 * A flow goes for which the table has no room under another key: what it did is counted now, and its
 * verdict, unless it is final, is known to nobody any more.
 */
static __noinline int me_flow_drop(const struct me_flow_key *key, struct me_flow *flow, __u32 word)
{
	union me_state before = {.word = word}, after = {.verdict = ME_UNRESOLVED};
	__u64 now = bpf_ktime_get_ns();

	if (!key || !flow)
		return 0;
	me_flow_credit(flow, now);
	if (me_state_is_final(before))
		return 0;
	flow->state = after;
	if (!(before.flags & ME_STATE_HELD))
		me_tell_flow(ME_RECORD_RESOLVED, me_next_id(), now, key, flow);
	me_settle_count(key->vantage, flow->service, before, flow, after);
	return 0;
}

/*
 * Whoever takes a flow out of the table says so first: so two do not, and none takes the one that
 * comes after it under the same key. NULL: it is gone, or somebody is at it.
 */
static __always_inline struct me_flow *me_flow_claim(const struct me_flow_key *key, __u64 id)
{
	struct me_flow *flow = bpf_map_lookup_elem(&me_flows, key);

	if (!flow || flow->id != id ||
	    (me_ending_change(flow, ME_OUTCOME_NONE, ME_FLOW_GOING).flags & ME_FLOW_GOING))
		return NULL;
	return flow;
}

/* It stays after all. */
static __always_inline void me_flow_release(struct me_flow *flow)
{
	union me_ending going = {.flags = ME_FLOW_GOING};

	__sync_fetch_and_and((__u32 *)&flow->outcome, ~going.word);
}

/* Waits until that flow is gone, which takes its taker a moment: what comes next needs the key. */
static __noinline int me_flow_await(const struct me_flow_key *key, __u64 id)
{
	const struct me_flow *flow;

	for (int i = 0; i < ME_GOING_TRIES; i++) {
		flow = bpf_map_lookup_elem(&me_flows, key);
		if (!flow || *(volatile __u64 *)&flow->id != id)
			break;
	}
	return 0;
}

/*
 * Puts it under a key of its own as well, which is in *key then. Several of the same ports may be
 * there: what tells them apart has 16 bits, of numbers that each CPU counts by itself.
 */
static __always_inline struct me_flow *me_flow_aside(struct me_flow_key *key,
						     const struct me_flow *flow)
{
	int err =
		-EEXIST; /* before Linux 6.4 the helper leaves the upper half of its long undefined */

	for (int i = 0; i < ME_ASIDE_TRIES && err == -EEXIST; i++) {
		key->earlier = (__u16)(flow->id + i);
		if (key->earlier)
			err = bpf_map_update_elem(&me_flows, key, flow, BPF_NOEXIST);
	}
	return err ? NULL : bpf_map_lookup_elem(&me_flows, key);
}

/*
 * Sets a flow that is claimed aside, under a key of its own, ended with `outcome` unless one is known.
 * While it is moved its state is that of one that is being opened, so that it is settled and forgotten
 * here or there, not twice.
 */
static __noinline int me_flow_move(struct me_flow_key *key, struct me_flow *flow, __u32 outcome)
{
	struct me_flow *aside;
	__u32 word;

	if (!key || !flow)
		return 0;
	if (!(flow->flags & ME_FLOW_CLOSED))
		me_flow_end(flow, outcome, bpf_ktime_get_ns());
	word = __sync_lock_test_and_set(&flow->state.word, ME_PENDING);
	aside = me_flow_aside(key, flow);
	key->earlier = 0;
	if (aside) {
		me_flow_release(aside);
		__sync_lock_test_and_set(&aside->state.word, word);
	} else {
		me_flow_drop(key, flow, word);
	}
	bpf_map_delete_elem(&me_flows, key);
	return 0;
}

/* The same is opened once more: the flow of before, with that id, is set aside. */
static __always_inline void me_flow_set_aside(struct me_flow_key *key, __u64 id, __u32 outcome)
{
	struct me_flow *flow = me_flow_claim(key, id);

	if (flow)
		me_flow_move(key, flow, outcome);
	else
		me_flow_await(key, id);
}

#endif
