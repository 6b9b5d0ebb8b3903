/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>
#include "policy/compile_doh.h"
#include "base/inet.h"
#include "reference.h"

struct question {
	const struct me_policy *policy;
	const struct me_facts *facts;
	const struct reference_name *names;
	size_t n_names;
	bool local;
	bool global;
	bool recursive; /* the resolver itself asks, and may ask anybody */
};

static bool is_v4(const uint8_t *a)
{
	static const uint8_t before[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

	return memcmp(a, before, sizeof(before)) == 0;
}

static bool is_loopback(const uint8_t *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return is_v4(a) ? a[12] == 127 : memcmp(a, one, sizeof(one)) == 0;
}

/* Global unicast, private space included: neither loopback, link-local, multicast nor reserved. */
static bool is_global(const uint8_t *a)
{
	static const uint8_t none[16];

	if (is_v4(a))
		return a[12] != 0 && a[12] != 127 && a[12] < 224 && !(a[12] == 169 && a[13] == 254);
	if (a[0] == 0xff || (a[0] == 0xfe && a[1] >= 0x80 && a[1] <= 0xbf))
		return false;
	return !is_loopback(a) && memcmp(a, none, sizeof(none)) != 0;
}

static bool in_prefix(const uint8_t *a, const uint8_t *net, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int bit = 0x80u >> i % 8;

		if ((a[i / 8] & bit) != (net[i / 8] & bit))
			return false;
	}
	return true;
}

static bool same(const struct me_addr *a, const struct me_addr *b)
{
	return memcmp(a->byte, b->byte, 16) == 0;
}

bool reference_covers(const struct me_to *to, const char *name)
{
	size_t whole = strlen(name), suffix = to->name ? strlen(to->name) : 0;
	const char *dot = strchr(name, '.');

	switch (to->kind) {
	case ME_TO_NAME:
		return strcmp(name, to->name) == 0;
	case ME_TO_WILDCARD:
		return dot && dot != name && strcmp(dot + 1, to->name) == 0;
	case ME_TO_SUBTREE:
		return whole > suffix + 1 && name[whole - suffix - 1] == '.' &&
		       strcmp(name + whole - suffix, to->name) == 0;
	default:
		return false;
	}
}

static bool is_name(const struct me_policy *policy, const struct me_to *to)
{
	if (to->kind == ME_TO_PROXY)
		return policy->proxy.kind == ME_TO_NAME;
	return to->kind == ME_TO_NAME || to->kind == ME_TO_WILDCARD || to->kind == ME_TO_SUBTREE;
}

/* The kinds of evidence, the strongest first. */
static const enum me_evidence by_strength[] = {
	ME_EVIDENCE_VERIFIED,
	ME_EVIDENCE_LEARNED,
	ME_EVIDENCE_STALE,
	ME_EVIDENCE_CLAIMED,
};

static bool has_name(const struct question *q, const struct me_to *to, enum me_evidence evidence)
{
	if (to->kind == ME_TO_PROXY)
		to = &q->policy->proxy;
	for (size_t i = 0; i < q->n_names; i++) {
		if (q->names[i].evidence == evidence && reference_covers(to, q->names[i].name))
			return true;
	}
	return false;
}

/* The best evidence for a name that the destination covers; NONE if there is none that counts. */
static enum me_evidence evidence_for(const struct question *q, const struct me_to *to)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(by_strength); i++) {
		if (by_strength[i] == ME_EVIDENCE_CLAIMED && q->policy->strict_names)
			continue;
		if (has_name(q, to, by_strength[i]))
			return by_strength[i];
	}
	return ME_EVIDENCE_NONE;
}

static bool is_resolver(const struct me_policy *policy, const struct me_addr *dst)
{
	for (size_t i = 0; i < policy->resolvers.n_list; i++) {
		const struct me_resolver *resolver = &policy->resolvers.list[i];

		if (same(&resolver->address, dst))
			return true;
		for (size_t k = 0; k < resolver->n_upstream; k++) {
			if (same(&resolver->upstream[k], dst))
				return true;
		}
	}
	return false;
}

static bool covers_address(const struct question *q, const struct me_to *to)
{
	const struct me_addr *dst = &q->facts->dst;

	switch (to->kind) {
	case ME_TO_ADDRESS:
		return same(&to->address, dst);
	case ME_TO_PREFIX:
		return in_prefix(dst->byte, to->address.byte, to->bits);
	case ME_TO_RESOLVERS:
		return is_resolver(q->policy, dst);
	case ME_TO_PROXY:
		return q->policy->has_proxy && q->policy->proxy.kind == ME_TO_ADDRESS &&
		       same(&q->policy->proxy.address, dst);
	case ME_TO_PEERS:
		for (size_t i = 0; i < q->policy->n_peers; i++) {
			if (same(&q->policy->peers[i], dst))
				return true;
		}
		return false;
	default:
		return false;
	}
}

static bool covers(const struct question *q, const struct me_to *to)
{
	if (q->local)
		return to->kind == ME_TO_LOCAL;
	if (to->kind == ME_TO_ANY)
		return q->global;
	if (is_name(q->policy, to))
		return evidence_for(q, to) != ME_EVIDENCE_NONE;
	return covers_address(q, to) || (q->recursive && to->kind == ME_TO_RESOLVERS);
}

/* Whether the destination is on the list, by its address or by an answer: a claim is no answer. */
static bool lists(const struct question *q, const struct me_to *to)
{
	if (is_name(q->policy, to))
		return has_name(q, to, ME_EVIDENCE_VERIFIED) ||
		       has_name(q, to, ME_EVIDENCE_LEARNED) || has_name(q, to, ME_EVIDENCE_STALE);
	return covers_address(q, to);
}

static bool ports_cover(const struct me_rule *rule, const struct me_facts *facts)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct me_ports *p = &rule->ports[i];
		bool ported = p->proto == 6 || p->proto == 17 || p->proto == 132 || p->proto == 136;

		if (p->proto == facts->proto &&
		    (!ported || (facts->dport >= p->low && facts->dport <= p->high)))
			return true;
	}
	return false;
}

/* Steps of precedence, the strongest first; prefixes and subtrees have steps of their own within. */
static int step(const struct me_policy *policy, const struct me_to *to)
{
	switch (to->kind) {
	case ME_TO_NAME:
		return 0;
	case ME_TO_WILDCARD:
		return 1000;
	case ME_TO_SUBTREE:
		return 2000 + 255 - (int)strlen(to->name);
	case ME_TO_ADDRESS:
		return 3000;
	case ME_TO_PREFIX:
		return 3000 + 128 - to->bits;
	case ME_TO_PROXY:
		return policy->proxy.kind == ME_TO_NAME ? 0 : 4000;
	case ME_TO_RESOLVERS:
	case ME_TO_PEERS:
		return 4000;
	case ME_TO_ANY:
		return 5000;
	case ME_TO_LOCAL:
		break;
	}
	return 6000;
}

static bool holds(const struct me_rule *rule, uint64_t now)
{
	return rule->until_ns == 0 || now < rule->until_ns;
}

/* Whether (rule, to) decides rather than the best so far; rules come in file order. */
static bool beats(const struct me_policy *policy, const struct me_rule *rule,
		  const struct me_to *to, const struct me_rule *best, const struct me_to *best_to)
{
	int mine = step(policy, to), its = best ? step(policy, best_to) : 0;

	if (!best || mine != its)
		return !best || mine < its;
	return !rule->from_profile && best->from_profile;
}

/* What a stranger on this port is counted under: the strongest rule that has the port at all. */
static const char *service_of_port(const struct question *q, uint64_t now)
{
	const struct me_rule *best = NULL;
	const struct me_to *best_to = NULL;

	for (size_t i = 0; i < q->policy->n_rules; i++) {
		const struct me_rule *rule = &q->policy->rules[i];

		if (!holds(rule, now) || !ports_cover(rule, q->facts))
			continue;
		for (size_t k = 0; k < rule->n_to; k++) {
			if (beats(q->policy, rule, &rule->to[k], best, best_to)) {
				best = rule;
				best_to = &rule->to[k];
			}
		}
	}
	return best ? best->service : "unlisted";
}

static bool is_doh(const struct me_addr *dst)
{
	struct me_addr known;

	for (size_t i = 0; me_doh_resolvers[i]; i++) {
		if (me_inet_parse(me_doh_resolvers[i], known.byte) == 0 && same(&known, dst))
			return true;
	}
	return false;
}

static enum me_reason reason_of(const struct question *q, uint64_t now)
{
	const struct me_facts *f = q->facts;
	bool tcp_udp = f->proto == 6 || f->proto == 17;
	bool proto_named = false, listed = false, any = false, peers_port = false;

	for (size_t i = 0; i < q->policy->n_rules; i++) {
		const struct me_rule *rule = &q->policy->rules[i];

		if (!holds(rule, now))
			continue;
		for (size_t k = 0; k < rule->n_ports; k++)
			proto_named |= rule->ports[k].proto == f->proto;
		for (size_t k = 0; k < rule->n_to; k++) {
			any |= rule->to[k].kind == ME_TO_ANY;
			listed |= lists(q, &rule->to[k]);
			peers_port |= rule->to[k].kind == ME_TO_PEERS && ports_cover(rule, f);
		}
	}
	if (!proto_named && !tcp_udp)
		return ME_REASON_UNLISTED_PROTOCOL;
	if (tcp_udp && f->dport == 53 && !is_resolver(q->policy, &f->dst))
		return ME_REASON_WRONG_RESOLVER;
	if (tcp_udp && f->dport == 853)
		return ME_REASON_ENCRYPTED_DNS;
	if (tcp_udp && f->dport == 443 && (is_doh(&f->dst) || is_resolver(q->policy, &f->dst)))
		return ME_REASON_ENCRYPTED_DNS;
	if (peers_port)
		return ME_REASON_PEER_UNKNOWN;
	for (size_t i = 0; i < q->policy->n_remoting; i++) {
		const struct me_ports *p = &q->policy->remoting[i];

		if (p->proto == f->proto && f->dport >= p->low && f->dport <= p->high)
			return ME_REASON_REMOTING_OFF_HOST;
	}
	if (f->proto == 17 && f->dport == 443)
		return ME_REASON_QUIC;
	if (listed || (any && q->global))
		return ME_REASON_UNLISTED_PORT;
	return ME_REASON_UNLISTED_DESTINATION;
}

static bool name_rule_for_port(const struct question *q, uint64_t now)
{
	for (size_t i = 0; i < q->policy->n_rules; i++) {
		const struct me_rule *rule = &q->policy->rules[i];

		for (size_t k = 0; k < rule->n_to; k++) {
			if (holds(rule, now) && ports_cover(rule, q->facts) &&
			    is_name(q->policy, &rule->to[k]))
				return true;
		}
	}
	return false;
}

struct reference_verdict reference_judge(const struct me_policy *policy, uint64_t now_epoch_ns,
					 const struct me_facts *facts,
					 const struct reference_name *names, size_t n_names)
{
	struct question q = {
		.policy = policy,
		.facts = facts,
		.names = names,
		.n_names = n_names,
		.local = !(facts->flags & ME_FACT_WIRE) &&
			 (is_loopback(facts->dst.byte) || (facts->flags & ME_FACT_OWN)),
		.global = is_global(facts->dst.byte),
	};
	struct reference_verdict v = {.verdict = ME_VIOLATION};
	const struct me_to *best = NULL;

	q.recursive = (facts->flags & ME_FACT_RECURSIVE) && q.global && !q.local;
	if (facts->flags & ME_FACT_UNPARSABLE) {
		v.reason = ME_REASON_UNPARSABLE;
		v.service = "unlisted";
		return v;
	}
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (!holds(rule, now_epoch_ns) || !ports_cover(rule, facts))
			continue;
		for (size_t k = 0; k < rule->n_to; k++) {
			if (covers(&q, &rule->to[k]) &&
			    beats(policy, rule, &rule->to[k], v.rule, best)) {
				v.rule = rule;
				best = &rule->to[k];
			}
		}
	}
	if (v.rule) {
		bool address = best->kind == ME_TO_ADDRESS || best->kind == ME_TO_PREFIX;

		v.verdict = q.local ? ME_LOCAL : ME_ALLOWED;
		v.service = v.rule->service;
		v.endpoint = address ? v.rule->slug : best->text;
		v.evidence = is_name(policy, best) ? evidence_for(&q, best) : ME_EVIDENCE_LISTED;
	} else if (q.local) {
		v.verdict = ME_LOCAL;
		v.service = "local";
	} else {
		v.service = service_of_port(&q, now_epoch_ns);
		v.reason = reason_of(&q, now_epoch_ns);
		if (name_rule_for_port(&q, now_epoch_ns) || (facts->flags & ME_FACT_OWN_UNKNOWN))
			v.verdict = ME_PENDING;
	}
	return v;
}
