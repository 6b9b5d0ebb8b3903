/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow table, once a round: what is pending is settled, what is over is folded and forgotten. */
#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "ledger/witness.h"
#include "mewatch/daemon.h"
#include "mewatch/judge.h"
#include "mewatch/mode.h"
#include "mewatch/surroundings.h"
#include "policy/compile.h"
#include "policy/policy.h"

/* Sockets that are gone, between two walks over the flow table. */
#define RELEASED_MAX 65536u

/* A TCP flow is over if the sync goes on without finding its socket: for so long in a namespace that
 * is watched, and for so long in one that is not. */
#define UNSEEN_NS (3ull * 1000000000ull)
#define UNSEEN_ELSEWHERE_NS (3600ull * 1000000000ull)

/* For so long a closed connection in transit stays in the table. */
#define LINGER_NS (3ull * 1000000000ull)
/*
 * And one that was cut, after its last packet: who does not know yet that it is over repeats what it
 * sent, which without a flow would be taken for one that was under way before (RFC 6298: at the most
 * 60 s apart, Linux: 120 s).
 */
#define LINGER_CUT_NS (150ull * 1000000000ull)

/* Flows so young that their names are looked up at each walk; older ones now and then. */
#define NAMES_YOUNG_NS (15ull * 1000000000ull)
#define NAMES_WALKS 16u

/* Whether the origin is the recursive resolver of the policy. */
static bool is_recursive(const struct me_daemon *daemon, const struct me_origin *origin)
{
	const struct me_resolvers *resolvers = &daemon->policy->resolvers;
	const char *exe;

	if (resolvers->kind != ME_RESOLVERS_RECURSIVE)
		return false;
	if (resolvers->recursive_cgroup)
		return origin->cgroup && origin->cgroup == daemon->recursive;
	exe = daemon->names.exe(daemon->names.data, &origin->proc);
	return exe && !strcmp(exe, resolvers->recursive_exe);
}

void me_daemon_facts(const struct me_daemon *daemon, const struct me_flow_key *key,
		     const struct me_flow *flow, struct me_facts *ret_facts)
{
	bool recursive;

	*ret_facts = (struct me_facts){.dst = key->peer, .dport = key->port, .proto = key->proto};
	if (key->vantage == ME_HOST) {
		ret_facts->flags =
			me_surroundings_facts(daemon->surroundings, flow->origin.netns, &key->peer);
		recursive = key->port == 53 && is_recursive(daemon, &flow->origin);
	} else {
		ret_facts->flags = ME_FACT_WIRE;
		recursive =
			key->port == 53 && daemon->policy->resolvers.kind == ME_RESOLVERS_RECURSIVE;
		if (key->proto == ME_PROTO_UNPARSED)
			ret_facts->flags |= ME_FACT_UNPARSABLE;
	}
	if (recursive)
		ret_facts->flags |= ME_FACT_RECURSIVE;
}

void me_daemon_judge(const struct me_daemon *daemon, const struct me_flow_key *key,
		     const struct me_flow *flow, struct me_judgement *ret_judgement)
{
	struct me_learned_endpoint learned[ME_NAME_ENDPOINTS];
	uint32_t n = me_daemon_learned(daemon, &key->peer, learned);
	struct me_facts facts;

	me_daemon_facts(daemon, key, flow, &facts);
	me_image_judge(daemon->image, &facts, learned, n, ret_judgement);
}

/* Times before this daemon's start do not count what it was down. */
static uint64_t flow_age(const struct me_daemon *daemon, const struct me_flow *flow)
{
	uint64_t age = daemon->now_ns > flow->first_ns ? daemon->now_ns - flow->first_ns : 0;
	uint64_t down = flow->first_ns < daemon->started_ns - daemon->downtime_ns
				? daemon->downtime_ns
				: daemon->started_ns - flow->first_ns;

	if (flow->first_ns >= daemon->started_ns)
		return age;
	return age > down ? age - down : 0;
}

/*
 * Whether its client may yet say whom it means: it is silent, or in the middle of it. What it had said
 * by the last walk has been read from the ring.
 */
static bool client_may_speak(const struct me_daemon *daemon, const struct me_flow_key *key,
			     const struct me_flow *flow)
{
	const struct me_ledger_flow *known = me_ledger_find(daemon->ledger, flow->id);

	return me_client_names_peer(key->proto, key->port) && !(flow->flags & ME_FLOW_PROXY) &&
	       (!known || !known->bytes_sent || known->seen_ns >= daemon->drained_ns ||
		me_witness_waits(daemon->witness, key));
}

/*
 * What an open flow becomes now; ME_PENDING: it waits on, for a name, for its client to say whom it
 * means, or for its namespace to be known. `judged` is the view of the present policy. A flow that
 * has ended says nothing more, once what it said has been read from the ring. For an answer it waits
 * for limits.pending; for its client however long, as otherwise whoever waits longer would be heard by
 * nobody.
 */
static enum me_verdict pending_end(const struct me_daemon *daemon, const struct me_flow_key *key,
				   const struct me_flow *flow, const struct me_judgement *judged,
				   bool own_known)
{
	const struct me_limits *limits = &daemon->policy->limits;
	bool late = flow_age(daemon, flow) >= limits->pending_ns;
	bool ended = (flow->flags & ME_FLOW_CLOSED) && flow->closed_ns < daemon->drained_ns;
	bool by_name = judged->verdict == ME_ALLOWED && me_evidence_waits(judged->evidence);
	bool held = flow->state.flags & ME_STATE_HELD;

	/* Whom its client named was lost, so nobody can tell. */
	if ((late || ended) && (flow->flags & ME_FLOW_UNHEARD))
		return ME_UNRESOLVED;
	if (!ended && (by_name || (held && judged->verdict == ME_PENDING)) &&
	    client_may_speak(daemon, key, flow))
		return ME_PENDING;
	if (judged->verdict != ME_PENDING) {
		if ((held || by_name) && !late && !ended)
			return ME_PENDING;
		/* It said something that came to nobody whole. */
		return held && by_name && !ended ? ME_UNRESOLVED : judged->verdict;
	}
	/* A namespace is known soon, also after its first flows have ended. */
	if (!own_known)
		return late ? ME_UNRESOLVED : ME_PENDING;
	if (!late && !ended)
		return ME_PENDING;
	/* One that is held was allowed, by a name that is forgotten by now. */
	if (held || daemon->now_ns - daemon->kept->fresh_ns < limits->warmup_ns)
		return ME_UNRESOLVED;
	return ME_VIOLATION;
}

/* Somebody else may have been first, or the flow be gone: that is settled too. */
static void settle_now(struct me_daemon *daemon, struct me_settle *settle)
{
	int err = me_kernel_settle(daemon->kernel, settle);

	/* Perhaps it is cut now. */
	daemon->cutting |= settle->what == ME_SETTLE_VERDICT &&
			   settle->state.verdict == ME_VIOLATION && settle->key.vantage == ME_HOST;
	if (err && err != -ENOENT && err != -EALREADY)
		me_log_warning("a flow cannot be settled: %s", strerror(-err));
}

void me_daemon_settle(struct me_daemon *daemon, const struct me_flow_key *key,
		      const struct me_flow *flow, const struct me_judgement *judged)
{
	struct me_settle settle = {.key = *key,
				   .id = flow->id,
				   .now_ns = daemon->now_ns,
				   .what = ME_SETTLE_VERDICT,
				   .generation = me_kernel_generation(daemon->kernel),
				   .service = flow->service,
				   .state = {.verdict = judged->verdict}};

	if (judged->verdict == ME_VIOLATION) {
		settle.state.reason = judged->reason;
	} else if (judged->verdict != ME_UNRESOLVED) {
		settle.state.evidence = judged->evidence;
		settle.endpoint = judged->endpoint;
		settle.rule = judged->rule;
		settle.service = judged->service;
		settle.flags = judged->flags;
		if (me_daemon_is_bypass(daemon, key, flow, judged))
			settle.flags |= ME_SETTLE_BYPASSED;
	}
	settle_now(daemon, &settle);
}

static void pending_settle(struct me_daemon *daemon, const struct me_flow_key *key,
			   const struct me_flow *flow)
{
	struct me_judgement judged;
	struct me_facts facts;

	me_daemon_facts(daemon, key, flow, &facts);
	me_daemon_judge(daemon, key, flow, &judged);
	judged.verdict =
		pending_end(daemon, key, flow, &judged, !(facts.flags & ME_FACT_OWN_UNKNOWN));
	/* What the programs knew of FTP the image does not say. */
	if (judged.verdict == ME_VIOLATION && flow->state.reason == ME_REASON_FTP_UNANNOUNCED)
		judged.reason = flow->state.reason;
	if (judged.verdict != ME_PENDING)
		me_daemon_settle(daemon, key, flow, &judged);
}

/* Whether an open flow is over without anybody having said so. */
static bool flow_abandoned(const struct me_daemon *daemon, const struct me_flow_key *key,
			   const struct me_flow *flow)
{
	uint64_t synced;

	if (key->vantage != ME_HOST)
		return daemon->now_ns >
		       flow->last_ns + me_wire_patience(flow, key->proto, &daemon->wire_limits);
	synced = me_surroundings_synced(daemon->surroundings, flow->origin.netns);
	if (key->proto != IPPROTO_TCP)
		return daemon->now_ns > flow->last_ns + daemon->policy->limits.udp_idle_ns ||
		       (daemon->released && me_table_get(daemon->released, &key->opener.cookie));
	if (synced)
		return synced > flow->seen_ns + UNSEEN_NS;
	return daemon->now_ns > flow->seen_ns + UNSEEN_ELSEWHERE_NS;
}

/* Folds the flow into the ledger, with the names of its peer where they may be news. */
static int fold_named(struct me_daemon *daemon, const struct me_flow_key *key,
		      const struct me_flow *flow, bool last)
{
	_cleanup_strbuf_ struct me_strbuf names = {};
	bool young = daemon->now_ns - flow->first_ns < NAMES_YOUNG_NS;
	struct me_flow_text text;

	if (young)
		me_daemon_upstream(daemon, key, flow, NULL);
	me_daemon_proxied(daemon, flow);
	if (!last && !young && !daemon->ending && (flow->id + daemon->walks) % NAMES_WALKS)
		return me_ledger_flow(daemon->ledger, key, flow, NULL);
	if (!me_daemon_flow_names(daemon, key, flow, false, &names, &text))
		return me_ledger_flow(daemon->ledger, key, flow, NULL);
	return me_ledger_flow(daemon->ledger, key, flow, &text);
}

/* A connection in transit is followed by a few segments more, which are no flow of their own. */
static bool lingers(const struct me_daemon *daemon, const struct me_flow_key *key,
		    const struct me_flow *flow)
{
	if (key->vantage == ME_HOST || key->proto != IPPROTO_TCP || key->earlier)
		return false;
	if (flow->outcome == ME_OUTCOME_ESTABLISHED &&
	    me_state_action(flow->state) == ME_ACTION_DENIED)
		return daemon->now_ns < flow->last_ns + LINGER_CUT_NS;
	return daemon->now_ns < flow->closed_ns + LINGER_NS;
}

/* Until when nothing but a packet makes a flow in transit worth another look; 0: that cannot be told. */
static uint64_t rest_of(const struct me_daemon *daemon, const struct me_flow_key *key,
			const struct me_flow *flow)
{
	if (key->vantage == ME_HOST || !me_state_is_final(flow->state))
		return 0;
	if (flow->flags & ME_FLOW_CLOSED)
		return flow->closed_ns + LINGER_NS;
	return flow->last_ns + me_wire_patience(flow, key->proto, &daemon->wire_limits);
}

static int fold(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct me_daemon *daemon = userdata;
	struct me_settle end = {
		.key = *key, .id = flow->id, .now_ns = daemon->now_ns, .what = ME_SETTLE_END};
	struct me_flow last;
	int err;

	daemon->cutting |= key->vantage == ME_HOST && !(flow->flags & ME_FLOW_CLOSED) &&
			   (me_state_action(flow->state) == ME_ACTION_DENIED ||
			    (flow->state.flags & ME_STATE_OWN));
	if (!me_state_is_final(flow->state))
		pending_settle(daemon, key, flow);
	else if ((flow->flags & ME_FLOW_CLOSED) && !lingers(daemon, key, flow) &&
		 !me_daemon_upstream_waits(daemon, key, flow)) {
		if (me_kernel_flow_take(daemon->kernel, key, flow->id, &last))
			return 0;
		err = fold_named(daemon, key, &last, true);
		if (!err && daemon->gone)
			daemon->gone(daemon, flow->id);
		return err;
	}
	if (!(flow->flags & ME_FLOW_CLOSED) && flow_abandoned(daemon, key, flow))
		settle_now(daemon, &end);
	err = fold_named(daemon, key, flow, false);
	if (!err && rest_of(daemon, key, flow) > daemon->now_ns)
		me_kernel_flow_rest(daemon->kernel, key, rest_of(daemon, key, flow));
	return err;
}

void me_daemon_released(struct me_daemon *daemon, uint64_t cookie)
{
	if (!daemon->released)
		daemon->released = me_table_new(sizeof(cookie), 0, RELEASED_MAX);
	/* Without room its flows end by their idle time. */
	if (daemon->released)
		me_table_put(daemon->released, &cookie, NULL);
}

static int take_host(const struct me_addr *address, const struct me_host_counts *counts,
		     void *userdata)
{
	struct me_daemon *daemon = userdata;

	return me_ledger_host(daemon->ledger, address, counts);
}

int me_daemon_flows(struct me_daemon *daemon)
{
	int err;

	me_kernel_cut_begin(daemon->kernel);
	err = me_kernel_sync(daemon->kernel);
	daemon->walks++;
	daemon->cutting = false;
	me_surroundings_sync(daemon->surroundings);
	if (!err)
		err = me_kernel_sync_passing(daemon->kernel);
	if (!err)
		err = me_kernel_hosts_each(daemon->kernel, take_host, daemon);
	daemon->wire_limits = (struct me_wire_limits){.syn_ns = daemon->policy->limits.tcp_syn_ns,
						      .idle_ns = daemon->policy->limits.tcp_idle_ns,
						      .udp_ns = daemon->policy->limits.udp_idle_ns};
	if (!err)
		err = daemon->ending ? me_kernel_flows_each(daemon->kernel, fold, daemon)
				     : me_kernel_flows_changed(daemon->kernel, daemon->now_ns, fold,
							       daemon);
	if (!err && !daemon->cutting)
		me_kernel_uncut(daemon->kernel);
	me_table_free(&daemon->released);
	return err;
}
