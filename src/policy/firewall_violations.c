/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/types.h"
#include "policy/firewall_parts.h"

/* The action on what matched, with the reason as the judge calls it. */
static void violation(const struct me_firewall *f, enum me_reason reason)
{
	me_strbuf_addf(f->out, "counter %s comment \"violation: %s\"\n",
		       f->options->drop ? "drop" : "accept", me_reason_label(reason));
}

/* One rule a family for which the set is there. */
static void by_set(const struct me_firewall *f, uint8_t there, const char *match, const char *set,
		   enum me_reason reason)
{
	for (unsigned int v = 4; v <= 6; v += 2) {
		const char *ip = v == 4 ? "ip" : "ip6";

		if (!(there & (v == 4 ? ME_FIREWALL_V4 : ME_FIREWALL_V6)))
			continue;
		me_strbuf_addf(f->out, "\t\t%s%s daddr @%s%u ", match, ip, set, v);
		violation(f, reason);
	}
}

/* DNS to who is no resolver, in one family. */
static void wrong_resolver(const struct me_firewall *f, const char *ip, uint8_t there,
			   unsigned int v)
{
	me_strbuf_addf(f->out, "\t\tmeta nfproto ipv%u meta l4proto { 6, 17 } th dport 53 ", v);
	if (there)
		me_strbuf_addf(f->out, "%s daddr != @resolvers%u ", ip, v);
	violation(f, ME_REASON_WRONG_RESOLVER);
}

static void by_ports(const struct me_firewall *f, const struct me_ports *ports, size_t n,
		     enum me_reason reason)
{
	struct me_strbuf matches[ME_FIREWALL_MATCHES] = {0};

	me_firewall_ports(ports, n, matches);
	for (size_t i = 0; i < ME_FIREWALL_MATCHES; i++) {
		if (matches[i].len) {
			me_strbuf_addf(f->out, "\t\t%s ", matches[i].data);
			violation(f, reason);
		}
		if (matches[i].err)
			f->out->err = matches[i].err;
		me_strbuf_free(&matches[i]);
	}
}

/* Protocols that no rule in force names; of TCP and UDP more can be said. */
static void unlisted_protocol(const struct me_firewall *f)
{
	bool named[256] = {[IPPROTO_TCP] = true, [IPPROTO_UDP] = true};
	bool first = true;

	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		const struct me_rule *rule = me_firewall_rule(f, rank);

		for (size_t i = 0; i < rule->n_ports; i++)
			named[rule->ports[i].proto] = true;
	}
	me_strbuf_adds(f->out, "\t\tmeta l4proto != {");
	for (unsigned int proto = 0; proto < ME_ARRAY_SIZE(named); proto++) {
		if (!named[proto])
			continue;
		me_strbuf_addf(f->out, "%s %u", first ? "" : ",", proto);
		first = false;
	}
	me_strbuf_adds(f->out, " } ");
	violation(f, ME_REASON_UNLISTED_PROTOCOL);
}

static void peer_unknown(const struct me_firewall *f)
{
	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		const struct me_rule *rule = me_firewall_rule(f, rank);

		if (me_firewall_to(f, rank)->kind == ME_TO_PEERS)
			by_ports(f, rule->ports, rule->n_ports, ME_REASON_PEER_UNKNOWN);
	}
}

/* The destination is in the policy, if not on this port. */
static void unlisted_port(const struct me_firewall *f)
{
	bool any = false;

	by_set(f, f->listed, "", "listed", ME_REASON_UNLISTED_PORT);
	for (uint32_t rank = 1; rank < f->entries.count; rank++)
		any |= f->entries.list[rank].match == ME_MATCH_ANY;
	for (uint32_t rank = 1; !any && rank < f->entries.count; rank++) {
		char set[16];

		if (!me_firewall_is_name(f, rank))
			continue;
		snprintf(set, sizeof(set), "e%u_", rank);
		by_set(f, f->families[rank], "", set, ME_REASON_UNLISTED_PORT);
	}
	if (!any)
		return;
	me_strbuf_adds(f->out, "\t\tip daddr != @special4 ");
	violation(f, ME_REASON_UNLISTED_PORT);
	me_strbuf_adds(f->out, "\t\tip6 daddr != @special6 ");
	violation(f, ME_REASON_UNLISTED_PORT);
}

void me_firewall_violations(const struct me_firewall *f)
{
	if (f->ftp) {
		me_strbuf_adds(f->out, "\t\tmeta l4proto 6 ip saddr . ip daddr @ftp4 ");
		violation(f, ME_REASON_FTP_UNANNOUNCED);
		me_strbuf_adds(f->out, "\t\tmeta l4proto 6 ip6 saddr . ip6 daddr @ftp6 ");
		violation(f, ME_REASON_FTP_UNANNOUNCED);
	}
	unlisted_protocol(f);
	wrong_resolver(f, "ip", f->resolvers & ME_FIREWALL_V4, 4);
	wrong_resolver(f, "ip6", f->resolvers & ME_FIREWALL_V6, 6);
	me_strbuf_adds(f->out, "\t\tmeta l4proto { 6, 17 } th dport 853 ");
	violation(f, ME_REASON_ENCRYPTED_DNS);
	by_set(f, f->doh, "meta l4proto { 6, 17 } th dport 443 ", "doh", ME_REASON_ENCRYPTED_DNS);
	by_set(f, f->resolvers, "meta l4proto { 6, 17 } th dport 443 ", "resolvers",
	       ME_REASON_ENCRYPTED_DNS);
	peer_unknown(f);
	by_ports(f, f->policy->remoting, f->policy->n_remoting, ME_REASON_REMOTING_OFF_HOST);
	me_strbuf_adds(f->out, "\t\tudp dport 443 ");
	violation(f, ME_REASON_QUIC);
	unlisted_port(f);
	me_strbuf_adds(f->out, "\t\t");
	violation(f, ME_REASON_UNLISTED_DESTINATION);
}
