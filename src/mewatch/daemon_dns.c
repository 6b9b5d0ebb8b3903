/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS in the daemon: records of it as they come, DNS over TCP put together, and what time does to names.
 * daemon_learn.c has what an answer means.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "ledger/aliases.h"
#include "ledger/answers.h"
#include "ledger/dns_stream.h"
#include "ledger/witness.h"
#include "mewatch/daemon.h"
#include "mewatch/dns_use.h"
#include "mewatch/spool.h"
#include "policy/compile.h"
#include "policy/policy.h"

#define SPOOL_ROUNDS 30u /* rounds between two turns of the spool: longer than a query waits */
#define SWEEP_ROUNDS 10u /* rounds between two looks for what is stale */
#define HOLD_NS (2 * SWEEP_ROUNDS * ME_NS_PER_S)
/* Rounds between two savings of the cache, of few and of many answers. */
#define SAVE_ROUNDS 10u
#define SAVE_ROUNDS_MANY 60u
#define SAVE_MANY 10000u
/* Segments of DNS over TCP, and of first payloads, that lead nowhere. */
#define STREAM_IDLE_NS (60ull * ME_NS_PER_S)

struct me_daemon_dns {
	struct me_dns_streams *streams;
	struct me_spool *spool; /* NULL: a kill loses what was read half */
	struct me_dns dns;      /* the answer being read */
	uint64_t rounds;
};

/* --- Answers over UDP ----------------------------------------------------------------------------- */

/* An answer over UDP that the programs have learned from. */
static void take_answer(struct me_daemon *daemon, const struct me_payload *head,
			const uint8_t *bytes)
{
	struct me_dns *dns = &daemon->dns->dns;

	if (me_dns_question(bytes, head->length, dns))
		return;
	me_dns_answers(bytes, head->length, dns);
	if (me_dns_rcode(dns->flags) != ME_RCODE_NOERROR)
		return;
	me_daemon_dns_remember(daemon, dns, head);
	if (head->flags & ME_PAYLOAD_RELEARN)
		me_daemon_dns_learn(daemon, dns, head);
}

/* --- DNS over TCP ------------------------------------------------------------------------------- */

static enum me_dns_category category_of(const struct me_daemon *daemon, const struct me_dns *dns,
					struct me_named *ret_named)
{
	me_image_names_find(daemon->image, &dns->chain[0].name, ret_named);
	return me_dns_category(&dns->chain[0].name, dns->type, ret_named);
}

static void on_query(void *data, const struct me_payload *head, const struct me_dns *dns)
{
	struct me_daemon *daemon = data;
	enum me_dns_category category;
	struct me_named named;

	if (head->flags & ME_PAYLOAD_UPSTREAM)
		return;
	category = category_of(daemon, dns, &named);
	me_daemon_dns_count(daemon, me_dns_queries(category), 1);
	if (me_dns_is_dnsbl(category) && !daemon->replaying)
		me_kernel_zone_add(daemon->kernel, named.zone,
				   &(struct me_zone_counts){.queries = 1});
}

/* Nobody answered that question. The legs of a stub or a resolver are not counted. */
static void on_no_answer(const void *key, const void *query, void *userdata)
{
	const struct me_asked_key *asked = key;
	const struct me_asked *what = query;
	struct me_daemon *daemon = userdata;
	struct me_named named;

	if (what->upstream || !me_dns_asks_address(asked->type))
		return;
	me_image_names_find(daemon->image, &what->name, &named);
	me_kernel_dns_failed(daemon->kernel, &named, ME_DNS_FAILED_NO_ANSWER);
}

static void on_list_answer(struct me_daemon *daemon, uint32_t zone, const struct me_dns *dns)
{
	bool refused = dns->refuses || me_dns_rcode(dns->flags) == ME_RCODE_REFUSED;
	struct me_zone_counts counts = {
		.answers = 1, .refusals = refused, .listed = !refused && dns->n_addresses};

	me_kernel_zone_add(daemon->kernel, zone, &counts);
}

static void on_answer(void *data, const struct me_payload *head, const uint8_t *message,
		      size_t length, struct me_dns *dns)
{
	struct me_daemon *daemon = data;
	bool own_leg = head->flags & ME_PAYLOAD_UPSTREAM;
	struct me_named named;
	enum me_dns_category category = category_of(daemon, dns, &named);

	if (!own_leg)
		me_daemon_dns_count(daemon, me_dns_responses(category, me_dns_rcode(dns->flags)),
				    1);
	if (!own_leg && !daemon->replaying)
		me_kernel_dns_failed(daemon->kernel, &named,
				     me_dns_failure(dns->type, me_dns_rcode(dns->flags)));
	if (me_dns_is_dnsbl(category) && !own_leg && !daemon->replaying)
		on_list_answer(daemon, named.zone, dns);
	if (!me_dns_has_addresses(category, &named))
		return;
	me_daemon_dns_count(daemon, me_dns_refusals(ME_REFUSED_OTHER_NAME), dns->other_names);
	me_daemon_dns_count(daemon, me_dns_refusals(ME_REFUSED_MANY_ANSWERS), dns->too_many);
	me_daemon_dns_count(daemon, me_dns_refusals(ME_REFUSED_MALFORMED), dns->malformed);
	if (me_dns_rcode(dns->flags) != ME_RCODE_NOERROR)
		return;
	me_daemon_dns_remember(daemon, dns, head);
	me_daemon_dns_learn(daemon, dns, head);
}

static void on_refused(void *data, enum me_refused cause)
{
	me_daemon_dns_count(data, me_dns_refusals(cause), 1);
}

/* --- Over time ---------------------------------------------------------------------------------- */

void me_daemon_dns_follow(struct me_daemon *daemon)
{
	const char *path = daemon->policy->resolvers.recursive_cgroup;
	_cleanup_close_ int fd = -1;
	uint64_t id = 0;

	if (path && daemon->cgroups)
		me_cgroup_open(daemon->cgroups, path, &fd, &id);
	daemon->recursive = id;
	me_kernel_recursive(daemon->kernel, id);
}

struct sweep {
	struct me_daemon *daemon;
	struct me_table *live; /* addresses with an open flow that a name allows */
};

static int note_live(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct sweep *sweep = userdata;

	if (flow->flags & ME_FLOW_CLOSED || !flow->state.evidence ||
	    flow->state.evidence == ME_EVIDENCE_LISTED)
		return 0;
	return me_table_put(sweep->live, &key->peer, NULL) == -ENOMEM ? -ENOMEM : 0;
}

/*
 * An address in use is stale at most as long as it is: its endpoints get the grace once more, and never
 * less than until the next look.
 */
static void hold(struct me_daemon *daemon, const struct me_addr *address,
		 const struct me_learned *learned)
{
	uint64_t grace = daemon->policy->limits.grace_ns;

	if (grace < HOLD_NS)
		grace = HOLD_NS;
	for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
		struct me_learn learn = {.address = *address,
					 .endpoint = learned->slot[i].endpoint,
					 .expires_ns = learned->slot[i].expires_ns,
					 .stale_ns = daemon->now_ns + grace};

		if (learn.endpoint && learn.endpoint != ME_LEARNED_LOCKED)
			me_kernel_learn(daemon->kernel, &learn);
	}
}

static int sweep_address(const struct me_addr *address, const struct me_learned *learned,
			 void *userdata)
{
	struct sweep *sweep = userdata;
	struct me_daemon *daemon = sweep->daemon;
	struct me_forget forget = {.address = *address, .now_ns = daemon->now_ns};
	bool stale = false;

	for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++)
		stale |= learned->slot[i].stale_ns < daemon->now_ns + HOLD_NS;
	if (!stale)
		return 0;
	if (me_table_get(sweep->live, address)) {
		hold(daemon, address, learned);
		return 0;
	}
	return me_kernel_forget(daemon->kernel, &forget);
}

static void sweep_learned(struct me_daemon *daemon)
{
	struct sweep sweep = {.daemon = daemon, .live = me_table_new(sizeof(struct me_addr), 0, 0)};
	int err = sweep.live ? me_kernel_flows_each(daemon->kernel, note_live, &sweep) : -ENOMEM;

	if (!err)
		err = me_kernel_learned_each(daemon->kernel, sweep_address, &sweep);
	if (err)
		me_log_warning("learned addresses cannot be looked through: %s", strerror(-err));
	me_table_free(&sweep.live);
}

void me_daemon_dns_round(struct me_daemon *daemon)
{
	struct me_daemon_dns *dns = daemon->dns;
	uint64_t idle = daemon->now_ns - STREAM_IDLE_NS;
	uint64_t grace = daemon->policy->limits.grace_ns;
	bool many;

	me_daemon_dns_follow(daemon);
	if (++dns->rounds % SWEEP_ROUNDS == 0) {
		sweep_learned(daemon);
		me_kernel_queries_expire(daemon->kernel, daemon->now_ns, on_no_answer, daemon);
		me_kernel_fragments_expire(daemon->kernel, daemon->now_ns);
		me_kernel_ftp_expire(daemon->kernel, daemon->now_ns);
		me_dns_streams_expire(dns->streams, idle);
		me_witness_expire(daemon->witness, idle);
		me_aliases_expire(daemon->aliases, daemon->now_ns);
		if (daemon->now_ns > grace)
			me_answers_expire(me_ledger_answers(daemon->ledger),
					  daemon->now_ns - grace);
	}
	if (dns->spool && dns->rounds % SPOOL_ROUNDS == 0)
		me_spool_turn(dns->spool);
	many = me_answers_count(me_ledger_answers(daemon->ledger)) > SAVE_MANY;
	if (dns->rounds % (many ? SAVE_ROUNDS_MANY : SAVE_ROUNDS) == 0)
		me_daemon_names_save(daemon);
}

/* --- Records, opening, closing ------------------------------------------------------------------ */

int me_daemon_payload(struct me_daemon *daemon, const struct me_payload *head, const uint8_t *bytes)
{
	struct me_daemon_dns *dns = daemon->dns;
	bool half = head->kind == ME_RECORD_STREAM;
	int err = 0;

	if (head->kind == ME_RECORD_ANSWER)
		take_answer(daemon, head, bytes);
	else if (head->kind == ME_RECORD_STREAM)
		err = me_dns_streams_put(dns->streams, head, bytes);
	else if (head->kind == ME_RECORD_FIRST)
		half = me_daemon_claim(daemon, head, bytes);
	if (half && dns->spool && !daemon->replaying)
		me_spool_put(dns->spool, head, bytes);
	return err;
}

static void replay(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	me_daemon_payload(userdata, head, bytes);
}

void me_daemon_dns_replay(struct me_daemon *daemon)
{
	uint64_t since = daemon->now_ns - daemon->downtime_ns - STREAM_IDLE_NS;

	if (!daemon->dns->spool)
		return;
	daemon->replaying = true;
	me_spool_each(daemon->dns->spool, since, replay, daemon);
	daemon->replaying = false;
}

uint64_t me_daemon_dns_lost(const struct me_daemon *daemon)
{
	return me_dns_streams_evicted(daemon->dns->streams) +
	       me_dns_streams_broken(daemon->dns->streams);
}

static void open_spool(struct me_daemon *daemon)
{
	char path[4096];
	int err;

	if (!daemon->options.state)
		return;
	snprintf(path, sizeof(path), "%s/spool", daemon->options.state);
	err = me_spool_open(path, daemon->kept->ledger.epoch, &daemon->dns->spool);
	if (err)
		me_log_warning("%s: cannot be used, a kill may lose what a client said: %s", path,
			       strerror(-err));
}

int me_daemon_dns_open(struct me_daemon *daemon)
{
	const struct me_dns_stream_sink sink = {
		.data = daemon, .query = on_query, .answer = on_answer, .refused = on_refused};

	daemon->dns = calloc(1, sizeof(*daemon->dns));
	daemon->witness = me_witness_new();
	if (!daemon->dns || !daemon->witness)
		return -ENOMEM;
	daemon->dns->streams = me_dns_streams_new(&sink);
	daemon->aliases = me_aliases_new();
	if (!daemon->dns->streams || !daemon->aliases)
		return -ENOMEM;
	open_spool(daemon);
	me_daemon_names_load(daemon);
	return 0;
}

void me_daemon_dns_close(struct me_daemon *daemon)
{
	if (daemon->dns) {
		me_dns_streams_free(&daemon->dns->streams);
		me_spool_close(&daemon->dns->spool);
	}
	me_aliases_free(&daemon->aliases);
	free(daemon->dns);
	daemon->dns = NULL;
	me_witness_free(&daemon->witness);
}

uint32_t me_daemon_learned(const struct me_daemon *daemon, const struct me_addr *address,
			   struct me_learned_endpoint ret_learned[ME_NAME_ENDPOINTS])
{
	struct me_learned learned;
	uint32_t n = 0;

	if (!me_kernel_learned(daemon->kernel, address, &learned))
		return 0;
	for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
		enum me_evidence evidence = me_judge_learned(&learned.slot[i], daemon->now_ns);

		if (evidence != ME_EVIDENCE_NONE)
			ret_learned[n++] = (struct me_learned_endpoint){
				.endpoint = learned.slot[i].endpoint, .evidence = evidence};
	}
	return n;
}
