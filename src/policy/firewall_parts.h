/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_FIREWALL_PARTS_H
#define MEWATCH_POLICY_FIREWALL_PARTS_H

/* What the parts of the firewall printer share. */
#include "policy/compile_entries.h"
#include "policy/firewall.h"
#include "policy/policy.h"

#define ME_FIREWALL_V4 1u
#define ME_FIREWALL_V6 2u

struct me_firewall {
	const struct me_policy *policy;
	const struct me_firewall_options *options;
	struct me_entries entries; /* the targets by (entry, address, bits) */
	uint8_t *families; /* of each rank: ME_FIREWALL_V4 and _V6, for which it has a set */
	uint8_t resolvers, doh, listed, ftp; /* the same of the sets called so */
	struct me_strbuf *out;
};

/* The rule and the destination behind a rank. */
static inline const struct me_rule *me_firewall_rule(const struct me_firewall *f, uint32_t rank)
{
	return &f->policy->rules[f->entries.sources[rank].rule];
}

static inline const struct me_to *me_firewall_to(const struct me_firewall *f, uint32_t rank)
{
	return &me_firewall_rule(f, rank)->to[f->entries.sources[rank].to];
}

static inline bool me_firewall_is_name(const struct me_firewall *f, uint32_t rank)
{
	return f->entries.list[rank].match <= ME_MATCH_SUBTREE;
}

/*
 * Fills in the entries, as the image has them. me_firewall_end() is due whatever comes back: 0, -EINVAL
 * (diagnosed) or -ENOMEM.
 */
int me_firewall_begin(struct me_firewall *f, const struct me_environment *environment,
		      struct me_diagnostics *diagnostics);
void me_firewall_end(struct me_firewall *f);

/* Appends the rule's slug and place, escaped, no longer than a comment of nft may be. */
void me_firewall_who(const struct me_firewall *f, uint32_t rank);

/* The sets; notes in `f` which there are. */
void me_firewall_sets(struct me_firewall *f);

/* How ports are matched: one expression for each protocol with ports, one for all others. */
#define ME_FIREWALL_MATCHES 5u
void me_firewall_ports(const struct me_ports *ports, size_t n,
		       struct me_strbuf matches[ME_FIREWALL_MATCHES]);

/* The rules of all entries that a flow to somebody else may match, and those of FTP's data. */
void me_firewall_allow(const struct me_firewall *f);
/* The rules for what goes to this machine itself. */
void me_firewall_own(const struct me_firewall *f);
/* The rules for what is left, by reason. */
void me_firewall_violations(const struct me_firewall *f);

#endif
