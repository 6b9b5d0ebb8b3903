/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include "base/clock.h"
#include "base/inet.h"
#include "base/text.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/ports.h"

/* The labels of the name before the suffix that a wildcard gives. */
static void add_labels(struct me_strbuf *out, const char *name, const char *suffix)
{
	size_t before = strlen(name) - strlen(suffix);

	me_strbuf_add(out, name, before ? before - 1 : 0);
}

static void add_ports(struct me_strbuf *out, const struct me_rule *rule)
{
	char text[ME_PORTS_LEN];

	for (size_t i = 0; i < rule->n_ports; i++) {
		me_ports_format(&rule->ports[i], text);
		me_strbuf_addf(out, "%s%s", i ? ", " : "", text);
	}
}

/* How the deciding destination covers what is asked. */
static void add_match(struct me_strbuf *out, const struct me_explanation *e,
		      const struct me_policy *policy)
{
	switch (e->to->kind) {
	case ME_TO_ADDRESS:
		me_strbuf_adds(out, "the address is listed");
		break;
	case ME_TO_PREFIX:
		me_strbuf_addf(out,
			       "%s is the longest listed prefix around the address that has "
			       "this port",
			       e->to->text);
		break;
	case ME_TO_NAME:
		me_strbuf_adds(out, "the name is listed");
		break;
	case ME_TO_WILDCARD:
		me_strbuf_addf(out, "%s stands for exactly one label more, here `", e->to->text);
		add_labels(out, e->query.name, e->to->name);
		me_strbuf_addc(out, '`');
		break;
	case ME_TO_SUBTREE:
		me_strbuf_addf(out, "%s stands for one label more or several, here `", e->to->text);
		add_labels(out, e->query.name, e->to->name);
		me_strbuf_addc(out, '`');
		break;
	case ME_TO_RESOLVERS:
		me_strbuf_adds(out, e->flags & ME_FACT_RECURSIVE
					    ? "who walks the DNS itself may ask any server"
					    : "the address is one of the configured resolvers");
		break;
	case ME_TO_PROXY:
		me_strbuf_addf(out, "%s is the configured proxy", policy->proxy.text);
		break;
	case ME_TO_PEERS:
		me_strbuf_adds(out, "the address is one of the configured peers");
		break;
	case ME_TO_ANY:
		me_strbuf_adds(out, "`any` is every global unicast address");
		break;
	case ME_TO_LOCAL:
		me_strbuf_adds(out, "`local` is loopback and the own addresses");
		break;
	}
}

static void add_seconds(struct me_strbuf *out, uint64_t ns)
{
	me_strbuf_addf(out, ns % ME_NS_PER_S ? "%.3f s" : "%.0f s", (double)ns / ME_NS_PER_S);
}

/* What a pending flow waits for, and what it becomes. */
static void add_pending(struct me_strbuf *out, const struct me_judgement *judgement,
			const struct me_policy *policy)
{
	me_strbuf_adds(out, "there are name rules for this port, so the flow waits up to ");
	add_seconds(out, policy->limits.pending_ns);
	me_strbuf_addf(out,
		       " for a DNS answer%s that names the destination, and is then a violation: "
		       "%s",
		       policy->strict_names ? "" : ", SNI or Host",
		       me_reason_label(judgement->reason));
}

static void add_verdict(struct me_strbuf *out, const struct me_judgement *judgement,
			const struct me_policy *policy)
{
	if (judgement->verdict == ME_PENDING) {
		me_strbuf_adds(out, "nothing allows it yet; ");
		add_pending(out, judgement, policy);
	} else {
		me_strbuf_addf(out, "no rule allows it; %s: %s", me_reason_label(judgement->reason),
			       me_reason_help(judgement->reason));
	}
}

void me_explain_why(const struct me_explanation *explanation, const struct me_policy *policy,
		    struct me_strbuf *out)
{
	const struct me_judgement *judgement = &explanation->judgement;

	if (judgement->verdict == ME_ALLOWED) {
		add_match(out, explanation, policy);
	} else if (judgement->verdict == ME_LOCAL && judgement->service == ME_SERVICE_LINK) {
		me_strbuf_adds(out,
			       "broadcast and link multicast do not leave the link: no attempt");
	} else if (judgement->verdict == ME_LOCAL) {
		me_strbuf_addf(out, "the destination is %s, which is local whatever the port%s",
			       me_addr_kind(&explanation->query.address) == ME_ADDR_LOOPBACK
				       ? "loopback"
				       : "an own address of this machine",
			       explanation->rule ? "; the rule gives the service" : "");
	} else {
		add_verdict(out, judgement, policy);
	}
	if (judgement->flags & ME_ENTRY_RETIRED)
		me_strbuf_adds(out, "; the entry is retired: using it is a finding");
}

void me_explain_before(const struct me_explanation *explanation, const struct me_policy *policy,
		       struct me_strbuf *out)
{
	if (explanation->before.verdict == ME_ALLOWED)
		me_strbuf_adds(out, "allowed by a rule that does not need the name");
	else
		add_verdict(out, &explanation->before, policy);
}

/* Why `to` of `rule` comes after what decides; the first difference in the order of precedence. */
static void add_weaker(struct me_strbuf *out, const struct me_explanation *e,
		       const struct me_rule *rule, const struct me_to *to)
{
	const struct me_to *first = e->to;

	if (first->kind != to->kind)
		me_strbuf_addf(out,
			       "`%s` comes after `%s`: exact names, `*.`, `**.`, addresses, "
			       "prefixes, keywords, `any` is the order",
			       to->text, first->text);
	else if (to->kind == ME_TO_PREFIX && first->bits != to->bits)
		me_strbuf_addf(out, "the prefix %s is shorter than %s", to->text, first->text);
	else if (to->kind == ME_TO_SUBTREE && strlen(first->name) != strlen(to->name))
		me_strbuf_addf(out, "the suffix of %s is shorter than that of %s", to->text,
			       first->text);
	else if (e->rule->from_profile != rule->from_profile)
		me_strbuf_adds(out, "rules of the site come before those of the profile");
	else
		me_strbuf_adds(out, "it comes later in the file");
}

/* Who may ask any server. */
static void add_recursive(struct me_strbuf *out, const struct me_policy *policy)
{
	const char *exe = policy->resolvers.recursive_exe;
	const char *path = exe ? exe : policy->resolvers.recursive_cgroup;
	char shown[ME_TEXT_ESCAPED(ME_POLICY_TEXT_MAX)];

	me_text_escape(shown, sizeof(shown), path, strlen(path));
	me_strbuf_addf(out, "allows it for the recursive resolver alone: %s %s",
		       exe ? "the program" : "cgroup", shown);
}

void me_explain_other(const struct me_explanation *explanation, const struct me_policy *policy,
		      const struct me_other *other, struct me_strbuf *out)
{
	const struct me_to *to = other->to;
	char until[ME_RFC3339_LEN];

	switch (other->role) {
	case ME_ROLE_WEAKER:
		me_strbuf_adds(out, "would allow it too, but ");
		add_weaker(out, explanation, other->rule, to);
		break;
	case ME_ROLE_WAITED:
		me_strbuf_addf(out, "allows it once an answer for %s%s gave the address",
			       to->kind == ME_TO_WILDCARD || to->kind == ME_TO_SUBTREE
				       ? "a name that is "
				       : "",
			       to->kind == ME_TO_PROXY ? policy->proxy.text : to->text);
		break;
	case ME_ROLE_PASSED:
		me_strbuf_addf(out, "%s does not reach local destinations", to->text);
		break;
	case ME_ROLE_PORTS:
		me_strbuf_adds(out, "lists this destination for ");
		add_ports(out, other->rule);
		me_strbuf_adds(out, " only");
		break;
	case ME_ROLE_DEPTH:
		if (strcmp(explanation->query.name, to->name) == 0)
			me_strbuf_addf(out, "%s does not cover %s itself", to->text, to->name);
		else
			me_strbuf_addf(out,
				       "%s stands for exactly one label more; `**.%s` would "
				       "cover it",
				       to->text, to->name);
		break;
	case ME_ROLE_RECURSIVE:
		add_recursive(out, policy);
		break;
	case ME_ROLE_EXPIRED:
		me_clock_rfc3339(other->rule->until_ns, until);
		me_strbuf_addf(out, "would allow it, but its `until` was over at %s", until);
		break;
	case ME_ROLE_COUNT:
		break;
	}
}
