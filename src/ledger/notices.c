/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "base/text.h"
#include "ledger/dns_sums.h"
#include "ledger/endpoint_notices.h"
#include "ledger/steps.h"

struct me_notices {
	struct me_ledger *ledger;
	const struct me_event_sink *sink;
	struct me_table *findings; /* struct finding_key -> when it was told */
	struct me_table *retired;  /* endpoint id -> how often it was used, as told */
	uint64_t hash_key[2];
	bool expects_dns;
};

struct finding_key {
	uint64_t kind;
	uint64_t hash;
};

ME_DEFINE_CLEANUP(struct me_notices *, me_notices_free)

struct me_notices *me_notices_new(struct me_ledger *ledger, const struct me_event_sink *sink)
{
	_cleanup_(me_notices_freep) struct me_notices *notices = calloc(1, sizeof(*notices));

	if (!notices)
		return NULL;
	notices->ledger = ledger;
	notices->sink = sink;
	notices->findings =
		me_table_new(sizeof(struct finding_key), sizeof(uint64_t), ME_EVENTS_FINDINGS_MAX);
	notices->retired = me_table_new(sizeof(uint32_t), sizeof(uint64_t), ME_ENDPOINTS_MAX);
	if (!notices->findings || !notices->retired ||
	    getrandom(notices->hash_key, sizeof(notices->hash_key), 0) < 0)
		return NULL;
	me_endpoint_notices_recover(ledger, sink);
	return me_steal_ptr(&notices);
}

void me_notices_free(struct me_notices **notices)
{
	if (!*notices)
		return;
	me_table_free(&(*notices)->findings);
	me_table_free(&(*notices)->retired);
	free(*notices);
	*notices = NULL;
}

/* Gives the event its id and writes it. */
static void tell(struct me_notices *notices, struct me_event *event)
{
	struct me_kept *kept = me_ledger_kept(notices->ledger);
	char id[ME_EVENT_ID_LEN];

	me_event_next_id(kept, id);
	event->id = id;
	if (notices->sink->write(notices->sink->data, event) < 0)
		kept->events_lost_file++;
}

/* Makes room among the findings remembered as told: what is past its window goes. */
static void forget_findings(struct me_notices *notices, uint64_t now)
{
	const void *key;
	void *value;

	for (size_t cursor = 0; me_table_next(notices->findings, &cursor, &key, &value);)
		if (now - *(const uint64_t *)value >= ME_EVENTS_FINDING_NS)
			me_table_remove(notices->findings, key);
}

/* Whether the finding is to be told now; then it is remembered. */
static bool is_due(struct me_notices *notices, const struct me_finding_report *finding)
{
	uint64_t now = me_ledger_now(notices->ledger);
	struct finding_key key = {
		.kind = finding->kind,
		.hash = me_hash(notices->hash_key, finding->key, strlen(finding->key)),
	};
	void *told;
	int r = me_table_put(notices->findings, &key, &told);

	if (r < 0) {
		forget_findings(notices, now);
		r = me_table_put(notices->findings, &key, &told);
	}
	if (r < 0 || (r == 1 && now - *(uint64_t *)told < ME_EVENTS_FINDING_NS))
		return false;
	*(uint64_t *)told = now;
	return true;
}

static void write_finding(struct me_notices *notices, const struct me_finding_report *finding)
{
	struct me_event event = {
		.kind = ME_EVENT_FINDING,
		.ts_ns = me_ledger_epoch(notices->ledger, finding->ts_ns),
		.detail = finding->detail,
		.has_count = finding->count != 1,
		.count = finding->count,
		.first_ns = me_ledger_epoch(notices->ledger, finding->ts_ns),
		.last_ns = me_ledger_epoch(notices->ledger, finding->ts_ns),
		.finding = (int)finding->kind,
		.key = finding->flow_key,
		.flow = finding->flow,
		.endpoint = finding->endpoint,
	};

	tell(notices, &event);
}

/* It belongs to the story of the flow, and of the endpoint. */
static void note(struct me_notices *notices, const struct me_finding_report *finding)
{
	struct me_step step = {
		.ts_ns = finding->ts_ns, .kind = ME_STEP_FINDING, .what = finding->kind};

	if (finding->flow_key && finding->flow) {
		step.owner = finding->flow->id;
		me_steps_add(me_ledger_flow_steps(notices->ledger), step);
	}
	if (finding->endpoint) {
		step.owner = finding->endpoint;
		me_steps_add(me_ledger_endpoint_steps(notices->ledger), step);
	}
}

static void tell_finding(struct me_notices *notices, const struct me_finding_report *finding)
{
	note(notices, finding);
	if (is_due(notices, finding))
		write_finding(notices, finding);
}

void me_notices_finding(struct me_notices *notices, const struct me_finding_report *finding)
{
	me_ledger_kept(notices->ledger)->findings[finding->kind] += finding->count;
	tell_finding(notices, finding);
}

void me_notices_socket(struct me_notices *notices, const struct me_record *record)
{
	const struct me_names *names = me_ledger_names(notices->ledger);
	const struct me_proc_key *proc = &record->flow.origin.proc;
	const char *exe = proc->tgid ? names->exe(names->data, proc) : NULL;
	char comm[ME_COMM_LEN + 1] = "";
	struct me_finding_report finding = {
		.kind = record->what == ME_BLIND_PACKET ? ME_FINDING_PACKET_SOCKET
							: ME_FINDING_RAW_SOCKET,
		.detail = me_blind_help(record->what),
		.ts_ns = record->ts_ns,
		.count = 1,
		.flow = &record->flow,
	};

	if (record->what != ME_BLIND_RAW && record->what != ME_BLIND_PACKET)
		return;
	memcpy(comm, record->flow.origin.comm, ME_COMM_LEN);
	finding.key = exe ? exe : comm;
	me_notices_finding(notices, &finding);
}

/*
 * What makes it the same finding: a visitor who comes again to the same remoting port, be it a thousand
 * times, leaves room for others. Each other flow stands for itself.
 */
static void flow_finding_key(const struct me_record *record, char *key, size_t size)
{
	bool is_host = record->key.vantage == ME_HOST;
	char host[ME_INET_LEN], peer[ME_INET_LEN];
	uint16_t sport = is_host ? record->flow.sport : record->key.sport;

	if (record->what != ME_FINDING_INBOUND_REMOTING) {
		snprintf(key, size, "%016" PRIx64, (uint64_t)record->flow.id);
		return;
	}
	me_inet_format((is_host ? &record->flow.src : &record->key.opener.address)->byte, host);
	me_inet_format(record->key.peer.byte, peer);
	snprintf(key, size, "%s %u %s", host, sport, peer);
}

void me_notices_flow(struct me_notices *notices, const struct me_record *record)
{
	char key[2 * ME_INET_LEN + 8];
	struct me_finding_report finding = {
		.kind = (enum me_finding)record->what,
		.key = key,
		.detail = me_finding_help(record->what),
		.ts_ns = record->ts_ns,
		.count = 1,
		.flow_key = &record->key,
		.flow = &record->flow,
	};

	if (record->what >= ME_FINDING_COUNT)
		return;
	flow_finding_key(record, key, sizeof(key));
	me_notices_finding(notices, &finding);
}

/* A finding by what a counter grew over what *told says, which goes along with it. */
static void tick_counter(struct me_notices *notices, enum me_finding kind, const char *key,
			 const char *detail, uint64_t total, uint64_t *told)
{
	struct me_finding_report finding = {
		.kind = kind,
		.key = key,
		.detail = detail,
		.ts_ns = me_ledger_now(notices->ledger),
	};

	if (total <= *told)
		return;
	finding.count = total - *told;
	*told = total;
	me_notices_finding(notices, &finding);
}

/* Whether any answer was seen. A resolver that is seen only to ask others asks for all. */
static bool dns_seen(const struct me_ledger *ledger)
{
	const struct me_host_counts *counts;
	const struct me_addr *address;
	size_t cursor = 0;

	while (me_ledger_next_host(ledger, &cursor, &address, &counts))
		if (counts->answers)
			return true;
	return me_ledger_learned(ledger) || me_dns_sum_responses(me_ledger_dns_counts(ledger));
}

static void tick_flows(struct me_notices *notices)
{
	struct me_kept *kept = me_ledger_kept(notices->ledger);
	const uint64_t *cells = me_ledger_cells(notices->ledger);

	tick_counter(notices, ME_FINDING_COVERAGE_LOST, "",
		     me_finding_help(ME_FINDING_COVERAGE_LOST),
		     me_cells_verdict(cells, ME_UNRESOLVED), &kept->unresolved);
	if (notices->expects_dns && !dns_seen(notices->ledger))
		tick_counter(notices, ME_FINDING_NO_DNS_SEEN, "",
			     me_finding_help(ME_FINDING_NO_DNS_SEEN), me_cells_unnamed(cells),
			     &kept->unnamed);
}

/* Mail hosts in transit whose names nobody can know. */
static void tick_hosts(struct me_notices *notices)
{
	uint64_t now = me_ledger_now(notices->ledger);
	const struct me_host_counts *counts;
	const struct me_addr *address;
	size_t cursor = 0;

	if (!notices->expects_dns || dns_seen(notices->ledger))
		return;
	while (me_ledger_next_host(notices->ledger, &cursor, &address, &counts)) {
		char name[ME_INET_LEN];
		_cleanup_strbuf_ struct me_strbuf detail = {0};
		struct me_finding_report finding = {
			.kind = ME_FINDING_NO_DNS_SEEN, .key = name, .ts_ns = now, .count = 1};

		if (!counts->attempts || now - counts->first_ns < ME_EVENTS_NO_DNS_NS)
			continue;
		me_inet_format(address->byte, name);
		me_strbuf_addf(&detail, "%s: %s; it may ask a resolver on its own segment", name,
			       me_finding_help(ME_FINDING_NO_DNS_SEEN));
		finding.detail = detail.data;
		if (!is_due(notices, &finding))
			continue;
		me_ledger_kept(notices->ledger)->findings[finding.kind]++;
		write_finding(notices, &finding);
	}
}

static void tick_zone(struct me_notices *notices, const char *zone, uint64_t refusals,
		      uint64_t *told)
{
	char shown[ME_TEXT_ESCAPED(ME_NAME_TEXT_MAX)];
	_cleanup_strbuf_ struct me_strbuf detail = {0};

	if (refusals <= *told)
		return;
	me_text_escape(shown, sizeof(shown), zone, strnlen(zone, ME_NAME_TEXT_MAX));
	me_strbuf_addf(&detail, "refusals by %s: %" PRIu64 "; the mail filter does without it",
		       shown, refusals - *told);
	tick_counter(notices, ME_FINDING_BLOCKLIST_REFUSES, zone, detail.data, refusals, told);
}

static void tick_zones(struct me_notices *notices)
{
	struct me_kept *kept = me_ledger_kept(notices->ledger);
	const struct me_names *names = me_ledger_names(notices->ledger);
	const struct me_zone_counts *zones;
	uint32_t n;

	zones = me_ledger_zones(notices->ledger, &n);
	for (uint32_t id = 1; id < n; id++) {
		const char *zone = zones[id].refusals ? names->zone(names->data, id) : NULL;

		if (zone)
			tick_zone(notices, zone, zones[id].refusals, &kept->zone_refusals[id]);
	}
}

static void tick_retired(struct me_notices *notices, const struct me_endpoint *endpoint,
			 uint64_t *told, bool is_news)
{
	uint64_t used = endpoint->counts.retired_used;
	char key[16];
	struct me_finding_report finding = {
		.kind = ME_FINDING_RETIRED_USED,
		.key = key,
		.detail = me_finding_help(ME_FINDING_RETIRED_USED),
		.ts_ns = endpoint->counts.last_attempt_ns,
		.count = used - *told,
		.endpoint = endpoint->id,
	};

	snprintf(key, sizeof(key), "%u", endpoint->id);
	if (is_news && used > *told)
		tell_finding(notices, &finding);
	*told = used;
}

void me_notices_tick(struct me_notices *notices)
{
	uint64_t *counted = &me_ledger_kept(notices->ledger)->findings[ME_FINDING_RETIRED_USED];
	struct me_endpoint endpoint;
	uint64_t retired = 0;
	void *told;

	tick_flows(notices);
	tick_zones(notices);
	tick_hosts(notices);
	for (size_t cursor = 0; me_ledger_next_endpoint(notices->ledger, &cursor, &endpoint);)
		retired += endpoint.counts.retired_used;
	for (size_t cursor = 0; me_ledger_next_endpoint(notices->ledger, &cursor, &endpoint);)
		/* What an earlier process has counted it has also told. */
		if (endpoint.counts.retired_used &&
		    me_table_put(notices->retired, &endpoint.id, &told) >= 0)
			tick_retired(notices, &endpoint, told, retired > *counted);
	if (retired > *counted)
		*counted = retired;
}

void me_notices_endpoints(struct me_notices *notices)
{
	me_endpoint_notices(notices->ledger, notices->sink);
}

void me_notices_expect_dns(struct me_notices *notices, bool expected)
{
	notices->expects_dns = expected;
}

void me_notices_tell(struct me_notices *notices, enum me_event_kind kind, const char *state,
		     uint32_t generation, const char *detail)
{
	struct me_kept *kept = me_ledger_kept(notices->ledger);
	struct me_event event = {
		.kind = kind,
		.ts_ns = me_ledger_epoch(notices->ledger, me_ledger_now(notices->ledger)),
		.state = state,
		.detail = detail,
		.finding = -1,
		.generation = generation,
	};

	if (kind == ME_EVENT_RELOAD && state && !strcmp(state, "ok"))
		kept->reloads_ok++;
	else if (kind == ME_EVENT_RELOAD)
		kept->reloads_failed++;
	tell(notices, &event);
}
