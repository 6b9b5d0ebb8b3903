/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_TELL_H
#define MEWATCH_BPF_TELL_H

/*
 * The ring: what cannot be read from a map later. Never a wake-up; the reader polls. A record is
 * submitted before its cell is counted, so a reader that takes the counters and then drains the
 * ring knows every counted record.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf/count.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} me_ring SEC(".maps");

/* The ring has no value type. This puts it into the BTF, for another layout to read old records by. */
static const struct me_record *const me_record_type __attribute__((used));

/* Room for one record, its head filled; NULL (and counted) if there is none. Submit or discard it. */
static __always_inline struct me_record *me_tell_begin(enum me_record_kind kind, __u64 id,
						       __u64 now)
{
	struct me_record *record = bpf_ringbuf_reserve(&me_ring, sizeof(*record), 0);

	if (!record) {
		me_count_total(ME_TOTAL_RING_LOST);
		return NULL;
	}
	record->id = id;
	record->ts_ns = now;
	record->kind = kind;
	record->what = 0;
	return record;
}

static __always_inline void me_tell_end(struct me_record *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* Tells of a flow. */
static __always_inline void me_tell_flow(enum me_record_kind kind, __u64 id, __u64 now,
					 const struct me_flow_key *key, const struct me_flow *flow)
{
	struct me_record *record = me_tell_begin(kind, id, now);

	if (!record)
		return;
	record->key = *key;
	record->flow = *flow;
	me_tell_end(record);
}

/* Tells of a socket or a network namespace: only the origin is known. */
static __always_inline void me_tell_origin(enum me_record_kind kind, enum me_blind blind,
					   const struct me_origin *origin)
{
	struct me_record *record = me_tell_begin(kind, me_next_id(), bpf_ktime_get_ns());

	if (!record)
		return;
	record->what = blind;
	__builtin_memset(&record->key, 0, sizeof(record->key));
	__builtin_memset(&record->flow, 0, sizeof(record->flow));
	record->flow.origin = *origin;
	me_tell_end(record);
}

/* Tells what was found about a flow. */
static __always_inline void me_tell_finding(enum me_finding what, const struct me_flow_key *key,
					    const struct me_flow *flow)
{
	struct me_record *record =
		me_tell_begin(ME_RECORD_FINDING, me_next_id(), bpf_ktime_get_ns());

	if (!record)
		return;
	record->what = what;
	record->key = *key;
	record->flow = *flow;
	me_tell_end(record);
}

/* Tells that a socket is gone. */
static __always_inline void me_tell_released(const struct me_flow_key *key)
{
	struct me_record *record =
		me_tell_begin(ME_RECORD_RELEASED, me_next_id(), bpf_ktime_get_ns());

	if (!record)
		return;
	record->key = *key;
	__builtin_memset(&record->flow, 0, sizeof(record->flow));
	me_tell_end(record);
}

#endif
