/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/answers.h"
#include "ledger/endpoints.h"
#include "ledger/flows.h"
#include "ledger/groups.h"
#include "ledger/intern.h"
#include "ledger/requests.h"
#include "ledger/steps.h"

/* The two clocks drift apart by adjustment; small steps would only make old times jitter. */
#define EPOCH_STEP_NS (100 * ME_NS_PER_MS)

_Static_assert(ME_LEDGER_ANSWERS == ME_ANSWERS_MAX, "as much as there may be");

ME_DEFINE_CLEANUP(struct me_ledger *, me_ledger_free)

int me_ledger_new(const struct me_ledger_limits *limits, struct me_kept *kept,
		  const struct me_names *names, uint64_t now_ns, uint64_t epoch_ns,
		  struct me_ledger **ret_ledger)
{
	_cleanup_(me_ledger_freep) struct me_ledger *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->names = names;
	l->kept = kept;
	l->unseen_ns = limits->unseen_ns ? limits->unseen_ns : ME_LEDGER_UNSEEN_NS;
	l->intern = me_intern_new();
	if (!l->intern)
		return -ENOMEM;
	l->flows = me_flows_new(limits->flows ? limits->flows : ME_LEDGER_FLOWS, l->intern);
	l->groups =
		me_groups_new(limits->groups ? limits->groups : ME_LEDGER_GROUPS, l->intern, kept);
	l->endpoints = me_endpoints_new();
	l->answers = me_answers_new(limits->answers ? limits->answers : ME_LEDGER_ANSWERS);
	l->requests = me_requests_new();
	l->flow_steps = me_steps_new(ME_STEPS_MAX);
	l->endpoint_steps = me_steps_new(ME_ENDPOINT_STEPS_MAX);
	l->hosts =
		me_table_new(sizeof(struct me_addr), sizeof(struct me_host_counts), ME_HOSTS_MAX);
	if (!l->flows || !l->groups || !l->endpoints || !l->answers || !l->requests ||
	    !l->flow_steps || !l->endpoint_steps || !l->hosts)
		return -ENOMEM;
	if (!kept->epoch)
		kept->epoch = epoch_ns / ME_NS_PER_S;
	me_ledger_tick(l, now_ns, epoch_ns);
	*ret_ledger = me_steal_ptr(&l);
	return 0;
}

void me_ledger_free(struct me_ledger **ledger)
{
	struct me_ledger *l = *ledger;

	if (!l)
		return;
	me_flows_free(&l->flows);
	me_groups_free(&l->groups);
	me_endpoints_free(&l->endpoints);
	me_answers_free(&l->answers);
	me_requests_free(&l->requests);
	me_steps_free(&l->flow_steps);
	me_steps_free(&l->endpoint_steps);
	me_table_free(&l->hosts);
	me_intern_free(&l->intern);
	free(l);
	*ledger = NULL;
}

void me_ledger_tick(struct me_ledger *ledger, uint64_t now_ns, uint64_t epoch_ns)
{
	uint64_t zero = epoch_ns - now_ns;
	uint64_t known = ledger->epoch_at_zero_ns;
	uint64_t unseen = ledger->unseen_ns + 2 * ledger->slow_ns;

	if ((zero > known ? zero - known : known - zero) > EPOCH_STEP_NS)
		ledger->epoch_at_zero_ns = zero;
	ledger->now_ns = now_ns;
	if (now_ns > unseen)
		me_flows_close_unseen(ledger->flows, now_ns - unseen);
}

void me_ledger_slow(struct me_ledger *ledger, uint64_t took_ns)
{
	ledger->slow_ns = took_ns;
}

uint64_t me_ledger_now(const struct me_ledger *ledger)
{
	return ledger->now_ns;
}

uint64_t me_ledger_epoch(const struct me_ledger *ledger, uint64_t monotonic_ns)
{
	return monotonic_ns ? ledger->epoch_at_zero_ns + monotonic_ns : 0;
}

int me_ledger_counters(struct me_ledger *ledger, const uint64_t *cells, const uint64_t *totals,
		       const struct me_endpoint_counts *endpoints, uint32_t n_endpoints)
{
	memcpy(ledger->cells, cells, sizeof(ledger->cells));
	memcpy(ledger->totals, totals, sizeof(ledger->totals));
	return me_endpoints_counts(ledger->endpoints, endpoints, n_endpoints, ledger->now_ns);
}

const uint64_t *me_ledger_cells(const struct me_ledger *ledger)
{
	return ledger->cells;
}

const uint64_t *me_ledger_totals(const struct me_ledger *ledger)
{
	return ledger->totals;
}

uint64_t me_ledger_underway(const struct me_ledger *ledger, enum me_vantage vantage,
			    enum me_verdict verdict)
{
	uint64_t n = ledger->kept->preexisting[vantage][verdict];

	return vantage == ME_TRANSIT ? n + ledger->totals[ME_TOTAL_PREEXISTING(verdict)] : n;
}

int me_ledger_host(struct me_ledger *ledger, const struct me_addr *address,
		   const struct me_host_counts *counts)
{
	void *value;
	int r = me_table_put(ledger->hosts, address, &value);

	if (r < 0)
		return r == -ENOSPC ? 0 : r; /* the kernel's own bound is the same */
	memcpy(value, counts, sizeof(*counts));
	return 0;
}

bool me_ledger_next_host(const struct me_ledger *ledger, size_t *cursor,
			 const struct me_addr **ret_address,
			 const struct me_host_counts **ret_counts)
{
	const void *key;
	void *value;

	if (!me_table_next(ledger->hosts, cursor, &key, &value))
		return false;
	*ret_address = key;
	*ret_counts = value;
	return true;
}

int me_ledger_dns(struct me_ledger *ledger, const uint64_t *counts,
		  const struct me_zone_counts *zones, uint32_t n_zones, uint64_t learned)
{
	if (n_zones > ME_ZONES_MAX)
		return -EINVAL;
	memcpy(ledger->dns, counts, sizeof(ledger->dns));
	memcpy(ledger->zones, zones, n_zones * sizeof(*zones));
	ledger->learned = learned;
	return 0;
}

const uint64_t *me_ledger_dns_counts(const struct me_ledger *ledger)
{
	return ledger->dns;
}

uint64_t me_ledger_learned(const struct me_ledger *ledger)
{
	return ledger->learned;
}

const struct me_zone_counts *me_ledger_zones(const struct me_ledger *ledger, uint32_t *ret_n)
{
	*ret_n = ME_ZONES_MAX;
	return ledger->zones;
}

struct me_answers *me_ledger_answers(const struct me_ledger *ledger)
{
	return ledger->answers;
}

struct me_requests *me_ledger_requests(const struct me_ledger *ledger)
{
	return ledger->requests;
}

struct me_steps *me_ledger_flow_steps(const struct me_ledger *ledger)
{
	return ledger->flow_steps;
}

struct me_steps *me_ledger_endpoint_steps(const struct me_ledger *ledger)
{
	return ledger->endpoint_steps;
}

int me_ledger_policy(struct me_ledger *ledger, const struct me_endpoint_entry *entries,
		     size_t n_entries)
{
	return me_endpoints_policy(ledger->endpoints, entries, n_entries, ledger->now_ns);
}

void me_ledger_keep_endpoints(struct me_ledger *ledger, struct me_endpoint_kept *kept, uint32_t n)
{
	me_endpoints_keep(ledger->endpoints, kept, n);
}

struct me_endpoint_kept *me_ledger_endpoint_kept(const struct me_ledger *ledger, uint32_t endpoint)
{
	return me_endpoints_kept(ledger->endpoints, endpoint);
}

void me_ledger_endpoint_before(struct me_ledger *ledger, uint32_t endpoint,
			       const struct me_endpoint_before *before)
{
	struct me_endpoint_kept *kept = me_endpoints_kept(ledger->endpoints, endpoint);

	if (!kept || kept->flags)
		return;
	kept->before_try_s = before->attempt_ns / ME_NS_PER_S;
	kept->before_s = before->success_ns / ME_NS_PER_S;
	if (before->overdue)
		kept->flags |= ME_ENDPOINT_OVERDUE_BEFORE | ME_ENDPOINT_TOLD_OVERDUE;
	if (!before->failing)
		return;
	kept->flags |= ME_ENDPOINT_TOLD_FAILING;
	kept->failure = before->failing;
	kept->failed_ns = 1; /* at some time before this one */
}

void me_ledger_proxied(struct me_ledger *ledger, uint32_t endpoint, uint64_t ts_ns, bool succeeded)
{
	struct me_endpoint_kept *kept = me_endpoints_kept(ledger->endpoints, endpoint);

	if (!kept)
		return;
	if (ts_ns > kept->proxied_try_ns)
		kept->proxied_try_ns = ts_ns;
	if (succeeded && ts_ns > kept->proxied_ns)
		kept->proxied_ns = ts_ns;
}

uint64_t me_ledger_last_attempt(const struct me_ledger *ledger, const struct me_endpoint *endpoint)
{
	return endpoint->attempt_ns ? me_ledger_epoch(ledger, endpoint->attempt_ns)
				    : endpoint->kept->before_try_s * ME_NS_PER_S;
}

uint64_t me_ledger_last_success(const struct me_ledger *ledger, const struct me_endpoint *endpoint)
{
	return endpoint->kept->success_ns ? me_ledger_epoch(ledger, endpoint->kept->success_ns)
					  : endpoint->kept->before_s * ME_NS_PER_S;
}

const struct me_ledger_flow *me_ledger_find(const struct me_ledger *ledger, uint64_t id)
{
	return me_flows_get(ledger->flows, id);
}

const struct me_ledger_flow *me_ledger_next_flow(const struct me_ledger *ledger, size_t *cursor)
{
	return me_flows_next(ledger->flows, cursor);
}

const struct me_group *me_ledger_next_group(const struct me_ledger *ledger, size_t *cursor)
{
	return me_groups_next(ledger->groups, cursor);
}

bool me_ledger_next_endpoint(const struct me_ledger *ledger, size_t *cursor,
			     struct me_endpoint *ret_endpoint)
{
	return me_endpoints_next(ledger->endpoints, ledger->now_ns, cursor, ret_endpoint);
}

uint64_t me_ledger_group_serial(const struct me_ledger *ledger)
{
	return me_groups_serial(ledger->groups);
}

uint64_t me_ledger_untold(const struct me_ledger *ledger)
{
	/* Confirmed ones, and provisional ones that have not ended. */
	uint64_t total = me_cells_violations_sum(ledger->cells, ME_STAGE_PROVISIONAL) -
			 me_cells_violations_sum(ledger->cells, ME_STAGE_RETRACTED);
	uint64_t grouped = me_groups_sum(ledger->groups, ME_STAGE_CONFIRMED) +
			   me_groups_sum(ledger->groups, ME_STAGE_PROVISIONAL);

	return total > grouped ? total - grouped : 0;
}

uint64_t me_ledger_evicted(const struct me_ledger *ledger)
{
	return me_flows_evicted(ledger->flows);
}

const char *me_ledger_text(const struct me_ledger *ledger, uint32_t id)
{
	return me_intern_text(ledger->intern, id);
}

uint64_t me_ledger_texts_refused(const struct me_ledger *ledger)
{
	return me_intern_refused(ledger->intern);
}

const struct me_names *me_ledger_names(const struct me_ledger *ledger)
{
	return ledger->names;
}

struct me_kept *me_ledger_kept(const struct me_ledger *ledger)
{
	return ledger->kept;
}
