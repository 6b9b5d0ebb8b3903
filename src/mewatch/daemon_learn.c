/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an answer means, beyond what the programs do with it as it passes: learning from those that came
 * otherwise, the cache of all answers, and learning again for the names of another policy.
 */
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "ledger/aliases.h"
#include "ledger/answers.h"
#include "mewatch/dns_use.h"
#include "mewatch/daemon.h"
#include "policy/compile.h"
#include "policy/policy.h"

#define ALIAS_DEPTH 4 /* names in front of a name, at the most */
#define KNOWN_MAX 32u /* addresses of a target that are taken over */

/* --- Learning ----------------------------------------------------------------------------------- */

void me_daemon_dns_count(struct me_daemon *daemon, uint32_t which, uint64_t n)
{
	if (!daemon->replaying)
		daemon->kept->ledger.dns[which] += n;
}

static void learn_one(struct me_daemon *daemon, const struct me_addr *address, uint32_t endpoint,
		      uint8_t flags, uint64_t expires_ns, bool claimed)
{
	struct me_learn learn = {.address = *address,
				 .endpoint = endpoint,
				 .expires_ns = claimed ? 0 : expires_ns,
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
		me_daemon_dns_count(daemon, me_dns_refusals(refused), 1);
}

/* Learns an address for all endpoints of a name. */
static void learn_all(struct me_daemon *daemon, const struct me_named *named,
		      const struct me_addr *address, uint64_t expires_ns, bool claimed)
{
	for (uint32_t i = 0; i < named->n; i++)
		learn_one(daemon, address, named->endpoint[i], named->flags[i], expires_ns,
			  claimed);
}

/* Adds the endpoints of the names that this one stands for. */
static void add_aliases(struct me_daemon *daemon, const struct me_name *name, uint64_t now_ns,
			struct me_named *named)
{
	struct me_alias alias;

	if (me_kernel_alias(daemon->kernel, me_name_hash(name, 0), &alias) &&
	    alias.expires_ns >= now_ns && me_name_equal(name, &alias.name))
		me_named_join(named, &alias.named);
}

/* Without room an answer for that name alone teaches nothing; that is counted. */
static void put_alias(struct me_daemon *daemon, const struct me_alias *alias)
{
	if (me_kernel_alias_put(daemon->kernel, alias))
		me_daemon_dns_count(daemon, me_dns_refusals(ME_REFUSED_FULL), 1);
}

/* The names of the chain stand for the question's. */
static void put_aliases(struct me_daemon *daemon, const struct me_dns *dns,
			const struct me_named *named, uint64_t now_ns)
{
	for (uint32_t i = 1; i < dns->n_chain; i++) {
		struct me_alias alias = {.expires_ns = now_ns +
						       me_dns_life(dns->chain[i].ttl) * ME_NS_PER_S,
					 .named = *named,
					 .name = dns->chain[i].name};

		add_aliases(daemon, &alias.name, now_ns, &alias.named);
		put_alias(daemon, &alias);
	}
}

void me_daemon_dns_learn(struct me_daemon *daemon, const struct me_dns *dns,
			 const struct me_payload *head)
{
	bool own_leg = head->flags & ME_PAYLOAD_UPSTREAM;
	uint64_t ts_ns = head->ts_ns;
	struct me_named named;

	me_image_names_find(daemon->image, &dns->chain[0].name, &named);
	add_aliases(daemon, &dns->chain[0].name, ts_ns, &named);
	for (uint32_t i = 0; i < dns->n_addresses; i++)
		learn_all(daemon, &named, &dns->address[i].address,
			  ts_ns + me_dns_life(dns->address[i].ttl) * ME_NS_PER_S,
			  head->flags & ME_PAYLOAD_CLAIMED);
	if (named.n && (own_leg || !dns->n_addresses))
		put_aliases(daemon, dns, &named, ts_ns);
}

/* --- The cache of all answers ------------------------------------------------------------------- */

/* Adds a pair to the cache, and for all names that lead to this one. */
static void remember(struct me_daemon *daemon, struct me_answer *answer, int depth)
{
	const struct me_aliases *aliases = daemon->aliases;
	const char *name = answer->name, *alias;
	size_t cursor = 0;

	if (me_answers_add(me_ledger_answers(daemon->ledger), answer))
		me_log_warning("out of memory: a DNS answer is not remembered");
	while (depth && (alias = me_aliases_next(aliases, name, answer->last_ns, &cursor))) {
		struct me_answer as = *answer;

		as.name = alias;
		as.target = name;
		remember(daemon, &as, depth - 1);
	}
}

/* The chain ends without an address, but answers of before gave some to its last name. */
static void remember_known(struct me_daemon *daemon, struct me_answer *answer)
{
	struct me_answer known[KNOWN_MAX];
	const struct me_answer *of_target;
	struct me_named named;
	struct me_name name;
	size_t cursor = 0, n = 0;

	while (n < KNOWN_MAX && (of_target = me_answers_of_name(me_ledger_answers(daemon->ledger),
								answer->target, &cursor)))
		if (of_target->until_ns >= answer->last_ns)
			known[n++] = *of_target;
	if (me_name_from_text(answer->name, &name))
		return;
	me_image_names_find(daemon->image, &name, &named);
	for (size_t i = 0; i < n; i++) {
		answer->address = known[i].address;
		answer->until_ns = known[i].until_ns;
		learn_all(daemon, &named, &answer->address, answer->until_ns, false);
		remember(daemon, answer, ALIAS_DEPTH);
	}
}

void me_daemon_dns_remember(struct me_daemon *daemon, const struct me_dns *dns,
			    const struct me_payload *head)
{
	bool apart = (head->flags & ME_PAYLOAD_UPSTREAM) || !dns->n_addresses;
	char name[ME_NAME_TEXT_MAX], target[ME_NAME_TEXT_MAX];
	struct me_answer answer = {.name = name,
				   .target = dns->n_chain > 1 ? target : NULL,
				   .server = head->key.peer,
				   .since_ns = head->ts_ns,
				   .last_ns = head->ts_ns,
				   .count = 1};

	if (head->flags & ME_PAYLOAD_CLAIMED)
		return; /* what is remembered is learned again for another policy */
	me_name_to_text(&dns->chain[0].name, name);
	for (uint32_t i = 1; i < dns->n_chain; i++) {
		me_name_to_text(&dns->chain[i].name, target);
		if (apart &&
		    me_aliases_put(daemon->aliases, target, name,
				   head->ts_ns + me_dns_life(dns->chain[i].ttl) * ME_NS_PER_S))
			me_daemon_dns_count(daemon, me_dns_refusals(ME_REFUSED_FULL), 1);
	}
	for (uint32_t i = 0; i < dns->n_addresses; i++) {
		answer.address = dns->address[i].address;
		answer.until_ns = head->ts_ns + me_dns_life(dns->address[i].ttl) * ME_NS_PER_S;
		if (daemon->answered)
			daemon->answered(daemon, &answer);
		remember(daemon, &answer, ALIAS_DEPTH);
	}
	/* A client would ask for the target now; a resolver has it already. */
	if (answer.target && !dns->n_addresses && (head->flags & ME_PAYLOAD_UPSTREAM))
		remember_known(daemon, &answer);
}

/* --- Another policy ---------------------------------------------------------------------------- */

/* A name that the policy may have got since its chain was seen. */
static void relearn_alias(const char *target, const char *text, uint64_t until_ns, void *userdata)
{
	struct me_alias alias = {.expires_ns = until_ns};
	struct me_daemon *daemon = userdata;
	struct me_name name;

	if (me_name_from_text(text, &name) || me_name_from_text(target, &alias.name))
		return;
	me_image_names_find(daemon->image, &name, &alias.named);
	if (!alias.named.n)
		return;
	add_aliases(daemon, &alias.name, daemon->now_ns, &alias.named);
	put_alias(daemon, &alias);
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
			learn_all(daemon, &named, &answer->address, answer->until_ns, false);
	}
	me_aliases_each(daemon->aliases, daemon->now_ns, relearn_alias, daemon);
}
