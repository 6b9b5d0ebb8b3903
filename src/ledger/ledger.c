/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/ledger.h"

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
#include "ledger/rate.h"
#include "ledger/requests.h"
#include "ledger/steps.h"

/* The two clocks drift apart by adjustment; small steps would only make old times jitter. */
#define EPOCH_STEP_NS (100 * ME_NS_PER_MS)

_Static_assert(ME_LEDGER_ANSWERS == ME_ANSWERS_MAX, "as much as there may be");

struct me_ledger {
	struct me_intern *intern;
	struct me_flows *flows;
	struct me_groups *groups;
	struct me_endpoints *endpoints;
	struct me_answers *answers;
	struct me_requests *requests;
	struct me_steps *flow_steps, *endpoint_steps;
	struct me_table *hosts; /* struct me_addr -> struct me_host_counts */
	const struct me_names *names;
	struct me_kept *kept;
	uint64_t now_ns;
	uint64_t unseen_ns;
	uint64_t slow_ns;          /* me_ledger_slow() */
	uint64_t epoch_at_zero_ns; /* epoch time at monotonic 0 */
	uint64_t cells[ME_CELL_COUNT];
	uint64_t totals[ME_TOTALS_ALL];
	uint64_t dns[ME_DNS_COUNTS];
	struct me_zone_counts zones[ME_ZONES_MAX];
	uint64_t learned;
};

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

static void set_text(struct me_ledger *ledger, uint32_t *id, const char *text)
{
	const char *known = me_intern_text(ledger->intern, *id);
	uint32_t fresh;

	if (!text || (known && !strcmp(known, text)))
		return;
	fresh = me_intern_get(ledger->intern, text);
	me_intern_put(ledger->intern, *id);
	*id = fresh;
}

/* Who and where: it never changes, so it is read when the flow is new. */
static void set_identity(struct me_ledger *ledger, struct me_ledger_flow *flow,
			 const struct me_flow_key *key, const struct me_flow *from)
{
	const struct me_names *names = ledger->names;

	flow->first_ns = from->first_ns;
	flow->dst = key->peer;
	flow->dport = key->port;
	flow->proto = key->proto;
	flow->vantage = key->vantage;
	if (key->vantage != ME_HOST) {
		flow->src = key->opener.address;
		return;
	}
	memcpy(flow->comm, from->origin.comm, sizeof(flow->comm));
	flow->tgid = from->origin.proc.tgid;
	flow->uid = from->origin.uid;
	if (from->origin.proc.tgid)
		set_text(ledger, &flow->text[ME_TEXT_EXE],
			 names->exe(names->data, &from->origin.proc));
	if (from->origin.cgroup)
		set_text(ledger, &flow->text[ME_TEXT_CGROUP],
			 names->cgroup(names->data, from->origin.cgroup));
}

/* Growth a second, rounded. */
static uint16_t rate_of(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	double rate = now > before ? (double)(now - before) * ME_NS_PER_S / (double)elapsed_ns : 0;

	return me_rate_pack((uint64_t)(rate + 0.5));
}

/* Of a flow that was read before: twice at one moment says nothing. */
static void set_rates(struct me_ledger_flow *flow, const struct me_flow *from, uint64_t now_ns)
{
	if (now_ns <= flow->seen_ns)
		return;
	flow->sent_per_s = rate_of(from->bytes_sent, flow->bytes_sent, now_ns - flow->seen_ns);
	flow->received_per_s =
		rate_of(from->bytes_received, flow->bytes_received, now_ns - flow->seen_ns);
}

static void set_progress(struct me_ledger_flow *flow, const struct me_flow_key *key,
			 const struct me_flow *from)
{
	flow->last_ns = from->last_ns;
	flow->bytes_sent = from->bytes_sent;
	flow->bytes_received = from->bytes_received;
	flow->packets_sent = from->packets_sent;
	flow->packets_received = from->packets_received;
	if (key->vantage == ME_HOST)
		flow->src = from->src;
	flow->sport = key->sport ? key->sport : from->sport;
	flow->flags = from->flags;
	flow->outcome = from->outcome;
	flow->answer = from->answer;
	flow->direction = from->direction;
}

static void set_judgement(struct me_ledger_flow *flow, const struct me_flow *from)
{
	flow->state = from->state;
	flow->generation = from->generation;
	flow->endpoint = from->endpoint;
	flow->rule = from->rule;
	flow->service = from->service;
}

/* Whether it is told as a violation that may still be none. A flow that is held never was. */
static bool is_provisional(union me_state state)
{
	return state.verdict == ME_PENDING && state.reason != ME_REASON_NONE;
}

/* Flows under way at start and those that the other side opened are no attempts. */
static bool is_attempt(const struct me_flow *flow)
{
	return !(flow->flags & ME_FLOW_PREEXISTING) && flow->direction == ME_DIRECTION_OUT;
}

/* What the client said, when it is new. */
static void note_claim(struct me_ledger *ledger, const struct me_ledger_flow *flow,
		       const struct me_flow_text *text)
{
	bool known = flow->text[ME_TEXT_SNI] || flow->text[ME_TEXT_HTTP_HOST];

	if (!known && (text->text[ME_TEXT_SNI] || text->text[ME_TEXT_HTTP_HOST]))
		me_steps_add(ledger->flow_steps,
			     (struct me_step){.ts_ns = text->ts_ns ? text->ts_ns : ledger->now_ns,
					      .owner = flow->id,
					      .kind = ME_STEP_CLAIM});
}

/*
 * Moves the flow to its new verdict and its groups with it. The flow table and the ring tell the
 * same story in either order, so a final verdict stays. It is as of `ts_ns`.
 */
static int judge(struct me_ledger *ledger, struct me_ledger_flow *flow, bool is_new,
		 const struct me_flow *from, uint64_t ts_ns)
{
	bool counted = is_attempt(from);
	bool was_provisional = !is_new && is_provisional(flow->state);

	if (!is_new && me_state_is_final(flow->state))
		return 0;
	if (was_provisional && !me_state_is_final(from->state))
		return 0;
	if (!is_new && me_state_is_final(from->state))
		me_steps_add(ledger->flow_steps, (struct me_step){.ts_ns = ts_ns,
								  .owner = flow->id,
								  .kind = ME_STEP_SETTLED,
								  .before = flow->state});
	if (was_provisional && counted)
		me_groups_take(ledger->groups, flow, ME_STAGE_PROVISIONAL);
	set_judgement(flow, from);
	if (!counted)
		return 0;
	if (is_provisional(flow->state))
		return me_groups_add(ledger->groups, flow, ME_STAGE_PROVISIONAL);
	if (flow->state.verdict == ME_VIOLATION)
		return me_groups_add(ledger->groups, flow, ME_STAGE_CONFIRMED);
	return 0;
}

/* What an allowed flow got for an engine is an update of it. Only a flow's first request is known. */
static void note_engine(struct me_ledger *ledger, const struct me_ledger_flow *flow)
{
	const char *path = me_intern_text(ledger->intern, flow->text[ME_TEXT_HTTP_PATH]);
	enum me_engine engine;

	if (!path || !flow->endpoint || flow->state.verdict != ME_ALLOWED ||
	    !me_answer_succeeded(flow->answer))
		return;
	engine = me_engine_of_path(path);
	if (engine < ME_ENGINE_COUNT && flow->last_ns > ledger->kept->engine_ns[engine])
		ledger->kept->engine_ns[engine] = flow->last_ns;
}

/*
 * What a flow that is over says of its endpoint beyond the counts of the kernel: what it was allowed by,
 * and failures that only the flow as a whole shows.
 */
static void weigh(struct me_ledger *ledger, struct me_ledger_flow *flow)
{
	struct me_endpoint_kept *kept = me_endpoints_kept(ledger->endpoints, flow->endpoint);

	flow->weighed = true;
	if (!kept || flow->state.verdict != ME_ALLOWED)
		return;
	if (flow->state.evidence < ME_EVIDENCE_COUNT)
		kept->evidence[flow->state.evidence]++;
	kept->unreachable +=
		flow->outcome == ME_OUTCOME_UNREACHABLE && (flow->flags & ME_FLOW_SENT);
	kept->unheard += flow->outcome == ME_OUTCOME_ESTABLISHED && (flow->flags & ME_FLOW_RESET) &&
			 !flow->bytes_received;
}

/*
 * Whether the flow has gone on since it was seen last. A record may be read after the table, which knows
 * more; their times do not tell, as those of packets are coarse.
 */
static bool is_news(const struct me_ledger_flow *known, const struct me_flow *flow)
{
	if (flow->last_ns != known->last_ns)
		return flow->last_ns > known->last_ns;
	return flow->packets_sent + flow->packets_received >=
	       known->packets_sent + known->packets_received;
}

/* Takes in a flow as it was at `ts_ns`. */
static int fold(struct me_ledger *ledger, const struct me_flow_key *key, const struct me_flow *flow,
		const struct me_flow_text *text, uint64_t ts_ns)
{
	struct me_ledger_flow *known;
	int r = me_flows_put(ledger->flows, flow->id, &known);
	bool is_new = r == 0;

	if (r < 0)
		return r;
	if (is_new)
		set_identity(ledger, known, key, flow);
	if (text)
		note_claim(ledger, known, text);
	for (unsigned int i = 0; text && i < ME_TEXT_GIVEN; i++)
		set_text(ledger, &known->text[i], text->text[i]);
	if (!is_new)
		set_rates(known, flow, ledger->now_ns);
	if (is_new || is_news(known, flow))
		set_progress(known, key, flow);
	r = judge(ledger, known, is_new, flow, ts_ns);
	note_engine(ledger, known);
	me_flows_seen(ledger->flows, known, ledger->now_ns);
	if (flow->flags & ME_FLOW_CLOSED)
		me_flows_close(ledger->flows, known,
			       flow->closed_ns ? flow->closed_ns : ledger->now_ns);
	if (known->closed_ns && !known->weighed && me_state_is_final(known->state) &&
	    is_attempt(flow))
		weigh(ledger, known);
	return r;
}

int me_ledger_flow(struct me_ledger *ledger, const struct me_flow_key *key,
		   const struct me_flow *flow, const struct me_flow_text *text)
{
	return fold(ledger, key, flow, text, ledger->now_ns);
}

uint64_t me_ledger_engine(const struct me_ledger *ledger, enum me_engine engine)
{
	return ledger->kept->engine_ns[engine];
}

int me_ledger_record(struct me_ledger *ledger, const struct me_record *record)
{
	switch (record->kind) {
	case ME_RECORD_VIOLATION:
	case ME_RECORD_PENDING:
	case ME_RECORD_RESOLVED:
		return fold(ledger, &record->key, &record->flow, NULL, record->ts_ns);
	default:
		return 0;
	}
}

int me_ledger_preexisting(struct me_ledger *ledger, const struct me_flow_key *key,
			  const struct me_flow *flow)
{
	if (key->vantage < ME_VANTAGE_KERNEL_COUNT && flow->state.verdict < ME_VERDICT_COUNT)
		ledger->kept->preexisting[key->vantage][flow->state.verdict]++;
	return me_ledger_flow(ledger, key, flow, NULL);
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
