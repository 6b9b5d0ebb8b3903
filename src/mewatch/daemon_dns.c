/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS in the daemon: answers that the programs trusted fill the cache of names; DNS over TCP is put
 * together and learned here; what is learned is kept over reloads, and forgotten when it is stale.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "ledger/answers.h"
#include "ledger/dns_stream.h"
#include "ledger/witness.h"
#include "mewatch/daemon.h"
#include "policy/compile.h"
#include "policy/policy.h"

#define SWEEP_ROUNDS 10u /* rounds between two looks for what is stale */
#define SAVE_ROUNDS 60u  /* rounds between two savings of the cache */
/* Segments of DNS over TCP, and of first payloads, that lead nowhere. */
#define STREAM_IDLE_NS (60ull * ME_NS_PER_S)

struct me_daemon_dns {
	struct me_dns_streams *streams;
	struct me_dns dns; /* the answer being read */
	uint64_t rounds;
};

/* --- Learning ----------------------------------------------------------------------------------- */

/* User space's own counts outlive it. */
static void count(struct me_daemon *daemon, uint32_t which, uint64_t n)
{
	daemon->kept->ledger.dns[which] += n;
}

static void learn_one(struct me_daemon *daemon, const struct me_addr *address, uint32_t endpoint,
		      uint8_t flags, uint64_t expires_ns)
{
	struct me_learn learn = {.address = *address,
				 .endpoint = endpoint,
				 .expires_ns = expires_ns,
				 .stale_ns = expires_ns + daemon->policy->limits.grace_ns};
	enum me_refused refused = me_dns_refused(address, flags);
	int err = 0;

	if (refused == ME_REFUSED_COUNT) {
		err = me_kernel_learn(daemon->kernel, &learn);
		refused = err ? ME_REFUSED_BUSY : (enum me_refused)learn.result;
	}
	if (err)
		me_log_warning("an address cannot be learned: %s", strerror(-err));
	if (refused < ME_REFUSED_COUNT)
		count(daemon, me_dns_refusals(refused), 1);
}

/* Learns an address for all endpoints of a name. */
static void learn_all(struct me_daemon *daemon, const struct me_named *named,
		      const struct me_addr *address, uint64_t expires_ns)
{
	for (uint32_t i = 0; i < named->n; i++)
		learn_one(daemon, address, named->endpoint[i], named->flags[i], expires_ns);
}

/* Adds the endpoints of the names that this one stands for. */
static void add_aliases(struct me_daemon *daemon, const struct me_name *name, uint64_t now_ns,
			struct me_named *named)
{
	struct me_alias alias;

	if (!me_kernel_alias(daemon->kernel, me_name_hash(name, 0), &alias) ||
	    alias.expires_ns < now_ns || !me_name_equal(name, &alias.name))
		return;
	for (uint32_t i = 0; i < alias.named.n && named->n < ME_NAME_ENDPOINTS; i++) {
		named->endpoint[named->n] = alias.named.endpoint[i];
		named->flags[named->n++] = alias.named.flags[i];
	}
}

/* What the programs do with an answer over UDP (bpf/dns.h), for one that came otherwise. */
static void learn_answer(struct me_daemon *daemon, const struct me_dns *dns, uint64_t ts_ns)
{
	const struct me_dns_link *last = &dns->chain[dns->n_chain - 1];
	struct me_named named;

	me_image_names_find(daemon->image, &dns->chain[0].name, &named);
	add_aliases(daemon, &dns->chain[0].name, ts_ns, &named);
	for (uint32_t i = 0; i < dns->n_addresses; i++)
		learn_all(daemon, &named, &dns->address[i].address,
			  ts_ns + me_dns_life(dns->address[i].ttl) * ME_NS_PER_S);
	if (named.n && !dns->n_addresses && dns->n_chain > 1) {
		struct me_alias alias = {.expires_ns = ts_ns + me_dns_life(last->ttl) * ME_NS_PER_S,
					 .named = named,
					 .name = last->name};

		me_kernel_alias_put(daemon->kernel, &alias);
	}
}

/* --- The cache of all answers ------------------------------------------------------------------- */

static void remember_answer(struct me_daemon *daemon, const struct me_dns *dns,
			    const struct me_addr *server, uint64_t ts_ns)
{
	const struct me_dns_link *last = &dns->chain[dns->n_chain - 1];
	char name[ME_NAME_TEXT_MAX], target[ME_NAME_TEXT_MAX];
	struct me_answer answer = {.name = name,
				   .target = dns->n_chain > 1 ? target : NULL,
				   .server = *server,
				   .since_ns = ts_ns,
				   .last_ns = ts_ns,
				   .count = 1};

	me_name_to_text(&dns->chain[0].name, name);
	me_name_to_text(&last->name, target);
	for (uint32_t i = 0; i < dns->n_addresses; i++) {
		answer.address = dns->address[i].address;
		answer.until_ns = ts_ns + me_dns_life(dns->address[i].ttl) * ME_NS_PER_S;
		if (me_answers_add(me_ledger_answers(daemon->ledger), &answer))
			me_log_warning("out of memory: a DNS answer is not remembered");
	}
}

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
	remember_answer(daemon, dns, &head->key.peer, head->ts_ns);
	if (head->flags & ME_PAYLOAD_RELEARN)
		learn_answer(daemon, dns, head->ts_ns);
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
	count(daemon, me_dns_queries(category), 1);
	if (me_dns_is_dnsbl(category))
		me_kernel_zone_add(daemon->kernel, named.zone,
				   &(struct me_zone_counts){.queries = 1});
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
		count(daemon, me_dns_responses(category, me_dns_rcode(dns->flags)), 1);
	if (me_dns_is_dnsbl(category) && !own_leg)
		on_list_answer(daemon, named.zone, dns);
	if (!me_dns_has_addresses(category, &named))
		return;
	count(daemon, me_dns_refusals(ME_REFUSED_OTHER_NAME), dns->other_names);
	count(daemon, me_dns_refusals(ME_REFUSED_MANY_ANSWERS), dns->too_many);
	count(daemon, me_dns_refusals(ME_REFUSED_MALFORMED), dns->malformed);
	if (me_dns_rcode(dns->flags) != ME_RCODE_NOERROR)
		return;
	remember_answer(daemon, dns, &head->key.peer, head->ts_ns);
	learn_answer(daemon, dns, head->ts_ns);
}

static void on_refused(void *data, enum me_refused cause)
{
	count(data, me_dns_refusals(cause), 1);
}

/* --- Over time ---------------------------------------------------------------------------------- */

/* The cgroup of the recursive resolver: a service that is started again has another one. */
static void follow_recursive(struct me_daemon *daemon)
{
	const char *path = daemon->policy->resolvers.recursive_cgroup;
	_cleanup_close_ int fd = -1;
	uint64_t id = 0;

	if (path)
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

/* An address in use is stale at most as long as it is: its endpoints get the grace once more. */
static void hold(struct me_daemon *daemon, const struct me_addr *address,
		 const struct me_learned *learned)
{
	for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
		struct me_learn learn = {.address = *address,
					 .endpoint = learned->slot[i].endpoint,
					 .expires_ns = learned->slot[i].expires_ns,
					 .stale_ns =
						 daemon->now_ns + daemon->policy->limits.grace_ns};

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
		stale |=
			learned->slot[i].stale_ns < daemon->now_ns + SWEEP_ROUNDS * 2 * ME_NS_PER_S;
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

	follow_recursive(daemon);
	if (++dns->rounds % SWEEP_ROUNDS == 0) {
		sweep_learned(daemon);
		me_kernel_queries_expire(daemon->kernel, daemon->now_ns);
		me_dns_streams_expire(dns->streams, idle);
		me_witness_expire(daemon->witness, idle);
		if (daemon->now_ns > grace)
			me_answers_expire(me_ledger_answers(daemon->ledger),
					  daemon->now_ns - grace);
	}
	if (dns->rounds % SAVE_ROUNDS == 0)
		me_daemon_names_save(daemon);
}

void me_daemon_dns_relearn(struct me_daemon *daemon)
{
	const struct me_answers *answers = me_ledger_answers(daemon->ledger);
	const struct me_answer *answer;
	size_t cursor = 0;

	while ((answer = me_answers_next(answers, &cursor))) {
		struct me_named named;
		struct me_name name;

		if (me_name_from_text(answer->name, &name))
			continue;
		me_image_names_find(daemon->image, &name, &named);
		if (answer->until_ns + daemon->policy->limits.grace_ns > daemon->now_ns)
			learn_all(daemon, &named, &answer->address, answer->until_ns);
	}
	follow_recursive(daemon);
}

/* --- Records, opening, closing ------------------------------------------------------------------ */

int me_daemon_payload(struct me_daemon *daemon, const struct me_payload *head, const uint8_t *bytes)
{
	if (head->kind == ME_RECORD_ANSWER)
		take_answer(daemon, head, bytes);
	else if (head->kind == ME_RECORD_STREAM)
		return me_dns_streams_put(daemon->dns->streams, head, bytes);
	else if (head->kind == ME_RECORD_FIRST)
		me_daemon_claim(daemon, head, bytes);
	return 0;
}

uint64_t me_daemon_dns_lost(const struct me_daemon *daemon)
{
	return me_dns_streams_evicted(daemon->dns->streams) +
	       me_dns_streams_broken(daemon->dns->streams);
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
	if (!daemon->dns->streams)
		return -ENOMEM;
	me_daemon_names_load(daemon);
	return 0;
}

void me_daemon_dns_close(struct me_daemon *daemon)
{
	if (daemon->dns)
		me_dns_streams_free(&daemon->dns->streams);
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
