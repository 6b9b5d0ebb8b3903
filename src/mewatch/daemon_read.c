/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon reads of the kernel side: records, counters, flows. */
#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "base/strbuf.h"
#include "mewatch/daemon.h"
#include "mewatch/recording.h"
#include "mewatch/remoting.h"
#include "mewatch/surroundings.h"
#include "policy/registry.h"

struct drain {
	struct me_daemon *daemon;
	uint64_t until_ns;
	int n;
};

/* A flow as it was told, with the names known by then: its event shows them. */
static int take_flow(struct me_daemon *daemon, const struct me_record *record)
{
	_cleanup_strbuf_ struct me_strbuf names = {};
	struct me_flow_text text;
	int err = me_ledger_record(daemon->ledger, record);
	bool known = record->kind <= ME_RECORD_RESOLVED ||
		     (record->kind == ME_RECORD_FINDING &&
		      me_ledger_find(daemon->ledger, record->flow.id));
	bool opened = record->kind < ME_RECORD_RESOLVED;

	if (!err && known)
		me_daemon_upstream(daemon, &record->key, &record->flow, NULL);
	if (err || !known ||
	    !me_daemon_flow_names(daemon, &record->key, &record->flow, opened, &names, &text))
		return err;
	return me_ledger_flow(daemon->ledger, &record->key, &record->flow, &text);
}

static int take_record(const struct me_record *record, void *userdata)
{
	struct drain *drain = userdata;
	struct me_daemon *daemon = drain->daemon;
	int err = 0;

	drain->n++;
	if (record->kind == ME_RECORD_NETNS)
		me_surroundings_meet(daemon->surroundings, &record->flow.origin);
	else if (record->kind == ME_RECORD_RELEASED)
		me_daemon_released(daemon, record->key.opener.cookie);
	else
		err = take_flow(daemon, record);
	if (!me_remoting_record(daemon, record)) {
		me_recording_record(daemon, record);
		me_events_record(daemon->events, record);
	}
	return !err && record->ts_ns >= drain->until_ns ? -ECANCELED : err;
}

static int take_payload(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	struct drain *drain = userdata;
	int err;

	drain->n++;
	err = me_daemon_payload(drain->daemon, head, bytes);
	return !err && head->ts_ns >= drain->until_ns ? -ECANCELED : err;
}

int me_daemon_drain(struct me_daemon *daemon)
{
	struct drain drain = {.daemon = daemon,
			      .until_ns = me_daemon_clock(daemon, CLOCK_MONOTONIC) + 1};
	int err = me_kernel_ring(daemon->kernel, take_record, take_payload, &drain);

	if (err < 0 && err != -ECANCELED)
		me_log_warning("the ring cannot be read: %s", strerror(-err));
	else
		daemon->drained_ns = drain.until_ns;
	return drain.n;
}

static int read_dns(struct me_daemon *daemon)
{
	uint64_t counts[ME_DNS_COUNTS];
	int err = me_kernel_dns(daemon->kernel, counts);

	if (err)
		return err;
	for (size_t i = 0; i < ME_DNS_COUNTS; i++)
		counts[i] += daemon->kept->ledger.dns[i];
	return me_ledger_dns(daemon->ledger, counts, me_kernel_zones(daemon->kernel),
			     me_registry_count(daemon->registry, ME_ID_ZONE),
			     me_kernel_learned_count(daemon->kernel));
}

static void read_counters(struct me_daemon *daemon)
{
	uint32_t n;
	const struct me_endpoint_counts *endpoints = me_kernel_endpoints(daemon->kernel, &n);
	int err = me_kernel_counters(daemon->kernel,
				     me_registry_count(daemon->registry, ME_ID_SERVICE),
				     daemon->cells, daemon->totals);

	daemon->totals[ME_TOTAL_BLIND(ME_BLIND_PACKET)] += daemon->kept->packet.count;
	daemon->totals[ME_TOTAL_BLIND(ME_BLIND_OUTSIDE)] += daemon->kept->outside.count;
	n = me_registry_count(daemon->registry, ME_ID_ENDPOINT);
	if (!err)
		err = me_ledger_counters(daemon->ledger, daemon->cells, daemon->totals, endpoints,
					 n);
	if (!err)
		err = read_dns(daemon);
	if (err)
		me_log_warning("the counters cannot be read: %s", strerror(-err));
}

void me_daemon_read(struct me_daemon *daemon)
{
	daemon->now_ns = me_daemon_clock(daemon, CLOCK_MONOTONIC);
	me_ledger_tick(daemon->ledger, daemon->now_ns, me_daemon_clock(daemon, CLOCK_REALTIME));
	read_counters(daemon);
	me_daemon_drain(daemon);
}

void me_daemon_walk(struct me_daemon *daemon)
{
	int err = me_daemon_flows(daemon);

	if (err)
		me_log_warning("the flow table cannot be read: %s", strerror(-err));
	me_kernel_levels(daemon->kernel, daemon->levels);
	daemon->walked_ns = daemon->now_ns;
	daemon->walk_ns = me_daemon_clock(daemon, CLOCK_MONOTONIC) - daemon->now_ns;
	me_ledger_slow(daemon->ledger, daemon->walk_ns);
}
